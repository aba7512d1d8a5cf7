//! Functions of a draw beside its variables: what a target states of itself, expressions, closures.
//!
//! They are variables like any other from here on: recorded with every draw, stored, summarised and judged. A function is given the reported values of
//! a point, in the order of [`Target::variables`] and then [`Target::quantities`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pointer::{forward_all_but_report, forward_evaluation};
use super::{BaseLaw, EvaluationError, ExactSampler, Facts, Target, Variable, with_scratch};
use crate::expression::{Expression, Names, parse};
use crate::symmetry::Symmetry;
use crate::{Batch, BatchMut, ConfigError};

/// What an expression may call the log-density, where no variable has this name.
const LOG_DENSITY: &str = "log_density";
/// Characters of a name.
const LONGEST_NAME: usize = 100;
/// Quantities that may be added.
const MOST: usize = 1000;
/// Names that stores give to the axes of their arrays.
const AXES: [&str; 2] = ["chain", "draw"];

/// A function of the reported values of a point.
pub type DerivedFunction = Arc<dyn Fn(&[f64]) -> f64 + Send + Sync>;

#[derive(Clone)]
enum Rule {
    Expression(Expression),
    Function(DerivedFunction),
}

/// A target that reports more than its variables.
///
/// ```
/// use mixwell::density::{Derived, Target, Variable, from_fn};
/// let target = from_fn(2, |x: &[f64]| -x[0].abs() - x[1].abs());
/// let target = Derived::new(target)
///     .expression("gap", "x[1] - x[0]")?
///     .expression("ordered", "x[0] < x[1]")?
///     .function("product", |x: &[f64]| x[0] * x[1])?;
/// let mut reported = [0.0; 5];
/// target.report(&[1.0, 3.0], &mut reported);
/// assert_eq!(reported, [1.0, 3.0, 2.0, 1.0, 3.0]);
/// assert_eq!(target.variables()[1], Variable::new("gap", &[]));
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
pub struct Derived<T> {
    target: T,
    /// Those of the target, its own quantities, then what was added.
    variables: Vec<Variable>,
    /// Numbers of the target's variables, and of its own quantities.
    sizes: [usize; 2],
    rules: Vec<Rule>,
}

impl<T: Target> Derived<T> {
    /// The target with what it states of itself ([`Target::quantities`]).
    pub fn new(target: T) -> Self {
        let size = |variables: &[Variable]| variables.iter().map(Variable::len).sum();
        let (mut variables, own) = (target.variables(), target.quantities());
        let sizes = [size(&variables), size(&own)];
        variables.extend(own);
        Self { target, variables, sizes, rules: Vec::new() }
    }

    /// Adds what an expression says ([`crate::expression`]); it may name `log_density`, which takes an evaluation for every draw.
    ///
    /// # Errors
    /// When the text is no expression of the reported values, or the name cannot be used.
    pub fn expression(mut self, name: &str, text: &str) -> Result<Self, ConfigError> {
        let base = self.variables.len() - self.rules.len();
        let mut known = self.variables[..base].to_vec();
        if known.iter().all(|v| v.name != LOG_DENSITY) {
            known.push(Variable::new(LOG_DENSITY, &[]));
        }
        let parsed = parse(text, &Names(&known)).map_err(|e| ConfigError::new(name, text, e.to_string()))?;
        let shape: Vec<usize> = parsed.elements().into_iter().collect();
        self.add(Variable::new(name, &shape), Rule::Expression(parsed))?;
        Ok(self)
    }

    /// Adds what a function makes of the reported values.
    ///
    /// # Errors
    /// When the name cannot be used.
    pub fn function(
        mut self,
        name: &str,
        f: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        self.add(Variable::new(name, &[]), Rule::Function(Arc::new(f)))?;
        Ok(self)
    }

    fn add(&mut self, variable: Variable, rule: Rule) -> Result<(), ConfigError> {
        check_name(&variable.name)?;
        if self.variables.iter().any(|v| v.name == variable.name) {
            let reason = "this name is taken; every quantity and every variable needs one of its own";
            return Err(ConfigError::new(&variable.name, "there already", reason));
        }
        if self.rules.len() == MOST {
            return Err(ConfigError::new(
                &variable.name,
                "one too many",
                format!("{MOST} quantities are the most"),
            ));
        }
        self.variables.push(variable);
        self.rules.push(rule);
        Ok(())
    }
}

/// Refuses what a store of draws cannot hold under this name.
pub(crate) fn check_name(name: &str) -> Result<(), ConfigError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let reason = "a name begins with a letter and goes on with letters, digits, `_` or `-`";
    if !begins || !name.chars().all(fine) || name.chars().count() > LONGEST_NAME {
        return Err(ConfigError::new(crate::error::excerpt(name), "a name that cannot be used", reason));
    }
    if AXES.contains(&name) {
        return Err(ConfigError::new(
            name,
            "a name that cannot be used",
            "an axis of the draws is called so",
        ));
    }
    Ok(())
}

/// The target with its own quantities, these expressions and these functions; itself where there are none.
///
/// # Errors
/// As [`Derived::expression`]; the key is the quantity's name under `derived`.
pub(crate) fn with_derived(
    target: Arc<dyn Target>,
    expressions: &BTreeMap<String, String>,
    functions: Vec<(String, DerivedFunction)>,
) -> Result<Arc<dyn Target>, ConfigError> {
    if expressions.is_empty() && functions.is_empty() && target.quantities().is_empty() {
        return Ok(target);
    }
    let mut derived = Derived::new(target);
    for (name, text) in expressions {
        derived = derived.expression(name, text).map_err(|e| e.under("derived"))?;
    }
    for (name, f) in functions {
        derived = derived.function(&name, move |x| f(x)).map_err(|e| e.under("derived"))?;
    }
    Ok(Arc::new(derived))
}

impl<T: Target> Target for Derived<T> {
    forward_evaluation!(self => self.target);
    forward_all_but_report!(self => self.target);

    fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }

    /// They are among the variables already.
    fn quantities(&self) -> Vec<Variable> {
        Vec::new()
    }

    fn measure(&self, _: &[f64], _: &mut [f64]) {}

    fn report(&self, x: &[f64], out: &mut [f64]) {
        let [variables, own] = self.sizes;
        self.target.report(x, &mut out[..variables]);
        self.target.measure(x, &mut out[variables..variables + own]);
        let base = variables + own;
        let (values, mut rest) = out.split_at_mut(base);
        let asks = |rule: &Rule| matches!(rule, Rule::Expression(e) if e.reads(base));
        let log_density = if self.rules.iter().any(asks) {
            self.target.log_prob_at(x).unwrap_or(f64::NAN)
        } else {
            f64::NAN
        };
        with_scratch(base + 1, |known| {
            known[..base].copy_from_slice(values);
            known[base] = log_density;
            for rule in &self.rules {
                let len = if let Rule::Expression(e) = rule { e.elements().unwrap_or(1) } else { 1 };
                let place;
                (place, rest) = std::mem::take(&mut rest).split_at_mut(len);
                match rule {
                    Rule::Expression(expression) => expression.evaluate(known, place),
                    Rule::Function(f) => place[0] = f(values),
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{Phi4Config, from_fn};

    fn plane() -> impl Target {
        from_fn(2, |x: &[f64]| -x[0] * x[0] - x[1] * x[1])
    }

    #[test]
    fn what_is_derived_follows_the_variables() {
        let target = Derived::new(plane())
            .expression("radius", "norm(x)")
            .and_then(|t| t.expression("inside", "log_density > -2"))
            .and_then(|t| t.expression("doubled", "x + x"))
            .and_then(|t| t.function("first", |x: &[f64]| x[0]))
            .unwrap();
        let labels: Vec<String> = target.variables().iter().flat_map(Variable::labels).collect();
        assert_eq!(labels, ["x[0]", "x[1]", "radius", "inside", "doubled[0]", "doubled[1]", "first"]);
        let mut out = [f64::NAN; 7];
        target.report(&[3.0, 4.0], &mut out);
        assert_eq!(out, [3.0, 4.0, 5.0, 0.0, 6.0, 8.0, 3.0]);
        target.report(&[1.0, 0.5], &mut out);
        assert_eq!((out[3], out[6]), (1.0, 1.0));
        assert_eq!(target.log_prob_at(&[1.0, 0.5]).unwrap(), -1.25);
    }

    #[test]
    fn names_that_cannot_be_used_are_refused() {
        let refused = |name: &str| Derived::new(plane()).expression(name, "x[0]").err().unwrap().to_string();
        for name in ["", "1a", "a/b", "a b", "ä", "draw", "x", "../a", &"a".repeat(101), "a\nb"] {
            assert!(refused(name).contains("name"), "{name}");
        }
        let twice = Derived::new(plane()).function("a", |_| 0.0).unwrap().function("a", |_| 0.0);
        assert!(twice.err().unwrap().to_string().contains("taken"));
        let e = Derived::new(plane()).expression("a", "x[0] + y").err().unwrap();
        assert_eq!(
            e.to_string(),
            "`a` is x[0] + y, but at character 8: there is no `y`; there are `x`, `log_density`"
        );
        // What was added is no variable for the next one.
        let e =
            Derived::new(plane()).expression("b", "x[0]").unwrap().expression("a", "b + 1").err().unwrap();
        assert!(e.to_string().contains("there is no `b`"), "{e}");
    }

    #[test]
    fn a_target_states_its_own() {
        let lattice = Phi4Config { sites: 4, ..Phi4Config::default() }.build().unwrap();
        let plain = lattice.clone();
        let target = with_derived(Arc::new(lattice), &BTreeMap::new(), vec![]).unwrap();
        let labels: Vec<String> = target.variables().iter().flat_map(Variable::labels).skip(4).collect();
        assert_eq!(labels, ["magnetisation", "energy"]);
        let (x, mut out) = ([0.5, -1.0, 2.0, 0.25], [0.0; 6]);
        target.report(&x, &mut out);
        assert_eq!(out[4], 1.75 / 4.0);
        assert!((out[5] + plain.log_prob_at(&x).unwrap() / 20.0).abs() < 1e-13);
        // Nothing is put around a target that has nothing to add.
        let same: Arc<dyn Target> = Arc::new(plane());
        assert!(Arc::ptr_eq(&same, &with_derived(same.clone(), &BTreeMap::new(), vec![]).unwrap()));
    }
}
