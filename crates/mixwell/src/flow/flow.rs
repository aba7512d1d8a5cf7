//! [`Flow`]: layers and a whitening in either precision, the type that the rest of the library uses.

use super::family::FlowConfig;
use super::layer::Whitening;
use super::loss::{LogProbAndGrad, ReverseKl};
use super::precision::Precision;
use super::stack::Stack;
use crate::net::{ArraySpec, Gradient, Model, Params, ParamsMut, Stored};
use crate::proposal::{Differentiable, Proposal, Transport, Upstream};
use crate::{Batch, BatchMut, ConfigError, Stream};

/// A normalizing flow: an invertible map of standard normal latents, with parameters that can be trained.
///
/// ```
/// use mixwell::flow::{Flow, FlowConfig, Optimiser, OptimiserConfig};
/// use mixwell::proposal::Proposal;
/// use mixwell::{Points, Stream};
///
/// let mut flow = Flow::new(&FlowConfig::default(), 2, &mut Stream::new(1, 0))?;
/// let x = Points::from_rows(&[[3.0, 1.0], [5.0, -1.0], [4.0, 0.5]]);
/// flow.set_whitening_from(x.as_batch(), None);
///
/// let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &flow)?;
/// let mut gradient = flow.zero_gradient();
/// let before = flow.forward_kl(x.as_batch(), &[1.0 / 3.0; 3], &mut gradient);
/// optimiser.step(&mut flow, &gradient);
/// gradient.clear();
/// assert!(flow.forward_kl(x.as_batch(), &[1.0 / 3.0; 3], &mut gradient) < before);
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Flow {
    pub(super) config: FlowConfig,
    pub(super) dim: usize,
    pub(super) version: u64,
    inner: Inner,
}

#[derive(Clone, Debug)]
enum Inner {
    F32(Stack<f32>),
    F64(Stack<f64>),
}

macro_rules! each {
    ($inner:expr, $stack:ident => $body:expr) => {
        match $inner {
            Inner::F32($stack) => $body,
            Inner::F64($stack) => $body,
        }
    };
}

impl Flow {
    /// The flow of this config in `dim` dimensions, at its starting parameters.
    pub fn new(config: &FlowConfig, dim: usize, stream: &mut Stream) -> Result<Self, ConfigError> {
        config.check(dim)?;
        let inner = match config.precision() {
            Precision::F32 => Inner::F32(Stack::new(dim, config.layers(dim), config.init(), stream)),
            Precision::F64 => Inner::F64(Stack::new(dim, config.layers(dim), config.init(), stream)),
        };
        Ok(Self { config: config.clone(), dim, version: 1, inner })
    }

    /// The settings it was made with.
    pub fn config(&self) -> &FlowConfig {
        &self.config
    }

    /// Number of trained parameters.
    pub fn n_params(&self) -> usize {
        each!(&self.inner, s => s.params.len())
    }

    /// Bytes that passes over points hold on all threads, about; parameters are not among them.
    pub(crate) fn working_bytes(&self) -> u64 {
        each!(&self.inner, s => s.working_bytes())
    }

    /// Writes the log-density of each row of `x` and its gradient in `x`.
    pub fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], grad: BatchMut<'_>) {
        self.check_rows(x, log_q.len());
        assert!(grad.rows() == x.rows() && grad.dim() == self.dim, "gradient of another shape");
        each!(&self.inner, s => s.log_prob_and_grad(x, log_q, grad));
    }

    /// The arrays in the flat parameter vector: names, shapes, offsets.
    pub fn layout(&self) -> &[ArraySpec] {
        each!(&self.inner, s => &s.layout)
    }

    /// A gradient of zeros for this flow.
    pub fn zero_gradient(&self) -> Gradient {
        Model::zero_gradient(self)
    }

    /// `-sum_i weights[i] log q(x_i)`; adds its parameter gradient to `gradient`. Rows of weight zero are not looked at.
    ///
    /// # Panics
    /// When shapes disagree.
    pub fn forward_kl(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64 {
        self.check_rows(x, weights.len());
        each!(&self.inner, s => s.forward_kl(x, weights, own(gradient)))
    }

    /// The flow-matching loss, for a flow whose config [`learns_by_matching`](FlowConfig::learns_by_matching):
    /// `sum_i weights[i] |v((1 - t) z + t x, t) - (x - z)|^2 / dim` with examples `x` in whitened coordinates, latents `z`
    /// and times `t` between 0 and 1, one of each per example. Adds its parameter gradient to `gradient`. Rows of weight
    /// zero are not looked at.
    ///
    /// # Panics
    /// When shapes disagree or the flow is of another kind.
    pub fn matching_loss(
        &self,
        x: Batch<'_>,
        weights: &[f64],
        (z, times): (Batch<'_>, &[f64]),
        gradient: &mut Gradient,
    ) -> f64 {
        self.regression(x, weights, (z, times), Some(gradient))
    }

    /// The same with or without a gradient.
    pub(super) fn regression(
        &self,
        x: Batch<'_>,
        weights: &[f64],
        (z, times): (Batch<'_>, &[f64]),
        gradient: Option<&mut Gradient>,
    ) -> f64 {
        self.check_rows(x, weights.len());
        self.check_rows(z, weights.len());
        assert_eq!(times.len(), weights.len(), "one time per example");
        each!(&self.inner, s => s.matching_loss(x, weights, (z, times), gradient.map(own)))
    }

    /// `mean over rows of [log rho(z) - log_det(z) - beta log pi(T(z))]`, reparameterised; adds its parameter gradient to
    /// `gradient`. `log_prob_and_grad` is called for blocks of points, from several threads.
    ///
    /// # Panics
    /// When shapes disagree.
    pub fn reverse_kl(
        &self,
        z: Batch<'_>,
        log_prob_and_grad: &LogProbAndGrad<'_>,
        beta: f64,
        gradient: &mut Gradient,
    ) -> ReverseKl {
        self.check_rows(z, z.rows());
        each!(&self.inner, s => s.reverse_kl(z, log_prob_and_grad, beta, own(gradient)))
    }

    /// Sets the whitening to the moments of these points, as the config wants it. False when nothing was set: whitening
    /// is off, or the points are too few or do not vary. Layers that choose their starting values from examples do so the
    /// first time.
    pub fn set_whitening_from(&mut self, x: Batch<'_>, weights: Option<&[f64]>) -> bool {
        self.check_rows(x, weights.map_or(x.rows(), <[f64]>::len));
        let estimate = Whitening::estimate(self.config.whitening(), x, weights);
        let is_set = estimate.map(|w| self.set_whitening(w)).is_some();
        let starts = self.config.starts_from_examples() && x.rows() > 0;
        if starts && each!(&mut self.inner, s => s.start_from(x)) {
            self.changed();
        }
        is_set
    }

    /// Sets the whitening.
    ///
    /// # Panics
    /// When it has another dimension.
    pub fn set_whitening(&mut self, whitening: Whitening) {
        assert_eq!(whitening.dim(), self.dim, "whitening of another dimension");
        each!(&mut self.inner, s => s.whitening = whitening);
        self.changed();
    }

    /// The whitening at the data end.
    pub fn whitening(&self) -> &Whitening {
        each!(&self.inner, s => &s.whitening)
    }

    /// Parameter `i` of the flat vector, see [`Flow::layout`].
    pub fn param(&self, i: usize) -> f64 {
        match &self.inner {
            Inner::F32(s) => f64::from(s.params[i]),
            Inner::F64(s) => s.params[i],
        }
    }

    /// Sets every parameter by a function of its index and present value.
    pub fn map_params(&mut self, mut f: impl FnMut(usize, f64) -> f64) {
        self.change_params(&mut |params| {
            params.map(&mut f);
            true
        });
    }

    /// Whether some pass has left traces of a backward one.
    #[cfg(test)]
    pub(super) fn has_gone_backward(&self) -> bool {
        each!(&self.inner, s => {
            let ws = s.workspaces.take();
            let traces = !ws.gradient.is_empty();
            s.workspaces.give(ws);
            traces
        })
    }

    /// Marks that the density has changed.
    pub(super) fn changed(&mut self) {
        self.version = self.version.wrapping_add(1).max(1);
    }

    fn check_rows(&self, x: Batch<'_>, n: usize) {
        assert!(x.dim() == self.dim, "points of dimension {}, but the flow has {}", x.dim(), self.dim);
        assert!(x.rows() == n, "{} points, but {n} numbers for them", x.rows());
    }
}

/// The numbers of a gradient in the flow's own type.
fn own<T: Stored>(gradient: &mut Gradient) -> &mut [T] {
    gradient.slice_mut().expect("a gradient of this flow's precision")
}

impl Model for Flow {
    fn layout(&self) -> &[ArraySpec] {
        Flow::layout(self)
    }

    fn params(&self) -> Params<'_> {
        each!(&self.inner, s => Stored::params(&s.params))
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        let changed = each!(&mut self.inner, s => {
            let changed = change(Stored::params_mut(&mut s.params));
            if changed {
                s.pack();
            }
            changed
        });
        if changed {
            self.changed();
        }
    }
}

impl Proposal for Flow {
    fn dim(&self) -> usize {
        self.dim
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn push(&self, noise: Batch<'_>, x: BatchMut<'_>, log_q: &mut [f64]) {
        self.check_rows(noise, log_q.len());
        self.check_rows(x.as_batch(), log_q.len());
        each!(&self.inner, s => s.forward(noise, x, log_q, true));
    }

    fn log_prob(&self, x: Batch<'_>, log_q: &mut [f64]) {
        self.check_rows(x, log_q.len());
        each!(&self.inner, s => s.log_prob(x, log_q));
    }

    fn as_transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}

impl Differentiable for Flow {
    fn log_prob_and_grad(&self, x: Batch<'_>, log_q: &mut [f64], grad: BatchMut<'_>) {
        Flow::log_prob_and_grad(self, x, log_q, grad);
    }
}

impl Transport for Flow {
    fn forward(&self, z: Batch<'_>, x: BatchMut<'_>, log_det: &mut [f64]) {
        self.check_rows(z, log_det.len());
        self.check_rows(x.as_batch(), log_det.len());
        each!(&self.inner, s => s.forward(z, x, log_det, false));
    }

    fn inverse(&self, x: Batch<'_>, z: BatchMut<'_>, log_det: &mut [f64]) {
        self.check_rows(x, log_det.len());
        self.check_rows(z.as_batch(), log_det.len());
        each!(&self.inner, s => s.inverse(x, z, log_det));
    }

    fn forward_pullback(&self, z: Batch<'_>, upstream: &mut Upstream<'_>, dz: BatchMut<'_>) {
        self.check_rows(z, dz.rows());
        each!(&self.inner, s => s.forward_pullback(z, upstream, dz));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use crate::flow::{FlowMatchingConfig, MafConfig, RealNvpConfig, RqSplineConfig, Solver};

    /// Densities and gradients of a flow under one instruction set.
    fn evaluate(config: &FlowConfig) -> Vec<f64> {
        let mut stream = Stream::new(3, 0);
        let mut flow = Flow::new(config, 5, &mut stream).unwrap();
        flow.map_params(|_, p| p + 0.1 * stream.normal());
        let mut z = Points::zeros(70, 5);
        stream.fill_normal(z.data_mut());
        let (mut x, mut log_q, mut grad) = (z.clone(), vec![0.0; 70], z.clone());
        flow.push(z.as_batch(), x.as_batch_mut(), &mut log_q);
        flow.log_prob_and_grad(x.as_batch(), &mut log_q, grad.as_batch_mut());
        let mut gradient = flow.zero_gradient();
        flow.forward_kl(x.as_batch(), &[1.0 / 70.0; 70], &mut gradient);
        let parameters = (0..gradient.len()).map(|i| gradient.get(i)).collect();
        [x.into_vec(), log_q, grad.into_vec(), parameters].concat()
    }

    #[test]
    fn instruction_sets_agree() {
        // The batches are small enough to stay on this thread, where the instruction set is forced.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
        let realnvp =
            RealNvpConfig { activation: crate::net::Activation::Tanh, hidden: vec![9], ..Default::default() };
        for config in [
            FlowConfig::Realnvp(realnvp),
            FlowConfig::RqSpline(RqSplineConfig { hidden: vec![9], ..Default::default() }),
            FlowConfig::Maf(MafConfig { hidden: vec![9], ..Default::default() }),
            FlowConfig::FlowMatching(FlowMatchingConfig {
                hidden: vec![9],
                solver: Solver::Fixed { n_steps: 4 },
                ..Default::default()
            }),
        ] {
            let mut results = Vec::new();
            mixwell_vector::simd::under_each(|| results.push(pool.install(|| evaluate(&config))));
            for other in &results[1..] {
                for (a, b) in results[0].iter().zip(other) {
                    assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{}: {a} and {b}", config.name());
                }
            }
        }
    }
}
