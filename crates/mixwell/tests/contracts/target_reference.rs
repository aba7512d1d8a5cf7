//! Targets against reference draws and moments made elsewhere. Skipped, saying so, where the data is not there.
//!
//! Under draws of `p` on all of R^d, `E grad_j = 0` and `E[(u_j - c) grad_j] = -1` for any fixed `c` (Stein). So reference
//! draws, mapped to free numbers, test a density and its gradient without sampling anything here.

use std::path::PathBuf;

use mixwell::density::posteriordb::{
    Arma11, Garch11, GaussianProcessRegression, HiddenMarkov, LinearRegression, NormalMixture,
};
use mixwell::density::*;
use mixwell::{Batch, Points, Stream};

use crate::data;

fn json(path: PathBuf) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Largest number of standard errors by which a Stein identity fails under draws of free numbers.
fn stein(target: &impl PointTarget, free: &Points) -> f64 {
    let dim = target.dim();
    let mut grad = Points::zeros(free.rows(), dim);
    for (row, g) in free.as_batch().iter().zip(grad.as_batch_mut().iter_mut()) {
        target.evaluate(row, Some(g)).unwrap();
    }
    let mut worst: f64 = 0.0;
    for j in 0..dim {
        let centre = mean_and_error(free.as_batch().iter().map(|r| r[j])).0;
        let (mean, error) = mean_and_error(grad.as_batch().iter().map(|r| r[j]));
        let pairs = free.as_batch().iter().zip(grad.as_batch().iter());
        let (virial, virial_error) = mean_and_error(pairs.map(|(u, g)| (u[j] - centre) * g[j]));
        worst = worst.max((mean / error).abs()).max(((virial + 1.0) / virial_error).abs());
    }
    worst
}

fn free_points<M: Model>(target: &Constrained<M>, natural: &Points) -> Points {
    let mut free = Points::zeros(natural.rows(), target.dim());
    for (x, u) in natural.as_batch().iter().zip(free.as_batch_mut().iter_mut()) {
        target.unconstrain(x, u);
    }
    free
}

fn check<M: Model>(model: M, natural: &Points, name: &str) {
    let target = Constrained::new(model).unwrap();
    let free = free_points(&target, natural);
    // Draws are near independent; the bar leaves room for the little they are not.
    let z = stein(&target, &free);
    assert!(z < 5.0, "{name}: {z} standard errors");
    // The same draws with their last parameter 5 % smaller must fail: the check has power.
    let mut wrong = natural.clone();
    for row in wrong.as_batch_mut().iter_mut() {
        row[natural.dim() - 1] *= 0.95;
    }
    assert!(stein(&target, &free_points(&target, &wrong)) > 5.0, "{name}: no power");
}

#[test]
fn posteriordb_reference_draws_satisfy_stein() {
    let Some(folder) = data::folder_with("posteriordb") else { return };
    let at = |name: &str, file: &str| folder.join("posteriordb").join(name).join(file);
    let draws = |name: &str| data::matrix(&at(name, "reference_draws.npy"));
    let data = |name: &str| json(at(name, "data.json"));

    type Regression = fn(&serde_json::Value) -> Result<LinearRegression, TargetError>;
    let regressions: [(&str, Regression); 10] = [
        ("kidiq-kidscore_momiq", LinearRegression::kidscore_momiq),
        ("kidiq-kidscore_interaction", LinearRegression::kidscore_interaction),
        ("mesquite-mesquite", LinearRegression::mesquite),
        ("mesquite-logmesquite", LinearRegression::logmesquite),
        ("arK-arK", LinearRegression::autoregression),
        ("diamonds-diamonds", LinearRegression::diamonds),
        ("earnings-logearn_interaction", LinearRegression::logearn_interaction),
        ("kilpisjarvi_mod-kilpisjarvi", LinearRegression::kilpisjarvi),
        ("nes2000-nes", LinearRegression::nes),
        ("sblrc-blr", LinearRegression::sblrc),
    ];
    for (name, make) in regressions {
        check(make(&data(name)).unwrap(), &draws(name), name);
    }
    let column =
        |name: &str, key: &str| -> Vec<f64> { serde_json::from_value(data(name)[key].clone()).unwrap() };
    let name = "low_dim_gauss_mix-low_dim_gauss_mix";
    check(NormalMixture::new(column(name, "y"), true).unwrap(), &draws(name), name);
    let name = "arma-arma11";
    check(Arma11::new(column(name, "y")).unwrap(), &draws(name), name);
    let name = "hmm_example-hmm_example";
    check(HiddenMarkov::new(column(name, "y")).unwrap(), &draws(name), name);
    let name = "gp_pois_regr-gp_regr";
    let process = GaussianProcessRegression::new(&column(name, "x"), column(name, "y")).unwrap();
    check(process, &draws(name), name);
    // Sampled in beta1/(1 - alpha1).
    let name = "garch-garch11";
    let mut shares = draws(name);
    shares.as_batch_mut().iter_mut().for_each(|row| row[3] /= 1.0 - row[2]);
    check(Garch11::new(column(name, "y"), 0.5).unwrap(), &shares, name);
}

#[test]
fn eight_schools_reference_draws_satisfy_stein_in_both_forms() {
    let Some(folder) = data::folder_with("posteriordb") else { return };
    let draws =
        data::matrix(&folder.join("posteriordb/eight_schools-eight_schools_noncentered/reference_draws.npy"));
    let centred = EightSchoolsConfig { parametrisation: Parametrisation::Centred }.build().unwrap();
    let free = EightSchoolsConfig { parametrisation: Parametrisation::NonCentred }.build().unwrap();
    let mut eta = draws.clone();
    for row in eta.as_batch_mut().iter_mut() {
        let (mu, tau) = (row[8], row[9]);
        row[..8].iter_mut().for_each(|v| *v = (*v - mu) / tau);
    }
    assert!(stein(&free, &free_points(&free, &eta)) < 5.0);
    assert!(stein(&centred, &free_points(&centred, &draws)) < 5.0);
}

#[test]
fn wells_posteriors_are_the_published_regressions() {
    let Some(folder) = data::folder_with("posteriordb") else { return };
    // Maximum-likelihood fits of Gelman and Hill (2006), section 5.4: 0.606 - 0.622 dist100, and
    // -0.148 - 0.578 dist100 + 0.556 arsenic - 0.179 dist100 * arsenic. With a flat prior the gradient vanishes there.
    let cases: [(&str, &[f64], &[f64]); 2] = [
        ("wells_data-wells_dist100_model", &[0.606, -0.622], &[0.060, 0.097]),
        (
            "wells_data-wells_interaction_model",
            &[-0.148, -0.578, 0.556, -0.179],
            &[0.118, 0.209, 0.069, 0.102],
        ),
    ];
    for (name, fit, errors) in cases {
        let t = posteriordb::posterior(name, &json(folder.join("posteriordb").join(name).join("data.json")))
            .unwrap();
        let dim = t.dim();
        let mut grad = Points::zeros(1, dim);
        t.log_prob_and_grad(Batch::new(fit, dim), &mut [0.0], grad.as_batch_mut()).unwrap();
        // One Newton step from the rounded fit must stay within the rounding.
        let step = newton_step(&*t, fit, grad.row(0));
        for ((s, e), f) in step.iter().zip(errors).zip(fit) {
            assert!(s.abs() < 0.02 * e, "{name}: {f} moves by {s}");
        }
    }
}

/// The Hessian by central differences of the gradient.
fn hessian(target: &dyn Target, x: &[f64]) -> nalgebra::DMatrix<f64> {
    let d = x.len();
    let h = 1e-4;
    let mut h_matrix = nalgebra::DMatrix::zeros(d, d);
    let mut grad = Points::zeros(1, d);
    for j in 0..d {
        for sign in [1.0, -1.0] {
            let mut moved = x.to_vec();
            moved[j] += sign * h;
            target.log_prob_and_grad(Batch::new(&moved, d), &mut [0.0], grad.as_batch_mut()).unwrap();
            (0..d).for_each(|i| h_matrix[(i, j)] += sign * grad.row(0)[i] / (2.0 * h));
        }
    }
    (&h_matrix + h_matrix.transpose()) * 0.5
}

fn newton_step(target: &dyn Target, x: &[f64], grad: &[f64]) -> Vec<f64> {
    let curvature = (-hessian(target, x)).cholesky().unwrap();
    curvature.solve(&nalgebra::DVector::from_column_slice(grad)).iter().copied().collect()
}

#[test]
fn german_credit_posterior_by_importance_sampling() {
    let Some(folder) = data::folder_with("tabular") else { return };
    let text = std::fs::read_to_string(folder.join("tabular/german.data-numeric")).unwrap();
    let values: Vec<f64> = text.split_whitespace().map(|v| v.parse().unwrap()).collect();
    let table = Table { rows: values.len() / 25, columns: 25, values, ..Table::default() };
    let config = LogisticRegressionConfig { positive_label: Some(2.0.into()), ..Default::default() };
    let target = config.build_from(&table).unwrap();
    let d = target.dim();
    assert_eq!((table.rows, d), (1000, 25));

    // The maximum and the curvature there make the proposal; what is left is corrected by weights.
    let mut mode = vec![0.0; d];
    let mut grad = Points::zeros(1, d);
    for _ in 0..8 {
        target.log_prob_and_grad(Batch::new(&mode, d), &mut [0.0], grad.as_batch_mut()).unwrap();
        let step = newton_step(&target, &mode, grad.row(0));
        mode.iter_mut().zip(step).for_each(|(m, s)| *m += s);
    }
    let covariance = (-hessian(&target, &mode)).cholesky().unwrap().inverse() * 1.1;
    let covariance = (&covariance + covariance.transpose()) * 0.5;
    let rows = covariance.row_iter().map(|r| r.iter().copied().collect()).collect();
    let proposal = GaussianConfig { mean: mode, covariance: rows }.build().unwrap();
    let n = 20_000;
    let x = proposal.exact_sampler().unwrap().sample_rows(&mut Stream::new(9, 0), n, d);
    let (mut log_p, mut log_q) = (vec![0.0; n], vec![0.0; n]);
    target.log_prob(x.as_batch(), &mut log_p).unwrap();
    proposal.log_prob(x.as_batch(), &mut log_q).unwrap();
    let top = log_p.iter().zip(&log_q).map(|(p, q)| p - q).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_p.iter().zip(&log_q).map(|(p, q)| (p - q - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    let effective = total * total / weights.iter().map(|w| w * w).sum::<f64>();
    assert!(effective > 5_000.0, "{effective}");

    let file = folder.join("posterior_moments/german_credit_numeric_logistic_regression.json");
    let truth = json(file);
    let find = |key: &str| -> Vec<f64> {
        serde_json::from_value(truth["ground_truth"][key]["values"].clone()).unwrap()
    };
    let (mean, error) = (find("IDENTITY_MEAN"), find("IDENTITY_MEAN_STANDARD_ERROR"));
    let sd = find("IDENTITY_STANDARD_DEVIATION");
    for j in 0..d {
        let estimate = x.as_batch().iter().zip(&weights).map(|(r, w)| w * r[j]).sum::<f64>() / total;
        let second =
            x.as_batch().iter().zip(&weights).map(|(r, w)| w * (r[j] - estimate).powi(2)).sum::<f64>()
                / total;
        let own = sd[j] / effective.sqrt();
        assert!((estimate - mean[j]).abs() < 5.0 * own.hypot(error[j]), "weight {j}: {estimate} {}", mean[j]);
        // A standard deviation is known to 1/sqrt(2 n).
        assert!(
            (second.sqrt() / sd[j] - 1.0).abs() < 5.0 / effective.sqrt(),
            "weight {j}: {} {}",
            second.sqrt(),
            sd[j]
        );
    }
}

#[test]
fn particle_samples_have_the_measured_energy_and_virial() {
    let Some(folder) = data::folder_with("particles") else { return };
    let centre_of_mass = CentreOfMass::Tethered { strength: 1.0 };
    // Mean energies as measured by an independent program on the same samples.
    let cases = [
        ("dw4_test.npy", DoubleWell4Config { centre_of_mass }.build().unwrap(), 2, -22.45, None),
        ("lj13_test.npy", LennardJones13Config { centre_of_mass }.build().unwrap(), 3, -43.13, Some(36.0)),
    ];
    for (file, target, space, energy, virial) in cases {
        let mut x = data::matrix(&folder.join("particles").join(file));
        let d = x.dim();
        for row in x.as_batch_mut().iter_mut() {
            for c in 0..space {
                let centre = row.iter().skip(c).step_by(space).sum::<f64>() / (d / space) as f64;
                row.iter_mut().skip(c).step_by(space).for_each(|v| *v -= centre);
            }
        }
        let (mut value, mut grad) = (vec![0.0; x.rows()], x.clone());
        target.log_prob_and_grad(x.as_batch(), &mut value, grad.as_batch_mut()).unwrap();
        let mean = -value.iter().sum::<f64>() / value.len() as f64;
        assert!((mean - energy).abs() < 0.006, "{file}: {mean}");
        if let Some(expected) = virial {
            let rows = x.as_batch().iter().zip(grad.as_batch().iter());
            let (v, e) = mean_and_error(rows.map(|(x, g)| -x.iter().zip(g).map(|(x, g)| x * g).sum::<f64>()));
            assert!((v - expected).abs() < 5.0 * e, "{file}: {v} +- {e}");
        }
    }
}
