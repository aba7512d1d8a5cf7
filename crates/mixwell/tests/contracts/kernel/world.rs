//! The target, the flow, and the small run loop that the contract is checked with.

use std::f64::consts::PI;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use mixwell::density::{EvaluationError, Failure, Guarded, Target};
use mixwell::kernel::{Context, Ensemble, Kernel, Tallies, Tally, TallySheet, Warmup};
use mixwell::math::standard_normal_log_prob;
use mixwell::proposal::{Proposal, Transport, Upstream};
use mixwell::{Batch, BatchMut, Points, Stream};

/// Euler's constant: the mean of the Gumbel law.
const EULER: f64 = 0.577_215_664_901_532_9;
const SLOPE: f64 = 0.5;

/// `u ~ Gumbel`, `v | u ~ N(u/2, 1)`: skewed and correlated, with exact draws. Counts the rows it evaluates; where
/// `u > wall` it returns NaN.
pub struct Skewed {
    pub wall: f64,
    pub values: AtomicUsize,
    pub gradients: AtomicUsize,
}

impl Skewed {
    pub fn new() -> Self {
        Self { wall: f64::INFINITY, values: AtomicUsize::new(0), gradients: AtomicUsize::new(0) }
    }

    fn value(&self, x: &[f64]) -> f64 {
        if x[0] > self.wall {
            return f64::NAN;
        }
        -x[0] - (-x[0]).exp() - 0.5 * (x[1] - SLOPE * x[0]).powi(2)
    }

    pub fn draw(stream: &mut Stream, x: &mut [f64]) {
        x[0] = -(-stream.uniform().ln()).ln();
        x[1] = SLOPE * x[0] + stream.normal();
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.values.load(Ordering::Relaxed), self.gradients.load(Ordering::Relaxed))
    }
}

impl Target for Skewed {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        log_prob.iter_mut().zip(x.iter()).for_each(|(p, x)| *p = self.value(x));
        let Some(mut grad) = grad else {
            self.values.fetch_add(x.rows(), Ordering::Relaxed);
            return Ok(());
        };
        self.gradients.fetch_add(x.rows(), Ordering::Relaxed);
        for (x, g) in x.iter().zip(grad.iter_mut()) {
            let error = x[1] - SLOPE * x[0];
            g[0] = (-x[0]).exp() - 1.0 + SLOPE * error;
            g[1] = -error;
        }
        Ok(())
    }
}

/// Functions whose expectations are known: u, u^2, [u > 0], v, v^2, u v.
pub const FUNCTIONS: usize = 6;

pub fn functions(x: &[f64]) -> [f64; FUNCTIONS] {
    let (u, v) = (x[0], x[1]);
    [u, u * u, f64::from(u > 0.0), v, v * v, u * v]
}

/// E u = gamma, Var u = pi^2 / 6, P(u > 0) = 1 - 1/e; v = u/2 + a standard normal number.
pub fn expectations() -> [f64; FUNCTIONS] {
    let square = EULER * EULER + PI * PI / 6.0;
    let positive = 1.0 - (-1f64).exp();
    [EULER, square, positive, SLOPE * EULER, SLOPE * SLOPE * square + 1.0, SLOPE * square]
}

/// A flow that is no fit but covers the target: `x = m + s sinh(z)` in each coordinate, `log_det = sum ln(s cosh z)`.
pub struct SinhFlow {
    pub version: u64,
    pub shift: f64,
    /// Where true, the log-determinant is left out: for the negative controls.
    pub forgets_log_det: bool,
}

/// Wide enough that weights stay below 5 in the right tail of `u`: with narrow flows the rare visits there decide whole runs.
const SINH_SCALE: f64 = 1.1;

impl SinhFlow {
    pub fn new() -> Self {
        Self { version: 17, shift: 0.4, forgets_log_det: false }
    }

    fn log_det(&self, z: &[f64]) -> f64 {
        if self.forgets_log_det { 0.0 } else { z.iter().map(|z| (SINH_SCALE * z.cosh()).ln()).sum() }
    }
}

impl Proposal for SinhFlow {
    fn dim(&self) -> usize {
        2
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn push(&self, noise: Batch<'_>, x: BatchMut<'_>, log_q: &mut [f64]) {
        self.forward(noise, x, log_q);
        log_q.iter_mut().zip(noise.iter()).for_each(|(q, z)| *q = standard_normal_log_prob(z) - *q);
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        let mut z = Points::zeros(x.rows(), 2);
        self.inverse(x, z.as_batch_mut(), log_q);
        log_q.iter_mut().zip(z.as_batch().iter()).for_each(|(q, z)| *q += standard_normal_log_prob(z));
    }

    fn as_transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}

impl Transport for SinhFlow {
    fn forward(&self, z: Batch<'_>, mut x: BatchMut<'_>, log_det: &mut [f64]) {
        for ((x, z), ld) in x.iter_mut().zip(z.iter()).zip(log_det) {
            x.iter_mut().zip(z).for_each(|(x, z)| *x = self.shift + SINH_SCALE * z.sinh());
            *ld = self.log_det(z);
        }
    }

    fn inverse(&self, x: Batch<'_>, mut z: BatchMut<'_>, log_det: &mut [f64]) {
        for ((x, z), ld) in x.iter().zip(z.iter_mut()).zip(log_det) {
            z.iter_mut().zip(x).for_each(|(z, x)| *z = ((x - self.shift) / SINH_SCALE).asinh());
            *ld = -self.log_det(z);
        }
    }

    fn forward_pullback(&self, z: Batch<'_>, upstream: &mut Upstream<'_>, mut dz: BatchMut<'_>) {
        // Two blocks, to make sure that callers look at the range they are given.
        let half = z.rows() / 2;
        for range in [0..half, half..z.rows()] {
            if !range.is_empty() {
                self.pull_rows(z, range, upstream, &mut dz);
            }
        }
    }
}

impl SinhFlow {
    fn pull_rows(
        &self,
        z: Batch<'_>,
        rows: Range<usize>,
        upstream: &mut Upstream<'_>,
        dz: &mut BatchMut<'_>,
    ) {
        let (n, z) = (rows.len(), z.slice(rows.clone()));
        let (mut x, mut dx) = (Points::zeros(n, 2), Points::zeros(n, 2));
        let (mut log_det, mut d_log_det) = (vec![0.0; n], vec![0.0; n]);
        self.forward(z, x.as_batch_mut(), &mut log_det);
        upstream(rows.clone(), x.as_batch(), &log_det, dx.as_batch_mut(), &mut d_log_det);
        for (i, d_log_det) in d_log_det.into_iter().enumerate() {
            for k in 0..2 {
                let zk = z.row(i)[k];
                let through_det = if self.forgets_log_det { 0.0 } else { d_log_det * zk.tanh() };
                dz.row_mut(rows.start + i)[k] = dx.row(i)[k] * SINH_SCALE * zk.cosh() + through_det;
            }
        }
    }
}

/// Target, flow and limits of a run.
pub struct World {
    pub target: Skewed,
    pub flow: SinhFlow,
    pub max_rows: usize,
    pub failure: Failure,
}

impl World {
    pub fn new() -> Self {
        Self { target: Skewed::new(), flow: SinhFlow::new(), max_rows: 4096, failure: Failure::default() }
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            target: Guarded::new(&self.target, &self.failure),
            flow: Some(&self.flow),
            max_rows: self.max_rows,
        }
    }

    /// Chains at exact draws.
    pub fn exact_start(&self, seed: u64, n_chains: usize) -> Ensemble {
        let mut stream = Stream::new(seed, 1 << 40);
        let mut x = Points::zeros(n_chains, 2);
        x.as_batch_mut().iter_mut().for_each(|x| Skewed::draw(&mut stream, x));
        Ensemble::new(&self.target, x, Stream::for_chains(seed, n_chains)).unwrap()
    }

    /// One step of all chains in blocks of `rows`, the last block first.
    pub fn step_in_blocks(&self, kernel: &dyn Kernel, chains: &mut Ensemble, rows: usize) -> Vec<Tally> {
        let n_leaves = kernel.leaves().len();
        let mut tallies = vec![Tally::default(); chains.n_chains() * n_leaves];
        let blocks = chains.blocks(rows, None);
        for (mut block, tallies) in blocks.into_iter().zip(tallies.chunks_mut(rows * n_leaves)).rev() {
            kernel.step(&self.context(), &mut block, TallySheet::new(tallies, n_leaves));
        }
        tallies
    }

    pub fn step(&self, kernel: &dyn Kernel, chains: &mut Ensemble) -> Vec<Tally> {
        let n = chains.n_chains();
        self.step_in_blocks(kernel, chains, n)
    }

    /// Steps `from..to` of a warm-up of `total` steps.
    pub fn warm_up(&self, kernel: &mut dyn Kernel, chains: &mut Ensemble, steps: Range<usize>, total: usize) {
        for step in steps {
            let tallies = self.step(kernel, chains);
            let n_leaves = kernel.leaves().len();
            kernel.adapt(Warmup { step, total }, chains, Tallies::new(&tallies, n_leaves));
        }
    }
}
