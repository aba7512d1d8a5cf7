//! What every flow promises, checked for every flow. Add a row to `flows` when you add a flow or a variant of one.
//!
//! Parameters are taken off the identity by uniform noise, so that nothing holds only at the start.

use std::sync::Mutex;

use mixwell::flow::{
    Flow, FlowConfig, FlowError, FlowMatchingConfig, GaussianConfig, Gradient, MafConfig, Mask, Nets,
    Optimiser, OptimiserConfig, Order, Precision, RealNvpConfig, RqSplineConfig, ScaleBound, Solver,
    Whitening, WhiteningMode,
};
use mixwell::net::{Activation, Init};
use mixwell::proposal::{Proposal, Transport};
use mixwell::{Batch, BatchMut, Points, Stream};

const DIMS: [usize; 6] = [1, 2, 3, 5, 6, 20];

/// All of them, also the Gaussian, which has no parameters.
fn flows() -> Vec<(&'static str, FlowConfig)> {
    let mut all = trainable();
    all.push(("gaussian", FlowConfig::Gaussian(GaussianConfig::default())));
    all
}

/// Every variant, by name, in double precision.
fn trainable() -> Vec<(&'static str, FlowConfig)> {
    let r = RealNvpConfig { hidden: vec![12, 10], ..Default::default() };
    let tanh = RealNvpConfig { activation: Activation::Tanh, ..r.clone() };
    let s = RqSplineConfig { hidden: vec![12], ..Default::default() };
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
        FlowConfig::Gaussian(c) => FlowConfig::Gaussian(c),
    }
}

/// A flow with random parameters and a whitening that is not the identity.
fn flow(config: &FlowConfig, dim: usize, whitening: bool) -> Flow {
    let mut stream = Stream::new(11, dim as u64);
    let mut flow = Flow::new(config, dim, &mut stream).unwrap();
    flow.map_params(|_, p| p + 0.15 * (2.0 * stream.uniform() - 1.0));
    if whitening {
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

#[test]
fn inverse_undoes_forward_and_log_dets_cancel() {
    // In single precision, a thousand roundings of 6e-8 for the worst of 3000 numbers through a dozen layers.
    for (name, config) in flows() {
        for dim in DIMS {
            for (config, bound) in [(config.clone(), 1e-10), (single(&config), 6e-5)] {
                let flow = flow(&config, dim, true);
                let z = normals(3, 150, dim);
                let (x, ld) = forward(&flow, &z);
                let (back, ld_back) = inverse(&flow, &x);
                let error = largest(z.data(), back.data());
                assert!(error < bound, "{name}, dim {dim}, {bound:.0e}: round trip {error:.1e}");
                let sum: Vec<f64> = ld.iter().zip(&ld_back).map(|(a, b)| a + b).collect();
                let error = largest(&sum, &vec![0.0; sum.len()]);
                assert!(
                    error < bound * (1 + dim) as f64,
                    "{name}, dim {dim}, {bound:.0e}: log-dets {error:.1e}"
                );
            }
        }
    }
}

/// ln|det| by Gaussian elimination with pivoting.
fn ln_abs_det(mut a: Vec<Vec<f64>>) -> f64 {
    let n = a.len();
    let mut sum = 0.0;
    for i in 0..n {
        let p = (i..n).max_by(|&p, &q| a[p][i].abs().total_cmp(&a[q][i].abs())).unwrap();
        a.swap(i, p);
        sum += a[i][i].abs().ln();
        for r in i + 1..n {
            let f = a[r][i] / a[i][i];
            let pivot = a[i].clone();
            for (v, p) in a[r].iter_mut().zip(&pivot) {
                *v -= f * p;
            }
        }
    }
    sum
}

fn jacobian(flow: &Flow, z: &[f64]) -> Vec<Vec<f64>> {
    let (dim, h) = (z.len(), 1e-6);
    let mut columns = Points::zeros(2 * dim, dim);
    for i in 0..dim {
        for (k, sign) in [1.0, -1.0].into_iter().enumerate() {
            let row = columns.row_mut(2 * i + k);
            row.copy_from_slice(z);
            row[i] += sign * h;
        }
    }
    let (x, _) = forward(flow, &columns);
    (0..dim)
        .map(|o| (0..dim).map(|i| (x.row(2 * i)[o] - x.row(2 * i + 1)[o]) / (2.0 * h)).collect())
        .collect()
}

#[test]
fn log_det_is_that_of_the_jacobian() {
    for (name, config) in flows() {
        for dim in [1, 2, 3, 5, 6] {
            let flow = flow(&config, dim, true);
            let z = normals(4, 4, dim);
            let (_, ld) = forward(&flow, &z);
            for (r, ld) in ld.iter().enumerate() {
                let numeric = ln_abs_det(jacobian(&flow, z.row(r)));
                assert!((numeric - ld).abs() < 1e-6 * dim as f64, "{name}, dim {dim}: {numeric} and {ld}");
            }
        }
    }
}

#[test]
fn no_coordinate_is_left_untouched() {
    // Every row of the Jacobian must differ from that of the identity.
    for (name, config) in trainable() {
        for dim in DIMS {
            let flow = flow(&config, dim, false);
            for (i, row) in jacobian(&flow, normals(5, 1, dim).row(0)).iter().enumerate() {
                let off = row
                    .iter()
                    .enumerate()
                    .map(|(j, v)| (v - f64::from(u8::from(i == j))).abs())
                    .fold(0.0, f64::max);
                assert!(off > 1e-4, "{name}, dim {dim}: coordinate {i} passes unchanged");
            }
        }
    }
}

#[test]
fn density_integrates_to_one() {
    for (name, config) in flows() {
        let flow = flow(&config, 2, true);
        // A continuous flow of few units is smooth, and slow: a coarse grid is as good.
        let n = if config.learns_by_matching() { 140 } else { 1000 };
        let (low, width) = (-25.0, 50.0);
        let step = width / n as f64;
        let mut grid = Points::zeros(n * n, 2);
        for (k, row) in grid.as_batch_mut().iter_mut().enumerate() {
            row[0] = low + step * ((k / n) as f64 + 0.5);
            row[1] = low + step * ((k % n) as f64 + 0.5);
        }
        let total: f64 = log_prob(&flow, &grid).iter().map(|l| l.exp()).sum::<f64>() * step * step;
        assert!((total - 1.0).abs() < 2e-3, "{name}: {total}");
    }
}

#[test]
fn push_log_prob_and_forward_agree() {
    for (name, config) in flows() {
        for dim in DIMS {
            for (config, bound) in [(config.clone(), 1e-9), (single(&config), 1e-3)] {
                let flow = flow(&config, dim, true);
                let z = normals(6, 70, dim);
                let (mut x, mut log_q) = (Points::zeros(70, dim), vec![0.0; 70]);
                flow.push(z.as_batch(), x.as_batch_mut(), &mut log_q);
                let error = largest(&log_q, &log_prob(&flow, &x));
                assert!(error < bound, "{name}, dim {dim}, {bound:.0e}: {error:.1e}");
                assert_eq!(x, forward(&flow, &z).0);
            }
        }
    }
}

#[test]
fn gradient_of_the_log_density_matches_finite_differences() {
    for (name, config) in flows() {
        for dim in DIMS {
            let flow = flow(&config, dim, true);
            let x = forward(&flow, &normals(7, 5, dim)).0;
            let (mut log_q, mut grad) = (vec![0.0; 5], Points::zeros(5, dim));
            flow.log_prob_and_grad(x.as_batch(), &mut log_q, grad.as_batch_mut());
            assert_eq!(log_q, log_prob(&flow, &x), "{name}, dim {dim}");
            let h = 1e-6;
            for i in 0..dim {
                let mut moved = [x.clone(), x.clone()];
                for r in 0..5 {
                    moved[0].row_mut(r)[i] += h;
                    moved[1].row_mut(r)[i] -= h;
                }
                let [up, down] = moved.map(|m| log_prob(&flow, &m));
                for r in 0..5 {
                    let numeric = (up[r] - down[r]) / (2.0 * h);
                    let error = (numeric - grad.row(r)[i]).abs() / (1.0 + numeric.abs());
                    assert!(error < 2e-5, "{name}, dim {dim}: {numeric} and {}", grad.row(r)[i]);
                }
            }
        }
    }
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

/// Compares a gradient with central differences of the loss in some parameters.
fn check_parameter_gradient(name: &str, flow: &Flow, gradient: &Gradient, loss: impl Fn(&Flow) -> f64) {
    let (n, h) = (flow.n_params(), 1e-6);
    // Continuous flows are slow: fewer of their parameters.
    let some = if flow.config().learns_by_matching() { 12 } else { 40 };
    let step = (n / some).max(1);
    let mut largest: f64 = 0.0;
    for i in (0..n).step_by(step) {
        let moved = |by: f64| {
            let mut flow = flow.clone();
            flow.map_params(|k, p| if k == i { p + by } else { p });
            loss(&flow)
        };
        let numeric = (moved(h) - moved(-h)) / (2.0 * h);
        let error = (numeric - gradient.get(i)).abs() / (1.0 + numeric.abs());
        assert!(error < 5e-5, "{name}: parameter {i} of {n}: {numeric} and {}", gradient.get(i));
        largest = largest.max(gradient.get(i).abs());
    }
    assert!(largest > 1e-4, "{name}: the gradient vanishes");
}

#[test]
fn parameter_gradient_of_the_forward_loss_matches_finite_differences() {
    for (name, config) in trainable() {
        for dim in [1, 2, 3, 6] {
            let flow = flow(&config, dim, true);
            let x = forward(&flow, &normals(8, 90, dim)).0;
            let weights: Vec<f64> =
                (0..90).map(|i| if i % 5 == 0 { 0.0 } else { 0.01 * i as f64 / 5.0 }).collect();
            let mut gradient = flow.zero_gradient();
            let loss = flow.forward_kl(x.as_batch(), &weights, &mut gradient);
            let direct = |f: &Flow| -weights.iter().zip(log_prob(f, &x)).map(|(w, l)| w * l).sum::<f64>();
            let value = direct(&flow);
            assert!((loss - value).abs() < 1e-9 * (1.0 + value.abs()), "{name}: {loss} and {value}");
            check_parameter_gradient(&format!("{name}, dim {dim}"), &flow, &gradient, direct);
        }
    }
}

#[test]
fn parameter_gradient_of_the_reverse_loss_matches_finite_differences() {
    for (name, config) in trainable() {
        for dim in [1, 2, 3, 6] {
            let flow = flow(&config, dim, true);
            let z = normals(9, 90, dim);
            let mut gradient = flow.zero_gradient();
            let found = flow.reverse_kl(z.as_batch(), &curved, 0.7, &mut gradient);
            assert_eq!(found.non_finite, 0);
            let direct = |f: &Flow| {
                let (x, ld) = forward(f, &z);
                let (mut lp, mut g) = (vec![0.0; 90], Points::zeros(90, dim));
                curved(x.as_batch(), &mut lp, g.as_batch_mut());
                let base = |r| mixwell::math::standard_normal_log_prob(z.row(r));
                (0..90).map(|r| base(r) - ld[r] - 0.7 * lp[r]).sum::<f64>() / 90.0
            };
            let value = direct(&flow);
            assert!(
                (found.loss - value).abs() < 1e-10 * (1.0 + value.abs()),
                "{name}: {} and {value}",
                found.loss
            );
            check_parameter_gradient(&format!("{name}, dim {dim}"), &flow, &gradient, direct);
        }
    }
}

#[test]
fn a_new_flow_is_the_identity() {
    for (name, config) in flows() {
        for dim in DIMS {
            for config in [config.clone(), single(&config)] {
                let flow = Flow::new(&config, dim, &mut Stream::new(1, 0)).unwrap();
                let z = normals(10, 20, dim);
                let (x, ld) = forward(&flow, &z);
                let bound = if config.precision() == Precision::F64 { 1e-13 } else { 1e-5 };
                assert!(
                    largest(x.data(), z.data()) < bound && largest(&ld, &[0.0; 20]) < bound,
                    "{name}, dim {dim}"
                );
            }
        }
    }
}

#[test]
fn a_target_equal_to_the_flow_is_the_base_in_latent_space() {
    // log pi(T(z)) + log_det = log rho(z), with gradient -z, for any parameters.
    for (name, config) in flows() {
        for dim in DIMS {
            let flow = flow(&config, dim, true);
            let z = normals(12, 100, dim);
            let (x, ld) = forward(&flow, &z);
            let lp = log_prob(&flow, &x);
            for r in 0..100 {
                let base = mixwell::math::standard_normal_log_prob(z.row(r));
                assert!((lp[r] + ld[r] - base).abs() < 1e-9, "{name}, dim {dim}");
            }
            let mut dz = Points::zeros(100, dim);
            flow.forward_pullback(
                z.as_batch(),
                &mut |_, x, _, dx, dl| {
                    flow.log_prob_and_grad(x, dl, dx);
                    dl.fill(1.0);
                },
                dz.as_batch_mut(),
            );
            let error = dz.data().iter().zip(z.data()).map(|(d, z)| (d + z).abs()).fold(0.0, f64::max);
            assert!(error < 1e-8, "{name}, dim {dim}: {error:.1e}");
        }
    }
}

#[test]
fn forward_pullback_matches_finite_differences() {
    for (name, config) in flows() {
        for dim in [1, 2, 5] {
            let flow = flow(&config, dim, true);
            let z = normals(13, 67, dim);
            // Loss of row i: log pi(x) + (1 + i/10) log_det.
            let weight = |i: usize| 1.0 + i as f64 / 10.0;
            let value = |z: &Points| -> Vec<f64> {
                let (x, ld) = forward(&flow, z);
                let (mut lp, mut g) = (vec![0.0; z.rows()], Points::zeros(z.rows(), dim));
                curved(x.as_batch(), &mut lp, g.as_batch_mut());
                (0..z.rows()).map(|i| lp[i] + weight(i) * ld[i]).collect()
            };
            let mut dz = Points::zeros(67, dim);
            let mut seen = 0;
            let mut upstream =
                |range: std::ops::Range<usize>, x: Batch<'_>, _: &[f64], dx: BatchMut<'_>, dl: &mut [f64]| {
                    assert_eq!(range.start, seen);
                    seen = range.end;
                    curved(x, dl, dx);
                    for (i, d) in range.zip(dl) {
                        *d = weight(i);
                    }
                };
            flow.forward_pullback(z.as_batch(), &mut upstream, dz.as_batch_mut());
            assert_eq!(seen, 67);
            for i in 0..dim {
                let mut moved = [z.clone(), z.clone()];
                for r in 0..67 {
                    moved[0].row_mut(r)[i] += 1e-6;
                    moved[1].row_mut(r)[i] -= 1e-6;
                }
                let [up, down] = moved.map(|m| value(&m));
                for r in 0..67 {
                    let numeric = (up[r] - down[r]) / 2e-6;
                    // A ReLU kink between the two points spoils a difference now and then: allow for rounding only.
                    let error = (numeric - dz.row(r)[i]).abs() / (1.0 + numeric.abs());
                    assert!(error < 1e-4, "{name}, dim {dim}: {numeric} and {}", dz.row(r)[i]);
                }
            }
        }
    }
}

#[test]
fn rows_do_not_depend_on_their_company() {
    for (name, config) in flows() {
        for config in [config.clone(), single(&config)] {
            let flow = flow(&config, 3, true);
            let z = normals(14, 300, 3);
            let whole = forward(&flow, &z);
            let (lq, mut grad) = (log_prob(&flow, &whole.0), Points::zeros(300, 3));
            flow.log_prob_and_grad(whole.0.as_batch(), &mut vec![0.0; 300], grad.as_batch_mut());
            for r in [0, 1, 63, 64, 65, 200, 299] {
                let one = Points::from_rows(&[z.row(r)]);
                let (x, ld) = forward(&flow, &one);
                assert_eq!((x.row(0), ld[0]), (whole.0.row(r), whole.1[r]), "{name}");
                let mut g = Points::zeros(1, 3);
                let mut l = [0.0];
                flow.log_prob_and_grad(x.as_batch(), &mut l, g.as_batch_mut());
                assert_eq!((l[0], g.row(0)), (lq[r], grad.row(r)), "{name}");
            }
        }
    }
}

#[test]
fn training_does_not_depend_on_the_number_of_threads() {
    for (name, config) in flows() {
        // Enough for several slices of a batch.
        let rows = if config.learns_by_matching() { 300 } else { 1500 };
        for config in [config.clone(), single(&config)] {
            let train = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut flow = flow(&config, 3, true);
                    let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &flow).unwrap();
                    let x = normals(15, rows, 3);
                    let mut losses = Vec::new();
                    for _ in 0..2 {
                        let mut gradient = flow.zero_gradient();
                        losses.push(flow.forward_kl(
                            x.as_batch(),
                            &vec![1.0 / rows as f64; rows],
                            &mut gradient,
                        ));
                        losses.push(flow.reverse_kl(x.as_batch(), &curved, 1.0, &mut gradient).loss);
                        optimiser.step(&mut flow, &gradient);
                    }
                    (losses, flow.snapshot(), log_prob(&flow, &x))
                })
            };
            let one = train(1);
            for threads in [2, 5] {
                assert!(train(threads) == one, "{name}, {threads} threads");
            }
        }
    }
}

#[test]
fn extreme_points_have_finite_densities_and_gradients() {
    for (name, config) in flows() {
        for dim in [1, 2, 5] {
            for config in [config.clone(), single(&config)] {
                let flow = flow(&config, dim, true);
                let mut x = Points::zeros(8, dim);
                for (r, v) in [0.0, 1e6, -1e6, 10.0, -10.0, 10.0 - 1e-12, 2.0, 1e-300].into_iter().enumerate()
                {
                    x.row_mut(r).fill(v);
                }
                let (mut log_q, mut grad) = (vec![0.0; 8], Points::zeros(8, dim));
                flow.log_prob_and_grad(x.as_batch(), &mut log_q, grad.as_batch_mut());
                assert!(
                    log_q.iter().chain(grad.data()).all(|v| v.is_finite()),
                    "{name}, dim {dim}: {log_q:?}"
                );
                let mut gradient = flow.zero_gradient();
                flow.forward_kl(x.as_batch(), &[1.0; 8], &mut gradient);
                assert!(gradient.is_finite(), "{name}, dim {dim}");
                let (y, ld) = forward(&flow, &x);
                assert!(y.data().iter().chain(&ld).all(|v| v.is_finite()), "{name}, dim {dim}");
            }
        }
    }
}

#[test]
fn rows_without_a_finite_target_are_left_out() {
    let half = |x: Batch<'_>, l: &mut [f64], mut g: BatchMut<'_>| {
        curved(x, l, g.reborrow());
        for (r, row) in x.iter().enumerate() {
            if row[0] < 0.0 {
                l[r] = f64::NEG_INFINITY;
            } else if row[0] > 1.0 {
                g.row_mut(r)[0] = f64::NAN;
            }
        }
    };
    for (name, config) in flows() {
        let flow = flow(&config, 2, true);
        let z = normals(16, 200, 2);
        let x = forward(&flow, &z).0;
        let kept: Vec<usize> = (0..200).filter(|&r| (0.0..=1.0).contains(&x.row(r)[0])).collect();
        let mut gradient = flow.zero_gradient();
        let found = flow.reverse_kl(z.as_batch(), &half, 1.0, &mut gradient);
        assert_eq!(found.non_finite, 200 - kept.len(), "{name}");
        let rows: Vec<&[f64]> = kept.iter().map(|&r| z.row(r)).collect();
        let mut direct = flow.zero_gradient();
        let want = flow.reverse_kl(Points::from_rows(&rows).as_batch(), &curved, 1.0, &mut direct);
        assert!((found.loss - want.loss).abs() < 1e-12 * want.loss.abs().max(1.0), "{name}");
        for i in 0..gradient.len() {
            assert!((gradient.get(i) - direct.get(i)).abs() < 1e-11, "{name}");
        }
        // Nothing finite at all: no gradient, and the loss says so.
        gradient.clear();
        let none = flow.reverse_kl(z.as_batch(), &|_, l: &mut [f64], _| l.fill(f64::NAN), 1.0, &mut gradient);
        assert!(none.loss.is_nan() && none.non_finite == 200 && gradient.norm() == 0.0, "{name}");
    }
}

#[test]
fn single_precision_agrees_with_double() {
    for (name, config) in flows() {
        for dim in DIMS {
            let double = flow(&config, dim, true);
            let mut float = flow(&single(&config), dim, true);
            let params: Vec<f64> = (0..double.n_params()).map(|i| double.param(i)).collect();
            float.map_params(|i, _| params[i]);
            let x = forward(&double, &normals(17, 100, dim)).0;
            let error = largest(&log_prob(&double, &x), &log_prob(&float, &x));
            assert!(error < 1e-4 * (1 + dim) as f64, "{name}, dim {dim}: {error:.1e}");
        }
    }
}

#[test]
fn versions_count_changes_and_survive_storage() {
    for (name, config) in trainable() {
        for config in [config.clone(), single(&config)] {
            let mut f = flow(&config, 3, true);
            let x = normals(18, 40, 3);
            let before = (f.version(), f.save_state(), log_prob(&f, &x));
            assert!(before.0 > 0);
            let snapshot = f.snapshot();
            let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &f).unwrap();
            let mut gradient = f.zero_gradient();
            f.forward_kl(x.as_batch(), &[1.0; 40], &mut gradient);
            assert!(optimiser.step(&mut f, &gradient).applied);
            assert_eq!(f.version(), before.0 + 1, "{name}");
            assert_ne!(log_prob(&f, &x), before.2, "{name}");
            f.restore(&snapshot);
            assert_eq!((f.version(), log_prob(&f, &x)), (before.0 + 2, before.2.clone()), "{name}");
            assert!(f.set_whitening_from(x.as_batch(), None));
            assert_eq!(f.version(), before.0 + 3, "{name}");

            let bytes = postcard::to_allocvec(&before.1).unwrap();
            let mut other = Flow::new(&config, 3, &mut Stream::new(99, 0)).unwrap();
            other.load_state(&postcard::from_bytes(&bytes).unwrap()).unwrap();
            assert_eq!((other.version(), log_prob(&other, &x)), (before.0, before.2.clone()), "{name}");

            let file = other.to_safetensors();
            let read = Flow::from_safetensors(&file).unwrap();
            assert_eq!((read.version(), log_prob(&read, &x)), (before.0, before.2.clone()), "{name}");
            assert_eq!(read.config(), &config);
        }
    }
}

#[test]
fn an_optimiser_goes_on_from_its_state() {
    let mut f = flow(&flows()[0].1, 2, false);
    let x = normals(19, 64, 2);
    let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &f).unwrap();
    let step = |f: &mut Flow, o: &mut Optimiser| {
        let mut gradient = f.zero_gradient();
        f.forward_kl(x.as_batch(), &[1.0 / 64.0; 64], &mut gradient);
        o.step(f, &gradient);
    };
    step(&mut f, &mut optimiser);
    let (flow_state, optimiser_state) = (f.save_state(), optimiser.save_state());
    step(&mut f, &mut optimiser);
    let mut g = flow(&flows()[0].1, 2, true);
    g.load_state(&flow_state).unwrap();
    let mut again = Optimiser::new(&OptimiserConfig::default(), &g).unwrap();
    again.load_state(&optimiser_state).unwrap();
    step(&mut g, &mut again);
    assert_eq!(f.save_state(), g.save_state());
    let other = flow(&flows()[0].1, 5, false);
    assert!(
        Optimiser::new(&OptimiserConfig::default(), &other).unwrap().load_state(&optimiser_state).is_err()
    );
}

#[test]
fn damaged_files_are_errors_not_panics() {
    let config = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![4], n_blocks: 1, ..Default::default() });
    let file = flow(&config, 2, true).to_safetensors();
    for end in (0..file.len()).step_by(7) {
        assert!(Flow::from_safetensors(&file[..end]).is_err(), "cut at {end}");
    }
    let mut stream = Stream::new(20, 0);
    for _ in 0..2000 {
        let mut broken = file.clone();
        for _ in 0..=stream.index(3) {
            let at = stream.index(broken.len().min(900));
            broken[at] = stream.index(256) as u8;
        }
        let _ = Flow::from_safetensors(&broken);
    }
    let mut nan = flow(&config, 2, false);
    nan.map_params(|i, p| if i == 3 { f64::NAN } else { p });
    assert!(matches!(Flow::from_safetensors(&nan.to_safetensors()), Err(FlowError::NotFinite { .. })));
    let text = String::from_utf8_lossy(&file).into_owned();
    for (from, to) in
        [("\\\"hidden\\\":[4]", "\\\"hidden\\\":[9]"), ("\\\"n_blocks\\\":1", "\\\"n_blocks\\\":9")]
    {
        assert!(text.contains(from), "{from} is not in the header");
        let at = file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut other = file.clone();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        assert!(Flow::from_safetensors(&other).is_err(), "{to}");
    }
}

#[test]
fn published_parameter_count() {
    // 4 blocks of 2 couplings with 2 networks [2, 16, 2]: 4 * 2 * 2 * (2*16 + 16 + 16*2 + 2) = 1312.
    let config = FlowConfig::Realnvp(RealNvpConfig {
        n_blocks: 4,
        hidden: vec![16],
        nets: Nets::Separate,
        full_width: true,
        order: Order::ShiftFirst,
        residual: true,
        ..Default::default()
    });
    assert_eq!(Flow::new(&config, 2, &mut Stream::new(0, 0)).unwrap().n_params(), 1312);
}

#[test]
fn single_precision_agrees_with_double_within_stated_bounds() {
    // The bounds are those of docs/performance.md, in units of the rounding of f32 (6e-8 at 1): points and latents within
    // 100 times their size, log-densities within 200 per coordinate, gradients within 2000 times the largest entry.
    let unit = f64::from(f32::EPSILON) / 2.0;
    for (name, config) in flows() {
        if matches!(config, FlowConfig::Gaussian(_)) {
            continue;
        }
        for dim in [2, 5, 32] {
            let wide = flow(&config, dim, true);
            let mut narrow = Flow::new(&single(&config), dim, &mut Stream::new(11, dim as u64)).unwrap();
            narrow.map_params(|i, _| wide.param(i));
            narrow.set_whitening(wide.whitening().clone());
            let z = normals(31, 300, dim);
            let (x, x32) = (forward(&wide, &z).0, forward(&narrow, &z).0);
            let size = x.data().iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            let off = largest(x.data(), x32.data());
            assert!(off <= 100.0 * unit * size, "{name}, d = {dim}: points differ by {off:e}");
            let off = largest(inverse(&wide, &x).0.data(), inverse(&narrow, &x).0.data());
            assert!(off <= 100.0 * unit * size, "{name}, d = {dim}: latents differ by {off:e}");
            let off = largest(&log_prob(&wide, &x), &log_prob(&narrow, &x));
            assert!(off <= 200.0 * unit * dim as f64, "{name}, d = {dim}: log-densities differ by {off:e}");
            let slopes = |flow: &Flow| {
                let (mut log_q, mut grad) = (vec![0.0; x.rows()], Points::zeros(x.rows(), dim));
                flow.log_prob_and_grad(x.as_batch(), &mut log_q, grad.as_batch_mut());
                grad
            };
            let (g, g32) = (slopes(&wide), slopes(&narrow));
            let size = g.data().iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            let off = largest(g.data(), g32.data());
            assert!(off <= 2000.0 * unit * size, "{name}, d = {dim}: gradients differ by {off:e}");
        }
    }
}

#[test]
fn near_identity_weights_give_the_identity_to_that_size() {
    let config = FlowConfig::Realnvp(RealNvpConfig { init: Init::Normal(1e-6), ..Default::default() });
    let flow = Flow::new(&config, 4, &mut Stream::new(0, 0)).unwrap();
    let z = normals(21, 10, 4);
    assert!(largest(forward(&flow, &z).0.data(), z.data()) < 1e-6);
}

#[test]
fn maximum_likelihood_approaches_the_entropy() {
    // 1/4 N((-2, 0), I/4) + 3/4 N((2, 0), I/4), five to eight standard deviations apart, so the modes do not overlap:
    // entropy = H(1/4, 3/4) + ln(2 pi e / 4) = 0.562335 + 1.451583 = 2.013918.
    let entropy = 2.013_918;
    for (name, config) in [
        (
            "realnvp",
            FlowConfig::Realnvp(RealNvpConfig {
                precision: Precision::F32,
                n_blocks: 3,
                hidden: vec![32, 32],
                ..Default::default()
            }),
        ),
        (
            "rq_spline",
            FlowConfig::RqSpline(RqSplineConfig {
                precision: Precision::F32,
                whitening: WhiteningMode::Full,
                ..Default::default()
            }),
        ),
        (
            "maf",
            FlowConfig::Maf(MafConfig {
                precision: Precision::F32,
                n_layers: 6,
                hidden: vec![32, 32],
                ..Default::default()
            }),
        ),
    ] {
        let sample = |seed: u64, n: usize| {
            let mut s = Stream::new(seed, 0);
            let rows: Vec<[f64; 2]> = (0..n)
                .map(|_| {
                    let centre = if s.uniform() < 0.25 { -2.0 } else { 2.0 };
                    [centre + 0.5 * s.normal(), 0.5 * s.normal()]
                })
                .collect();
            Points::from_rows(&rows)
        };
        let mut flow = Flow::new(&config, 2, &mut Stream::new(5, 0)).unwrap();
        let train = sample(22, 4096);
        flow.set_whitening_from(train.as_batch(), None);
        let config = OptimiserConfig { learning_rate: 3e-3, clip_norm: 5.0, ..Default::default() };
        let mut optimiser = Optimiser::new(&config, &flow).unwrap();
        let mut gradient = flow.zero_gradient();
        for step in 0..600 {
            gradient.clear();
            let first = step % 8 * 512;
            flow.forward_kl(train.as_batch().slice(first..first + 512), &[1.0 / 512.0; 512], &mut gradient);
            optimiser.step(&mut flow, &gradient);
        }
        let test = sample(23, 4096);
        let nll = -log_prob(&flow, &test).iter().sum::<f64>() / 4096.0;
        // The mean over the test points has a standard error of about 1.15 / 64 = 0.018.
        assert!(nll > entropy - 0.1 && nll < entropy + 0.2, "{name}: {nll} against the entropy {entropy}");
    }
}

#[test]
fn losses_can_be_evaluated_from_inside_other_threads() {
    let f = flow(&flows()[0].1, 2, true);
    let results = Mutex::new(Vec::new());
    let x = normals(24, 200, 2);
    rayon::scope(|s| {
        for _ in 0..4 {
            s.spawn(|_| results.lock().unwrap().push(log_prob(&f, &x)));
        }
    });
    assert!(results.into_inner().unwrap().iter().all(|r| *r == log_prob(&f, &x)));
}
