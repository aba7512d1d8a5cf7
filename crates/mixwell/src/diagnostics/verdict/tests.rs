//! One test for each sentence of the verdict, and one for a run with nothing to say.

use super::*;
use crate::Stream;
use crate::diagnostics::{Draws, LateChain, ModeOccupancy, summarise};

fn good() -> Evidence {
    let worst = |name: &str, value| Some(Worst { name: name.into(), value });
    Evidence {
        n_chains: 4,
        n_draws: 1000,
        n_parameters: 3,
        rhat: worst("mu", 1.004),
        ess_bulk: worst("tau", 800.0),
        ess_tail: worst("tau", 700.0),
        divergences: Some((0, 4000)),
        non_finite: Some((0, 4000)),
        mcse_sd: worst("tau", 0.05),
        tail_mobility: worst("lower tail of tau", 0.9),
        global_acceptance: Some(0.4),
        stuck: Some(0.02),
        modes: Some(ModeOccupancy::count(&[0, 1, 1, 0, 0, 1, 1, 0], 2, 2)),
        pareto_k: Some(0.3),
        ..Evidence::default()
    }
}

/// The verdict on a good run in which one thing was changed.
fn after(change: impl FnOnce(&mut Evidence)) -> Verdict {
    let mut evidence = good();
    change(&mut evidence);
    Verdict::new(&evidence, &Thresholds::default())
}

/// Checks that the change gives this one reason and no warning.
fn refuted(change: impl FnOnce(&mut Evidence), beginning: &str) {
    let v = after(change);
    assert!(!v.converged && v.warnings.is_empty() && v.reasons.len() == 1, "{v:?}");
    assert!(v.reasons[0].starts_with(beginning), "{}", v.reasons[0]);
}

/// Checks that the change gives this one warning and no reason.
fn warned(change: impl FnOnce(&mut Evidence), beginning: &str) {
    let v = after(change);
    assert!(v.converged && v.reasons.is_empty() && v.warnings.len() == 1, "{v:?}");
    assert!(v.warnings[0].starts_with(beginning), "{}", v.warnings[0]);
}

fn worst(name: &str, value: f64) -> Option<Worst> {
    Some(Worst { name: name.into(), value })
}

#[test]
fn chains_that_stand_where_the_density_is_not_finite_refute_and_name_the_kernel() {
    refuted(
        |e| e.stranded = vec![("local (mirror)".into(), 12)],
        "after 12 steps of the kernel local (mirror) a chain stood at a point whose log-density is NaN",
    );
}

#[test]
fn a_good_run_has_nothing_to_say() {
    let v = after(|_| ());
    assert!(v.converged && v.reasons.is_empty() && v.warnings.is_empty(), "{v:?}");
}

#[test]
fn what_refutes() {
    refuted(|e| e.rhat = worst("mu", 1.0234), "R-hat of mu is 1.023, above 1.01: ");
    refuted(
        |e| e.ess_bulk = worst("tau", 95.0),
        "bulk ESS of tau is 95, below 400: means are not precise; draw about 5 times",
    );
    refuted(|e| e.ess_tail = worst("tau", 390.0), "tail ESS of tau is 390, below 400: ");
    refuted(
        |e| e.mcse_sd = worst("tau", 0.5),
        "the standard deviation of tau is known to 50.0 % of itself only (mcse_sd), more than 20.0 %: ",
    );
    refuted(
        |e| e.contradiction = Some("where chain 2 is now a is not b".into()),
        "where chain 2 is now a is not b: the draws follow neither; ",
    );
    let late = LateChain { chain: 2, draws: 23, log_density: -5000.0, lowest: -210.0 };
    refuted(
        |e| e.late_chains = vec![late],
        "chain 2 began production at a log-density of -5.0000e3, far below the lowest of all later draws (-2.1000e2), and needed 23 draws",
    );
    refuted(
        |e| e.tail_mobility = worst("lower tail of tau", 0.31),
        "in the lower tail of tau moves succeed at 31.0 % of their usual rate, below 40.0 %: what lies further out is hardly visited",
    );
    refuted(|e| e.divergences = Some((80, 4000)), "80 of 4000 trajectories diverged (2.0 %): ");
    refuted(|e| e.stuck = Some(0.25), "a chain did not move for 25.0 % of its length, more than 10.0 %: ");
    refuted(
        |e| e.not_finite = vec!["a".into(), "b".into()],
        "there are draws of a, b that are NaN or infinite: ",
    );
    refuted(|e| e.undecided = vec!["a".into()], "R-hat of a cannot be computed");
    refuted(|e| e.constant = vec!["a".into(), "b".into(), "c".into()], "nothing ever moved: ");
    refuted(|e| e.n_chains = 1, "there is one chain only");
    refuted(|e| e.n_draws = 3, "there are 3 draws per chain, too few");
    refuted(
        |e| e.modes = Some(ModeOccupancy::count(&[0, 1, 0, 1], 1, 4)),
        "no chain was ever in modes 2, 3, of 4 (counted from 0): ",
    );
    refuted(
        |e| e.modes = Some(ModeOccupancy::count(&[0, 0, 1, 1], 2, 2)),
        "none of the 2 chains ever changed mode",
    );
    let labels: Vec<usize> = (0..4000).map(|i| usize::from(i % 10 == 0)).collect();
    let known = |weights: [f64; 2]| {
        let modes = Some(ModeOccupancy::count(&labels, 4, 2));
        move |e: &mut Evidence| (e.modes, e.known_weights) = (modes.clone(), Some(weights.to_vec()))
    };
    refuted(
        known([0.7, 0.3]),
        "mode 0 (counted from 0) holds 90.0 % of the draws and is known to hold 70.0 %: ",
    );
    assert!(after(known([0.88, 0.12])).converged);
}

#[test]
fn what_warns() {
    warned(|e| e.divergences = Some((2, 4000)), "2 of 4000 trajectories diverged (less than 0.1 %): ");
    warned(
        |e| e.non_finite = Some((7, 700)),
        "7 of 700 proposals had a density or gradient that is not finite (1.0 %)",
    );
    warned(
        |e| e.global_acceptance = Some(0.021),
        "global moves were accepted 2.1 % of the time, below 5.0 %: ",
    );
    warned(
        |e| e.tail_mobility = worst("lower tail of v", 0.49),
        "in the lower tail of v moves succeed at 49.0 % of their usual rate, below 60.0 %: what lies further out may be hardly visited",
    );
    warned(
        |e| (e.heavy_tails, e.heaviest) = (vec!["a".into()], 0.98),
        "tails of a are heavy (Pareto k up to 0.98, above 0.7): ",
    );
    warned(|e| e.pareto_k = Some(0.9), "Pareto k of the importance weights is 0.90, above 0.7: ");
    warned(|e| e.pareto_k = Some(f64::NAN), "Pareto k of the importance weights is NaN");
    warned(|e| e.constant = vec!["a".into()], "all draws of a are equal, so nothing can be said about it: ");
    warned(|e| e.modes = Some(ModeOccupancy::count(&[0, 0, 1, 0], 2, 2)), "1 of 2 chains never changed mode");
}

#[test]
fn what_was_not_measured_is_not_judged() {
    let evidence = Evidence { n_chains: 2, n_draws: 100, n_parameters: 1, ..Evidence::default() };
    assert!(Verdict::new(&evidence, &Thresholds::default()).converged);
}

#[test]
fn few_chains_need_fewer_effective_draws() {
    let bar = |n| Thresholds::default().ess_bar(n);
    assert_eq!((bar(1), bar(2), bar(4), bar(64)), (100.0, 200.0, 400.0, 400.0));
}

#[test]
fn evidence_takes_the_worst_of_each_number() {
    let n = 400;
    let mut stream = Stream::new(1, 0);
    let fine: Vec<f64> = (0..4 * n).map(|_| stream.normal()).collect();
    let apart: Vec<f64> = fine.iter().enumerate().map(|(i, v)| v + (i / n) as f64).collect();
    let frozen: Vec<f64> = (0..4 * n).map(|i| (i / n) as f64).collect();
    let constant = vec![0.5; 4 * n];
    let mut broken = fine.clone();
    broken[7] = f64::NAN;
    let names = ["fine", "apart", "frozen", "constant", "broken"].map(String::from);
    let draws = [&fine, &apart, &frozen, &constant, &broken].map(|x| Draws::new(x, 4));
    let e = Evidence::from_summaries(&names, &summarise(&draws), 4, n, &Thresholds::default());
    assert_eq!(e.rhat.as_ref().map(|w| w.name.as_str()), Some("apart"));
    assert!(e.ess_bulk.as_ref().is_some_and(|w| w.value < 20.0));
    assert_eq!(
        (e.constant, e.not_finite, e.undecided),
        (vec!["constant".to_string()], vec!["broken".to_string()], vec!["frozen".to_string()],)
    );
}

#[test]
fn many_late_chains_are_counted() {
    let late = LateChain { chain: 0, draws: 1, log_density: -1.0, lowest: 0.0 };
    let v = after(|e| e.late_chains = vec![late; 7]);
    assert_eq!((v.reasons.len(), v.reasons[3].as_str()), (4, "so did 4 more chains"));
}

#[test]
fn no_draws_are_neither_nan_nor_infinite() {
    let none = summarise(&[Draws::new(&[], 4)]);
    let e = Evidence::from_summaries(&["x".into()], &none, 4, 0, &Thresholds::default());
    let v = Verdict::new(&e, &Thresholds::default());
    assert_eq!(v.reasons.len(), 1, "{v:?}");
    assert!(v.reasons[0].starts_with("there are 0 draws per chain"), "{v:?}");
}

/// One of four chains was elsewhere for its first 23 draws: R-hat and ESS pass, the standard deviation is wrong.
#[test]
fn a_few_draws_far_away_are_seen_in_the_error_of_the_standard_deviation() {
    let mut stream = Stream::new(3, 0);
    let mut x: Vec<f64> = (0..4000).map(|_| 0.01 * stream.normal()).collect();
    x[..23].iter_mut().for_each(|v| *v += 2.0);
    let rows = summarise(&[Draws::new(&x, 4)]);
    assert!(rows[0].rhat < 1.01 && rows[0].ess_bulk > 400.0 && rows[0].ess_tail > 400.0, "{rows:?}");
    assert!(rows[0].sd > 0.1);
    let e = Evidence::from_summaries(&["x".into()], &rows, 4, 1000, &Thresholds::default());
    let v = Verdict::new(&e, &Thresholds::default());
    assert!(v.reasons.len() == 1 && v.reasons[0].starts_with("the standard deviation of x"), "{v:?}");
}

/// Correct draws of laws with light, moderate and skewed tails pass.
#[test]
fn right_draws_are_not_accused() {
    let laws: [fn(&mut Stream) -> f64; 4] = [
        |s| s.normal(),
        |s| s.normal() / ((0..5).map(|_| s.normal().powi(2)).sum::<f64>() / 5.0).sqrt(),
        |s| s.normal().exp(),
        |s| -s.uniform().ln(),
    ];
    for law in laws {
        for seed in 0..50 {
            let mut stream = Stream::new(seed, 0);
            // Every draw twice, as of chains that refuse half of their proposals.
            let x: Vec<f64> = (0..2000).flat_map(|_| [law(&mut stream); 2]).collect();
            let e = Evidence::from_summaries(
                &["x".into()],
                &summarise(&[Draws::new(&x, 4)]),
                4,
                1000,
                &Thresholds::default(),
            );
            let v = Verdict::new(&e, &Thresholds::default());
            let accused = v
                .reasons
                .iter()
                .chain(&v.warnings)
                .any(|s| s.contains("standard deviation") || s.contains("tails"));
            assert!(!accused, "{seed}: {v:?}");
        }
    }
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..9).map(|i| format!("x[{i}]")).collect();
    assert_eq!(list(&names), "x[0], x[1], x[2], x[3], x[4] and 4 more");
}

#[test]
fn thresholds_are_checked() {
    assert!(Thresholds::default().check().is_ok());
    let bad = |change: fn(&mut Thresholds)| {
        let mut t = Thresholds::default();
        change(&mut t);
        t.check().map_err(|e| e.key)
    };
    assert_eq!(bad(|t| t.rhat = 1.0), Err("rhat".into()));
    assert_eq!(bad(|t| t.rhat = f64::NAN), Err("rhat".into()));
    assert_eq!(bad(|t| t.ess = -1.0), Err("ess".into()));
    assert_eq!(bad(|t| t.ess_per_chain = f64::NAN), Err("ess_per_chain".into()));
    assert_eq!(bad(|t| t.divergences = 1.1), Err("divergences".into()));
    assert_eq!(bad(|t| t.stuck = -0.1), Err("stuck".into()));
    assert_eq!(bad(|t| t.global_acceptance = f64::NAN), Err("global_acceptance".into()));
    assert_eq!(bad(|t| t.pareto_k = f64::NAN), Err("pareto_k".into()));
    assert_eq!(bad(|t| t.heavy_tails = f64::NAN), Err("heavy_tails".into()));
    assert_eq!(bad(|t| t.mcse_sd = -1.0), Err("mcse_sd".into()));
    assert_eq!(bad(|t| t.late_chain = f64::NAN), Err("late_chain".into()));
    assert_eq!(bad(|t| t.tail_mobility = 2.0), Err("tail_mobility".into()));
}
