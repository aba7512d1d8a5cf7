//! Flow matching: the loss and its gradient, what a trained flow is worth, how far its two directions agree, and a run.

use mixwell::density::TwoModesConfig;
use mixwell::flow::{
    Divergence, Flow, FlowConfig, FlowMatchingConfig, Optimiser, OptimiserConfig, Precision, Solver,
    Whitening,
};
use mixwell::proposal::{Proposal, Transport};
use mixwell::sampler::{FlowMc, Method, Sampler, Start};
use mixwell::{Points, Stream};

fn flow(config: FlowMatchingConfig, dim: usize) -> Flow {
    Flow::new(&FlowConfig::FlowMatching(config), dim, &mut Stream::new(5, 0)).unwrap()
}

fn normals(stream: &mut Stream, rows: usize, dim: usize) -> Points {
    let mut points = Points::zeros(rows, dim);
    stream.fill_normal(points.data_mut());
    points
}

fn log_prob(flow: &Flow, x: &Points) -> Vec<f64> {
    let mut out = vec![0.0; x.rows()];
    flow.log_prob(x.as_batch(), &mut out);
    out
}

#[test]
fn the_loss_is_the_regression_on_lines_and_so_is_its_gradient() {
    let mut stream = Stream::new(1, 0);
    let mut flow = flow(FlowMatchingConfig { hidden: vec![6], ..Default::default() }, 3);
    let (x, z) = (normals(&mut stream, 130, 3), normals(&mut stream, 130, 3));
    let times: Vec<f64> = (0..130).map(|_| stream.uniform()).collect();
    let weights: Vec<f64> = (0..130).map(|i| f64::from(i % 4) / 200.0).collect();
    flow.set_whitening(Whitening::diagonal(vec![1.0, 0.0, -2.0], vec![0.5, 1.0, 2.0]).unwrap());
    // A velocity of zero: the loss is the mean square of the lines themselves, in whitened coordinates.
    let expected: f64 = (0..130)
        .map(|r| {
            let w = [(x.row(r)[0] - 1.0) / 0.5, x.row(r)[1], (x.row(r)[2] + 2.0) / 2.0];
            let square: f64 = w.iter().zip(z.row(r)).map(|(w, z)| (w - z).powi(2)).sum();
            weights[r] * square / 3.0
        })
        .sum();
    let loss = |flow: &Flow| {
        let mut gradient = flow.zero_gradient();
        let lines = (z.as_batch(), times.as_slice());
        (flow.matching_loss(x.as_batch(), &weights, lines, &mut gradient), gradient)
    };
    assert!((loss(&flow).0 - expected).abs() < 1e-12 * expected);
    flow.map_params(|_, p| p + 0.2 * stream.normal());
    let (_, gradient) = loss(&flow);
    for i in 0..flow.n_params() {
        let moved = |by: f64| {
            let mut flow = flow.clone();
            flow.map_params(|k, p| if k == i { p + by } else { p });
            loss(&flow).0
        };
        let numeric = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        assert!((numeric - gradient.get(i)).abs() < 1e-7 * (1.0 + numeric.abs()), "parameter {i}");
    }
}

/// 1/4 N((-2, 0), I/4) + 3/4 N((2, 0), I/4).
fn mixture(stream: &mut Stream, n: usize) -> Points {
    let rows: Vec<[f64; 2]> = (0..n)
        .map(|_| {
            let centre = if stream.uniform() < 0.25 { -2.0 } else { 2.0 };
            [centre + 0.5 * stream.normal(), 0.5 * stream.normal()]
        })
        .collect();
    Points::from_rows(&rows)
}

fn trained(config: FlowMatchingConfig) -> Flow {
    let mut flow = flow(config, 2);
    let mut stream = Stream::new(2, 0);
    flow.set_whitening_from(mixture(&mut stream, 4096).as_batch(), None);
    let steps = 1500;
    let optimiser = OptimiserConfig {
        learning_rate: 5e-3,
        schedule: mixwell::flow::LearningRate::Cosine { total: steps, floor: 0.01 },
        clip_norm: 5.0,
        ..Default::default()
    };
    let mut optimiser = Optimiser::new(&optimiser, &flow).unwrap();
    let mut gradient = flow.zero_gradient();
    for _ in 0..steps {
        gradient.clear();
        let (x, z) = (mixture(&mut stream, 512), normals(&mut stream, 512, 2));
        let times: Vec<f64> = (0..512).map(|_| stream.uniform()).collect();
        flow.matching_loss(x.as_batch(), &[1.0 / 512.0; 512], (z.as_batch(), &times), &mut gradient);
        optimiser.step(&mut flow, &gradient);
    }
    flow
}

#[test]
fn a_trained_flow_has_the_law_of_its_examples() {
    let config = FlowMatchingConfig {
        precision: Precision::F32,
        hidden: vec![32, 32],
        solver: Solver::Adaptive { rtol: 1e-5, atol: 1e-5, first_step: 0.1, max_steps: 200 },
        ..Default::default()
    };
    let flow = trained(config);
    let mut stream = Stream::new(3, 0);
    // Entropy H(1/4, 3/4) + ln(2 pi e / 4) = 0.562335 + 1.451583 = 2.013918; the mean over 2000 points has a standard
    // error of about 1.15 / 45 = 0.026.
    let test = mixture(&mut stream, 2000);
    let nll = -log_prob(&flow, &test).iter().sum::<f64>() / 2000.0;
    assert!(nll > 2.013_918 - 0.13 && nll < 2.013_918 + 0.25, "{nll}");
    // Draws: weight 1/4 of the left mode, mean 1, variance 1/4 + 4 * 3/4 = 3.25 of the first coordinate, 1/4 of the second.
    let z = normals(&mut stream, 4000, 2);
    let (mut x, mut log_q) = (Points::zeros(4000, 2), vec![0.0; 4000]);
    flow.push(z.as_batch(), x.as_batch_mut(), &mut log_q);
    let mean = |f: &dyn Fn(&[f64]) -> f64| (0..4000).map(|r| f(x.row(r))).sum::<f64>() / 4000.0;
    let left = mean(&|x| f64::from(x[0] < 0.0));
    let (first, second) = (mean(&|x| x[0]), mean(&|x| x[0] * x[0]));
    let square = mean(&|x| x[1] * x[1]);
    println!("nll {nll:.4}, left {left:.3}, mean {first:.3}, squares {second:.3} and {square:.3}");
    // Five standard errors of the count are 0.034; the rest is room for what is not learnt.
    assert!((left - 0.25).abs() < 0.05, "{left}");
    assert!((first - 1.0).abs() < 0.2 && (second - 4.25).abs() < 0.3, "{first}, {second}");
    assert!((square - 0.25).abs() < 0.05, "{square}");
    // What is pushed has the density that the inverse finds, to the tolerance.
    let difference = log_q.iter().zip(log_prob(&flow, &x)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(difference < 2e-3, "{difference:e}");
}

#[test]
fn both_directions_agree_to_the_tolerance() {
    let mut stream = Stream::new(7, 0);
    let z = normals(&mut stream, 100, 2);
    let noise: Vec<f64> = (0..1000).map(|_| stream.normal()).collect();
    let error = |solver: Solver| {
        let mut flow = flow(FlowMatchingConfig { hidden: vec![16], solver, ..Default::default() }, 2);
        flow.map_params(|i, p| p + 0.7 * noise[i]);
        let (mut x, mut log_q) = (Points::zeros(100, 2), vec![0.0; 100]);
        flow.push(z.as_batch(), x.as_batch_mut(), &mut log_q);
        let found = log_prob(&flow, &x);
        let mut off: Vec<f64> = log_q.iter().zip(found).map(|(a, b)| (a - b).abs()).collect();
        // The median: where this random field stretches space a thousandfold, errors grow with it.
        off.sort_by(f64::total_cmp);
        off[50]
    };
    let adaptive =
        |tolerance| Solver::Adaptive { rtol: tolerance, atol: tolerance, first_step: 0.1, max_steps: 200 };
    let loose = error(adaptive(1e-3));
    let default = error(Solver::default());
    let coarse = error(Solver::Fixed { n_steps: 8 });
    let fine = error(Solver::Fixed { n_steps: 16 });
    println!("adaptive {loose:.1e} and {default:.1e}; 8 steps {coarse:.1e}, 16 steps {fine:.1e}");
    assert!(default < 2e-5 && default < loose, "{loose:e}, {default:e}");
    // The error of a step of order five falls by about 2^5.
    assert!(fine < coarse / 10.0 && fine < 1e-3, "{coarse:e}, {fine:e}");
}

#[test]
fn the_density_is_the_base_at_the_latent() {
    let mut stream = Stream::new(8, 0);
    let mut flow = flow(FlowMatchingConfig { hidden: vec![8], ..Default::default() }, 2);
    flow.map_params(|_, p| p + 0.5 * stream.normal());
    let x = normals(&mut stream, 50, 2);
    let (mut z, mut log_det) = (Points::zeros(50, 2), vec![0.0; 50]);
    flow.inverse(x.as_batch(), z.as_batch_mut(), &mut log_det);
    let log_q = log_prob(&flow, &x);
    let base = mixwell::math::standard_normal_log_prob;
    let off = |points: &Points| {
        (0..50).map(|r| (base(points.row(r)) + log_det[r] - log_q[r]).abs()).fold(0.0, f64::max)
    };
    assert!(off(&z) < 1e-12);
    // The base at the point itself, as one published program has it, is another function.
    assert!(off(&x) > 0.1);
}

#[test]
fn probes_estimate_the_log_density_and_are_flagged() {
    let mut stream = Stream::new(9, 0);
    let x = normals(&mut stream, 20, 3);
    let noise: Vec<f64> = (0..1000).map(|_| stream.normal()).collect();
    let density = |divergence| {
        // Equal steps, so that estimates of the same integral are compared.
        let solver = Solver::Fixed { n_steps: 20 };
        let config = FlowMatchingConfig { hidden: vec![8], divergence, solver, ..Default::default() };
        let mut flow = flow(config, 3);
        flow.map_params(|i, p| p + 0.4 * noise[i]);
        assert_eq!(flow.config().has_exact_density(), divergence == Divergence::Exact);
        log_prob(&flow, &x)
    };
    let exact = density(Divergence::Exact);
    let probes = |seed| Divergence::Hutchinson { n_probes: 2, seed };
    let estimates: Vec<Vec<f64>> = (0..200).map(|seed| density(probes(seed))).collect();
    assert_eq!(estimates[3], density(probes(3)), "the same at every call");
    for r in 0..20 {
        let mean = estimates.iter().map(|e| e[r]).sum::<f64>() / 200.0;
        let variance = estimates.iter().map(|e| (e[r] - mean).powi(2)).sum::<f64>() / 199.0;
        assert!((mean - exact[r]).abs() < 5.0 * (variance / 200.0).sqrt(), "{mean} and {}", exact[r]);
    }
}

#[test]
fn flowmc_finds_the_weights_of_two_modes() {
    let method =
        FlowMc { local_steps: 10, global_steps: 5, training_loops: 15, epochs: 20, ..Default::default() };
    let config = FlowMatchingConfig {
        precision: Precision::F32,
        hidden: vec![32, 32],
        solver: Solver::Adaptive { rtol: 1e-5, atol: 1e-5, first_step: 0.1, max_steps: 200 },
        ..Default::default()
    };
    let run = Sampler::new(TwoModesConfig::default().build().unwrap())
        .method(Method::Flowmc(method))
        .flow(FlowConfig::FlowMatching(config))
        .configure(|c| {
            c.training.learning_rate = 3e-3;
            c.training.batch = 250;
        })
        // Half of the chains start in each mode; the weights are 1/3 and 2/3.
        .start(Start::Modes { jitter: 0.1 })
        .chains(20)
        .draws(600)
        .seed(1)
        .run()
        .unwrap();
    let summary = run.summary().unwrap();
    let weight = summary.mode_weights.clone().unwrap()[0];
    let error = summary.mode_weight_errors.clone().unwrap()[0];
    println!("weight {weight:.3} +- {error:.3}; {:?}", summary.acceptance);
    assert!((weight - 1.0 / 3.0).abs() < 5.0 * error && error < 0.03, "{weight} +- {error}");
    let global = summary.acceptance.values().find(|k| k.role == "global").unwrap();
    assert!(global.acceptance_rate > 0.3, "{}", global.acceptance_rate);
}

#[test]
fn a_run_with_estimated_densities_says_so() {
    let warned = |divergence| {
        let config = FlowMatchingConfig { hidden: vec![4], divergence, ..Default::default() };
        let method = FlowMc {
            local_steps: 2,
            global_steps: 1,
            training_loops: 2,
            epochs: 1,
            frozen: 2,
            ..Default::default()
        };
        let run = Sampler::new(TwoModesConfig::default().build().unwrap())
            .method(Method::Flowmc(method))
            .flow(FlowConfig::FlowMatching(config))
            .chains(4)
            .draws(6)
            .run()
            .unwrap();
        run.summary().unwrap().warnings.iter().any(|w| w.contains("hutchinson"))
    };
    assert!(warned(Divergence::Hutchinson { n_probes: 2, seed: 0 }));
    assert!(!warned(Divergence::Exact));
}
