//! Small GANs on a Gaussian on the line: every loss finds it, and a mistake in the sign does not.

use super::super::*;
use crate::density::{Edges, LatentPrior};
use crate::gan::{GanLoss, HingeLoss, JsLoss};
use crate::net::{Activation, Init, NetworkSpec};

const MEAN: f64 = 1.0;
const SD: f64 = 0.5;

/// Exact quantiles of `N(1, 1/4)`.
fn data() -> TrainingData {
    let n = 1000;
    let at = |i: usize| MEAN + SD * crate::math::normal_quantile((i as f64 + 0.5) / n as f64);
    TrainingData::new(Points::from_vec((0..n).map(at).collect(), 1)).unwrap()
}

fn settings(loss: GanLoss) -> GanSettings {
    let mut settings = GanSettings { loss, discriminator_steps: 5, average: 0.99, ..GanSettings::default() };
    for optimiser in [&mut settings.generator_optimiser, &mut settings.discriminator_optimiser] {
        optimiser.learning_rate = 2e-3;
    }
    settings
}

fn training(settings: GanSettings) -> GanTraining {
    let network = |hidden: usize, number| -> Network<f32> {
        let spec = NetworkSpec::dense(1, &[hidden, hidden], 1, Activation::LeakyRelu(0.2));
        Network::new(&spec, Init::Uniform, &mut Stream::new(6, number)).unwrap()
    };
    GanTraining::new(settings, network(16, 0), network(32, 1), data(), 3).unwrap()
}

/// Mean and standard deviation of what the kept generator makes.
fn moments(training: &GanTraining) -> (f64, f64) {
    let n = 20_000;
    let mut z = Points::zeros(n, 1);
    training.settings().prior.fill(&mut Stream::new(9, 0), z.data_mut());
    let mut x = Points::zeros(n, 1);
    training.kept_generator().unwrap().values(z.as_batch(), x.as_batch_mut());
    let mean = x.data().iter().sum::<f64>() / n as f64;
    let variance = x.data().iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
    (mean, variance.sqrt())
}

const UNIFORM: LatentPrior = LatentPrior::Uniform { low: -1.0, high: 1.0, edges: Edges::Map };

fn losses() -> Vec<(GanLoss, LatentPrior)> {
    vec![
        (GanLoss::Js(JsLoss { penalty: 0.1 }), LatentPrior::Normal),
        (GanLoss::Hinge(HingeLoss { penalty: 0.1 }), UNIFORM),
        (GanLoss::Wgan(WganLoss { penalty: 0.1, clip: 0.0 }), LatentPrior::Normal),
        (GanLoss::Wgan(WganLoss { penalty: 0.0, clip: 0.1 }), UNIFORM),
    ]
}

#[test]
fn every_loss_finds_the_gaussian() {
    for (loss, prior) in losses() {
        let mut training = training(GanSettings { prior, ..settings(loss.clone()) });
        let (before, _) = moments(&training);
        for _ in 0..1500 {
            training.update();
        }
        let (mean, sd) = moments(&training);
        assert!((before - MEAN).abs() > 0.5, "{before}");
        assert!((mean - MEAN).abs() < 0.15 && (sd - SD).abs() < 0.15, "{loss:?}: mean {mean}, sd {sd}");
        let [discriminator, generator] = training.counts();
        assert_eq!((discriminator.updates, generator.updates), (7500, 1500));
        if loss.clip() > 0.0 {
            assert!(training.discriminator().params().iter().all(|w| w.abs() <= 0.1));
        }
    }
}

#[test]
fn a_generator_that_learns_the_wrong_way_does_not() {
    // The discriminator's own loss of generated points, in the generator's place: it moves away from the data.
    let mut wrong = training(settings(GanLoss::default()));
    wrong.generator_climbs = true;
    for _ in 0..300 {
        wrong.update();
    }
    let (mean, _) = moments(&wrong);
    assert!((mean - MEAN).abs() > 0.5, "{mean}");
}

#[test]
fn a_saved_training_goes_on_with_the_same_bits() {
    for (loss, prior) in losses() {
        let make = || training(GanSettings { prior, batch: 96, ..settings(loss.clone()) });
        let mut whole = make();
        let updates: Vec<GanUpdate> = (0..60).map(|_| whole.update()).collect();
        let mut stopped = make();
        for (i, expected) in updates.iter().enumerate() {
            if i % 7 == 3 {
                let state = stopped.save();
                stopped = make();
                stopped.load(state).unwrap();
            }
            assert_eq!(stopped.update(), *expected, "{loss:?}, update {i}");
        }
        assert_eq!(stopped.kept_generator().unwrap().params(), whole.kept_generator().unwrap().params());
        assert_eq!(stopped.discriminator().params(), whole.discriminator().params());
    }
}

#[test]
fn threads_change_no_bit() {
    let after = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let spec = NetworkSpec::dense(1, &[100, 100], 1, Activation::LeakyRelu(0.2));
            let network = |number| Network::new(&spec, Init::Uniform, &mut Stream::new(6, number)).unwrap();
            let settings = GanSettings { batch: 300, ..settings(GanLoss::Js(JsLoss { penalty: 0.1 })) };
            let mut training = GanTraining::new(settings, network(0), network(1), data(), 3).unwrap();
            let last = (0..20).map(|_| training.update()).last();
            (last, training.generator().params().to_vec(), training.discriminator().params().to_vec())
        })
    };
    assert!(after(1) == after(3));
}
