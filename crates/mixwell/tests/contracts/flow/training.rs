//! Losses, their gradients in the parameters, optimisers.

use super::*;

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
        for dim in dims(&config, &[1, 2, 3, 6]) {
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
        for dim in dims(&config, &[1, 2, 3, 6]) {
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
fn training_does_not_depend_on_the_number_of_threads() {
    for (name, config) in flows() {
        // Enough for several slices of a batch.
        let rows = if config.learns_by_matching() { 300 } else { 1500 };
        for config in [config.clone(), single(&config)] {
            let train = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let dim = one(&config, 3);
                    let mut flow = flow(&config, dim, true);
                    let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &flow).unwrap();
                    let x = normals(15, rows, dim);
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
        let dim = one(&config, 2);
        let flow = flow(&config, dim, true);
        let z = normals(16, 200, dim);
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
