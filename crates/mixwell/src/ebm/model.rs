//! `EnergyModel`: the law `p(x) ~ exp(-E(x) / T) rho(x)`, a target and a model at once.
//!
//! `log_prob = -E(x) / T + log rho(x)`; without a base `rho`, `-E(x) / T`, which need not be integrable: a piecewise linear network
//! is so only where it rises in every direction. The base is normalised, so with an energy of zero `log Z = 0`.
//! The version changes with every change of a parameter: chains that keep a value of an older energy evaluate it anew.

use std::sync::Arc;

use super::Energy;
use crate::density::{BaseLaw, EvaluationError, Target};
use crate::net::{ArraySpec, Model, Params, ParamsMut};
use crate::proposal::{Differentiable, Transport};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError, range};

/// The law `p(x) ~ exp(-E(x) / T) rho(x)` of an energy `E`, a temperature `T` and a base `rho`.
///
/// ```
/// use std::sync::Arc;
/// use mixwell::density::Target;
/// use mixwell::ebm::EnergyModel;
/// use mixwell::net::{Init, Network};
/// use mixwell::proposal::Gaussian;
/// use mixwell::Stream;
/// let net = Network::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(1, 0));
/// // The energy is zero, so the law is the base: -ln(2 pi) at its centre.
/// let model = EnergyModel::new(net).with_base(Arc::new(Gaussian::standard(2)))?;
/// assert!((model.log_prob_at(&[0.0, 0.0])? + (2.0 * std::f64::consts::PI).ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EnergyModel<E> {
    energy: E,
    base: Option<Arc<dyn Differentiable>>,
    temperature: f64,
    version: u64,
    /// A mistake that tests must find: the version stays while the energy changes.
    #[cfg(test)]
    pub(super) forgets_its_version: bool,
}

impl<E: Energy> EnergyModel<E> {
    /// `exp(-E(x))`, without a base, at temperature 1.
    pub fn new(energy: E) -> Self {
        Self {
            energy,
            base: None,
            temperature: 1.0,
            version: 1,
            #[cfg(test)]
            forgets_its_version: false,
        }
    }

    /// The same with the base `rho`, e.g. a Gaussian or a flow.
    ///
    /// # Errors
    /// When it has another number of coordinates.
    pub fn with_base(self, base: Arc<dyn Differentiable>) -> Result<Self, ConfigError> {
        if base.dim() != self.energy.dim() {
            let reason = format!("the energy has {} coordinates", self.energy.dim());
            return Err(ConfigError::new("base", format!("of {} coordinates", base.dim()), reason));
        }
        Ok(Self { base: Some(base), ..self })
    }

    /// The same at another temperature, which divides the energy and not the base.
    ///
    /// # Errors
    /// When it is not positive and finite.
    pub fn at_temperature(self, temperature: f64) -> Result<Self, ConfigError> {
        range::positive("temperature", temperature)?;
        Ok(Self { temperature, ..self })
    }

    /// The energy.
    pub fn energy(&self) -> &E {
        &self.energy
    }

    /// The energy alone.
    pub fn into_energy(self) -> E {
        self.energy
    }

    /// The base `rho`, if there is one.
    pub fn base(&self) -> Option<&Arc<dyn Differentiable>> {
        self.base.as_ref()
    }

    /// The law of the latents of the base, where that is a map of latents, e.g. a flow: a target in whose space modes may touch that are
    /// apart in the space of points.
    pub fn latent_law(&self) -> Option<LatentLaw<'_, E>> {
        let map = self.base.as_ref()?.as_transport()?;
        Some(LatentLaw { model: self, map })
    }

    /// The temperature.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Goes on under a version that was saved.
    pub(super) fn set_version(&mut self, version: u64) {
        self.version = version;
    }

    /// `log rho(x)` of each row; zero without a base.
    pub(super) fn log_base(&self, x: Batch<'_>, log_base: &mut [f64]) {
        match &self.base {
            Some(base) => base.log_prob(x, log_base),
            None => log_base.fill(0.0),
        }
    }

    /// `log rho(x)` of each row and its derivative along the direction in the same row of `along`; zeros without a base.
    pub(super) fn base_slopes(
        &self,
        x: Batch<'_>,
        along: Batch<'_>,
        log_base: &mut [f64],
        slopes: &mut [f64],
    ) {
        let Some(base) = &self.base else {
            log_base.fill(0.0);
            return slopes.fill(0.0);
        };
        let mut grad = scratch(x.data().len());
        base.log_prob_and_grad(x, log_base, BatchMut::new(&mut grad, x.dim()));
        for ((s, g), v) in slopes.iter_mut().zip(grad.chunks_exact(x.dim())).zip(along.iter()) {
            *s = g.iter().zip(v).map(|(g, v)| g * v).sum();
        }
    }

    /// `-E(x) / T` of each row, without the base.
    pub(super) fn tilt(&self, x: Batch<'_>, value: &mut [f64], grad: Option<BatchMut<'_>>) {
        let factor = -1.0 / self.temperature;
        match grad {
            None => self.energy.evaluate(x, value, None),
            Some(mut grad) => {
                self.energy.evaluate(x, value, Some(grad.reborrow()));
                grad.data_mut().iter_mut().for_each(|g| *g *= factor);
            }
        }
        value.iter_mut().for_each(|v| *v *= factor);
    }
}

impl<E: Energy> Target for EnergyModel<E> {
    fn dim(&self) -> usize {
        self.energy.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let Some(base) = &self.base else {
            self.tilt(x, log_prob, grad);
            return Ok(());
        };
        let mut log_base = scratch(x.rows());
        match grad {
            None => {
                self.tilt(x, log_prob, None);
                base.log_prob(x, &mut log_base);
            }
            Some(mut grad) => {
                self.tilt(x, log_prob, Some(grad.reborrow()));
                let mut base_grad = scratch(x.data().len());
                base.log_prob_and_grad(x, &mut log_base, BatchMut::new(&mut base_grad, x.dim()));
                grad.data_mut().iter_mut().zip(base_grad.iter()).for_each(|(g, b)| *g += b);
            }
        }
        log_prob.iter_mut().zip(log_base.iter()).for_each(|(p, b)| *p += b);
        Ok(())
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        self.base.as_deref().map(|base| BaseLaw::new(base))
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl<E: Energy> Model for EnergyModel<E> {
    fn layout(&self) -> &[ArraySpec] {
        self.energy.layout()
    }

    fn params(&self) -> Params<'_> {
        self.energy.params()
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        let mut changed = false;
        self.energy.change_params(&mut |params| {
            changed = change(params);
            changed
        });
        #[cfg(test)]
        let changed = changed && !self.forgets_its_version;
        if changed {
            self.version = self.version.wrapping_add(1).max(1);
        }
    }
}

/// The law of the latents `z` of `x = T(z)` when `x` follows `exp(-E(x) / T) q(x)` and `q` is the law of the map itself:
/// `log p(z) = -E(T(z)) / T + log N(z; 0, I)`, in which the map's log-determinant has gone.
pub struct LatentLaw<'a, E> {
    pub(super) model: &'a EnergyModel<E>,
    pub(super) map: &'a dyn Transport,
}

impl<'a, E> LatentLaw<'a, E> {
    /// The map from latents to points.
    pub fn map(&self) -> &'a dyn Transport {
        self.map
    }
}

impl<E: Energy> Target for LatentLaw<'_, E> {
    fn dim(&self) -> usize {
        self.map.dim()
    }

    fn evaluate(
        &self,
        z: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        if let Some(mut grad) = grad {
            self.map.forward_pullback(
                z,
                &mut |rows, x, _, dx, d_log_det| {
                    d_log_det.fill(0.0);
                    self.model.tilt(x, &mut log_prob[rows], Some(dx));
                },
                grad.reborrow(),
            );
            grad.data_mut().iter_mut().zip(z.data()).for_each(|(g, z)| *g -= z);
        } else {
            let (mut x, mut log_det) = (scratch(z.data().len()), scratch(z.rows()));
            self.map.forward(z, BatchMut::new(&mut x, z.dim()), &mut log_det);
            self.model.tilt(Batch::new(&x, z.dim()), log_prob, None);
        }
        let base = z.iter().map(crate::math::standard_normal_log_prob);
        log_prob.iter_mut().zip(base).for_each(|(p, b)| *p += b);
        Ok(())
    }

    fn version(&self) -> u64 {
        crate::proposal::content_version([self.model.version, self.map.version()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::{PulledBack, check_gradient};
    use crate::flow::{Flow, FlowConfig};
    use crate::net::{Activation, Init, Network, NetworkSpec};
    use crate::proposal::Gaussian;
    use crate::{Points, Stream};

    fn swish(dim: usize) -> Network<f64> {
        let spec = NetworkSpec::dense(dim, &[8, 6], 1, Activation::Swish);
        Network::new(&spec, Init::Uniform, &mut Stream::new(4, 0)).unwrap()
    }

    fn points(rows: usize, dim: usize) -> Points {
        let mut x = Points::zeros(rows, dim);
        Stream::new(5, 0).fill_normal(x.data_mut());
        x
    }

    fn flow(dim: usize) -> Flow {
        let mut stream = Stream::new(6, 0);
        let mut flow = Flow::new(&FlowConfig::default(), dim, &mut stream).unwrap();
        flow.map_params(|_, p| p + 0.05 * stream.normal());
        flow
    }

    #[test]
    fn gradients_are_those_of_the_value_with_every_base() {
        let x = points(12, 3);
        let bases: [Option<Arc<dyn Differentiable>>; 3] =
            [None, Some(Arc::new(Gaussian::standard(3))), Some(Arc::new(flow(3)))];
        for base in bases {
            let mut model = EnergyModel::new(swish(3)).at_temperature(0.7).unwrap();
            if let Some(base) = base {
                model = model.with_base(base).unwrap();
            }
            let checked = check_gradient(&model, x.as_batch()).unwrap();
            assert!(checked.passed(), "{checked}");
            let (mut alone, mut both, mut grad) = (vec![0.0; 12], vec![0.0; 12], Points::zeros(12, 3));
            model.log_prob(x.as_batch(), &mut alone).unwrap();
            model.log_prob_and_grad(x.as_batch(), &mut both, grad.as_batch_mut()).unwrap();
            assert_eq!(alone, both);
        }
    }

    #[test]
    fn the_law_of_latents_is_that_of_the_model_pulled_back() {
        let (map, z) = (Arc::new(flow(2)), points(70, 2));
        let model = EnergyModel::new(swish(2)).with_base(map.clone()).unwrap();
        let latent = LatentLaw { model: &model, map: &*map };
        let pulled_back = PulledBack::new(&model, &*map);
        let evaluate = |target: &dyn Target| {
            let (mut value, mut grad) = (vec![0.0; 70], Points::zeros(70, 2));
            target.log_prob_and_grad(z.as_batch(), &mut value, grad.as_batch_mut()).unwrap();
            let mut alone = vec![0.0; 70];
            target.log_prob(z.as_batch(), &mut alone).unwrap();
            assert!(value.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-12));
            [value, grad.into_vec()].concat()
        };
        for (a, b) in evaluate(&latent).iter().zip(evaluate(&pulled_back)) {
            // The flow is in single precision.
            assert!((a - b).abs() < 1e-2 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    #[test]
    fn every_change_of_the_energy_has_a_version_of_its_own() {
        let mut model = EnergyModel::new(swish(2));
        let before = model.version();
        model.change_params(&mut |_| false);
        assert_eq!(model.version(), before);
        model.change_params(&mut |params| {
            params.map(|_, p| p + 1.0);
            true
        });
        assert_ne!(model.version(), before);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = EnergyModel::new(swish(2)).with_base(Arc::new(Gaussian::standard(3))).err().unwrap();
        assert_eq!(error.to_string(), "`base` is of 3 coordinates, but the energy has 2 coordinates");
        assert_eq!(EnergyModel::new(swish(2)).at_temperature(0.0).err().unwrap().key, "temperature");
    }
}
