//! Checks the variables that a target reports, at one start, before the first step.
//!
//! Without it a wrong size would panic in a worker thread, and of two variables with one name only one could be read.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ConfigError;
use crate::density::Target;

/// A NaN that no calculation gives: what still holds it afterwards was not written.
const UNWRITTEN: u64 = 0x7ff8_dead_beef_0001;

/// Most numbers in one draw of one chain: 16 GiB of them.
const MOST_NUMBERS: usize = 1 << 31;

fn refuse<T>(value: String, reason: &str) -> Result<T, ConfigError> {
    Err(ConfigError::new("target.variables", value, reason))
}

/// Checks names and sizes of the target's variables; returns how many numbers they hold. Before anything is allocated for them.
pub(super) fn check_variables(target: &dyn Target) -> Result<usize, ConfigError> {
    let variables = target.variables();
    let mut names = HashSet::new();
    let mut total = 0_usize;
    for variable in &variables {
        if !names.insert(variable.name.as_str()) {
            return refuse(format!("`{}` twice", variable.name), "every variable needs a name of its own");
        }
        let size = variable.shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side));
        let Some(size) = size.filter(|n| *n > 0 && *n <= MOST_NUMBERS) else {
            return refuse(
                format!("`{}` of shape {:?}", variable.name, variable.shape),
                "no draw has this size",
            );
        };
        if !variable.elements.is_empty() && variable.elements.len() != size {
            let value = format!("{} names for `{}`", variable.elements.len(), variable.name);
            return refuse(value, "every number of it needs one name");
        }
        total = total.saturating_add(size);
    }
    if total > MOST_NUMBERS {
        return refuse(format!("of {total} numbers in all"), "no draw has this size");
    }
    Ok(total)
}

/// Checks that the target's report at `x` fills its variables, which hold `total` numbers, exactly.
pub(super) fn check_reported(target: &dyn Target, x: &[f64], total: usize) -> Result<(), ConfigError> {
    let dim = target.dim();
    let reason = format!(
        "they must hold as many numbers as `report` writes ({dim} for a target of {dim} coordinates with no `report` of its own)"
    );
    let mut out = vec![f64::from_bits(UNWRITTEN); total];
    let reported = catch_unwind(AssertUnwindSafe(|| target.report(x, &mut out)));
    if reported.is_err() || out.iter().any(|v| v.to_bits() == UNWRITTEN) {
        return refuse(format!("of {total} numbers in all"), &reason);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{PointError, PointTarget, Pointwise, Variable};

    struct Named(Vec<Variable>);

    impl PointTarget for Named {
        fn dim(&self) -> usize {
            2
        }

        fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
            if let Some(grad) = grad {
                grad.iter_mut().zip(x).for_each(|(g, x)| *g = -2.0 * x);
            }
            Ok(-x[0] * x[0] - x[1] * x[1])
        }

        fn variables(&self) -> Vec<Variable> {
            self.0.clone()
        }
    }

    fn refused(variables: &[Variable]) -> String {
        let sampler = crate::sampler::Sampler::new(Pointwise::new(Named(variables.to_vec())));
        sampler.chains(2).draws(4).run().unwrap_err().to_string()
    }

    #[test]
    fn variables_of_a_wrong_size_are_refused_before_the_first_step() {
        for shape in [&[1][..], &[3], &[0], &[usize::MAX, 2], &[1 << 40]] {
            let text = refused(&[Variable::new("x", shape)]);
            assert!(text.starts_with("`target.variables` is "), "{text}");
        }
        let right = Pointwise::new(Named(vec![Variable::new("x", &[2])]));
        assert!(check_reported(&right, &[0.0; 2], check_variables(&right).unwrap()).is_ok());
    }

    #[test]
    fn two_variables_of_one_name_are_refused_in_memory_too() {
        let text = refused(&[Variable::new("x", &[]), Variable::new("x", &[])]);
        assert!(text.contains("`x` twice"), "{text}");
    }
}
