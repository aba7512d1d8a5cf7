//! Markovian score climbing against reverse KL: a Gaussian flow on two modes.
//!
//! The target is an equal mixture of N(-2, 0.6^2) and N(2, 0.6^2): mean 0, standard deviation sqrt(4 + 0.36) = 2.088. The
//! optimum of the forward KL among Gaussians has the target's moments. That of the reverse KL, by quadrature, is one of the two
//! modes alone, and the best symmetric one has standard deviation 1.785. In one dimension an affine coupling flow is a Gaussian.

use mixwell::Points;
use mixwell::density::{ComponentConfig, GaussianMixture, GaussianMixtureConfig};
use mixwell::flow::{Flow, FlowConfig, LearningRate as Rate, RealNvpConfig, WhiteningMode};
use mixwell::kernel::mala;
use mixwell::proposal::Transport;
use mixwell::sampler::{Action, Method, Move, Sampler, Schedule, ScoreClimbing, Stage, Start};
use mixwell::train::{Objective, TrainAction, TrainingConfig};

const SD: f64 = 2.088;

fn target() -> GaussianMixture {
    let mode =
        |mean| ComponentConfig { mean: vec![mean], scale: Some(0.6), weight: 1.0, ..Default::default() };
    GaussianMixtureConfig { components: vec![mode(-2.0), mode(2.0)] }.build().unwrap()
}

fn sampler() -> Sampler {
    let flow = RealNvpConfig { whitening: WhiteningMode::None, hidden: vec![4], ..RealNvpConfig::default() };
    let training = TrainingConfig {
        learning_rate: 0.02,
        schedule: Rate::InverseTime { every: 200 },
        weight_decay: 0.0,
        ..TrainingConfig::default()
    };
    Sampler::new(target())
        .flow(FlowConfig::Realnvp(flow))
        .configure(|c| c.training = training)
        .chains(30)
        .draws(50)
        .start(Start::Gaussian { scale: 1.0 })
        .seed(4)
}

fn mean_and_sd(flow: &Flow) -> (f64, f64) {
    let z = Points::from_rows(&[[0.0], [1.0]]);
    let mut x = Points::zeros(2, 1);
    flow.forward(z.as_batch(), x.as_batch_mut(), &mut [0.0; 2]);
    (x.data()[0], x.data()[1] - x.data()[0])
}

#[test]
fn score_climbing_matches_moments_where_reverse_kl_is_too_narrow() {
    let method = Method::ScoreClimbing(ScoreClimbing { train_iterations: 1200, ..ScoreClimbing::default() });
    let run = sampler().method(method).run().unwrap();
    let (mean, sd) = mean_and_sd(run.flow().unwrap());
    println!("score climbing: mean {mean}, sd {sd}");
    // Noise of the last steps: 30 chains per gradient, rate 0.02 / 7.
    assert!(mean.abs() < 0.2 && (sd / SD - 1.0).abs() < 0.08, "score climbing: mean {mean}, sd {sd}");
    let weights = run.summary().unwrap().mode_weights.clone().unwrap();
    assert!((weights[0] - 0.5).abs() < 0.15, "{weights:?}");

    let learn = TrainAction { objective: Objective::Reverse, steps: 4000, ..TrainAction::default() };
    let schedule = Schedule {
        warmup: vec![Stage { repeat: 1, actions: vec![Action::Train(learn)] }],
        frozen: 0,
        production: vec![Move::new("local", 1)],
    };
    let kernels = vec![("local".to_string(), mala().build(1).unwrap())];
    let run = sampler().kernels(kernels, schedule).run().unwrap();
    let (_, sd) = mean_and_sd(run.flow().unwrap());
    assert!(sd < 0.9 * SD, "reverse KL: sd {sd}");
}
