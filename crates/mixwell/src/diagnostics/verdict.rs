//! The verdict: can these draws be used? In words, with the number behind each and what to do about it.
//!
//! `reasons` refute convergence; without one the verdict is "converged", which means "nothing speaks against it", never a
//! proof. `warnings` are things to know that do not refute it. The bars are in [`Thresholds`]; 1.01 for R-hat and 100
//! effective draws per chain, 400 at most, are those of Vehtari et al. (2021).

mod evidence;
mod thresholds;

pub(crate) use evidence::{Evidence, keep_worst};
pub use thresholds::Thresholds;

#[cfg(test)]
use evidence::Worst;

/// Whether draws can be used, and what speaks against it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// No reason speaks against it.
    pub converged: bool,
    /// Why not: one sentence each, what, value, what to do.
    pub reasons: Vec<String>,
    /// What else to know, in the same form.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Judges a run.
    pub fn new(evidence: &Evidence, thresholds: &Thresholds) -> Self {
        let mut verdict = Self { converged: false, reasons: Vec::new(), warnings: Vec::new() };
        verdict.judge_values(evidence);
        verdict.judge_mixing(evidence, thresholds);
        verdict.judge_spread(evidence, thresholds);
        verdict.judge_beginning(evidence);
        verdict.judge_moves(evidence, thresholds);
        verdict.judge_modes(evidence);
        verdict.judge_weights(evidence, thresholds);
        verdict.converged = verdict.reasons.is_empty();
        verdict
    }

    fn judge_values(&mut self, e: &Evidence) {
        if let Some(what) = &e.contradiction {
            self.reasons.push(format!("{what}: the draws follow neither; mend the density or its gradient"));
        }
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

    fn judge_spread(&mut self, e: &Evidence, t: &Thresholds) {
        if let Some(w) = e.mcse_sd.as_ref().filter(|w| above(w.value, t.mcse_sd)) {
            self.reasons.push(format!(
                "the standard deviation of {} is known to {} of itself only (mcse_sd), more than {}: a few draws in a row far from all others decide it; look at the trace, warm up longer, draw more",
                w.name,
                percent(w.value),
                percent(t.mcse_sd)
            ));
        }
        if !e.heavy_tails.is_empty() {
            self.warnings.push(format!(
                "tails of {} are heavy (Pareto k up to {:.2}, above {}): mean, sd and their errors may not exist and are marked in the table; report median and quantiles",
                list(&e.heavy_tails),
                e.heaviest,
                t.heavy_tails
            ));
        }
    }

    fn judge_beginning(&mut self, e: &Evidence) {
        const SHOWN: usize = 3;
        for late in e.late_chains.iter().take(SHOWN) {
            self.reasons.push(format!(
                "chain {} began production at a log-density of {:.4e}, far below the lowest of all later draws ({:.4e}), and needed {} draws to come up: it had not converged; warm up longer, or make the frozen phase longer",
                late.chain, late.log_density, late.lowest, late.draws
            ));
        }
        if e.late_chains.len() > SHOWN {
            self.reasons.push(format!("so did {} more chains", e.late_chains.len() - SHOWN));
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
        if let Some(w) = e.tail_mobility.as_ref().filter(|w| above(1.5 * t.tail_mobility, w.value)) {
            let refuted = above(t.tail_mobility, w.value);
            let sentence = format!(
                "in the {} moves succeed at {} of their usual rate, below {}: what lies further out {} hardly visited, and R-hat cannot see it; train the flow longer, make local steps smaller (target_accept), or change variables",
                w.name,
                percent(w.value),
                percent(if refuted { t.tail_mobility } else { 1.5 * t.tail_mobility }),
                if refuted { "is" } else { "may be" }
            );
            if refuted { &mut self.reasons } else { &mut self.warnings }.push(sentence);
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
        // Errors are NaN where there is no draw, which is told above.
        let wrong = |(mode, known): (usize, &f64)| {
            let (found, error) = (modes.weights[mode], modes.weight_errors[mode]);
            let off = (found - known).abs();
            (error.is_finite() && off > f64::max(WRONG_WEIGHT.0, WRONG_WEIGHT.1 * error))
                .then_some((off, mode, *known))
        };
        let wrong = e.known_weights.iter().flatten().enumerate().filter_map(wrong);
        if let Some((_, mode, known)) = wrong.max_by(|a, b| a.0.total_cmp(&b.0)) {
            self.reasons.push(format!(
                "mode {mode} (counted from 0) holds {} of the draws and is known to hold {}: start chains in every mode, or train the flow longer",
                percent(modes.weights[mode]),
                percent(known)
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

/// A weight of a mode that is known is contradicted by one that is further off than this, and than so many of its standard errors. Draws of
/// modes that overlap are counted where they lie, which may not be the component that they come from.
const WRONG_WEIGHT: (f64, f64) = (0.05, 8.0);

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
