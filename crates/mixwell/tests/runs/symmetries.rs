//! Moves by symmetries: chains that cross at once, laws that stay, and claims that are found out.

use mixwell::density::{
    DoubleWell4Config, Phi4Config, Phi4LatticeConfig, Target, WithSymmetries, from_fn_with_grad,
};
use mixwell::kernel::{Chains, hmc, nuts, sequence, symmetry};
use mixwell::sampler::{RunConfig, RunError, Sampler, Start};
use mixwell::symmetry::{SignFlipConfig, SymmetryConfig};
use mixwell::{Points, Stream};

use super::moments::z;

fn flip() -> SymmetryConfig {
    SymmetryConfig::SignFlip(SignFlipConfig::default())
}

/// Two wells at x = -3 and 3, 6 sd apart and more; without the flip, chains stay where they are.
fn wells() -> impl Target {
    from_fn_with_grad(2, |x: &[f64], grad: &mut [f64]| {
        let off = x[0] * x[0] - 9.0;
        grad[0] = -off * x[0];
        grad[1] = -x[1];
        -off * off / 4.0 - x[1] * x[1] / 2.0
    })
}

#[test]
fn one_line_joins_the_wells_of_a_closure() {
    let start = Start::Points { points: vec![vec![3.0, 0.0]] };
    let run = Sampler::new(wells())
        .symmetry(flip())
        .method(sequence([nuts(), symmetry()]))
        .start(start.clone())
        .draws(500)
        .run()
        .unwrap();
    assert!(run.summary().unwrap().converged, "{:?}", run.summary().unwrap().reasons);
    assert!(z(&run, 0, |x| f64::from(u8::from(x > 0.0)), 0.5).abs() < 5.0);
    // Where they stand without it.
    let run = Sampler::new(wells()).method(nuts()).start(start).draws(500).run().unwrap();
    assert!(run.array("x").unwrap().values().iter().step_by(2).all(|x| *x > 0.0));
}

#[test]
fn the_default_method_uses_what_a_target_states() {
    let target = Phi4Config::default().build().unwrap();
    let second = target.facts().variance.unwrap();
    let run = Sampler::new(target).draws(500).seed(3).run().unwrap();
    let summary = run.summary().unwrap();
    assert!(summary.converged, "{:?}", summary.reasons);
    assert!(summary.chosen.last().unwrap().contains("sign flip"), "{:?}", summary.chosen);
    for site in [0, 31, 60] {
        assert!(z(&run, site, |x| x, 0.0).abs() < 5.0, "site {site}");
        assert!(z(&run, site, |x| x * x, second[site]).abs() < 5.0, "site {site}");
    }
}

#[test]
fn an_ordered_lattice_of_144_sites_has_both_signs() {
    let target = Phi4LatticeConfig::default().build().unwrap();
    let centre = target.facts().modes.unwrap().centres.row(0).to_vec();
    let run = Sampler::new(target)
        .method(sequence([hmc(10), symmetry()]))
        .start(Start::Points { points: vec![centre] })
        .chains(8)
        .draws(400)
        .run()
        .unwrap();
    let field = run.array("phi").unwrap();
    let up: Vec<f64> =
        field.values().chunks(144).map(|x| f64::from(u8::from(x.iter().sum::<f64>() > 0.0))).collect();
    let share = up.iter().sum::<f64>() / up.len() as f64;
    // What no symmetry moves is judged with the rest.
    let judged: Vec<&str> = run.summary().unwrap().parameters.iter().map(|p| p.name.as_str()).collect();
    assert!(
        ["magnetisation", "magnetisation_squared", "action"].iter().all(|name| judged.contains(name)),
        "{judged:?}"
    );
    // The sign is drawn anew in every step: 3200 independent ones.
    assert!((share - 0.5).abs() < 5.0 * 0.5 / (up.len() as f64).sqrt(), "{share}");
}

#[test]
fn gaussian_fields_keep_their_law() {
    // Exact starts of the free field would need its modes; a short run of HMC with moves by all symmetries does as well.
    let config = Phi4LatticeConfig { shape: vec![3, 4], kappa: 0.2, lambda: 0.0, field: 0.0 };
    let target = config.build().unwrap();
    let variance = target.facts().variance.unwrap()[0];
    let run = Sampler::new(target).method(sequence([hmc(5), symmetry()])).draws(1000).run().unwrap();
    for site in 0..12 {
        assert!(z(&run, site, |x| x * x, variance).abs() < 5.0, "site {site}");
    }
}

#[test]
fn particles_turn_and_change_places() {
    let target = DoubleWell4Config::default().build().unwrap();
    let run = Sampler::new(target).draws(300).run().unwrap();
    let summary = run.summary().unwrap();
    assert_eq!(summary.method, "kernel", "{:?}", summary.chosen);
    assert!(
        summary.chosen.last().unwrap().contains("orders of 4, rotations and mirrors"),
        "{:?}",
        summary.chosen
    );
}

/// Rows that follow `N(1, 1)` and are moved as if that were symmetric: the check finds it out, and so do the draws where nobody checks.
#[test]
fn a_symmetry_that_is_none_is_refused_and_would_be_wrong() {
    let shifted = || {
        from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = 1.0 - x[0];
            -(x[0] - 1.0).powi(2) / 2.0
        })
    };
    let error = Sampler::new(shifted()).symmetry(flip()).method(symmetry()).run().unwrap_err();
    let RunError::Config(error) = error else { panic!("{error}") };
    assert!(error.key == "symmetries" && error.to_string().contains("no symmetry of the target"), "{error}");

    let n = 20_000;
    let mean = |about: f64| {
        let target = from_fn_with_grad(1, move |x: &[f64], grad: &mut [f64]| {
            grad[0] = about - x[0];
            -(x[0] - about).powi(2) / 2.0
        });
        let target = WithSymmetries::new(target, &[flip()]).unwrap();
        let mut x = Points::zeros(n, 1);
        Stream::new(9, 0).fill_normal(x.data_mut());
        x.data_mut().iter_mut().for_each(|v| *v += about);
        let mut chains = Chains::new(&target, x, 1).unwrap();
        chains.step(&*symmetry().build(1).unwrap(), &target).unwrap();
        chains.x().data().iter().sum::<f64>() / n as f64
    };
    let error = 5.0 / (n as f64).sqrt();
    assert!(mean(0.0).abs() < error);
    assert!((mean(1.0) - 1.0).abs() > error, "flipped draws of N(1, 1) still have mean 1");
}

#[test]
fn a_target_without_symmetries_and_a_wrong_place_are_refused() {
    let error = |method: RunConfig| {
        Sampler::from_config(std::sync::Arc::new(wells()), method).run().unwrap_err().to_string()
    };
    let of =
        |kernel| RunConfig { method: mixwell::kernel::KernelConfig::into(kernel), ..RunConfig::default() };
    assert!(error(of(symmetry())).contains("states no symmetries"));
    assert!(error(of(mixwell::kernel::neutra(symmetry()))).contains("none of the law of latents"));
    assert!(
        error(of(mixwell::kernel::parallel_tempering(symmetry()))).contains("behind `parallel_tempering`")
    );
    let maps = "kind = 'maps'\nmatrices = [[[3]]]";
    let config = RunConfig { symmetries: vec![toml::from_str(maps).unwrap()], ..RunConfig::default() };
    assert!(error(config).starts_with("`symmetries[0].matrices`"));
}

/// Four modes of unequal weights that a flip maps onto each other in pairs: the flow learns two, jumps reach all, and weights are right.
#[test]
fn a_flow_averaged_over_images_weighs_modes_that_it_never_learnt() {
    use mixwell::density::{ComponentConfig, GaussianMixtureConfig};
    use mixwell::kernel::{IsirConfig, ProposalConfig};
    let component = |weight, a: f64, b: f64| ComponentConfig {
        weight,
        mean: vec![a, b],
        scale: Some(0.5),
        ..Default::default()
    };
    let components = [(0.35, 5.0, 3.0), (0.35, -5.0, -3.0), (0.15, 5.0, -3.0), (0.15, -5.0, 3.0)];
    let components = components.into_iter().map(|(w, a, b)| component(w, a, b)).collect();
    let target = GaussianMixtureConfig { components }.build().unwrap();
    let proposal = ProposalConfig::Averaged;
    let run = Sampler::new(target)
        .symmetry(flip())
        .method(mixwell::sampler::Flex2 {
            global: IsirConfig { n_particles: 16, proposal, ..IsirConfig::default() },
            train_iterations: 200,
            ..Default::default()
        })
        .start(Start::Points { points: vec![vec![5.0, 3.0], vec![5.0, -3.0]] })
        .draws(500)
        .run()
        .unwrap();
    let summary = run.summary().unwrap();
    assert!(summary.converged, "{:?}", summary.reasons);
    // The flow alone, which knows one of two images, would be ln 2 off.
    let report = summary.proposal.as_ref().unwrap();
    assert!(report.log_evidence.abs() < 5.0 * report.log_evidence_se + 1e-3, "{report:?}");
    assert!(report.log_evidence_se < 0.05, "{report:?}");
    let x = run.array("x").unwrap();
    let together: Vec<f64> = x.values().chunks(2).map(|x| f64::from(u8::from(x[0] * x[1] > 0.0))).collect();
    let share = together.iter().sum::<f64>() / together.len() as f64;
    assert!(z(&run, 0, |x| f64::from(u8::from(x > 0.0)), 0.5).abs() < 5.0);
    // Jumps are accepted nearly always, so that draws are nearly independent: a hundredth is more than five standard errors of 10 000 / 3.
    assert!((share - 0.7).abs() < 0.04, "{share}");
}
