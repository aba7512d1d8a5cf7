//! The gradient of the loss, and the shift example, whose ratio is known.

use super::*;
use crate::density::LatentPrior;
use crate::net::{Activation, Dense, Init, NetworkSpec};

/// `G(z) = z`, so generated points are standard normal.
fn identity() -> Network<f32> {
    let spec = NetworkSpec::new(&[1]).with(Dense::new(1));
    let mut network = Network::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap();
    network.update(|p| p.copy_from_slice(&[1.0, 0.0]));
    network
}

/// Draws of `N(mean, 1)`.
fn normal(mean: f64, rows: usize) -> TrainingData {
    let mut x = Points::zeros(rows, 1);
    Stream::new(7, 0).fill_normal(x.data_mut());
    x.data_mut().iter_mut().for_each(|x| *x += mean);
    TrainingData::new(x).unwrap()
}

fn training(penalty: f64, data: &TrainingData) -> RatioTraining {
    let spec = NetworkSpec::dense(1, &[24], 1, Activation::Tanh);
    let network = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
    let mut settings = RatioSettings { batch: 256, penalty, patience: 10, ..RatioSettings::default() };
    settings.optimiser.learning_rate = 5e-3;
    RatioTraining::new(settings, identity(), LatentPrior::Normal, vec![network], data, 3).unwrap()
}

/// The largest difference from `x - 1/2` on [-1.5, 2.5], where 98 % of either law lie within.
fn worst(network: &Network<f32>) -> f64 {
    let x = Points::from_vec((0..81).map(|i| f64::from(i) * 0.05 - 1.5).collect(), 1);
    let mut r = vec![0.0; x.rows()];
    network.energy(x.as_batch(), &mut r);
    r.iter().zip(x.data()).map(|(r, x)| (r - (x - 0.5)).abs()).fold(0.0, f64::max)
}

#[test]
fn the_ratio_of_the_shift_is_learned_and_swapped_labels_are_found() {
    let data = normal(1.0, 40_000);
    for penalty in [0.0, 0.5] {
        let mut training = training(penalty, &data);
        for _ in 0..2000 {
            if training.has_stopped() {
                break;
            }
            training.update();
        }
        let kept = training.kept().unwrap();
        let off = worst(&kept);
        assert!(off < 0.25, "penalty {penalty}: {off}");
        // The least loss is ln 4 less twice the Jensen-Shannon divergence of the two, 0.2228 by quadrature.
        let (_, loss) = training.best().unwrap();
        assert!((loss - (4f64.ln() - 2.0 * 0.1114)).abs() < 0.04, "{loss}");
        // A ratio averages to one.
        let mut r = vec![0.0; training.held_out().generated.rows()];
        kept.energy(training.held_out().generated.as_batch(), &mut r);
        let mean = r.iter().map(|r| r.exp()).sum::<f64>() / r.len() as f64;
        assert!((mean - 1.0).abs() < 0.15, "{mean}");
        // Negative control: data and generated points exchanged.
        let mut swapped = kept.clone();
        let n = swapped.params().len();
        swapped.update(|p| p[n - 25..].iter_mut().for_each(|w| *w = -*w));
        assert!(worst(&swapped) > 2.0);
        assert!(held_out_loss(&swapped, training.held_out()) > loss + 0.5);
    }
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    let spec = NetworkSpec::dense(2, &[6], 1, Activation::Tanh);
    let network: Network<f64> = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
    let mut both = Points::zeros(140, 2);
    Stream::new(4, 0).fill_normal(both.data_mut());
    for penalty in [0.0, 3.0] {
        let loss = |network: &Network<f64>, gradient: &mut [f64]| {
            ratio_loss(network, both.as_batch(), penalty, &mut vec![0.0; 140], gradient)
        };
        let mut gradient = vec![0.0; network.params().len()];
        loss(&network, &mut gradient);
        for (i, slope) in gradient.iter().enumerate() {
            let at = |by: f64| {
                let mut moved = network.clone();
                moved.update(|p| p[i] += by);
                loss(&moved, &mut vec![0.0; gradient.len()])
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((numeric - slope).abs() < 1e-8, "{penalty}, {i}: {slope} and {numeric}");
        }
    }
}

#[test]
fn a_saved_training_goes_on_with_the_same_bits_and_mistakes_are_named() {
    let data = normal(1.0, 2000);
    let (mut whole, mut stopped) = (training(0.1, &data), training(0.1, &data));
    for i in 0..230 {
        if i % 70 == 30 {
            let state = stopped.save();
            stopped = training(0.1, &data);
            stopped.load(state).unwrap();
        }
        assert_eq!(whole.update(), stopped.update(), "{i}");
    }
    assert_eq!(whole.kept().unwrap().params(), stopped.kept().unwrap().params());
    assert_eq!(whole.best().unwrap().0 % 100, 0);

    let error = |settings: RatioSettings, spec: NetworkSpec| {
        let network = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
        let made = RatioTraining::new(settings, identity(), LatentPrior::Normal, vec![network], &data, 3);
        made.err().unwrap().to_string()
    };
    let dense = |n_in, n_out| NetworkSpec::dense(n_in, &[3], n_out, Activation::Relu);
    let of = |batch| RatioSettings { batch, ..RatioSettings::default() };
    assert!(error(of(10), dense(2, 1)).contains("the generator makes points of 1 numbers"));
    assert!(error(of(10), dense(1, 2)).contains("a ratio has one output"));
    assert!(error(of(1900), dense(1, 1)).contains("the 1800 rows of data"));
    let none = RatioSettings { validation: 1e-4, ..RatioSettings::default() };
    assert!(error(none, dense(1, 1)).contains("two on either side"));
}

#[test]
fn an_ensemble_is_the_mean_of_its_members_in_one_network() {
    let data = normal(1.0, 2000);
    let spec = NetworkSpec::dense(1, &[6], 1, Activation::Tanh);
    let member =
        |number| -> Network<f32> { Network::new(&spec, Init::Uniform, &mut Stream::new(2, number)).unwrap() };
    let members = || vec![member(0), member(1), member(2)];
    let settings = RatioSettings { batch: 50, look_every: 10, ..RatioSettings::default() };
    let make = |networks| {
        RatioTraining::new(settings.clone(), identity(), LatentPrior::Normal, networks, &data, 3).unwrap()
    };
    let mut all = make(members());
    // Members see what a single network sees, and learn as it does.
    let mut alone: Vec<RatioTraining> = members().into_iter().map(|network| make(vec![network])).collect();
    for _ in 0..40 {
        let mean = alone.iter_mut().map(|one| one.update().loss).sum::<f64>() / 3.0;
        assert!((all.update().loss - mean).abs() < 1e-12);
    }
    let x = Points::from_vec((0..70).map(|i| f64::from(i) * 0.1 - 3.0).collect(), 1);
    let values = |network: &Network<f32>| {
        let mut r = vec![0.0; x.rows()];
        network.energy(x.as_batch(), &mut r);
        r
    };
    let kept = all.kept().unwrap();
    let read = Network::<f32>::from_bytes(&kept.to_safetensors()).unwrap();
    assert_eq!(values(&kept), values(&read));
    let singles: Vec<Vec<f64>> = alone.iter().map(|one| values(&one.kept().unwrap())).collect();
    for (i, mean) in values(&kept).iter().enumerate() {
        let expected = singles.iter().map(|r| r[i]).sum::<f64>() / 3.0;
        assert!((mean - expected).abs() < 1e-5, "{mean} and {expected}");
    }
    let state = all.save();
    assert!(make(vec![member(0)]).load(state).is_err());
}
