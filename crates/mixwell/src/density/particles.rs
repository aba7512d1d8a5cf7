//! Particles that attract and repel in pairs: the double-well system DW4 and the Lennard-Jones cluster LJ13.
//!
//! DW4, four particles in the plane: `U = sum over pairs  0.9 (d - 4)^4 - 4 (d - 4)^2`.
//! LJ13, thirteen in space: `U = sum over pairs  2 (d^-12 - 2 d^-6)  +  (1/2) sum_i |x_i - centre of mass|^2`.
//! `log_prob = -U`, unnormalised; `d` is the distance of a pair.
//!
//! Neither energy knows where the centre of mass is, so on all coordinates neither density has a finite integral.
//! `Removed` (default) samples `y in R^{(n-1) space}` with `x = H' y` (`helmert.rs`), and reports all `n * space` positions, whose centre is at the origin.
//! `Tethered` samples all positions and adds `(strength/2) n |centre of mass|^2`, so that `sqrt(n)` times the centre is
//! an independent `N(0, 1/strength)`; what depends on differences alone has the same law either way.
//! Exact: mean 0, by the symmetry `x -> -x`; and `E[x . grad U] = dim`.
//! Reference: Köhler, Klein, Noé (2020), whose data sets use these constants; LJ13's factor 2 counts ordered pairs.
//! Differs: sets of samples in circulation leave DW4's centre of mass free, where it wanders without end.
//! Shapes: points are rows; positions are particle after particle.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::helmert::Helmert;
use super::lanes::{self, Lanes};
use super::particle_orders::ParticleOrders;
use super::{Facts, Target, Variable};
use crate::scratch::scratch;
use crate::symmetry::{Permutations, Rotations, Symmetry};
use crate::{ConfigError, range};

/// What is done about the centre of mass, on which pair energies do not depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CentreOfMass {
    /// It stays at the origin; the target has `space` coordinates fewer than there are positions.
    #[default]
    Removed,
    /// It is held near the origin by a spring.
    Tethered {
        /// Inverse variance of `sqrt(n)` times the centre of mass.
        strength: f64,
    },
}

impl CentreOfMass {
    fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Removed => Ok(()),
            Self::Tethered { strength } => range::positive("centre_of_mass.strength", strength),
        }
    }
}

/// Settings of the four-particle double-well system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DoubleWell4Config {
    /// `removed`, or `{ tethered = { strength = 1.0 } }`.
    pub centre_of_mass: CentreOfMass,
}

impl Default for DoubleWell4Config {
    fn default() -> Self {
        Self { centre_of_mass: CentreOfMass::Removed }
    }
}

impl DoubleWell4Config {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.centre_of_mass.check()
    }

    /// The target.
    pub fn build(&self) -> Result<Particles, ConfigError> {
        self.check()?;
        Ok(Particles::new(4, 2, Pair::DoubleWell, 0.0, self.centre_of_mass))
    }
}

/// Settings of the thirteen-particle Lennard-Jones cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LennardJones13Config {
    /// `removed`, or `{ tethered = { strength = 1.0 } }`.
    pub centre_of_mass: CentreOfMass,
}

impl Default for LennardJones13Config {
    fn default() -> Self {
        Self { centre_of_mass: CentreOfMass::Removed }
    }
}

impl LennardJones13Config {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.centre_of_mass.check()
    }

    /// The target.
    pub fn build(&self) -> Result<Particles, ConfigError> {
        self.check()?;
        Ok(Particles::new(13, 3, Pair::LennardJones, 1.0, self.centre_of_mass))
    }
}

/// The energy of a pair as a function of its squared distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    DoubleWell,
    LennardJones,
}

impl Pair {
    /// Energy, and its derivative with respect to the squared distance.
    #[inline(always)]
    fn energy(self, square: f64) -> (f64, f64) {
        match self {
            Self::DoubleWell => {
                let d = square.sqrt();
                let off = d - 4.0;
                let slope = off * (3.6 * off * off - 8.0);
                // The direction of a vanishing distance is taken as none.
                let per_square = if d == 0.0 { 0.0 } else { slope / (2.0 * d) };
                (off * off * (0.9 * off * off - 4.0), per_square)
            }
            Self::LennardJones => {
                let inverse = 1.0 / square;
                let sixth = inverse * inverse * inverse;
                (2.0 * (sixth * (sixth - 2.0)), 12.0 * (sixth * (1.0 - sixth)) * inverse)
            }
        }
    }
}

/// Interacting particles; see the module's head for their density.
#[derive(Clone, Debug)]
pub struct Particles {
    basis: Helmert,
    pair: Pair,
    /// Spring constant that holds the particles to their centre of mass.
    trap: f64,
    centre: CentreOfMass,
    symmetries: Vec<Arc<dyn Symmetry>>,
}

impl Particles {
    fn new(particles: usize, space: usize, pair: Pair, trap: f64, centre: CentreOfMass) -> Self {
        let basis = Helmert { particles, space };
        let orders: Arc<dyn Symmetry> = match centre {
            CentreOfMass::Removed => Arc::new(ParticleOrders::new(basis)),
            CentreOfMass::Tethered { .. } => Arc::new(Permutations::of_blocks(particles, space)),
        };
        // Free coordinates are vectors of space as positions are: they turn alike.
        let symmetries = vec![orders, Arc::new(Rotations::new(space, true)) as Arc<dyn Symmetry>];
        Self { basis, pair, trap, centre, symmetries }
    }

    fn free(&self) -> usize {
        match self.centre {
            CentreOfMass::Removed => self.basis.particles - 1,
            CentreOfMass::Tethered { .. } => self.basis.particles,
        }
    }

    /// `-U` of positions; adds to `grad`, when it is there, the gradient.
    #[inline(always)]
    fn pairs<const L: usize, const GRAD: bool>(&self, x: &[[f64; L]], grad: &mut [[f64; L]]) -> [f64; L] {
        let s = self.basis.space;
        let mut energy = [0.0; L];
        for i in 1..self.basis.particles {
            for j in 0..i {
                let mut square = [0.0; L];
                for c in 0..s {
                    for l in 0..L {
                        let d = x[i * s + c][l] - x[j * s + c][l];
                        square[l] += d * d;
                    }
                }
                let mut slope = [0.0; L];
                for l in 0..L {
                    let (value, per_square) = self.pair.energy(square[l]);
                    energy[l] += value;
                    slope[l] = 2.0 * per_square;
                }
                if GRAD {
                    for c in 0..s {
                        for l in 0..L {
                            let force = slope[l] * (x[i * s + c][l] - x[j * s + c][l]);
                            grad[i * s + c][l] -= force;
                            grad[j * s + c][l] += force;
                        }
                    }
                }
            }
        }
        lanes::map(energy, |u| -u)
    }
}

impl Lanes for Particles {
    fn lanes_dim(&self) -> usize {
        self.free() * self.basis.space
    }

    fn scratch(&self) -> usize {
        2 * self.basis.particles * self.basis.space
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        y: &[[f64; L]],
        grad: &mut [[f64; L]],
        scratch: &mut [[f64; L]],
    ) -> [f64; L] {
        let (x, grad_x) = scratch.split_at_mut(self.basis.particles * self.basis.space);
        match self.centre {
            CentreOfMass::Removed => self.basis.positions(y, x),
            CentreOfMass::Tethered { .. } => x.copy_from_slice(y),
        }
        grad_x.fill([0.0; L]);
        let mut out = self.pairs::<L, GRAD>(x, grad_x);
        // The trap acts on distances from the centre of mass, the tether on the centre itself.
        let (mut square, mut centre_square) = ([0.0; L], [0.0; L]);
        let strength = match self.centre {
            CentreOfMass::Removed => self.trap,
            CentreOfMass::Tethered { strength } => strength,
        };
        let n = self.basis.particles as f64;
        for c in 0..self.basis.space {
            let mut centre = [0.0; L];
            if strength != self.trap {
                for i in 0..self.basis.particles {
                    for l in 0..L {
                        centre[l] += x[i * self.basis.space + c][l] / n;
                    }
                }
            }
            for l in 0..L {
                centre_square[l] += n * (centre[l] * centre[l]);
            }
            for i in 0..self.basis.particles {
                let at = x[i * self.basis.space + c];
                for l in 0..L {
                    square[l] += at[l] * at[l];
                    if GRAD {
                        grad_x[i * self.basis.space + c][l] -=
                            self.trap * at[l] + (strength - self.trap) * centre[l];
                    }
                }
            }
        }
        for l in 0..L {
            out[l] -= 0.5 * (self.trap * square[l] + (strength - self.trap) * centre_square[l]);
        }
        if GRAD {
            match self.centre {
                CentreOfMass::Removed => self.basis.free(grad_x, grad),
                CentreOfMass::Tethered { .. } => grad.copy_from_slice(grad_x),
            }
            // Particles on top of each other: the density is zero and the slope has no value.
            for g in grad.iter_mut() {
                for l in 0..L {
                    g[l] = if out[l] == f64::NEG_INFINITY { 0.0 } else { g[l] };
                }
            }
        }
        out
    }
}

impl Target for Particles {
    lanes::evaluates!();

    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("position", &[self.basis.particles, self.basis.space])]
    }

    fn report(&self, y: &[f64], out: &mut [f64]) {
        match self.centre {
            CentreOfMass::Removed => self.basis.positions(y.as_chunks::<1>().0, out.as_chunks_mut::<1>().0),
            CentreOfMass::Tethered { .. } => out.copy_from_slice(y),
        }
    }

    fn quantities(&self) -> Vec<Variable> {
        vec![Variable::new("energy", &[])]
    }

    /// `U`, with the tether where there is one. No symmetry moves it: it tells how chains mix.
    fn measure(&self, y: &[f64], out: &mut [f64]) {
        let mut room = scratch(Lanes::scratch(self));
        let (y, room) = (y.as_chunks::<1>().0, room.as_chunks_mut::<1>().0);
        out[0] = -Lanes::evaluate::<1, false>(self, y, &mut [], room)[0];
    }

    /// Orders of the particles, rotations and mirror images.
    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        &self.symmetries
    }

    fn facts(&self) -> Facts {
        Facts { mean: Some(vec![0.0; self.dim()]), ..Facts::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, BatchMut, Stream};

    fn value(t: &Particles, x: &[f64]) -> f64 {
        let mut out = [0.0];
        t.log_prob(Batch::new(x, x.len()), &mut out).unwrap();
        out[0]
    }

    #[test]
    fn double_well_by_hand() {
        // A square of side 4: four pairs at 4 (energy 0), two at 4 sqrt 2: off = 1.65685425, so -4.2 or so each.
        let t =
            DoubleWell4Config { centre_of_mass: CentreOfMass::Tethered { strength: 1.0 } }.build().unwrap();
        let off: f64 = 4.0 * (2f64.sqrt() - 1.0);
        let pair = 0.9 * off.powi(4) - 4.0 * off * off;
        let square = [-2.0, -2.0, 2.0, -2.0, 2.0, 2.0, -2.0, 2.0];
        assert!((value(&t, &square) + 2.0 * pair).abs() < 1e-12);
        // Moved by (1, 0): sqrt(4) times the centre is (2, 0), which costs 2.
        let moved: Vec<f64> =
            square.iter().enumerate().map(|(i, v)| if i % 2 == 0 { v + 1.0 } else { *v }).collect();
        assert!((value(&t, &moved) + 2.0 * pair + 2.0).abs() < 1e-12);
    }

    #[test]
    fn removing_the_centre_is_the_same_energy_on_fewer_coordinates() {
        let mut s = Stream::new(2, 0);
        for strength in [1.0, 0.3] {
            let centre_of_mass = CentreOfMass::Tethered { strength };
            let pairs = [
                (DoubleWell4Config::default().build(), DoubleWell4Config { centre_of_mass }.build()),
                (LennardJones13Config::default().build(), LennardJones13Config { centre_of_mass }.build()),
            ];
            for (removed, tethered) in pairs.map(|(a, b)| (a.unwrap(), b.unwrap())) {
                let mut y = vec![0.0; removed.dim()];
                let mut x = vec![0.0; tethered.dim()];
                s.fill_normal(&mut y);
                y.iter_mut().for_each(|v| *v *= 2.0);
                removed.report(&y, &mut x);
                for c in 0..removed.basis.space {
                    let centre: f64 = x.iter().skip(c).step_by(removed.basis.space).sum();
                    assert!(centre.abs() < 1e-12);
                }
                // The basis is orthonormal: lengths agree.
                let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
                assert!((length(&x) - length(&y)).abs() < 1e-10);
                let (a, b) = (value(&removed, &y), value(&tethered, &x));
                assert!((a - b).abs() < 1e-9 * a.abs(), "{a} {b}");
            }
        }
    }

    #[test]
    fn two_particles_in_one_place_have_no_density_and_no_nan() {
        let t = LennardJones13Config::default().build().unwrap();
        let (mut out, mut grad) = ([0.0], [0.0; 36]);
        t.log_prob_and_grad(Batch::new(&[0.0; 36], 36), &mut out, BatchMut::new(&mut grad, 36)).unwrap();
        assert_eq!(out[0], f64::NEG_INFINITY);
        assert!(grad.iter().all(|g| *g == 0.0));
        let t = DoubleWell4Config::default().build().unwrap();
        // Six pairs at distance 0: 0.9 * 256 - 64 each.
        assert!((value(&t, &[0.0; 6]) + 6.0 * (0.9 * 256.0 - 64.0)).abs() < 1e-9);
    }

    #[test]
    fn settings_survive_toml() {
        let c: DoubleWell4Config =
            toml::from_str("centre_of_mass = { tethered = { strength = 2.0 } }").unwrap();
        assert_eq!(c.centre_of_mass, CentreOfMass::Tethered { strength: 2.0 });
        assert_eq!(toml::from_str::<DoubleWell4Config>(&toml::to_string(&c).unwrap()).unwrap(), c);
        let c = LennardJones13Config { centre_of_mass: CentreOfMass::Tethered { strength: -1.0 } };
        assert_eq!(c.check().unwrap_err().key, "centre_of_mass.strength");
    }
}
