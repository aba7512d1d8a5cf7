//! Simulation-based calibration of every exact kernel and every preset on two small models with known posteriors.
//!
//! A simulation draws parameters from the prior, then data, then one posterior draw from each of 15 chains that started at
//! points of their own. Ranks of both parameters and of the posterior's log-density must be uniform: Pearson's test in
//! eight groups, p > 1e-4. Negative controls: unadjusted Langevin with a large step, and a density without its Jacobian.
//! A new exact kernel needs a row in one of the tables below.
//! Reference: Talts et al. (2018).

use std::collections::BTreeSet;
use std::sync::Arc;

use mixwell::density::{
    Constrained, Constraint, Failure, Guarded, Model, Parameter, PointError, PointTarget, Pointwise, Target,
    Variable, WithSymmetries, from_fn_with_grad,
};
use mixwell::diagnostics::Calibration;
use mixwell::flow::{Flow, FlowConfig, RealNvpConfig};
use mixwell::io::Phase;
use mixwell::kernel::*;
use mixwell::sampler::{Ex2, Flex2, FlowMc, KernelMethod, Method, NeutraMethod, RunConfig, Sampler};
use mixwell::symmetry::{PermutationsConfig, SymmetryConfig};
use mixwell::{Points, Stream};

/// Chains of a simulation; each gives one draw.
const CHAINS: usize = 15;
const GROUPS: usize = 8;

/// A log-density of two natural parameters.
type LogDensity = Box<dyn Fn(&[f64]) -> f64>;

/// Data, as the posterior they lead to, and the parameters that made them.
struct Simulation {
    target: Arc<dyn Target>,
    truth: [f64; 2],
    /// Log-density of the posterior in natural parameters.
    log_density: LogDensity,
}

type Simulator = fn(&mut Stream) -> Simulation;

/// `theta ~ N(0, I)`, three values `y ~ N(theta, S)`, `S^-1` known.
fn normal_mean(stream: &mut Stream) -> Simulation {
    // S = [[1, 1/2], [1/2, 4/5]] = L L' with L = [[1, 0], [1/2, sqrt(0.55)]]; its determinant is 0.55.
    const INVERSE: [f64; 3] = [0.8 / 0.55, -0.5 / 0.55, 1.0 / 0.55];
    let truth = [stream.normal(), stream.normal()];
    let mut mean = [0.0; 2];
    for _ in 0..3 {
        let (a, b) = (stream.normal(), stream.normal());
        mean[0] += (truth[0] + a) / 3.0;
        mean[1] += (truth[1] + 0.5 * a + 0.55f64.sqrt() * b) / 3.0;
    }
    let density = move |x: &[f64], grad: &mut [f64]| {
        let off = [mean[0] - x[0], mean[1] - x[1]];
        let pull = [INVERSE[0] * off[0] + INVERSE[1] * off[1], INVERSE[1] * off[0] + INVERSE[2] * off[1]];
        (0..2).for_each(|i| grad[i] = 3.0 * pull[i] - x[i]);
        -0.5 * (x[0] * x[0] + x[1] * x[1]) - 1.5 * (off[0] * pull[0] + off[1] * pull[1])
    };
    let log_density = Box::new(move |x: &[f64]| density(x, &mut [0.0; 2]));
    Simulation { target: Arc::new(from_fn_with_grad(2, density)), truth, log_density }
}

/// `theta` from two normal laws around `(3, -3)` and `(-3, 3)`, half each, and `y ~ N(theta_0 + theta_1, 1)`: nobody can tell the two numbers apart.
fn exchangeable(stream: &mut Stream) -> Simulation {
    let centre = if stream.uniform() < 0.5 { 3.0 } else { -3.0 };
    let truth = [centre + stream.normal(), -centre + stream.normal()];
    let sum = truth[0] + truth[1] + stream.normal();
    let density = move |x: &[f64], grad: &mut [f64]| {
        let around = |c: f64| -0.5 * ((x[0] - c).powi(2) + (x[1] + c).powi(2));
        let (up, down) = (around(3.0), around(-3.0));
        let share = 1.0 / (1.0 + (down - up).exp());
        let (centre, off) = (6.0 * share - 3.0, sum - x[0] - x[1]);
        grad[0] = centre - x[0] + off;
        grad[1] = -centre - x[1] + off;
        up.max(down) + (-(up - down).abs()).exp().ln_1p() - 0.5 * off * off
    };
    let log_density = Box::new(move |x: &[f64]| density(x, &mut [0.0; 2]));
    let swap = SymmetryConfig::Permutations(PermutationsConfig::default());
    let target = WithSymmetries::new(from_fn_with_grad(2, density), &[swap]).unwrap();
    Simulation { target: Arc::new(target), truth, log_density }
}

/// Two coins: `p ~ Beta(2, 4)` each, `y ~ Binomial(tosses, p)`.
#[derive(Clone, Copy)]
struct Coins {
    heads: [f64; 2],
}

const TOSSES: [usize; 2] = [2, 5];

impl Coins {
    fn draw(stream: &mut Stream) -> (Self, [f64; 2]) {
        let (mut truth, mut heads) = ([0.0; 2], [0.0; 2]);
        for k in 0..2 {
            // The second smallest of five uniform numbers has the law Beta(2, 4).
            let mut five: Vec<f64> = (0..5).map(|_| stream.uniform()).collect();
            five.sort_by(f64::total_cmp);
            truth[k] = five[1];
            heads[k] = (0..TOSSES[k]).filter(|_| stream.uniform() < truth[k]).count() as f64;
        }
        (Self { heads }, truth)
    }
}

impl Model for Coins {
    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter::new("p", &[2], Constraint::Interval(0.0, 1.0))]
    }

    fn evaluate(&self, p: &[f64], mut grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let mut value = 0.0;
        for k in 0..2 {
            let (a, b) = (1.0 + self.heads[k], 3.0 + TOSSES[k] as f64 - self.heads[k]);
            value += a * p[k].ln() + b * (-p[k]).ln_1p();
            if let Some(grad) = &mut grad {
                grad[k] = a / p[k] - b / (1.0 - p[k]);
            }
        }
        Ok(value)
    }
}

/// Sampled through the logit, with its Jacobian.
fn coins(stream: &mut Stream) -> Simulation {
    let (model, truth) = Coins::draw(stream);
    let target = Arc::new(Pointwise::new(Constrained::new(model).unwrap()));
    Simulation { target, truth, log_density: Box::new(move |p| model.log_prob(p).unwrap()) }
}

/// The same without the Jacobian.
struct Forgetful(Constrained<Coins>);

impl PointTarget for Forgetful {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(&self, u: &[f64], mut grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        let mut p = [0.0; 2];
        let log_det = self.0.constrain(u, &mut p);
        let value = self.0.evaluate(u, grad.as_deref_mut())? - log_det;
        // d log_det / du = 1 - 2 p.
        if let Some(grad) = grad {
            (0..2).for_each(|k| grad[k] -= 1.0 - 2.0 * p[k]);
        }
        Ok(value)
    }

    fn variables(&self) -> Vec<Variable> {
        self.0.variables()
    }

    fn report(&self, u: &[f64], out: &mut [f64]) {
        self.0.report(u, out);
    }
}

fn forgetful_coins(stream: &mut Stream) -> Simulation {
    let (model, truth) = Coins::draw(stream);
    let target = Arc::new(Pointwise::new(Forgetful(Constrained::new(model).unwrap())));
    Simulation { target, truth, log_density: Box::new(move |p| model.log_prob(p).unwrap()) }
}

/// Ranks over many simulations; `draw` gives one row of reported numbers per chain.
fn calibrate(
    simulator: Simulator,
    simulations: u64,
    draw: impl Fn(&Simulation, u64) -> Points,
) -> Calibration {
    let mut calibration = Calibration::new(3, CHAINS);
    for seed in 0..simulations {
        let simulation = simulator(&mut Stream::new(seed, 1 << 41));
        let with_density = |x: &[f64]| [x[0], x[1], (simulation.log_density)(x)];
        let draws: Vec<[f64; 3]> = draw(&simulation, seed).as_batch().iter().map(with_density).collect();
        calibration.add(&with_density(&simulation.truth), Points::from_rows(&draws).as_batch());
    }
    calibration
}

/// The smallest p-value among the three quantities.
fn p_value(calibration: &Calibration) -> f64 {
    assert_eq!(calibration.unusable(), 0);
    (0..3).map(|q| calibration.uniformity(q, GROUPS).p_value).fold(1.0, f64::min)
}

/// One draw per chain after `steps` steps of a kernel that does not adapt.
fn by_kernel(kernel: &dyn Kernel, flow: &Flow, steps: usize, simulation: &Simulation, seed: u64) -> Points {
    let target = &*simulation.target;
    let mut x = Points::zeros(CHAINS, 2);
    Stream::new(seed, 1 << 40).fill_normal(x.data_mut());
    let mut chains = Chains::new(target, x, seed).unwrap().in_blocks_of(CHAINS);
    let failure = Failure::default();
    let context = Context { target: Guarded::new(target, &failure), flow: Some(flow), max_rows: 1024 };
    for _ in 0..steps {
        chains.step_in(kernel, &context);
    }
    let mut reported = Points::zeros(CHAINS, 2);
    for (x, out) in chains.x().iter().zip(reported.as_batch_mut().iter_mut()) {
        target.report(x, out);
    }
    reported
}

fn small_flow() -> FlowConfig {
    FlowConfig::Realnvp(RealNvpConfig { n_blocks: 2, hidden: vec![8], ..RealNvpConfig::default() })
}

/// A flow that nobody trained, bent at random: exactness must not depend on how well it fits.
fn crooked_flow() -> Flow {
    let mut flow = Flow::new(&small_flow(), 2, &mut Stream::new(5, 0)).unwrap();
    let mut stream = Stream::new(6, 0);
    flow.map_params(|_, p| p + 0.1 * stream.normal());
    flow
}

const SIMULATIONS: u64 = 400;

/// Kernels, and after how many steps their chains have forgotten where they started.
fn check_kernels(kernels: Vec<(KernelConfig, usize)>) {
    check_on(kernels, &[("normal", normal_mean as Simulator), ("coins", coins)]);
}

fn check_on(kernels: Vec<(KernelConfig, usize)>, models: &[(&str, Simulator)]) {
    let flow = crooked_flow();
    for (config, steps) in kernels {
        let mut kernel = config.build(2).unwrap();
        kernel.freeze();
        for (model, simulator) in models {
            let ranks =
                calibrate(*simulator, SIMULATIONS, |s, seed| by_kernel(&*kernel, &flow, steps, s, seed));
            let p = p_value(&ranks);
            println!("{} on {model}: p = {p:.4}", config.kind());
            assert!(p > 1e-4, "{} on {model}: {:?}", config.kind(), ranks);
        }
    }
}

fn langevin() -> KernelConfig {
    mala().step_size(StepSize::from_eta(0.12))
}

/// Short ones: near half a period of the normal model a fixed length only mirrors the chain, which then never forgets.
fn trajectories() -> KernelConfig {
    hmc(3).step_size(StepSize::from_dt(0.2))
}

fn local_kernels() -> Vec<(KernelConfig, usize)> {
    let slice = KernelConfig::EllipticalSlice(EllipticalSliceConfig::default());
    vec![
        (KernelConfig::RandomWalk(RandomWalkConfig { step_size: 0.6, ..RandomWalkConfig::default() }), 120),
        (langevin(), 60),
        (trajectories(), 20),
        (nuts().step_size(StepSize::from_dt(0.4)), 12),
        (slice, 40),
        (parallel_tempering(langevin()), 12),
    ]
}

fn global_kernels() -> Vec<(KernelConfig, usize)> {
    vec![(independent_mh(), 100), (isir(8), 25), (neutra(langevin().repeat(3)), 25)]
}

fn combined_kernels() -> Vec<(KernelConfig, usize)> {
    vec![
        (ex2(isir(8), langevin().repeat(2)), 15),
        (langevin().repeat(5), 15),
        (mixture([(0.3, isir(4)), (0.5, langevin().repeat(2)), (0.2, trajectories())]), 30),
    ]
}

/// On a posterior with two modes that are images of each other.
fn symmetric_kernels() -> Vec<(KernelConfig, usize)> {
    let averaged = IsirConfig { n_particles: 8, proposal: ProposalConfig::Averaged, ..IsirConfig::default() };
    vec![
        (sequence([langevin(), symmetry()]), 60),
        (mixture([(0.5, trajectories()), (0.5, symmetry())]), 60),
        (sequence([KernelConfig::Isir(averaged), langevin().repeat(3)]), 30),
    ]
}

#[test]
fn kernels_that_use_symmetries_are_calibrated() {
    check_on(symmetric_kernels(), &[("exchangeable", exchangeable)]);
}

#[test]
fn local_kernels_are_calibrated() {
    check_kernels(local_kernels());
}

#[test]
fn global_kernels_are_calibrated() {
    check_kernels(global_kernels());
}

#[test]
fn combined_kernels_are_calibrated() {
    check_kernels(combined_kernels());
}

#[test]
fn every_exact_kernel_is_in_a_table() {
    let all: BTreeSet<&str> = catalogue().iter().filter(|e| e.exact).map(|e| e.name).collect();
    let tables = [local_kernels(), global_kernels(), combined_kernels()].concat();
    let mut met: BTreeSet<&str> = tables.iter().map(|(k, _)| k.kind()).collect();
    // It moves among images only, so it has a table and a posterior of its own.
    met.insert(symmetry().kind());
    assert_eq!(met, all);
}

/// One draw per chain, the last one of a whole run with warm-up and freezing.
fn by_method(method: &Method, simulation: &Simulation, seed: u64) -> Points {
    let mut config = RunConfig {
        chains: CHAINS,
        draws: 4,
        seed,
        method: method.clone(),
        flow: small_flow(),
        ..RunConfig::default()
    };
    config.output.warmup = false;
    config.output.evidence_draws = 0;
    let run = Sampler::from_config(simulation.target.clone(), config).run().unwrap();
    let draws = run.draws().unwrap();
    let last = |i| draws.scalar(Phase::Production, i, 1).into_iter().skip(3).step_by(4);
    Points::from_rows(&last(0).zip(last(1)).map(|(a, b)| [a, b]).collect::<Vec<_>>())
}

fn check_preset(method: Method) {
    for (model, simulator) in [("normal", normal_mean as Simulator), ("coins", coins)] {
        let ranks = calibrate(simulator, 200, |s, seed| by_method(&method, s, seed));
        let p = p_value(&ranks);
        println!("{} on {model}: p = {p:.4}", method.name());
        assert!(p > 1e-4, "{} on {model}: {ranks:?}", method.name());
    }
}

fn few_particles() -> IsirConfig {
    IsirConfig { n_particles: 8, ..IsirConfig::default() }
}

#[test]
fn ex2_is_calibrated() {
    let method =
        Ex2 { global: few_particles(), local: Box::new(langevin()), local_steps: 2, warmup: 36, frozen: 15 };
    check_preset(Method::Ex2(method));
}

#[test]
fn flex2_is_calibrated() {
    check_preset(Method::Flex2(Flex2 {
        global: few_particles(),
        local: Box::new(langevin()),
        local_steps: 2,
        burn_in: 20,
        train_iterations: 15,
        tune: 10,
        frozen: 20,
        ..Flex2::default()
    }));
}

#[test]
fn flowmc_is_calibrated() {
    check_preset(Method::Flowmc(FlowMc {
        local: Box::new(langevin()),
        local_steps: 15,
        global_steps: 5,
        training_loops: 3,
        epochs: 1,
        frozen: 40,
        ..FlowMc::default()
    }));
}

#[test]
fn neutra_is_calibrated() {
    check_preset(Method::Neutra(NeutraMethod {
        local: Box::new(langevin()),
        inner: Box::new(trajectories()),
        training_loops: 2,
        local_steps: 20,
        epochs: 1,
        tune: 30,
        frozen: 20,
        ..NeutraMethod::default()
    }));
}

#[test]
fn nuts_is_calibrated() {
    check_preset(Method::Kernel(KernelMethod { kernel: Box::new(nuts()), warmup: 60, frozen: 15 }));
}

#[test]
fn a_large_unadjusted_step_is_found_out() {
    let kernel = ula().step_size(StepSize::from_eta(0.18)).build(2).unwrap();
    let flow = crooked_flow();
    let p = p_value(&calibrate(normal_mean, SIMULATIONS, |s, seed| by_kernel(&*kernel, &flow, 60, s, seed)));
    assert!(p < 1e-6, "{p}");
}

#[test]
fn a_forgotten_jacobian_is_found_out() {
    let (kernel, steps) = (nuts().step_size(StepSize::from_dt(0.4)).build(2).unwrap(), 12);
    let flow = crooked_flow();
    let p = p_value(&calibrate(forgetful_coins, 600, |s, seed| by_kernel(&*kernel, &flow, steps, s, seed)));
    assert!(p < 1e-4, "{p}");
    // With the Jacobian the same kernel passes.
    let p = p_value(&calibrate(coins, 600, |s, seed| by_kernel(&*kernel, &flow, steps, s, seed)));
    assert!(p > 1e-4, "{p}");
}
