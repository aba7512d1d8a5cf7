//! Maps, their log-determinants and densities, and gradients in points.

use super::*;

#[test]
fn inverse_undoes_forward_and_log_dets_cancel() {
    // In single precision, a thousand roundings of 6e-8 for the worst of 3000 numbers through a dozen layers.
    for (name, config) in flows() {
        for dim in dims(&config, &DIMS) {
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
        for dim in dims(&config, &[1, 2, 3, 5, 6]) {
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
        for dim in dims(&config, &DIMS) {
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
    for (name, config) in flows().into_iter().filter(|(_, config)| config.dim().is_none()) {
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
        for dim in dims(&config, &DIMS) {
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
        for dim in dims(&config, &DIMS) {
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

#[test]
fn a_new_flow_is_the_identity() {
    // A new Glow mixes its channels by a rotation.
    for (name, config) in flows().into_iter().filter(|(_, c)| !matches!(c, FlowConfig::Glow(_))) {
        for dim in dims(&config, &DIMS) {
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
        for dim in dims(&config, &DIMS) {
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
        for dim in dims(&config, &[1, 2, 5]) {
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
fn near_identity_weights_give_the_identity_to_that_size() {
    let config = FlowConfig::Realnvp(RealNvpConfig { init: Init::Normal(1e-6), ..Default::default() });
    let flow = Flow::new(&config, 4, &mut Stream::new(0, 0)).unwrap();
    let z = normals(21, 10, 4);
    assert!(largest(forward(&flow, &z).0.data(), z.data()) < 1e-6);
}
