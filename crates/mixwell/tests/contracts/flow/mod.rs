//! What every flow promises, checked for every flow. Add a row to `flows` when you add a flow or a variant of one.
//!
//! Parameters are taken off the identity by uniform noise, so that nothing holds only at the start.

mod images;
mod precision;
mod storage;
mod training;
mod transport;

use std::sync::Mutex;

use mixwell::flow::{
    Flow, FlowConfig, FlowMatchingConfig, GaussianFlowConfig, GlowConfig, GlowCoupling, Gradient,
    ImageRealNvpConfig, MafConfig, Mask, Nets, Optimiser, OptimiserConfig, Order, Precision, RealNvpConfig,
    RqSplineConfig, ScaleBound, Solver, WeightsError, Whitening, WhiteningMode,
};
use mixwell::net::{Activation, Init};
use mixwell::proposal::{Proposal, Transport};
use mixwell::{Batch, BatchMut, Points, Stream};

const DIMS: [usize; 6] = [1, 2, 3, 5, 6, 20];

/// These dimensions, or the only one that the flow has.
fn dims(config: &FlowConfig, all: &[usize]) -> Vec<usize> {
    config.dim().map_or(all.to_vec(), |own| vec![own])
}

/// The first of these.
fn one(config: &FlowConfig, dim: usize) -> usize {
    config.dim().unwrap_or(dim)
}

/// All of them, also the Gaussian, which has no parameters.
fn flows() -> Vec<(&'static str, FlowConfig)> {
    let mut all = trainable();
    all.push(("gaussian", FlowConfig::Gaussian(GaussianFlowConfig::default())));
    all
}

/// Every variant, by name, in double precision.
fn trainable() -> Vec<(&'static str, FlowConfig)> {
    let r = RealNvpConfig { hidden: vec![12, 10], ..Default::default() };
    let tanh = RealNvpConfig { activation: Activation::Tanh, ..r.clone() };
    let s = RqSplineConfig { hidden: vec![12], ..Default::default() };
    let glow = GlowConfig {
        precision: Precision::F64,
        shape: vec![1, 4, 4],
        n_levels: 2,
        depth: 2,
        width: 3,
        whitening: WhiteningMode::Diagonal,
        ..Default::default()
    };
    vec![
        ("realnvp", FlowConfig::Realnvp(r.clone())),
        (
            "residual, shift first, separate",
            FlowConfig::Realnvp(RealNvpConfig {
                residual: true,
                order: Order::ShiftFirst,
                nets: Nets::Separate,
                n_blocks: 3,
                ..tanh.clone()
            }),
        ),
        (
            "clamped, parity",
            FlowConfig::Realnvp(RealNvpConfig {
                scale: ScaleBound::Clamp(-5.0, 3.0),
                mask: Mask::Parity,
                n_blocks: 2,
                ..tanh.clone()
            }),
        ),
        (
            "minimal",
            FlowConfig::Realnvp(RealNvpConfig {
                activation: Activation::LeakyRelu(0.01),
                mask: Mask::Parity,
                nets: Nets::Separate,
                n_blocks: 2,
                ..r.clone()
            }),
        ),
        (
            "learned bound, full width, swish",
            FlowConfig::Realnvp(RealNvpConfig {
                scale: ScaleBound::LearnedTanh(1.5),
                full_width: true,
                order: Order::ShiftFirst,
                activation: Activation::Swish,
                ..r.clone()
            }),
        ),
        ("no hidden layer", FlowConfig::Realnvp(RealNvpConfig { hidden: vec![], n_blocks: 1, ..r.clone() })),
        ("rq_spline", FlowConfig::RqSpline(s.clone())),
        (
            "rq_spline, narrow range, halves",
            FlowConfig::RqSpline(RqSplineConfig {
                range: 2.0,
                n_bins: 5,
                mask: Mask::Halves,
                elementwise_affine: false,
                ..s.clone()
            }),
        ),
        (
            "rq_spline on principal axes",
            FlowConfig::RqSpline(RqSplineConfig { whitening: WhiteningMode::Principal, ..s.clone() }),
        ),
        ("maf", FlowConfig::Maf(MafConfig { hidden: vec![12, 10], ..Default::default() })),
        (
            "maf, one layer, relu",
            FlowConfig::Maf(MafConfig {
                hidden: vec![12],
                n_layers: 1,
                activation: Activation::Relu,
                ..Default::default()
            }),
        ),
        // Both directions are solved on their own: with steps this small they agree as closely as other flows do.
        (
            "flow_matching",
            FlowConfig::FlowMatching(FlowMatchingConfig {
                hidden: vec![8, 6],
                solver: Solver::Fixed { n_steps: 40 },
                ..Default::default()
            }),
        ),
        (
            "flow_matching, adaptive, tanh",
            FlowConfig::FlowMatching(FlowMatchingConfig {
                hidden: vec![10],
                activation: Activation::Tanh,
                solver: Solver::Adaptive { rtol: 1e-11, atol: 1e-11, first_step: 0.05, max_steps: 200 },
                ..Default::default()
            }),
        ),
        (
            "image_realnvp",
            FlowConfig::ImageRealnvp(ImageRealNvpConfig {
                precision: Precision::F64,
                shape: vec![1, 4, 4],
                n_couplings: 2,
                n_last: 2,
                channels: 3,
                n_blocks: 1,
                whitening: WhiteningMode::Diagonal,
                ..Default::default()
            }),
        ),
        ("glow", FlowConfig::Glow(glow.clone())),
        (
            "glow, affine, no prior",
            FlowConfig::Glow(GlowConfig { coupling: GlowCoupling::Affine, split_prior: false, ..glow }),
        ),
    ]
}

fn single(config: &FlowConfig) -> FlowConfig {
    match config.clone() {
        FlowConfig::Realnvp(c) => FlowConfig::Realnvp(RealNvpConfig { precision: Precision::F32, ..c }),
        FlowConfig::RqSpline(c) => FlowConfig::RqSpline(RqSplineConfig { precision: Precision::F32, ..c }),
        FlowConfig::Maf(c) => FlowConfig::Maf(MafConfig { precision: Precision::F32, ..c }),
        FlowConfig::FlowMatching(c) => {
            FlowConfig::FlowMatching(FlowMatchingConfig { precision: Precision::F32, ..c })
        }
        FlowConfig::ImageRealnvp(c) => {
            FlowConfig::ImageRealnvp(ImageRealNvpConfig { precision: Precision::F32, ..c })
        }
        FlowConfig::Glow(c) => FlowConfig::Glow(GlowConfig { precision: Precision::F32, ..c }),
        FlowConfig::Gaussian(c) => FlowConfig::Gaussian(c),
    }
}

/// A flow with random parameters and a whitening that is not the identity.
fn flow(config: &FlowConfig, dim: usize, whitening: bool) -> Flow {
    let mut stream = Stream::new(11, dim as u64);
    let mut flow = Flow::new(config, dim, &mut stream).unwrap();
    flow.map_params(|_, p| p + 0.15 * (2.0 * stream.uniform() - 1.0));
    if whitening && config.whitening() == WhiteningMode::Principal {
        let points = normals(7, 200, dim);
        flow.set_whitening(Whitening::estimate(WhiteningMode::Principal, points.as_batch(), None).unwrap());
    } else if whitening {
        let mean = (0..dim).map(|i| 0.3 * i as f64 - 0.5).collect();
        let factor = (0..dim * dim)
            .map(|k| {
                let (i, j) = (k / dim, k % dim);
                if i == j { 0.8 + 0.1 * i as f64 } else { 0.2 / (1.0 + (i + j) as f64) }
            })
            .collect();
        flow.set_whitening(Whitening::full(mean, factor).unwrap());
    }
    flow
}

fn normals(seed: u64, rows: usize, dim: usize) -> Points {
    let mut p = Points::zeros(rows, dim);
    Stream::new(seed, 0).fill_normal(p.data_mut());
    p
}

fn forward(flow: &Flow, z: &Points) -> (Points, Vec<f64>) {
    let (mut x, mut ld) = (Points::zeros(z.rows(), z.dim()), vec![0.0; z.rows()]);
    flow.forward(z.as_batch(), x.as_batch_mut(), &mut ld);
    (x, ld)
}

fn inverse(flow: &Flow, x: &Points) -> (Points, Vec<f64>) {
    let (mut z, mut ld) = (Points::zeros(x.rows(), x.dim()), vec![0.0; x.rows()]);
    flow.inverse(x.as_batch(), z.as_batch_mut(), &mut ld);
    (z, ld)
}

fn log_prob(flow: &Flow, x: &Points) -> Vec<f64> {
    let mut out = vec![0.0; x.rows()];
    flow.log_prob(x.as_batch(), &mut out);
    out
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
}

/// A target with a curved gradient: `-sum (x^2/2 + sin x)`, plus a pull between neighbours.
fn curved(x: Batch<'_>, log_prob: &mut [f64], mut grad: BatchMut<'_>) {
    for ((row, l), g) in x.iter().zip(log_prob).zip(grad.iter_mut()) {
        *l = -row.iter().map(|v| 0.5 * v * v + v.sin()).sum::<f64>();
        for (g, v) in g.iter_mut().zip(row) {
            *g = -v - v.cos();
        }
        for i in 1..row.len() {
            *l -= 0.3 * row[i] * row[i - 1];
            g[i] -= 0.3 * row[i - 1];
            g[i - 1] -= 0.3 * row[i];
        }
    }
}
