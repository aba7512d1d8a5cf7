//! Single against double precision, points far out, and independence of the rows beside.

use super::*;

#[test]
fn rows_do_not_depend_on_their_company() {
    for (name, config) in flows() {
        for config in [config.clone(), single(&config)] {
            let dim = one(&config, 3);
            let flow = flow(&config, dim, true);
            let z = normals(14, 300, dim);
            let whole = forward(&flow, &z);
            let (lq, mut grad) = (log_prob(&flow, &whole.0), Points::zeros(300, dim));
            flow.log_prob_and_grad(whole.0.as_batch(), &mut vec![0.0; 300], grad.as_batch_mut());
            for r in [0, 1, 63, 64, 65, 200, 299] {
                let one = Points::from_rows(&[z.row(r)]);
                let (x, ld) = forward(&flow, &one);
                assert_eq!((x.row(0), ld[0]), (whole.0.row(r), whole.1[r]), "{name}");
                let mut g = Points::zeros(1, dim);
                let mut l = [0.0];
                flow.log_prob_and_grad(x.as_batch(), &mut l, g.as_batch_mut());
                assert_eq!((l[0], g.row(0)), (lq[r], grad.row(r)), "{name}");
            }
        }
    }
}

#[test]
fn extreme_points_have_finite_densities_and_gradients() {
    for (name, config) in flows() {
        for dim in dims(&config, &[1, 2, 5]) {
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
fn single_precision_agrees_with_double() {
    for (name, config) in flows() {
        for dim in dims(&config, &DIMS) {
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
fn single_precision_agrees_with_double_within_stated_bounds() {
    // The bounds are those of docs/performance.md, in units of the rounding of f32 (6e-8 at 1): points and latents within
    // 100 times their size, log-densities within 200 per coordinate, gradients within 2000 times the largest entry.
    let unit = f64::from(f32::EPSILON) / 2.0;
    for (name, config) in flows() {
        if matches!(config, FlowConfig::Gaussian(_)) {
            continue;
        }
        for dim in dims(&config, &[2, 5, 32]) {
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
