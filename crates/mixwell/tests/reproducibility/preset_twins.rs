//! The methods against twins that forget, before every step, everything a chain carries: same decisions, same draws.
//!
//! A carried log q was computed going forward through the flow, a recomputed one going back, so they agree to rounding only.

use mixwell::density::{BananaConfig, Target, TwoModesConfig};
use mixwell::flow::{FlowConfig, RealNvpConfig};
use mixwell::io::Phase;
use mixwell::kernel::*;
use mixwell::sampler::{Action, Move, Run, Sampler, Schedule, Stage};
use mixwell::train::{MixSchedule, Objective, TrainAction};

/// Forgets gradients, log q and latents of every chain and evaluates the log-density afresh; with `wrong`, badly.
struct Forgetful {
    inner: Box<dyn Kernel>,
    wrong: f64,
}

impl Kernel for Forgetful {
    fn leaves(&self) -> Vec<Leaf> {
        self.inner.leaves()
    }
    fn law(&self) -> Law {
        self.inner.law()
    }
    fn needs(&self) -> Needs {
        self.inner.needs()
    }
    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, sheet: TallySheet<'_>) {
        let mut log_prob = vec![0.0; block.rows()];
        context.target.log_prob(block.x(), &mut log_prob);
        for (row, log_prob) in log_prob.into_iter().enumerate() {
            let x = block.x().row(row).to_vec();
            block.move_to(row, &x, log_prob + self.wrong, None);
        }
        self.inner.step(context, block, sheet);
    }
    fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        self.inner.adapt(warmup, chains, tallies);
    }
    fn freeze(&mut self) {
        self.inner.freeze();
    }
    fn save(&self) -> KernelState {
        self.inner.save()
    }
    fn load(&mut self, state: &KernelState) -> Result<(), StateError> {
        self.inner.load(state)
    }
}

#[derive(Clone, Copy)]
enum Twin {
    None,
    Forgets,
    Wrong,
}

fn kernels(configs: &[(&str, KernelConfig)], twin: Twin) -> Vec<(String, Box<dyn Kernel>)> {
    let build = |(name, config): &(&str, KernelConfig)| {
        let inner = config.build(2).unwrap();
        let kernel: Box<dyn Kernel> = match twin {
            Twin::None => inner,
            Twin::Forgets => Box::new(Forgetful { inner, wrong: 0.0 }),
            Twin::Wrong => Box::new(Forgetful { inner, wrong: 1.0 }),
        };
        (name.to_string(), kernel)
    };
    configs.iter().map(build).collect()
}

fn flow() -> FlowConfig {
    FlowConfig::Realnvp(RealNvpConfig { n_blocks: 2, hidden: vec![16], ..RealNvpConfig::default() })
}

fn go(
    target: impl Target + 'static,
    configs: &[(&str, KernelConfig)],
    schedule: &Schedule,
    twin: Twin,
) -> Run {
    Sampler::new(target)
        .kernels(kernels(configs, twin), schedule.clone())
        .flow(flow())
        .chains(6)
        .draws(60)
        .seed(3)
        .run()
        .unwrap()
}

/// The largest difference between the draws of two runs.
fn distance(a: &Run, b: &Run) -> f64 {
    let both = [Phase::Warmup, Phase::Production].into_iter().flat_map(|g| {
        let (a, b) = (a.draws().unwrap().values(g), b.draws().unwrap().values(g));
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| (a - b).abs())
    });
    both.fold(0.0, f64::max)
}

fn check(
    name: &str,
    target: impl Fn() -> Box<dyn Target>,
    configs: &[(&str, KernelConfig)],
    schedule: &Schedule,
) {
    let run = |twin| go(target(), configs, schedule, twin);
    let carried = run(Twin::None);
    let twin = distance(&carried, &run(Twin::Forgets));
    assert!(twin < 1e-6, "{name}: the slow twin is {twin} away");
    let wrong = distance(&carried, &run(Twin::Wrong));
    assert!(wrong > 1e-3, "{name}: a wrong log-density goes unnoticed");
}

fn moves(kernel: &str, times: usize) -> Action {
    Action::Move(Move::new(kernel, times))
}

fn two_modes() -> Box<dyn Target> {
    Box::new(TwoModesConfig::default().build().unwrap())
}

fn diagonal_mala() -> KernelConfig {
    KernelConfig::Mala(MalaConfig { metric: MetricKind::Diagonal, ..MalaConfig::default() })
}

#[test]
fn ex2_equals_its_slow_twin() {
    let whiten = TrainAction { whiten: true, forget: true, ..TrainAction::default() };
    let round = vec![moves("global", 1), moves("local", 3)];
    let schedule = Schedule {
        warmup: vec![
            Stage { repeat: 10, actions: round.clone() },
            Stage { repeat: 1, actions: vec![Action::Train(whiten)] },
            Stage { repeat: 10, actions: round },
        ],
        frozen: 5,
        production: vec![Move::new("global", 1), Move::new("local", 3)],
    };
    check("ex2", two_modes, &[("global", isir(8)), ("local", diagonal_mala())], &schedule);
}

#[test]
fn flex2_equals_its_slow_twin() {
    let learn = TrainAction {
        objective: Objective::Pool { mix: MixSchedule::default() },
        steps: 1,
        ..TrainAction::default()
    };
    let schedule = Schedule {
        warmup: vec![Stage {
            repeat: 20,
            actions: vec![moves("global", 1), Action::Train(learn), moves("local", 3)],
        }],
        frozen: 5,
        production: vec![Move::new("global", 1), Move::new("local", 3)],
    };
    check("flex2", two_modes, &[("global", isir(8)), ("local", diagonal_mala())], &schedule);
}

#[test]
fn flowmc_equals_its_slow_twin() {
    let train = TrainAction { epochs: 2, whiten: true, ..TrainAction::default() };
    let schedule = Schedule {
        warmup: vec![Stage {
            repeat: 4,
            actions: vec![moves("local", 8), Action::Train(train), moves("global", 3)],
        }],
        frozen: 5,
        production: vec![Move::new("local", 8), Move::new("global", 3)],
    };
    check("flowmc", two_modes, &[("global", independent_mh()), ("local", diagonal_mala())], &schedule);
}

#[test]
fn neutra_equals_its_slow_twin() {
    let train = TrainAction { epochs: 2, whiten: true, ..TrainAction::default() };
    let schedule = Schedule {
        warmup: vec![Stage {
            repeat: 2,
            actions: vec![moves("local", 10), Action::Train(train), moves("neutra", 3)],
        }],
        frozen: 0,
        production: vec![Move::new("neutra", 1)],
    };
    let banana = || -> Box<dyn Target> {
        Box::new(BananaConfig { dim: 2, ..BananaConfig::default() }.build().unwrap())
    };
    check("neutra", banana, &[("local", diagonal_mala()), ("neutra", neutra(hmc(3)))], &schedule);
}
