//! Flows: log-density, draws, gradient in the point, and one Adam step, in single precision.

use mixwell::flow::{
    Flow, FlowConfig, Gradient, Optimiser, OptimiserConfig, Precision, RealNvpConfig, RqSplineConfig,
};
use mixwell::net::Activation;
use mixwell::proposal::Proposal;
use mixwell::{Points, Stream};

use crate::timing::{Measurement, sample};
use crate::{Request, Task};

/// Dimension, hidden units and batch of the three sizes.
pub const SIZES: [(usize, usize, usize); 3] = [(2, 32, 256), (32, 64, 1024), (128, 128, 4096)];

/// A flow with everything that its calls fill in.
pub struct Bench {
    /// The flow, with random weights.
    pub flow: Flow,
    points: Points,
    noise: Points,
    log_q: Vec<f64>,
    grad: Points,
    weights: Vec<f64>,
    gradient: Gradient,
    optimiser: Optimiser,
    stream: Stream,
}

impl Bench {
    /// A flow and a batch of `rows` standard normal points.
    pub fn new(config: &FlowConfig, dim: usize, rows: usize) -> anyhow::Result<Self> {
        let mut stream = Stream::new(1, 0);
        let mut flow = Flow::new(config, dim, &mut stream)?;
        // The identity start would let half of the network multiply by zero.
        flow.map_params(|_, p| p + 0.01 * stream.normal());
        let mut points = Points::zeros(rows, dim);
        stream.fill_normal(points.data_mut());
        Ok(Self {
            gradient: flow.zero_gradient(),
            optimiser: Optimiser::new(&OptimiserConfig::default(), &flow)?,
            log_q: vec![0.0; rows],
            grad: points.clone(),
            noise: points.clone(),
            weights: vec![1.0 / rows as f64; rows],
            flow,
            points,
            stream,
        })
    }

    /// Log-density of the batch.
    pub fn log_prob(&mut self) {
        self.flow.log_prob(self.points.as_batch(), &mut self.log_q);
    }

    /// Fresh noise, pushed forward, with its log-density.
    pub fn sample(&mut self) {
        self.stream.fill_normal(self.noise.data_mut());
        self.flow.push(self.noise.as_batch(), self.grad.as_batch_mut(), &mut self.log_q);
    }

    /// Log-density and its gradient in the points.
    pub fn grad(&mut self) {
        self.flow.log_prob_and_grad(self.points.as_batch(), &mut self.log_q, self.grad.as_batch_mut());
    }

    /// One step of forward KL on the batch.
    pub fn adam(&mut self) {
        self.gradient.clear();
        self.flow.forward_kl(self.points.as_batch(), &self.weights, &mut self.gradient);
        self.optimiser.step(&mut self.flow, &self.gradient);
    }
}

/// Eight affine couplings with two hidden ReLU layers and a tanh log-scale.
pub fn realnvp(hidden: usize) -> FlowConfig {
    FlowConfig::Realnvp(RealNvpConfig {
        precision: Precision::F32,
        n_blocks: 4,
        hidden: vec![hidden, hidden],
        activation: Activation::Relu,
        ..RealNvpConfig::default()
    })
}

/// flowMC's default: 4 layers of splines with 8 bins, conditioners of [32, 32].
pub fn spline() -> FlowConfig {
    FlowConfig::RqSpline(RqSplineConfig { precision: Precision::F32, ..RqSplineConfig::default() })
}

/// Something done with a flow.
pub type Operation = fn(&mut Bench);

/// Operations by name.
pub const OPERATIONS: [(&str, Operation); 4] =
    [("log_prob", Bench::log_prob), ("sample", Bench::sample), ("adam", Bench::adam), ("grad", Bench::grad)];

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![];
    let mut add = |name: String, config: FlowConfig, dim: usize, rows: usize, operation: Operation| {
        all.push(Task::steady(name, move |request: &Request| {
            let mut bench = Bench::new(&config, dim, rows)?;
            let seconds = sample(request.sampling, || operation(&mut bench));
            Ok(Measurement::new(seconds, format!("{}, d = {dim}, batch {rows}, f32", config.name())))
        }));
    };
    for (name, operation) in OPERATIONS {
        for (dim, hidden, rows) in SIZES {
            add(format!("flow-{name}-{dim}"), realnvp(hidden), dim, rows, operation);
        }
        if name != "grad" {
            add(format!("spline-{name}"), spline(), 5, 10_000, operation);
        }
    }
    all
}
