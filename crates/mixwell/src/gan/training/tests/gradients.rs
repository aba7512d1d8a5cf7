//! Gradients of both losses against finite differences, the penalty and networks with statistics included.

use crate::gan::training::discriminator::discriminator_loss;
use crate::gan::training::generator::generator_loss;
use crate::gan::{GanLoss, HingeLoss, JsLoss, WganLoss};
use crate::net::{
    Activation, BatchNorm, Convolution, Dense, Flatten, Init, LayerSpec, Model, Network, NetworkSpec, Reshape,
};
use crate::{Points, Stream};

const ROWS: usize = 70;
const STEP: f64 = 1e-5;

fn losses() -> Vec<GanLoss> {
    vec![
        GanLoss::Js(JsLoss::default()),
        GanLoss::Js(JsLoss { penalty: 0.3 }),
        GanLoss::Hinge(HingeLoss::default()),
        GanLoss::Wgan(WganLoss { penalty: 2.0, clip: 0.0 }),
        GanLoss::Wgan(WganLoss { penalty: 0.0, clip: 0.1 }),
    ]
}

fn network(spec: &NetworkSpec) -> Network<f64> {
    Network::new(spec, Init::Uniform, &mut Stream::new(5, 0)).unwrap()
}

fn points(rows: usize, dim: usize, number: u64) -> Points {
    let mut points = Points::zeros(rows, dim);
    Stream::new(8, number).fill_normal(points.data_mut());
    points
}

fn dense() -> NetworkSpec {
    NetworkSpec::dense(8, &[7, 9], 1, Activation::Tanh)
}

/// Two channels of 2 x 2 pixels.
fn convolutional(layer: impl Into<LayerSpec>) -> NetworkSpec {
    NetworkSpec::new(&[2, 2, 2])
        .with(Convolution::new(3, 3, 1, 1))
        .with(layer)
        .with(Activation::Swish)
        .with(Flatten {})
        .with(Dense::new(1))
}

/// Compares a gradient with differences of `value`, at every few of the parameters that are no statistic.
fn compare(network: &Network<f64>, gradient: &[f64], value: impl Fn(&Network<f64>) -> f64, what: &str) {
    let at = |i: usize, by: f64| {
        let mut moved = network.clone();
        moved.update(|p| p[i] += by);
        value(&moved)
    };
    for array in network.layout().iter().filter(|a| !a.is_statistic) {
        for i in (array.offset..array.end()).step_by(3) {
            let numeric = (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP);
            let off = (numeric - gradient[i]).abs();
            assert!(off < 1e-7 * (1.0 + numeric.abs()), "{what}, {i}: {} and {numeric}", gradient[i]);
        }
    }
}

#[test]
fn the_discriminators_gradient_is_that_of_its_loss() {
    let (both, between) = (points(2 * ROWS, 8, 1), points(ROWS, 8, 2));
    for loss in losses() {
        let penalised = loss.penalty() > 0.0;
        let mut specs = vec![dense(), convolutional(Activation::Tanh)];
        if !penalised {
            specs.push(convolutional(BatchNorm::default()));
        }
        for spec in specs {
            let value = |network: &Network<f64>, gradient: &mut [f64]| {
                let between = penalised.then(|| between.as_batch());
                let mut scores = vec![0.0; 2 * ROWS];
                let found =
                    discriminator_loss(network, &loss, both.as_batch(), between, &mut scores, gradient);
                assert_eq!(found.penalty > 0.0, penalised);
                found.value
            };
            let network = network(&spec);
            let mut gradient = vec![0.0; network.params().len()];
            value(&network, &mut gradient);
            let moved = |network: &Network<f64>| value(network, &mut vec![0.0; gradient.len()]);
            compare(&network, &gradient, moved, &format!("{loss:?}, {spec:?}"));
        }
    }
}

#[test]
fn the_generators_gradient_is_that_of_its_loss() {
    let latents = points(ROWS, 3, 3);
    let plain = NetworkSpec::dense(3, &[6], 8, Activation::Tanh);
    let normalised = NetworkSpec::new(&[3])
        .with(Dense::new(8))
        .with(Reshape { shape: vec![2, 2, 2] })
        .with(BatchNorm::default())
        .with(Activation::Swish)
        .with(Convolution::new(2, 3, 1, 1))
        .with(Activation::Tanh);
    for loss in losses() {
        for (generator, discriminator) in
            [(&plain, dense()), (&normalised, dense()), (&normalised, convolutional(BatchNorm::default()))]
        {
            let (generator, discriminator) = (network(generator), network(&discriminator));
            let value = |generator: &Network<f64>, gradient: &mut [f64]| {
                let mut scores = vec![0.0; ROWS];
                generator_loss(generator, &discriminator, &loss, latents.as_batch(), &mut scores, gradient)
            };
            let mut gradient = vec![0.0; generator.params().len()];
            value(&generator, &mut gradient);
            let moved = |network: &Network<f64>| value(network, &mut vec![0.0; gradient.len()]);
            compare(&generator, &gradient, moved, &format!("{loss:?}"));
        }
    }
}

/// Statistics of a discriminator move to the mean of what they are in both batches; its spectral vector makes one step, not two.
#[test]
fn statistics_move_once() {
    let both = points(2 * ROWS, 8, 1);
    let loss = GanLoss::default();
    let gradient_of = |network: &Network<f64>| {
        let mut gradient = vec![0.0; network.params().len()];
        discriminator_loss(network, &loss, both.as_batch(), None, &mut vec![0.0; 2 * ROWS], &mut gradient);
        gradient
    };
    let spec = NetworkSpec::new(&[8])
        .with(Dense { spectral_norm: true, ..Dense::new(5) })
        .with(BatchNorm::default())
        .with(Activation::Tanh)
        .with(Dense::new(1));
    let network = network(&spec);
    let gradient = gradient_of(&network);
    let halves = [0, ROWS].map(|first| {
        let mut gradient = vec![0.0; network.params().len()];
        network.training_pass(both.as_batch().slice(first..first + ROWS), |_, _| 0.0, &mut gradient);
        gradient
    });
    let statistics = network.layout().iter().filter(|a| a.is_statistic);
    let mut seen = 0;
    for i in statistics.flat_map(|a| a.offset..a.end()) {
        let mean = 0.5 * (halves[0][i] + halves[1][i]);
        assert!((gradient[i] - mean).abs() < 1e-12, "{i}: {} and {mean}", gradient[i]);
        seen += 1;
    }
    // A vector of five for the spectral norm, and mean and variance of five features.
    assert_eq!(seen, 15);
}
