//! Diagnostics against numbers computed elsewhere: ArviZ on sets of draws and of weights, and the vectors of our
//! specification.

use mixwell::diagnostics::*;
use serde::Deserialize;

/// Draws and what ArviZ says about them; `null` is NaN or infinite there.
#[derive(Deserialize)]
struct Case {
    name: String,
    n_chains: usize,
    draws: Vec<f64>,
    #[serde(flatten)]
    values: std::collections::BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct Reference {
    arviz: String,
    cases: Vec<Case>,
}

type Diagnostic = (&'static str, fn(Draws<'_>) -> f64);

const TABLE: &[Diagnostic] = &[
    ("rhat", rhat),
    ("rhat_bulk", rhat_bulk),
    ("rhat_folded", rhat_folded),
    ("rhat_split", rhat_split),
    ("rhat_plain", rhat_plain),
    ("ess_bulk", ess_bulk),
    ("ess_tail", ess_tail),
    ("ess_mean", ess_mean),
    ("ess_sd", ess_sd),
    ("ess_raw", ess_raw),
    ("ess_q10", |d| ess_quantile(d, 0.1)),
    ("ess_median", |d| ess_quantile(d, 0.5)),
    ("mcse_mean", mcse_mean),
    ("mcse_sd", mcse_sd),
    ("mcse_q10", |d| mcse_quantile(d, 0.1)),
    ("mcse_median", |d| mcse_quantile(d, 0.5)),
];

#[test]
fn agrees_with_arviz() {
    let reference: Reference = serde_json::from_str(include_str!("../data/arviz_diagnostics.json")).unwrap();
    assert_eq!(reference.arviz, "0.23.4");
    let mut wrong = Vec::new();
    for case in &reference.cases {
        let draws = Draws::new(&case.draws, case.n_chains);
        assert_eq!(case.values.len(), TABLE.len(), "{}", case.name);
        for (name, f) in TABLE {
            let (ours, theirs) = (f(draws), case.values[*name]);
            let agree = match theirs {
                Some(v) => (ours - v).abs() <= 1e-8 * v.abs(),
                None => !ours.is_finite(),
            };
            if !agree {
                wrong.push(format!("{}: {name} is {ours}, ArviZ says {theirs:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Log-weights and what `psislw` of ArviZ makes of them.
#[derive(Deserialize)]
struct WeightCase {
    name: String,
    log_weights: Vec<Weight>,
    pareto_k: Option<f64>,
    smoothed: Vec<Weight>,
}

/// A log-weight; JSON has no word for `-inf`, so it is written as text.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Weight {
    Finite(f64),
    Zero(String),
}

fn log_weights(weights: &[Weight]) -> Vec<f64> {
    weights.iter().map(|w| if let Weight::Finite(v) = w { *v } else { f64::NEG_INFINITY }).collect()
}

#[test]
fn pareto_smoothing_agrees_with_arviz() {
    #[derive(Deserialize)]
    struct Reference {
        cases: Vec<WeightCase>,
    }
    let reference: Reference = serde_json::from_str(include_str!("../data/arviz_psis.json")).unwrap();
    for case in &reference.cases {
        assert!(case.log_weights.iter().all(|w| !matches!(w, Weight::Zero(s) if s != "-inf")));
        let ours = pareto_smooth(&log_weights(&case.log_weights), 1.0);
        match case.pareto_k {
            Some(k) => {
                assert!((ours.pareto_k - k).abs() < 1e-8, "{}: {} is not {k}", case.name, ours.pareto_k)
            }
            None => assert_eq!(ours.pareto_k, f64::INFINITY, "{}", case.name),
        }
        // Which of two equal weights gets which smoothed one is not defined: compare in order of size.
        let (mut a, mut b) = (ours.log_weights, log_weights(&case.smoothed));
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        for (x, y) in a.iter().zip(&b) {
            assert!(x == y || (x - y).abs() < 1e-8, "{}: {x} is not {y}", case.name);
        }
    }
}

/// `x <- 0.6 x + u - 1/2` with `u` from the generator of the specification, 200 draws from each of four seeds.
fn set_a() -> Vec<f64> {
    let mut out = Vec::new();
    for seed in 1..=4u64 {
        let (mut s, mut x) = (seed, 0.0);
        for _ in 0..200 {
            s = (1_103_515_245 * s + 12_345) % (1 << 31);
            x = 0.6 * x + (s as f64 / (1u64 << 31) as f64 - 0.5);
            out.push(x);
        }
    }
    out
}

#[test]
fn agrees_with_the_vectors_of_the_specification() {
    let a = set_a();
    for (x, expected) in a.iter().zip([0.013_870_078_1, -0.315_936_649_9, -0.380_910_473_7]) {
        assert!((x - expected).abs() < 1e-10);
    }
    let b: Vec<f64> = a.iter().enumerate().map(|(i, x)| x + 0.3 * (i / 200) as f64).collect();
    let c: Vec<f64> = (0..400)
        .map(|i| {
            let (chain, t) = ((i / 100) as f64, (i % 100) as f64);
            (1.3 * t + chain).sin() + 0.1 * chain
        })
        .collect();
    type Row = (&'static str, fn(Draws<'_>) -> f64, [f64; 3]);
    let table: [Row; 11] = [
        ("plain", rhat_plain, [1.0050628628, 1.3909963060, 1.0085375675]),
        ("tfp", rhat_tfp, [1.0139391978, 2.1698384042, 1.0239350314]),
        ("split", rhat_split, [1.0032364384, 1.3407354456, 1.0018144411]),
        ("bulk", rhat_bulk, [1.0030565431, 1.3292143929, 1.0250570300]),
        ("folded", rhat_folded, [1.0055776019, 1.0230231283, 0.9912522089]),
        ("rank", rhat, [1.0055776019, 1.3292143929, 1.0250570300]),
        ("ess bulk", ess_bulk, [234.80140066, 10.89230632, 269.96681360]),
        ("ess mean", ess_mean, [233.68334545, 10.56653812, 263.64755720]),
        ("ess raw", ess_raw, [230.34460458, 4.83677344, 257.98393095]),
        ("ess q05", |d| ess_quantile(d, 0.05), [512.62987685, 123.03788826, 456.54121690]),
        ("ess q95", |d| ess_quantile(d, 0.95), [301.12145889, 249.89064923, 459.20262793]),
    ];
    for (name, f, expected) in table {
        for (set, (x, value)) in ["A", "B", "C"].iter().zip([&a, &b, &c].iter().zip(expected)) {
            let ours = f(Draws::new(x, 4));
            // The table has ten digits.
            assert!(
                (ours - value).abs() < 1e-8 * value.max(1.0),
                "{name} of set {set}: {ours} is not {value}"
            );
        }
    }
}

#[test]
fn the_comparison_would_notice_a_wrong_formula() {
    // Negative control: whole chains instead of halves, and no ranks, are off by more than the tolerance.
    let a = set_a();
    let draws = Draws::new(&a, 4);
    assert!((rhat_plain(draws) - 1.0032364384).abs() > 1e-4);
    assert!((ess_mean(draws) - 234.80140066).abs() > 0.5);
}
