//! From what was seen to a method, with the reasons in words.

use super::sight::Sight;
use crate::density::Target;
use crate::kernel::{KernelConfig, NutsConfig, ProposalConfig, RandomWalkConfig, sequence, symmetry};
use crate::sampler::config::RunConfig;
use crate::sampler::method::{Flex2, KernelMethod, Method};
use crate::sampler::start::Start;
use crate::symmetry::Orbit;
use crate::train::{History, MixSchedule};

/// Share of divergent trajectories from which on steps are made smaller.
const FEW_DIVERGENT: f64 = 0.002;
/// Share of divergent trajectories, and of those at the greatest depth, from which on NUTS is not trusted with the shape.
const MANY_DIVERGENT: f64 = 0.1;
const MANY_AT_LIMIT: f64 = 0.5;
/// Coordinates up to which a flow is expected to learn a shape, and those up to which it does so sooner than NUTS mixes where its chains nearly
/// agree: up to this R-hat.
const MOST_OF_A_FLOW: usize = 128;
const FEW_OF_A_FLOW: usize = 64;
const NEARLY_MIXED: f64 = 1.1;

/// Rounds without jumps, from which a flow learns the modes: so many, and more for each coordinate.
const APART: (usize, usize) = (400, 10);

/// Images over which jumps of a flow are averaged.
const MOST_IMAGES: u64 = 64;

/// Coordinates up to which a look is kept in memory.
const MOST_LOOKED_AT: usize = 10_000;

/// A method, other starts where they are needed, and why.
pub(super) struct Decision {
    method: Method,
    start: Option<Start>,
    /// Draws from which the flow learns.
    history: Option<History>,
    reasons: Vec<String>,
}

impl Decision {
    /// Writes it into the config.
    pub fn apply(self, config: &mut RunConfig) {
        config.method = self.method;
        if let Some(start) = self.start {
            config.start = start;
        }
        if let Some(history) = self.history {
            config.training.history = history;
        }
        config.chosen = self.reasons;
    }

    /// Has chains move by the symmetries that the target states, after every local step.
    pub fn with_symmetries_of(mut self, target: &dyn Target) -> Self {
        let names: Vec<String> = target.symmetries().iter().map(|s| s.name()).collect();
        if !names.is_empty() {
            self.reasons.push(format!(
                "the target states symmetries ({}): images count as one point here, and chains move by them after every step",
                names.join(", ")
            ));
            self.method = with_symmetry_moves(self.method);
            // Averaging costs an inversion of the flow for every image.
            if let (Method::Flex2(flex2), Some(orbit)) =
                (&mut self.method, Orbit::of_folding(target.symmetries(), MOST_IMAGES))
            {
                self.reasons.push(format!(
                    "the flow learns one of {} images, and its jumps are averaged over all",
                    orbit.order()
                ));
                flex2.global.proposal = ProposalConfig::Averaged;
            }
        }
        self
    }
}

/// The largest method that may be chosen in `dim` dimensions.
pub(in crate::sampler) fn largest_choice(dim: usize) -> Method {
    if dim > MOST_OF_A_FLOW { nuts(0.95, 2000).into() } else { flow_over_modes(0.95, dim).into() }
}

fn nuts(target_accept: f64, warmup: usize) -> KernelMethod {
    let kernel = KernelConfig::Nuts(NutsConfig { target_accept, ..NutsConfig::default() });
    KernelMethod { kernel: Box::new(kernel), warmup, frozen: 0 }
}

/// The method, whose local steps end with a move by the symmetries of the target.
fn with_symmetry_moves(method: Method) -> Method {
    match method {
        Method::Kernel(k) => KernelMethod { kernel: Box::new(sequence([*k.kernel, symmetry()])), ..k }.into(),
        Method::Flex2(f) => Flex2 { local: Box::new(sequence([*f.local, symmetry()])), ..f }.into(),
        other => other,
    }
}

/// A flow, with one step of NUTS between two jumps.
fn flow_with_nuts(target_accept: f64) -> Flex2 {
    let local = KernelConfig::Nuts(NutsConfig { target_accept, ..NutsConfig::default() });
    Flex2 { local: Box::new(local), local_steps: 1, ..Flex2::default() }
}

/// The same, where chains start in several modes: the flow learns all of them before the first jump.
fn flow_over_modes(target_accept: f64, dim: usize) -> Flex2 {
    Flex2 { apart: APART.0 + APART.1 * dim, burn_in: 50, ..flow_with_nuts(target_accept) }
}

/// The choice for a target that cannot be looked at.
pub(super) fn without_a_look(target: &dyn Target) -> Option<Decision> {
    let dim = target.dim();
    if !target.has_gradient() {
        let local = KernelConfig::RandomWalk(RandomWalkConfig::default());
        let why = target.why_no_gradient().map_or_else(String::new, |why| format!(" ({why})"));
        let reason =
            format!("the target gives no gradient{why}: a flow with random walks for local steps (flex2)");
        // Reverse KL, a part of the loss otherwise, needs gradients too.
        let mix = MixSchedule::Constant { forward: 1.0 };
        let flex2 = Flex2 { local: Box::new(local), mix, ..Flex2::default() };
        return Some(Decision { method: flex2.into(), start: None, history: None, reasons: vec![reason] });
    }
    (dim > MOST_LOOKED_AT).then(|| {
        let reason = format!("{dim} coordinates are too many to look at: NUTS alone");
        Decision { method: KernelMethod::default().into(), start: None, history: None, reasons: vec![reason] }
    })
}

/// The choice.
pub(super) fn decide(sight: &Sight, config: &RunConfig) -> Decision {
    let mut reasons = vec![seen(sight)];
    let (modes, dim) = (sight.modes.len(), sight.dim);
    let hard = sight.divergent > MANY_DIVERGENT || (sight.at_limit > MANY_AT_LIMIT && !sight.mixed());
    let accept = if sight.divergent > FEW_DIVERGENT { 0.95 } else { 0.8 };
    let method: Method = if modes > 1 {
        reasons.push(format!(
            "{modes} groups of chains with valleys between them: a flow that learns all of them before it crosses, with NUTS for local steps (flex2); \
             chains start in all of them, their weights come from the flow"
        ));
        flow_over_modes(accept, dim).into()
    } else if sight.mixed() && !hard && accept > 0.8 {
        reasons.push("one mode, some divergent trajectories: NUTS with small steps (acceptance .95)".into());
        nuts(accept, 1000).into()
    } else if sight.mixed() && !hard {
        reasons.push("one mode in a shape that NUTS takes: NUTS alone".into());
        nuts(accept, 500).into()
    } else if dim > MOST_OF_A_FLOW || (dim > FEW_OF_A_FLOW && sight.rhat <= NEARLY_MIXED && !hard) {
        reasons.push(format!(
            "NUTS does not take it well, but {dim} coordinates are many for a flow: NUTS with small steps (acceptance .95) and a long warm-up"
        ));
        nuts(0.95, 2000).into()
    } else {
        let why = if hard { "a shape that NUTS does not take" } else { "chains of NUTS do not agree" };
        reasons.push(format!("{why}: a flow with NUTS for local steps (flex2)"));
        // Jumps bring chains to necks that those of the look hardly entered.
        flow_with_nuts(if hard || sight.divergent > 0.0 { 0.95 } else { accept }).into()
    };
    // Chains of the look have left the starts behind; where some of them got lost, the run's would too.
    let elsewhere = sight.stray_near > 0 || !matches!(method, Method::Kernel(_));
    let start = elsewhere.then(|| Start::Points { points: dealt(&sight.modes, config.chains) });
    // Draws from before the first jump must not all be forgotten.
    let history = (modes > 1).then_some(History::Reservoir);
    Decision { method, start, history, reasons }
}

/// What was seen, in words.
fn seen(sight: &Sight) -> String {
    let stray = match sight.stray {
        0 => String::new(),
        n => format!(", {n} of them left out as they stood where there is no mass"),
    };
    let found = match sight.found {
        0 => String::new(),
        n => format!(" ({n} of them at peaks that a search by climbing found)"),
    };
    let short = if sight.cut_short { "; cut short, as its share was used up" } else { "" };
    format!(
        "{} short chains of NUTS{found}{stray}: R-hat {:.2}, {:.1} % of trajectories divergent, {:.0} % at the greatest depth, {:.0} gradients each{short}",
        sight.chains,
        sight.rhat,
        100.0 * sight.divergent,
        100.0 * sight.at_limit,
        sight.leapfrogs
    )
}

/// Starts for the chains of the run, dealt out over the modes in turn.
fn dealt(modes: &[Vec<Vec<f64>>], chains: usize) -> Vec<Vec<f64>> {
    let of_chain = |c: usize| {
        let (mode, turn) = (c % modes.len(), c / modes.len());
        let ends = &modes[mode];
        // Evenly over the chains of the look, so that each group of them has its part.
        let turns = (chains - mode).div_ceil(modes.len());
        let end = if turns < ends.len() { turn * ends.len() / turns } else { turn % ends.len() };
        ends[end].clone()
    };
    (0..chains).map(of_chain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        let modes = vec![vec![vec![0.0; 3]; 12]];
        Sight {
            chains: 12,
            rhat: 1.02,
            divergent: 0.0,
            at_limit: 0.0,
            leapfrogs: 7.0,
            modes,
            stray: 0,
            stray_near: 0,
            found: 0,
            dim: 3,
            cut_short: false,
        }
    }

    fn chosen(sight: &Sight) -> RunConfig {
        let mut config = RunConfig { chains: 5, ..RunConfig::default() };
        decide(sight, &config).apply(&mut config);
        config.check().unwrap();
        config
    }

    #[test]
    fn each_sight_has_its_method() {
        let name = |s: Sight| chosen(&s).method.name();
        assert_eq!(name(sight()), "kernel");
        assert_eq!(name(Sight { divergent: 0.01, ..sight() }), "kernel");
        assert_eq!(name(Sight { rhat: 1.3, ..sight() }), "flex2");
        assert_eq!(name(Sight { divergent: 0.2, ..sight() }), "flex2");
        assert_eq!(name(Sight { at_limit: 0.9, ..sight() }), "kernel", "long trajectories that mix");
        assert_eq!(name(Sight { at_limit: 0.9, rhat: 1.3, ..sight() }), "flex2");
        assert_eq!(name(Sight { at_limit: 0.9, rhat: 1.3, dim: 1000, ..sight() }), "kernel");
        assert_eq!(name(Sight { rhat: 1.08, dim: 103, ..sight() }), "kernel");
        assert_eq!(name(Sight { rhat: 1.3, dim: 103, ..sight() }), "flex2");
        let stuck = chosen(&Sight { rhat: f64::INFINITY, ..sight() });
        assert!(
            stuck.chosen[0].contains("R-hat inf") && stuck.chosen[1].contains("agree"),
            "{:?}",
            stuck.chosen
        );
    }

    #[test]
    fn a_run_starts_elsewhere_where_chains_got_lost() {
        assert_eq!(chosen(&sight()).start, Start::default());
        let lost = chosen(&Sight { stray: 2, stray_near: 2, ..sight() });
        assert_eq!(lost.method.name(), "kernel");
        assert!(matches!(lost.start, Start::Points { .. }), "{:?}", lost.start);
    }

    #[test]
    fn chains_are_dealt_out_over_the_modes() {
        let modes = vec![vec![vec![0.0], vec![1.0]], vec![vec![9.0]]];
        let config = chosen(&Sight { modes, rhat: 3.0, ..sight() });
        assert_eq!(config.method.name(), "flex2");
        let Start::Points { points } = config.start else { panic!() };
        assert_eq!(points, [[0.0], [9.0], [1.0], [9.0], [0.0]]);
    }
}
