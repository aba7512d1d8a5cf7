//! Moves by the symmetries that a target states: `x -> g x`, with `g` drawn uniformly from each of them in turn.
//!
//! A set of maps that holds the inverse of each, drawn from whatever the point is, is in detailed balance with every law that all maps leave alone:
//! nothing is refused and nothing evaluated. The log-density is kept as it is (it may differ from that evaluated anew by rounding), and a known
//! gradient turns with the point.
//! A symmetry that is none makes wrong draws; a run looks at its starts first (`density/symmetry/check.rs`).
//! Cost: none worth mentioning; where gradients do not turn (maps that are no isometries), one gradient for the kernel that comes after.

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::{Block, Context, Kernel, Law, Leaf, Needs, Role, TallySheet};
use crate::ConfigError;
use crate::scratch::scratch;

const NAME: &str = "symmetry";

/// Settings of [`SymmetryMoves`]: there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SymmetryMovesConfig {}

impl SymmetryMovesConfig {
    // In turn they are reversible each, but not together.
    const LAW: Law = Law::exact();
}

impl Settings for SymmetryMovesConfig {
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    fn kernel(&self, _: usize) -> Result<Box<dyn Kernel>, ConfigError> {
        Ok(Box::new(SymmetryMoves))
    }

    fn law(&self) -> Law {
        Self::LAW
    }

    fn evaluations(&self) -> f64 {
        0.0
    }
}

/// Moves by the symmetries of the target.
pub struct SymmetryMoves;

impl Kernel for SymmetryMoves {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new(NAME, Role::Symmetry)]
    }

    fn law(&self) -> Law {
        SymmetryMovesConfig::LAW
    }

    fn needs(&self) -> Needs {
        Needs { symmetry: true, ..Needs::default() }
    }

    fn adapts(&self) -> bool {
        false
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let dim = block.dim();
        let (mut x, mut image) = (scratch(dim), scratch(dim));
        let (mut grad, mut turned) = (scratch(dim), scratch(dim));
        for row in 0..block.rows() {
            x.copy_from_slice(block.x().row(row));
            let mut known = block.known_grad(row).is_some_and(|g| {
                grad.copy_from_slice(g);
                true
            });
            for symmetry in context.target.target().symmetries() {
                let mut element = scratch(symmetry.element_len());
                symmetry.draw(block.stream(row), &mut element);
                symmetry.apply(&element, &x, &mut image);
                x.copy_from_slice(&image);
                if known && symmetry.apply_to_gradient(&element, &grad, &mut turned) {
                    grad.copy_from_slice(&turned);
                } else {
                    known = false;
                }
            }
            let tally = sheet.tally(row);
            tally.tries += 1;
            tally.accept_prob += 1.0;
            if x.iter().zip(block.x().row(row)).any(|(new, old)| new.to_bits() != old.to_bits()) {
                tally.moves += 1;
                let log_prob = block.log_prob()[row];
                block.move_to(row, &x, log_prob, known.then_some(&*grad));
            }
        }
    }
}
