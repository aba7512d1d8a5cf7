//! Flows of images: one that others trained, read from its file, and one that learns digits.

use super::*;
use crate::data;
use mixwell::image::ImageSet;
use mixwell::image::map::{Dequantise, ImageMap, Logit};
use mixwell::net::import::NamedArrays;

/// Eight checkerboards, from the data on: the first of theirs is the last of ours. They write `z = (x + t) exp(s)`, we write
/// `z = (x - t) exp(-s)`, so what the last convolution gives changes its sign.
fn trained_by_others(arrays: &NamedArrays) -> Flow {
    let config = ImageRealNvpConfig { n_scales: 1, n_last: 8, ..Default::default() };
    let mut flow = Flow::new(&FlowConfig::ImageRealnvp(config), 784, &mut Stream::new(0, 0)).unwrap();
    let mut values = vec![f64::NAN; flow.n_params()];
    for k in 1..=8 {
        let (ours, theirs) = (format!("layers.{}.", 8 - k), format!("flows.{k}."));
        let own: Vec<_> = flow.layout().iter().filter(|a| a.name.starts_with(&ours)).collect();
        let network = format!("{theirs}network.");
        let mut found: Vec<_> = arrays.iter().filter(|a| a.name.starts_with(&network)).collect();
        found.extend(arrays.get(&format!("{theirs}scaling_factor")));
        assert_eq!(own.len(), found.len());
        let n = own.len();
        for (i, (own, found)) in own.iter().zip(found).enumerate() {
            assert_eq!(own.n_numbers(), found.values.len(), "{} and {}", own.name, found.name);
            let sign = if i + 3 == n || i + 2 == n { -1.0 } else { 1.0 };
            let to = &mut values[own.offset..own.end()];
            to.iter_mut().zip(found.values.to_f64()).for_each(|(to, value)| *to = sign * value);
        }
    }
    flow.map_params(|i, _| values[i]);
    flow
}

#[test]
fn a_flow_of_others_gives_the_published_bits_per_dimension() {
    let file = "flow/mnist_flow_simple.ckpt";
    let Some(folder) = data::folder_with(file) else { return };
    let arrays = NamedArrays::read(&folder.join(file)).unwrap().select("state_dict").unwrap();
    let flow = trained_by_others(&arrays);
    let digits = ImageSet::read(&folder.join("images/mnist/t10k-images-idx3-ubyte.gz")).unwrap();
    let digits = digits.slice(0..100).unwrap();
    let x = Dequantise.draw(&digits, &mut Stream::new(5, 0));
    let (mut y, mut log_det) = (Points::zeros(100, 784), vec![0.0; 100]);
    Logit::new(1e-5).unwrap().forward(x.as_batch(), y.as_batch_mut(), &mut log_det);
    let log_q = log_prob(&flow, &y);
    let nats: f64 = log_q.iter().zip(&log_det).map(|(q, d)| q + d + Dequantise.log_det(784)).sum();
    let bits = -nats / (100.0 * 784.0 * std::f64::consts::LN_2);
    assert!((bits - 1.048).abs() < 0.005, "{bits} bits per dimension");
    let (z, _) = inverse(&flow, &y);
    let there_and_back = forward(&flow, &z).0;
    let off = largest(there_and_back.data(), y.data());
    assert!(off < 1e-3, "{off:e}");
}

/// Digits of eight by eight pixels, made of strokes: enough structure to be learned, small enough to be quick.
fn strokes(rows: usize) -> Points {
    let mut stream = Stream::new(3, 0);
    let mut x = Points::zeros(rows, 64);
    for row in x.as_batch_mut().iter_mut() {
        let (column, line) = (1 + (6.0 * stream.uniform()) as usize, 1 + (6.0 * stream.uniform()) as usize);
        for i in 1..7 {
            row[8 * i + column] += 0.6;
            row[8 * line + i] += 0.3;
        }
        row.iter_mut().for_each(|v| *v += 0.05 * stream.normal() - 0.5);
    }
    x
}

#[test]
fn a_glow_learns_images_and_starts_from_its_first_examples() {
    let config = GlowConfig {
        shape: vec![1, 8, 8],
        n_levels: 2,
        depth: 3,
        width: 16,
        coupling: GlowCoupling::Affine,
        ..Default::default()
    };
    let mut flow = Flow::new(&FlowConfig::Glow(config), 64, &mut Stream::new(1, 0)).unwrap();
    let x = strokes(512);
    assert!(!flow.set_whitening_from(x.as_batch(), None), "it has no whitening");
    let version = flow.version();
    flow.set_whitening_from(strokes(200).as_batch(), None);
    assert_eq!(flow.version(), version, "it starts once");
    let (z, _) = inverse(&flow, &x);
    let variance = z.data().iter().map(|z| z * z).sum::<f64>() / z.data().len() as f64;
    assert!((0.3..3.0).contains(&variance), "{variance}");

    let nats = |flow: &Flow| -log_prob(flow, &x).iter().sum::<f64>() / 512.0;
    let before = nats(&flow);
    let config = OptimiserConfig { learning_rate: 2e-3, ..Default::default() };
    let mut optimiser = Optimiser::new(&config, &flow).unwrap();
    let weights = vec![1.0 / 512.0; 512];
    for _ in 0..60 {
        let mut gradient = flow.zero_gradient();
        flow.forward_kl(x.as_batch(), &weights, &mut gradient);
        optimiser.step(&mut flow, &gradient);
    }
    let after = nats(&flow);
    assert!(after < before - 15.0, "{before} to {after}");
}
