//! Training towards a tempered Gaussian: the optimum at inverse temperature `beta` of `N(m, s^2)` is `N(m, s^2 / beta)`.
//!
//! In one dimension couplings have nothing to look at, so the flow is affine: a Gaussian whose mean and standard deviation can be
//! read off two points.

use mixwell::density::{Failure, Guarded, Target, from_fn_with_grad};
use mixwell::flow::{Flow, FlowConfig, LearningRate, RealNvpConfig, WhiteningMode};
use mixwell::proposal::Transport;
use mixwell::train::{
    Examples, MixSchedule, Objective, Particles, Tempering, TrainAction, Trainer, TrainingConfig,
    uninterrupted,
};
use mixwell::{Points, Stream};

const MEAN: f64 = 1.0;
const SD: f64 = 2.0;

fn target() -> impl Target {
    from_fn_with_grad(1, |x, grad| {
        let u = (x[0] - MEAN) / SD;
        grad[0] = -u / SD;
        -0.5 * u * u
    })
}

/// A Gaussian flow at `N(0, 1)`.
fn gaussian_flow() -> Flow {
    let config =
        RealNvpConfig { whitening: WhiteningMode::None, hidden: vec![4], ..RealNvpConfig::default() };
    Flow::new(&FlowConfig::Realnvp(config), 1, &mut Stream::new(1, 0)).unwrap()
}

fn mean_and_sd(flow: &Flow) -> (f64, f64) {
    let z = Points::from_rows(&[[0.0], [1.0], [-2.0]]);
    let (mut x, mut log_det) = (Points::zeros(3, 1), [0.0; 3]);
    flow.forward(z.as_batch(), x.as_batch_mut(), &mut log_det);
    let x = x.data();
    assert!((x[0] - x[2] - 2.0 * (x[1] - x[0])).abs() < 1e-9, "the map is not affine: {x:?}");
    (x[0], x[1] - x[0])
}

fn settings(total: u64) -> TrainingConfig {
    TrainingConfig {
        learning_rate: 0.03,
        schedule: LearningRate::Cosine { total, floor: 0.0 },
        weight_decay: 0.0,
        clip_norm: 100.0,
        reverse_draws: 300,
        ..TrainingConfig::default()
    }
}

/// Trains by `calls` equal calls, the chains' draws being those of `past`.
fn train(action: &TrainAction, calls: usize, past: &Points, particles: Option<Particles<'_>>) -> (f64, f64) {
    let (target, mut flow) = (target(), gaussian_flow());
    let total = calls * action.steps.max(8 * action.epochs);
    let mut trainer = Trainer::new(settings(total as u64), &flow, calls, 5).unwrap();
    trainer.observe(past.as_batch());
    for _ in 0..calls {
        let failure = Failure::default();
        let examples = Examples::of(Guarded::new(&target, &failure))
            .with_chains(past.as_batch())
            .with_particles(particles);
        let Ok(_) = trainer.train(action, &mut flow, examples, &uninterrupted);
    }
    mean_and_sd(&flow)
}

/// Exact draws of `N(MEAN, sd^2)`.
fn draws(n: usize, sd: f64) -> Points {
    let mut x = Points::zeros(n, 1);
    Stream::new(8, 0).fill_normal(x.data_mut());
    x.data_mut().iter_mut().for_each(|x| *x = MEAN + sd * *x);
    x
}

fn assert_near((mean, sd): (f64, f64), expected_sd: f64) {
    assert!((sd / expected_sd - 1.0).abs() < 0.05, "sd {sd} instead of {expected_sd}");
    assert!((mean - MEAN).abs() < 0.1 * expected_sd, "mean {mean}");
}

fn reverse(tempering: Tempering) -> (f64, f64) {
    let action =
        TrainAction { objective: Objective::Reverse, steps: 10, tempering, ..TrainAction::default() };
    train(&action, 60, &draws(1, SD), None)
}

#[test]
fn reverse_kl_finds_the_tempered_gaussian() {
    assert_near(reverse(Tempering::Constant { beta: 1.0 }), SD);
    assert_near(reverse(Tempering::Constant { beta: 0.25 }), 2.0 * SD);
    assert_near(reverse(Tempering::Constant { beta: 4.0 }), 0.5 * SD);
}

#[test]
fn a_ramp_ends_at_the_target() {
    let tempering = Tempering::Ramp { from: 0.1, until: 0.5 };
    assert_near(reverse(tempering), SD);
    // Half way, with a ramp that is as long as the training, the flow is still wider.
    let slow = TrainAction {
        objective: Objective::Reverse,
        steps: 10,
        tempering: Tempering::Ramp { from: 0.1, until: 1.0 },
        ..TrainAction::default()
    };
    let (target, mut flow) = (target(), gaussian_flow());
    let mut trainer = Trainer::new(settings(600), &flow, 60, 5).unwrap();
    let chains = draws(1, SD);
    for _ in 0..30 {
        let failure = Failure::default();
        let examples = Examples::of(Guarded::new(&target, &failure)).with_chains(chains.as_batch());
        let Ok(_) = trainer.train(&slow, &mut flow, examples, &uninterrupted);
    }
    let (_, sd) = mean_and_sd(&flow);
    assert!(sd > 1.15 * SD, "{sd}");
}

#[test]
fn draws_of_the_target_stand_for_a_tempered_one() {
    // 8000 draws; the weights pi^{-1/5} have a finite variance. N(1, 4) at 0.8 is N(1, 5).
    let past = draws(8000, SD);
    let tempering = Tempering::Constant { beta: 0.8 };
    let expected = SD / 0.8f64.sqrt();
    let passes = TrainAction { epochs: 15, tempering, ..TrainAction::default() };
    assert_near(train(&passes, 3, &past, None), expected);
    let steps = TrainAction { steps: 300, tempering, ..TrainAction::default() };
    assert_near(train(&steps, 1, &past, None), expected);
    let climbing = TrainAction { objective: Objective::ScoreClimbing, ..steps };
    assert_near(train(&climbing, 1, &past, None), expected);
    // The control: without tempering the same draws give the target, which is outside the band.
    let plain = TrainAction { tempering: Tempering::default(), ..climbing };
    let (_, sd) = train(&plain, 1, &past, None);
    assert!((sd / SD - 1.0).abs() < 0.05 && (sd / expected - 1.0).abs() > 0.05, "{sd}");
}

#[test]
fn particles_are_weighed_by_the_tempered_target() {
    // Particles from N(1, 8^2): log w = log pi - log q up to a constant. At 1/4 the target is N(1, 16).
    let particles = draws(4000, 8.0);
    let log_weight = |x: &f64| -0.5 * ((x - MEAN) / SD).powi(2) + 0.5 * ((x - MEAN) / 8.0).powi(2);
    let log_weights: Vec<f64> = particles.data().iter().map(log_weight).collect();
    let pool = Some(Particles { x: particles.as_batch(), log_weights: &log_weights, per_chain: 4000 });
    let fit = |beta: f64| {
        let objective = Objective::Pool { mix: MixSchedule::Constant { forward: 1.0 } };
        let tempering = Tempering::Constant { beta };
        let action = TrainAction { objective, steps: 300, tempering, ..TrainAction::default() };
        train(&action, 1, &draws(1, SD), pool)
    };
    assert_near(fit(1.0), SD);
    assert_near(fit(0.25), 2.0 * SD);
}
