//! What every target promises, checked for every target. Add a row to `targets` when you add one.
//!
//! Gradients against finite differences; both evaluations, and any batch, to the same bit; exact draws against stated
//! moments; `E grad = 0` under exact draws (Stein); stated evidence against quadrature; stated modes against the gradient.

use std::sync::Arc;

use mixwell::density::*;
use mixwell::ebm::EnergyModel;
use mixwell::net::{Activation, Init, Network, NetworkSpec};
use mixwell::{Batch, Points, Stream};

/// A target under a name, and how far from the origin its test points reach.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) target: Box<dyn Target>,
    reach: f64,
}

/// A law with edges: its gradient does not know of them, so identities that integrate by parts do not hold, and a grid
/// is coarse there. Its draws are compared with its density in `target_histograms.rs`.
const WITH_EDGES: &str = "checkerboard";

/// Every built-in target, at its defaults and away from them.
pub(crate) fn targets() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name, reach, json: serde_json::Value| {
        let config: TargetConfig = serde_json::from_value(json).expect(name);
        cases.push(Case { name, target: config.build(&Inline).expect(name), reach });
    };
    use serde_json::json;
    add("standard", 2.0, json!({"kind": "standard_gaussian"}));
    add("standard, moved", 2.0, json!({"kind": "standard_gaussian", "dim": 3, "mean": 1.5, "scale": 0.4}));
    add("ill-conditioned", 1.0, json!({"kind": "ill_conditioned_gaussian"}));
    add(
        "ill-conditioned, rotated",
        1.0,
        json!({"kind": "ill_conditioned_gaussian", "dim": 7, "log10_scale_min": -0.5,
        "log10_scale_max": 0.5, "rotation": 0.7}),
    );
    add("gan", 1.5, json!({"kind": "gan", "path": "swish"}));
    add(
        "gan, uniform",
        1.5,
        json!({"kind": "gan", "path": "swish", "kappa": 2.0, "prior": {"kind": "uniform"}}),
    );
    add("gaussian", 2.0, json!({"kind": "gaussian"}));
    add(
        "gaussian, 3",
        2.0,
        json!({"kind": "gaussian", "mean": [1, -2, 0.5],
        "covariance": [[2, 0.5, 0.1], [0.5, 1, -0.3], [0.1, -0.3, 0.7]]}),
    );
    add("mixture", 3.0, json!({"kind": "gaussian_mixture"}));
    add(
        "mixture, all shapes",
        3.0,
        json!({"kind": "gaussian_mixture", "components": [
        {"weight": 1, "mean": [0, 1], "scale": 0.8},
        {"weight": 2, "mean": [2, -1], "scales": [0.5, 1.2]},
        {"weight": 0.5, "mean": [-2, 0], "covariance": [[1, 0.6], [0.6, 1]]}]}),
    );
    add("two modes", 2.0, json!({"kind": "two_modes"}));
    add(
        "two modes, 1-d",
        2.0,
        json!({"kind": "two_modes", "dim": 1, "centre": 1, "variances": [0.04, 0.04], "weights": [1, 1]}),
    );
    add("three modes", 4.0, json!({"kind": "three_modes", "radius": 3}));
    add("four on a line", 3.0, json!({"kind": "four_on_a_line"}));
    add("four corners", 2.0, json!({"kind": "four_corners"}));
    add("eight gaussians", 1.5, json!({"kind": "eight_gaussians"}));
    add("grid", 2.0, json!({"kind": "grid25"}));
    add("grid, standardised", 2.0, json!({"kind": "grid25", "standardise": true, "scale": 0.1}));
    add(
        "grid, three-dimensional",
        2.0,
        json!({"kind": "grid_mixture", "dim": 3, "values": [-1, 2], "scale": 0.3}),
    );
    add("flex mixture", 2.5, json!({"kind": "flex_mixture"}));
    add("banana", 3.0, json!({"kind": "banana"}));
    add("banana, bent", 2.0, json!({"kind": "banana", "dim": 2, "b": 0.3, "s": 1.4}));
    add("funnel", 1.5, json!({"kind": "funnel"}));
    add("funnel, 2-d", 1.5, json!({"kind": "funnel", "dim": 2, "a": 0.8, "b": 0.7}));
    add("funnel, non-centred", 1.5, json!({"kind": "funnel", "dim": 2, "parametrisation": "non_centred"}));
    add("funnel 101", 1.5, json!({"kind": "funnel_101"}));
    add("dual moon", 1.5, json!({"kind": "dual_moon"}));
    add("dual moon, 2-d", 1.5, json!({"kind": "dual_moon", "dim": 2, "width": 0.2}));
    add(
        "dual moon, 3-d",
        1.5,
        json!({"kind": "dual_moon", "dim": 3, "radius": 1.5, "width": 0.3, "centre": 2, "scales": [1, 0.5]}),
    );
    add("rings", 3.0, json!({"kind": "rings"}));
    add("rings, wide", 3.0, json!({"kind": "rings", "rings": 2, "spacing": 1.3, "scale": 0.7}));
    add("two moons", 1.5, json!({"kind": "two_moons"}));
    add("two moons, wide", 1.5, json!({"kind": "two_moons", "noise": 0.5}));
    add("pinwheel", 2.0, json!({"kind": "pinwheel"}));
    add("pinwheel, three blades", 1.0, json!({"kind": "pinwheel", "arms": 3, "twist": -0.7, "scale": 1}));
    add("checkerboard", 3.0, json!({"kind": "checkerboard"}));
    add("two spirals", 2.5, json!({"kind": "two_spirals"}));
    add("swiss roll", 1.5, json!({"kind": "swiss_roll"}));
    add("phi4", 1.2, json!({"kind": "phi4"}));
    add("phi4, tilted", 1.2, json!({"kind": "phi4", "sites": 5, "a": 0.3, "b": 0.2, "beta": 4}));
    add("phi4 lattice", 1.2, json!({"kind": "phi4_lattice"}));
    add(
        "phi4 lattice, three axes in a field",
        1.2,
        json!({"kind": "phi4_lattice", "shape": [2, 3, 1], "kappa": 0.15, "lambda": 0.7, "field": -0.3}),
    );
    add("double well", 3.0, json!({"kind": "double_well4"}));
    add(
        "double well, tethered",
        3.0,
        json!({"kind": "double_well4", "centre_of_mass": {"tethered": {"strength": 0.7}}}),
    );
    add("lennard-jones", 3.0, json!({"kind": "lennard_jones13"}));
    add(
        "lennard-jones, tethered",
        3.0,
        json!({"kind": "lennard_jones13", "centre_of_mass": {"tethered": {"strength": 2}}}),
    );
    add("eight schools", 1.0, json!({"kind": "eight_schools"}));
    add("eight schools, centred", 1.0, json!({"kind": "eight_schools", "parametrisation": "centred"}));
    add("logistic", 1.0, json!({"kind": "logistic_regression", "data": "table"}));
    add(
        "logistic, flat",
        1.0,
        json!({"kind": "logistic_regression", "data": "table", "prior_scale": 3.5,
        "intercept": "first", "standardise": false}),
    );
    add("energy", 1.5, json!({"kind": "energy", "path": "swish", "sha256": "of swish"}));
    add("tempered", 2.0, json!({"kind": "tempered"}));
    add(
        "tempered energy",
        1.5,
        json!({"kind": "tempered", "temperature": 0.7, "target": {"kind": "energy", "path": "swish"}}),
    );
    add("product", 2.0, json!({"kind": "product"}));
    add(
        "product of energies",
        1.5,
        json!({"kind": "product", "factors": [{"power": 0.5, "target": {"kind": "energy", "path": "swish"}},
        {"power": 2, "target": {"kind": "two_modes"}}]}),
    );
    add("mixture of laws", 2.0, json!({"kind": "mixture"}));
    add(
        "mixture with an energy",
        1.5,
        json!({"kind": "mixture", "components": [{"weight": 1, "target": {"kind": "energy", "path": "swish"}},
        {"weight": 3, "log_evidence": 2.5, "target": {"kind": "funnel", "dim": 2}}]}),
    );
    add(
        "mixture of mixtures",
        2.0,
        json!({"kind": "mixture", "components": [{"weight": 2, "target": {"kind": "two_modes"}},
        {"weight": 1, "target": {"kind": "mixture", "components": [{"target": {"kind": "banana", "dim": 2}},
        {"target": {"kind": "gaussian"}}]}}]}),
    );
    for posterior in posteriordb::NAMES {
        add(posterior, 0.7, json!({"kind": "posteriordb", "posterior": posterior, "data": posterior}));
    }
    for posterior in inference_gym::NAMES {
        add(posterior, 0.7, json!({"kind": "inference_gym", "posterior": posterior, "data": posterior}));
    }
    cases
}

/// Small tables made from a random stream.
struct Inline;

impl DataLoader for Inline {
    fn table(&self, path: &str, _header: Option<bool>) -> Result<Table, TargetError> {
        let mut s = Stream::new(11, 0);
        // The collection's credits are of classes 1 and 2.
        let first_class = f64::from(u8::from(path.starts_with("german")));
        let values = (0..45 * 4)
            .map(|i| {
                if i % 4 == 3 {
                    first_class + f64::from(u8::from(i == 3 || i > 8 && s.uniform() < 0.4))
                } else {
                    s.normal()
                }
            })
            .collect();
        Ok(Table { rows: 45, columns: 4, values, ..Table::default() })
    }

    fn law(&self, path: &str) -> Result<TrainedLaw, TargetError> {
        Ok(TrainedLaw { target: Box::new(energy(path)), sha256: format!("of {path}") })
    }

    fn gan(&self, config: &GanTargetConfig) -> Result<TrainedLaw, TargetError> {
        assert_eq!(config.path.as_deref(), Some("swish"));
        let network = |spec: &NetworkSpec, seed| {
            Network::<f64>::new(spec, Init::Uniform, &mut Stream::new(seed, 0)).unwrap()
        };
        let generator = network(&NetworkSpec::dense(2, &[8], 3, Activation::Swish), 5);
        let discriminator = network(&NetworkSpec::dense(3, &[8], 1, Activation::Swish), 6);
        let (loss, prior) = (DiscriminatorLoss::Js, config.prior.unwrap_or_default());
        let target = mixwell::gan::LatentTarget::new(generator, &discriminator, loss, prior).unwrap();
        Ok(TrainedLaw { target: Box::new(target.with_kappa(config.kappa)?), sha256: "of swish".into() })
    }

    fn json(&self, path: &str) -> Result<serde_json::Value, TargetError> {
        let mut s = Stream::new(12, 0);
        let mut draw = |n: usize| (0..n).map(|_| s.uniform() + 0.5).collect::<Vec<_>>();
        if inference_gym::NAMES.contains(&path) {
            let mut path_seen = draw(6).into_iter().map(serde_json::Value::from).collect::<Vec<_>>();
            path_seen[2] = serde_json::Value::Null;
            return Ok(serde_json::json!({"data": {"OBSERVED_LOC": path_seen, "INNOVATION_NOISE": 0.3,
                "OBSERVATION_NOISE": 0.4, "CLOSING_PRICES": {"values": draw(101)}}}));
        }
        assert!(posteriordb::NAMES.contains(&path));
        let mut data = serde_json::json!({"K": 3, "sigma1": 0.5, "J": 4, "prior_only": 0,
            "pmualpha": 1, "psalpha": 2, "pmubeta": 0, "psbeta": 0.5});
        let n = 40;
        for name in "kid_score mom_iq weight diam1 diam2 canopy_height total_height density y Y dist arsenic x earn height \
                     partyid7 real_ideo race_adj educ1 income log_radon log_uppm"
            .split_whitespace()
        {
            data[name] = draw(n).into();
        }
        for name in ["mom_hs", "group", "switched", "male", "gender", "floor_measure"] {
            data[name] = draw(n).into_iter().map(|v| (v - 0.5).round()).collect();
        }
        for name in ["k", "county_idx", "age_discrete"] {
            data[name] = draw(n).into_iter().map(|v| (1.0 + 4.0 * (v - 0.5)).floor()).collect();
        }
        data["X"] = (0..n).map(|_| draw(3)).collect();
        // A process over far too many points for its length has a covariance that rounding makes singular.
        if path.starts_with("gp") {
            data["x"] = (0..12).map(|i| 2 * i).collect();
            data["y"] = draw(12).into();
            data["k"] = (0..12).map(|i| i % 4).collect();
        }
        Ok(data)
    }
}

/// A network with random weights in the place of a trained one.
fn energy(path: &str) -> EnergyModel<Network<f64>> {
    assert_eq!(path, "swish");
    let spec = NetworkSpec::dense(2, &[8, 6], 1, Activation::Swish);
    let network = Network::new(&spec, Init::Uniform, &mut Stream::new(4, 0)).unwrap();
    EnergyModel::new(network).with_base(Arc::new(mixwell::proposal::Gaussian::standard(2))).unwrap()
}

/// `rows` random points.
fn points(case: &Case, rows: usize, seed: u64) -> Points {
    let mut s = Stream::new(seed, 0);
    let mut x = Points::zeros(rows, case.target.dim());
    s.fill_normal(x.data_mut());
    x.data_mut().iter_mut().for_each(|v| *v *= case.reach);
    x
}

fn value_and_grad(target: &dyn Target, x: Batch<'_>) -> (Vec<f64>, Points) {
    let (mut value, mut grad) =
        (vec![f64::NAN; x.rows()], Points::from_vec(vec![f64::NAN; x.data().len()], x.dim()));
    target.log_prob_and_grad(x, &mut value, grad.as_batch_mut()).unwrap();
    (value, grad)
}

#[test]
fn gradients_match_finite_differences() {
    for case in targets() {
        assert!(case.target.has_gradient());
        if case.name == WITH_EDGES {
            continue;
        }
        let found = check_gradient(&*case.target, points(&case, 6, 1).as_batch()).unwrap();
        assert!(found.passed(), "{}: {found}", case.name);
        // Nearly all can be told: what is not compared is not tested.
        assert!(found.undecided * 20 <= found.compared, "{}: {found}", case.name);
    }
}

/// A banana whose gradient forgets the bend: the check above must see it.
#[test]
fn a_wrong_gradient_is_caught() {
    let wrong = from_fn_with_grad(2, |x, grad| {
        let off = x[1] - 0.3 * x[0] * x[0];
        grad[0] = -x[0];
        grad[1] = -off;
        -0.5 * (off * off + x[0] * x[0])
    });
    let case = Case { name: "wrong", target: Box::new(wrong), reach: 1.0 };
    let found = check_gradient(&*case.target, points(&case, 6, 1).as_batch()).unwrap();
    assert!(found.worst().unwrap().excess() > 100.0, "{found}");
}

#[test]
fn densities_are_finite_or_minus_infinity() {
    for case in targets() {
        for scale in [0.0, 1e-300, 1.0, 1e3, 1e10] {
            let mut x = points(&case, 3, 2);
            x.data_mut().iter_mut().for_each(|v| *v *= scale);
            let (value, _) = value_and_grad(&*case.target, x.as_batch());
            let fine = |v: &f64| !v.is_nan() && *v != f64::INFINITY;
            assert!(value.iter().all(fine), "{} at scale {scale}: {value:?}", case.name);
        }
    }
}

#[test]
fn both_evaluations_and_every_batch_agree_to_the_bit() {
    for case in targets() {
        let x = points(&case, 29, 3);
        let (value, grad) = value_and_grad(&*case.target, x.as_batch());
        let mut alone = vec![0.0; 29];
        case.target.log_prob(x.as_batch(), &mut alone).unwrap();
        assert_eq!(bits(&value), bits(&alone), "{}", case.name);
        // Any cut into blocks, row by row included.
        for block in [1, 3, 5, 8, 11, 16] {
            for start in (0..29).step_by(block) {
                let rows = start..(start + block).min(29);
                let (v, g) = value_and_grad(&*case.target, x.as_batch().slice(rows.clone()));
                assert_eq!(bits(&v), bits(&value[rows.clone()]), "{} in blocks of {block}", case.name);
                assert_eq!(bits(g.data()), bits(grad.as_batch().slice(rows).data()), "{}", case.name);
            }
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Standard errors between the column means of `values` and `expected`, at worst.
fn worst_z(values: Batch<'_>, expected: &[f64]) -> (usize, f64) {
    let n = values.rows() as f64;
    (0..values.dim())
        .map(|j| {
            let mean = values.iter().map(|r| r[j]).sum::<f64>() / n;
            let variance = values.iter().map(|r| (r[j] - mean).powi(2)).sum::<f64>() / (n - 1.0);
            // A column that does not vary must be exact up to rounding.
            (j, (mean - expected[j]).abs() / (variance / n).sqrt().max(1e-13 * expected[j].abs().max(1e-10)))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .expect("at least one column")
}

#[test]
fn exact_draws_have_the_stated_moments_and_no_mean_gradient() {
    let mut tested = 0;
    for case in targets() {
        let Some(sampler) = case.target.exact_sampler() else { continue };
        tested += 1;
        let dim = case.target.dim();
        let rows = if dim > 30 { 10_000 } else { 40_000 };
        let x = sampler.sample_rows(&mut Stream::new(4, 0), rows, dim);
        let facts = case.target.facts();
        let (mean, variance) = (facts.mean.expect(case.name), facts.variance.expect(case.name));
        let (j, z) = worst_z(x.as_batch(), &mean);
        assert!(z < 5.0, "{}: mean of coordinate {j} is {z} standard errors off", case.name);
        let mut squares = x.clone();
        for row in squares.as_batch_mut().iter_mut() {
            row.iter_mut().zip(&mean).for_each(|(v, m)| *v = (*v - m) * (*v - m));
        }
        // Squares of a funnel's children have no useful standard error: only what is light-tailed is compared.
        let heavy = case.name.starts_with("funnel");
        let (j, z) = worst_z(squares.as_batch(), &variance);
        assert!(z < 5.0 || heavy, "{}: variance of coordinate {j} is {z} standard errors off", case.name);
        let (_, grad) = value_and_grad(&*case.target, x.as_batch());
        let (j, z) = worst_z(grad.as_batch(), &vec![0.0; dim]);
        assert!(z < 5.0, "{}: mean gradient of coordinate {j} is {z} standard errors off zero", case.name);
    }
    assert!(tested > 15, "{tested}");
}

/// Draws of a slightly different law must fail the same check.
#[test]
fn stein_sees_a_wrong_sampler() {
    let truth = BananaConfig { dim: 2, b: 0.3, s: 1.4 }.build().unwrap();
    let other = BananaConfig { dim: 2, b: 0.33, s: 1.4 }.build().unwrap();
    let x = other.exact_sampler().unwrap().sample_rows(&mut Stream::new(5, 0), 40_000, 2);
    let (_, grad) = value_and_grad(&truth, x.as_batch());
    // Means of the gradient alone are zero by symmetry; against x they are -1: E[x_j grad_j] = -1 for the right law.
    let mut stein = grad.clone();
    for (g, x) in stein.as_batch_mut().iter_mut().zip(x.as_batch().iter()) {
        g.iter_mut().zip(x).for_each(|(g, x)| *g *= x);
    }
    assert!(worst_z(stein.as_batch(), &[-1.0; 2]).1 > 5.0);
}

/// `E[x_j grad_j] = -1`: the second Stein identity, for every target with exact draws.
#[test]
fn exact_draws_satisfy_the_virial_identity() {
    for case in targets() {
        if case.name == WITH_EDGES {
            continue;
        }
        let Some(sampler) = case.target.exact_sampler() else { continue };
        let dim = case.target.dim();
        let rows = if dim > 30 { 10_000 } else { 40_000 };
        let x = sampler.sample_rows(&mut Stream::new(6, 0), rows, dim);
        let (_, mut stein) = value_and_grad(&*case.target, x.as_batch());
        for (g, x) in stein.as_batch_mut().iter_mut().zip(x.as_batch().iter()) {
            g.iter_mut().zip(x).for_each(|(g, x)| *g *= x);
        }
        let (j, z) = worst_z(stein.as_batch(), &vec![-1.0; dim]);
        assert!(z < 5.0, "{}: coordinate {j} is {z} standard errors off", case.name);
    }
}

#[test]
fn stated_evidence_matches_quadrature_in_one_and_two_dimensions() {
    let mut tested = 0;
    for case in targets() {
        let facts = case.target.facts();
        let (dim, Some(stated), Some(variance)) = (case.target.dim(), facts.log_evidence, facts.variance)
        else {
            continue;
        };
        // A funnel's wings fall off too slowly for an even grid.
        if dim > 2 || case.name.starts_with("funnel, 2") || case.name == WITH_EDGES {
            continue;
        }
        tested += 1;
        let mean = facts.mean.expect(case.name);
        // The rings' integrable peak at the origin is what limits the accuracy.
        let n = 800;
        let side = |j: usize| 16.0 * variance[j].sqrt();
        let at = |j: usize, i: usize| mean[j] + side(j) * ((i as f64 + 0.5) / n as f64 - 0.5);
        let mut row = Points::zeros(n, dim);
        let mut value = vec![0.0; n];
        let mut mass = 0.0;
        let outer = if dim == 2 { n } else { 1 };
        for i in 0..outer {
            for k in 0..n {
                row.row_mut(k)[dim - 1] = at(dim - 1, k);
                if dim == 2 {
                    row.row_mut(k)[0] = at(0, i);
                }
            }
            case.target.log_prob(row.as_batch(), &mut value).unwrap();
            mass += value.iter().map(|v| v.exp()).sum::<f64>();
        }
        let cell: f64 = (0..dim).map(|j| side(j) / n as f64).product();
        let measured = (mass * cell).ln();
        assert!((measured - stated).abs() < 1e-3, "{}: {measured} {stated}", case.name);
    }
    assert!(tested >= 10, "{tested}");
}

#[test]
fn stated_modes_are_maxima() {
    for case in targets() {
        let Some(modes) = case.target.facts().modes else { continue };
        if let Some(weights) = &modes.weights {
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{}", case.name);
            assert_eq!(weights.len(), modes.centres.rows());
        }
        // Overlapping components shift a mixture's modes a little, so a mixture is asked for one thing only: that no
        // direction gains more than a nat within a tenth of a unit.
        let (value, _) = value_and_grad(&*case.target, modes.centres.as_batch());
        let mut s = Stream::new(7, 0);
        for (centre, height) in modes.centres.as_batch().iter().zip(&value) {
            let mut around = Points::zeros(50, centre.len());
            for row in around.as_batch_mut().iter_mut() {
                s.fill_normal(row);
                let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
                row.iter_mut().zip(centre).for_each(|(v, c)| *v = c + 0.01 * *v / length);
            }
            let mut heights = vec![0.0; 50];
            case.target.log_prob(around.as_batch(), &mut heights).unwrap();
            assert!(heights.iter().all(|h| *h < height + 0.02), "{}: {height} {heights:?}", case.name);
        }
    }
}

#[test]
fn reports_fill_every_variable() {
    for case in targets() {
        let total: usize = case.target.variables().iter().map(Variable::len).sum();
        let labels: Vec<String> = case.target.variables().iter().flat_map(Variable::labels).collect();
        assert_eq!(labels.len(), total);
        let mut out = vec![f64::NAN; total];
        case.target.report(points(&case, 1, 8).row(0), &mut out);
        assert!(out.iter().all(|v| v.is_finite()), "{}", case.name);
    }
}

#[test]
fn every_kind_has_a_row_here() {
    // The table above is written as settings; this counts that none was forgotten.
    let source = include_str!("target.rs");
    for entry in catalogue() {
        assert!(source.contains(&format!("\"kind\": \"{}\"", entry.kind)), "{} has no row", entry.kind);
    }
}
