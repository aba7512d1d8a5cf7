//! The verdict: can these draws be used? In words, with the number behind each and what to do about it.
//!
//! `reasons` refute convergence; without one the verdict is "converged", which means "nothing speaks against it", never a
//! proof. `warnings` are things to know that do not refute it. The bars are in [`Thresholds`]; 1.01 for R-hat and 100
//! effective draws per chain, 400 at most, are those of Vehtari et al. (2021).

use serde::{Deserialize, Serialize};

use super::{ImportanceSummary, ModeOccupancy, ScalarSummary};
use crate::ConfigError;

/// The bars of the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Largest R-hat that passes.
    pub rhat: f64,
    /// Smallest bulk and tail ESS per chain that passes, all chains together ...
    pub ess_per_chain: f64,
    /// ... but no more than this is asked for.
    pub ess: f64,
    /// Share of production trajectories that may diverge; fewer are a warning.
    pub divergences: f64,
    /// Longest run without a move that passes, as a share of a chain.
    pub stuck: f64,
    /// Acceptance of global moves below which there is a warning.
    pub global_acceptance: f64,
    /// Shape of the tail of importance weights above which there is a warning.
    pub pareto_k: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            rhat: 1.01,
            ess_per_chain: 100.0,
            ess: 400.0,
            divergences: 0.01,
            stuck: 0.1,
            global_acceptance: 0.05,
            pareto_k: 0.7,
        }
    }
}

impl Thresholds {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.rhat.is_nan() || self.rhat <= 1.0 {
            return Err(ConfigError::new(
                "rhat",
                self.rhat,
                "R-hat is 1 for perfect chains: the bar must be above 1",
            ));
        }
        for (key, value) in [("ess_per_chain", self.ess_per_chain), ("ess", self.ess)] {
            if value.is_nan() || value < 0.0 {
                return Err(ConfigError::new(key, value, "a number of draws cannot be negative"));
            }
        }
        for (key, value) in [
            ("divergences", self.divergences),
            ("stuck", self.stuck),
            ("global_acceptance", self.global_acceptance),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(ConfigError::new(key, value, "a share lies between 0 and 1"));
            }
        }
        if self.pareto_k.is_nan() {
            return Err(ConfigError::new("pareto_k", self.pareto_k, "a bar must be a number"));
        }
        Ok(())
    }

    /// The bar for bulk and tail ESS of a run with this many chains.
    pub fn ess_bar(&self, n_chains: usize) -> f64 {
        (self.ess_per_chain * n_chains as f64).min(self.ess)
    }
}

/// A number and the parameter it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    /// Name of the parameter.
    pub name: String,
    /// The number.
    pub value: f64,
}

/// What a verdict is made of. Everything is optional but the shape of the run: what was not measured is not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Number of chains.
    pub n_chains: usize,
    /// Production draws per chain.
    pub n_draws: usize,
    /// Number of parameters looked at.
    pub n_parameters: usize,
    /// Largest R-hat.
    pub rhat: Option<Worst>,
    /// Smallest bulk ESS.
    pub ess_bulk: Option<Worst>,
    /// Smallest tail ESS.
    pub ess_tail: Option<Worst>,
    /// Parameters whose draws are all equal.
    pub constant: Vec<String>,
    /// Parameters with NaN or infinity among their draws.
    pub not_finite: Vec<String>,
    /// Parameters that vary, but whose R-hat cannot be computed (every chain sits still at a value of its own).
    pub undecided: Vec<String>,
    /// Divergent trajectories in production, and how many trajectories there were.
    pub divergences: Option<(u64, u64)>,
    /// Proposals in production whose density or gradient was not finite, and how many proposals there were.
    pub non_finite: Option<(u64, u64)>,
    /// Steps after which a chain stood where the log-density is NaN or infinite, by the kernel that led it there.
    pub stranded: Vec<(String, u64)>,
    /// Share of global moves accepted in production.
    pub global_acceptance: Option<f64>,
    /// Longest run without a move, as a share of a chain.
    pub stuck: Option<f64>,
    /// Modes visited, where centres are known.
    pub modes: Option<ModeOccupancy>,
    /// Shape of the tail of the importance weights of the flow.
    pub pareto_k: Option<f64>,
}

impl Evidence {
    /// Evidence from the summaries of all parameters: the worst of each number, and what is constant or NaN.
    ///
    /// # Panics
    /// When there is not one name for each summary.
    pub fn from_summaries(
        names: &[String],
        summaries: &[ScalarSummary],
        n_chains: usize,
        n_draws: usize,
    ) -> Self {
        assert_eq!(names.len(), summaries.len(), "one name for each summary");
        let mut evidence = Self { n_chains, n_draws, n_parameters: names.len(), ..Self::default() };
        for (name, s) in names.iter().zip(summaries) {
            if !s.mean.is_finite() {
                evidence.not_finite.push(name.clone());
            } else if s.sd == 0.0 {
                evidence.constant.push(name.clone());
            } else {
                if s.rhat.is_nan() && n_chains > 1 && n_draws >= 4 {
                    evidence.undecided.push(name.clone());
                }
                keep_worst(&mut evidence.rhat, name, s.rhat, |new, old| new > old);
                keep_worst(&mut evidence.ess_bulk, name, s.ess_bulk, |new, old| new < old);
                keep_worst(&mut evidence.ess_tail, name, s.ess_tail, |new, old| new < old);
            }
        }
        evidence
    }

    /// Adds what importance weights of the flow say.
    pub fn with_importance(mut self, importance: &ImportanceSummary) -> Self {
        self.pareto_k = Some(importance.pareto_k);
        self
    }
}

fn keep_worst(worst: &mut Option<Worst>, name: &str, value: f64, worse: impl Fn(f64, f64) -> bool) {
    if !value.is_nan() && worst.as_ref().is_none_or(|w| worse(value, w.value)) {
        *worst = Some(Worst { name: name.to_string(), value });
    }
}

/// Whether draws can be used, and what speaks against it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// No reason speaks against it.
    pub converged: bool,
    /// Why not: one sentence each, what, value, what to do.
    pub reasons: Vec<String>,
    /// What else to know, in the same form.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Judges a run.
    ///
    /// ```
    /// use mixwell::diagnostics::{Evidence, Thresholds, Verdict, Worst};
    /// let mut evidence = Evidence { n_chains: 4, n_draws: 1000, n_parameters: 2, ..Evidence::default() };
    /// evidence.rhat = Some(Worst { name: "x[1]".into(), value: 1.2 });
    /// let verdict = Verdict::new(&evidence, &Thresholds::default());
    /// assert!(!verdict.converged && verdict.reasons[0].starts_with("R-hat of x[1] is 1.200"));
    /// ```
    pub fn new(evidence: &Evidence, thresholds: &Thresholds) -> Self {
        let mut verdict = Self { converged: false, reasons: Vec::new(), warnings: Vec::new() };
        verdict.judge_values(evidence);
        verdict.judge_mixing(evidence, thresholds);
        verdict.judge_moves(evidence, thresholds);
        verdict.judge_modes(evidence);
        verdict.judge_weights(evidence, thresholds);
        verdict.converged = verdict.reasons.is_empty();
        verdict
    }

    /// The verdict in one line.
    pub fn headline(&self) -> String {
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        match (self.converged, self.warnings.len()) {
            (true, 0) => "converged: nothing speaks against these draws".into(),
            (true, n) => format!("converged, with {}", plural(n, "warning")),
            (false, _) => format!("not converged, for {}", plural(self.reasons.len(), "reason")),
        }
    }

    fn judge_values(&mut self, e: &Evidence) {
        if !e.not_finite.is_empty() {
            self.reasons.push(format!(
                "there are draws of {} that are NaN or infinite: look at how this quantity is computed",
                list(&e.not_finite)
            ));
        }
        if !e.constant.is_empty() {
            if e.constant.len() == e.n_parameters {
                self.reasons.push(format!(
                    "nothing ever moved: all draws of {} are equal; make the steps smaller, or start elsewhere",
                    list(&e.constant)
                ));
            } else {
                self.warnings.push(format!(
                    "all draws of {} are equal, so nothing can be said about {}: expected for a fixed quantity, a fault otherwise",
                    list(&e.constant),
                    if e.constant.len() == 1 { "it" } else { "them" }
                ));
            }
        }
        if !e.undecided.is_empty() {
            self.reasons.push(format!(
                "R-hat of {} cannot be computed, because no chain moves: make the steps smaller",
                list(&e.undecided)
            ));
        }
    }

    fn judge_mixing(&mut self, e: &Evidence, t: &Thresholds) {
        if e.n_draws < 4 {
            self.reasons.push(format!(
                "there are {} draws per chain, too few to judge anything: draw at least 4, better 1000",
                e.n_draws
            ));
            return;
        }
        if e.n_chains < 2 {
            self.reasons.push(
                "there is one chain only, so R-hat has nothing to compare: run at least 4 chains from different starts"
                    .into(),
            );
        }
        if let Some(w) = e.rhat.as_ref().filter(|w| above(w.value, t.rhat)) {
            self.reasons.push(format!(
                "R-hat of {} is {:.3}, above {}: the chains do not agree; run longer, or train the flow longer",
                w.name, w.value, t.rhat
            ));
        }
        let bar = t.ess_bar(e.n_chains);
        for (worst, kind, what) in [
            (&e.ess_bulk, "bulk", "means are not precise"),
            (&e.ess_tail, "tail", "5 % and 95 % quantiles are not precise"),
        ] {
            if let Some(w) = worst.as_ref().filter(|w| above(bar, w.value)) {
                let factor = bar / w.value;
                self.reasons.push(format!(
                    "{kind} ESS of {} is {:.0}, below {bar:.0}: {what}; draw about {:.0} times as many",
                    w.name,
                    w.value,
                    factor.max(2.0).ceil()
                ));
            }
        }
    }

    fn judge_moves(&mut self, e: &Evidence, t: &Thresholds) {
        if let Some((count, of)) = e.divergences.filter(|d| d.0 > 0) {
            let share = count as f64 / of.max(1) as f64;
            let sentence = format!(
                "{count} of {of} trajectories diverged ({}): there the target is steeper than the step size allows; raise the target acceptance, or change variables",
                percent(share)
            );
            if share > t.divergences { &mut self.reasons } else { &mut self.warnings }.push(sentence);
        }
        for (kernel, steps) in &e.stranded {
            self.reasons.push(format!(
                "after {steps} steps of the kernel {kernel} a chain stood at a point whose log-density is NaN or infinite: the kernel accepts points that it must reject (see `kernel::usable` and `kernel::accept`), so these draws are wrong"
            ));
        }
        if let Some((count, of)) = e.non_finite.filter(|d| d.0 > 0) {
            self.warnings.push(format!(
                "{count} of {of} proposals had a density or gradient that is not finite ({}); they were rejected, which is exact; look at the target if there are many",
                percent(count as f64 / of.max(1) as f64)
            ));
        }
        if let Some(share) = e.stuck.filter(|s| *s > t.stuck) {
            self.reasons.push(format!(
                "a chain did not move for {} of its length, more than {}: make the steps smaller, or train the flow longer",
                percent(share),
                percent(t.stuck)
            ));
        }
        if let Some(rate) = e.global_acceptance.filter(|a| above(t.global_acceptance, *a)) {
            self.warnings.push(format!(
                "global moves were accepted {} of the time, below {}: the flow may miss part of the target; train it longer, or widen its base",
                percent(rate),
                percent(t.global_acceptance)
            ));
        }
    }

    fn judge_modes(&mut self, e: &Evidence) {
        let Some(modes) = e.modes.as_ref().filter(|m| m.weights.len() > 1) else { return };
        if !modes.unvisited.is_empty() {
            let numbers: Vec<String> = modes.unvisited.iter().map(usize::to_string).collect();
            self.reasons.push(format!(
                "no chain was ever in {} {}, of {} (counted from 0): start chains in every mode, or train the flow longer",
                if numbers.len() == 1 { "mode" } else { "modes" },
                list(&numbers),
                modes.weights.len()
            ));
        }
        let n = modes.hops_per_1000.len();
        if modes.chains_without_hop == n {
            self.reasons.push(format!(
                "none of the {n} chains ever changed mode, so the mode weights are those of the starts: use more global moves, or train the flow longer"
            ));
        } else if modes.chains_without_hop > 0 {
            self.warnings.push(format!(
                "{} of {n} chains never changed mode: look at the standard errors of the mode weights; run longer",
                modes.chains_without_hop
            ));
        }
    }

    fn judge_weights(&mut self, e: &Evidence, t: &Thresholds) {
        if let Some(k) = e.pareto_k.filter(|k| above(*k, t.pareto_k)) {
            self.warnings.push(format!(
                "Pareto k of the importance weights is {k:.2}, above {}: do not trust the importance estimates or the evidence; train the flow longer, or widen its base",
                t.pareto_k
            ));
        }
    }
}

/// Whether the first is larger, or one of them is not a number: what cannot be compared does not pass.
fn above(a: f64, b: f64) -> bool {
    a > b || a.is_nan() || b.is_nan()
}

/// Names with commas, the first five of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value > 0.0 && value < 0.1 { "less than 0.1 %".into() } else { format!("{value:.1} %") }
}

#[cfg(test)]
mod tests;
