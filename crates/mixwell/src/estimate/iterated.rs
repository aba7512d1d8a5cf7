//! i-SIR over annealed paths: chains whose states are ends of paths, chosen by the weights of the paths.
//!
//! In every step a chain makes `n_particles - 1` fresh paths from the base and chooses among their ends and its own point with
//! probability proportional to the paths' weights. On the space of whole paths that is i-SIR whose proposal is the law
//! of a path, so the law of the ends keeps the target; a chain keeps its path's weight with its point. `conditional`
//! draws the rest of the path anew, given its end, by running it backwards: a path that was lucky does not hold
//! the chain for long. Fresh weights are independent and unbiased, whatever is chosen, and give `Z^`.
//! The first state is chosen among `n_particles` fresh paths, so early draws are a little off.
//! Reference: Andrieu, Lee, Vihola, Bernoulli 24 (2018), for i-SIR; the iterated form is that of the ex2mcmc code.

use rayon::prelude::*;

use super::WeightedDraws;
use super::annealer::{Annealer, Weighted};
use crate::density::EvaluationError;
use crate::{Points, Stream};

/// Rounds of streams: fresh paths, choices, backward paths.
const FRESH: u64 = 0;
const CHOICES: u64 = 1;
const BACKWARD: u64 = 2;

/// How much is iterated.
#[derive(Clone, Copy)]
pub(super) struct Iteration {
    pub chains: usize,
    pub n_particles: usize,
    pub steps: usize,
    pub conditional: bool,
    pub seed: u64,
}

/// One chain's part of the result.
struct Trace {
    log_weights: Vec<f64>,
    states: Vec<f64>,
    moves: u64,
    non_finite: u64,
}

/// Runs the chains, in parallel.
pub(super) fn iterate(
    annealer: &Annealer<'_>,
    plan: Iteration,
    keep_draws: bool,
) -> Result<Weighted, EvaluationError> {
    let traces: Vec<Result<Trace, EvaluationError>> =
        (0..plan.chains).into_par_iter().map(|chain| run_chain(annealer, plan, chain, keep_draws)).collect();
    let traces = traces.into_iter().collect::<Result<Vec<Trace>, _>>()?;
    let non_finite = traces.iter().map(|t| t.non_finite).sum();
    let moves: u64 = traces.iter().map(|t| t.moves).sum();
    let tries = plan.chains * (plan.steps - 1);
    let log_weights = traces.iter().flat_map(|t| t.log_weights.iter().copied()).collect();
    let draws = keep_draws.then(|| {
        let states = traces.into_iter().flat_map(|t| t.states).collect();
        WeightedDraws::new(
            Points::from_vec(states, annealer.route.dim()),
            vec![0.0; plan.chains * plan.steps],
        )
    });
    Ok(Weighted { log_weights, draws, non_finite, moved: (tries > 0).then(|| moves as f64 / tries as f64) })
}

fn run_chain(
    annealer: &Annealer<'_>,
    plan: Iteration,
    chain: usize,
    keep_draws: bool,
) -> Result<Trace, EvaluationError> {
    let mut own = Stream::for_estimate(plan.seed, CHOICES, chain as u64);
    let mut trace = Trace { log_weights: Vec::new(), states: Vec::new(), moves: 0, non_finite: 0 };
    // The current point with its path's log-weight; none before the first choice.
    let mut current: Option<(Vec<f64>, f64)> = None;
    for step in 0..plan.steps {
        if let (true, Some((x, log_weight))) = (plan.conditional, &mut current) {
            let stream = Stream::for_estimate(plan.seed, BACKWARD, (chain * plan.steps + step) as u64);
            let back = annealer.down(Points::from_rows(&[&*x]), vec![stream])?;
            *log_weight = back.log_weights[0];
            trace.non_finite += back.non_finite;
        }
        let fresh = plan.n_particles - usize::from(current.is_some());
        let first = (chain * plan.steps + step) * plan.n_particles;
        let stream = |i: usize| Stream::for_estimate(plan.seed, FRESH, (first + i) as u64);
        let paths = annealer.up((0..fresh).map(stream).collect())?;
        trace.non_finite += paths.non_finite;
        trace.log_weights.extend_from_slice(&paths.log_weights);
        let mut choice = paths.log_weights;
        choice.extend(current.as_ref().map(|(_, log_weight)| *log_weight));
        // Where no path has a weight, the chain stays, or starts at the first.
        let chosen = own.categorical(&choice).unwrap_or(if current.is_some() { fresh } else { 0 });
        if chosen < fresh {
            trace.moves += u64::from(current.is_some());
            current = Some((paths.x.row(chosen).to_vec(), choice[chosen]));
        }
        if let (true, Some((x, _))) = (keep_draws, &current) {
            trace.states.extend_from_slice(x);
        }
    }
    Ok(trace)
}
