//! `LatentTarget`: the latents of a GAN, weighted by its discriminator.
//!
//! `log pi(z) = log p0(z) + kappa d(G(z))`, `p0` normalised. Where `d = ln p_data / p_G`, points `G(z)` follow the data's law: the law of
//! the generator reweighed, `p_data = p_G e^d`, is pulled back to latents, and the Jacobian of `G`, which need not be invertible, is part
//! of `p_G` on both sides. The discriminator of training with cross-entropy is that ratio where it is optimal; a hinge or Wasserstein
//! critic is not, and `kappa` stands for what is not known of it.
//! With a uniform prior whose edges are mapped, chains move `u` with `z = low + (high - low) Phi(u)`, and `p0(u)` is standard normal.

use super::calibrate::Calibrator;
use super::{Score, Standardisation};
use crate::density::{
    BaseLaw, DiscriminatorLoss, Edges, EvaluationError, ExactSampler, LatentPrior, Target, Variable,
};
use crate::math::standard_normal_log_prob;
use crate::net::{Model, Network, Stored};
use crate::proposal::{Gaussian, Proposal, Uniform};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, ConfigError, Points, Stream, range};

/// Latents of which it is asked whether the scores can be logarithms of a density ratio.
const LOOKED_AT: usize = 512;
/// A density ratio averages to one over generated points, so half of its logarithms cannot lie above this.
const HIGHEST_MEDIAN: f64 = 2.0;

/// The law of latents `pi(z) ~ p0(z) exp(kappa d(G(z)))`.
///
/// ```
/// use mixwell::density::{DiscriminatorLoss, LatentPrior, Target};
/// use mixwell::gan::LatentTarget;
/// use mixwell::net::{Dense, Network, NetworkSpec};
/// // G(z) = z, so p_G = N(0, 1), and d(x) = x - 1/2 = ln N(x; 1, 1) / N(x; 0, 1).
/// let generator = Network::<f64>::with_params(&NetworkSpec::new(&[1]).with(Dense::new(1)), &[1.0, 0.0])?;
/// let discriminator = Network::with_params(&NetworkSpec::new(&[1]).with(Dense::new(1)), &[1.0, -0.5])?;
/// let target = LatentTarget::new(generator, &discriminator, DiscriminatorLoss::Js, LatentPrior::Normal)?;
/// // N(z; 1, 1) at its centre.
/// assert!((target.log_prob_at(&[1.0])? + 0.5 * (2.0 * std::f64::consts::PI).ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LatentTarget<T: Stored = f32> {
    law: LatentLaw,
    generator: Network<T>,
    score: Score<T>,
    kappa: f64,
    calibrator: Calibrator,
    /// `kappa` times the calibrated scores of data.
    data_log_weights: Vec<f64>,
    data_scores: Vec<f64>,
    /// What the generator's points are in the unit of the data.
    unit: Option<Standardisation>,
    points_up_to: usize,
    notes: Vec<String>,
}

/// The prior in the coordinates of the chains.
enum LatentLaw {
    Normal(Gaussian),
    /// Normal coordinates, of which the generator sees uniform ones.
    Mapped(Gaussian, Uniform),
    Uniform(Uniform),
}

impl LatentLaw {
    fn new(prior: LatentPrior, dim: usize) -> Result<Self, ConfigError> {
        let normal = Gaussian::standard(dim);
        Ok(match prior {
            LatentPrior::Normal => Self::Normal(normal),
            LatentPrior::Uniform { low, high, edges } => {
                let uniform = Uniform::new(dim, low, high).map_err(|e| e.under("prior"))?;
                match edges {
                    Edges::Map => Self::Mapped(normal, uniform),
                    Edges::Refuse => Self::Uniform(uniform),
                }
            }
        })
    }

    fn as_proposal(&self) -> &dyn Proposal {
        match self {
            Self::Normal(normal) | Self::Mapped(normal, _) => normal,
            Self::Uniform(uniform) => uniform,
        }
    }
}

impl<T: Stored> LatentTarget<T> {
    /// The law of the latents of these networks, with `kappa = 1`. They are used as they are: batch normalisations with their running
    /// statistics.
    ///
    /// # Errors
    /// When the networks do not fit each other or the loss ([`Score::new`]), or the prior is none.
    pub fn new(
        generator: Network<T>,
        discriminator: &Network<T>,
        loss: DiscriminatorLoss,
        prior: LatentPrior,
    ) -> Result<Self, ConfigError> {
        let law = LatentLaw::new(prior, generator.dim())?;
        let fresh = [("generator", &generator), ("discriminator", discriminator)];
        let fresh = fresh.into_iter().filter(|(_, network)| has_fresh_statistics(network));
        let notes = fresh.map(|(name, _)| {
            format!(
                "the {name} has a batch normalisation whose running mean and variance are 0 and 1 everywhere, as before training: \
                 were its statistics saved?"
            )
        });
        let notes = notes.collect();
        let generator = generator.folded();
        let score = Score::new(&generator, &discriminator.folded(), loss)?;
        let (calibrator, data_scores, data_log_weights) = Default::default();
        let target = Self {
            law,
            generator,
            score,
            kappa: 1.0,
            calibrator,
            data_log_weights,
            data_scores,
            unit: None,
            points_up_to: 16,
            notes,
        };
        target.refuse_an_impossible_ratio(loss)?;
        Ok(target)
    }

    /// The same with another factor of the score.
    ///
    /// # Errors
    /// When it is negative or not finite.
    pub fn with_kappa(self, kappa: f64) -> Result<Self, ConfigError> {
        range::not_negative("kappa", kappa)?;
        Ok(Self { kappa, ..self }.weighing_data())
    }

    /// The same with scores corrected by a calibrator. `data_scores` are uncorrected scores of held-out data: chains of MH-GAN begin there.
    pub fn with_calibration(self, calibrator: Calibrator, data_scores: Vec<f64>) -> Self {
        let mut target = Self { calibrator, data_scores, ..self }.weighing_data();
        if !target.data_scores.is_empty() {
            let x = target.draw_prior(LOOKED_AT, &mut Stream::new(0, 0));
            let mut generated = vec![0.0; LOOKED_AT];
            target.raw_scores(x.as_batch(), &mut generated, None);
            let (real, generated) = (median(&mut target.data_scores.clone()), median(&mut generated));
            if real < generated {
                target.notes.push(format!(
                    "the discriminator scores real points lower (median {real:.2}) than generated ones ({generated:.2}): were they scaled \
                     as in its training?"
                ));
            }
        }
        target
    }

    fn weighing_data(mut self) -> Self {
        let weigh = |score: &f64| self.kappa * self.calibrator.apply(*score);
        self.data_log_weights = self.data_scores.iter().map(weigh).collect();
        self
    }

    /// The same, for a generator that learned from standardised data: points are reported as the data were.
    ///
    /// # Panics
    /// When it has another number of coordinates.
    pub fn with_points_in(self, unit: Standardisation) -> Self {
        assert_eq!(unit.mean.len(), self.generator.n_out(), "a standardisation of other points");
        Self { unit: Some(unit), ..self }
    }

    /// The same, but generated points of more coordinates than this are no variable of their own.
    pub fn reporting_points_up_to(self, coordinates: usize) -> Self {
        Self { points_up_to: coordinates, ..self }
    }

    /// The generator.
    pub fn generator(&self) -> &Network<T> {
        &self.generator
    }

    /// The score of generated points.
    pub fn score(&self) -> &Score<T> {
        &self.score
    }

    /// Factor of the score.
    pub fn kappa(&self) -> f64 {
        self.kappa
    }

    /// What the generator makes of the chains' coordinates, `rows x` coordinates of a point.
    pub fn points(&self, x: Batch<'_>) -> Points {
        let mut points = Points::zeros(x.rows(), self.generator.n_out());
        match &self.law {
            LatentLaw::Mapped(_, uniform) => {
                let mut z = scratch(x.data().len());
                z.iter_mut().zip(x.data()).for_each(|(z, u)| *z = uniform.of_normal(*u));
                self.generator.values(Batch::new(&z, x.dim()), points.as_batch_mut());
            }
            _ => self.generator.values(x, points.as_batch_mut()),
        }
        points
    }

    /// `rows` draws of the prior, in the chains' coordinates.
    pub fn draw_prior(&self, rows: usize, stream: &mut Stream) -> Points {
        let (mut noise, mut x) = (Points::zeros(rows, self.dim()), Points::zeros(rows, self.dim()));
        stream.fill_normal(noise.data_mut());
        self.law.as_proposal().push(noise.as_batch(), x.as_batch_mut(), &mut vec![0.0; rows]);
        x
    }

    /// The scores of the chains' coordinates, uncorrected, and their gradients.
    fn raw_scores(&self, x: Batch<'_>, score: &mut [f64], grad: Option<BatchMut<'_>>) {
        let LatentLaw::Mapped(_, uniform) = &self.law else {
            return self.score.evaluate(x, score, grad);
        };
        let mut z = scratch(x.data().len());
        z.iter_mut().zip(x.data()).for_each(|(z, u)| *z = uniform.of_normal(*u));
        let z = Batch::new(&z, x.dim());
        let Some(mut grad) = grad else {
            return self.score.evaluate(z, score, None);
        };
        self.score.evaluate(z, score, Some(grad.reborrow()));
        let [low, high] = uniform.interval();
        for (g, u) in grad.data_mut().iter_mut().zip(x.data()) {
            *g *= (high - low) * standard_normal_log_prob(&[*u]).exp();
        }
    }

    /// Refuses scores that cannot be what `loss` says.
    fn refuse_an_impossible_ratio(&self, loss: DiscriminatorLoss) -> Result<(), ConfigError> {
        if !matches!(loss, DiscriminatorLoss::Js | DiscriminatorLoss::JsSigmoid) {
            return Ok(());
        }
        let x = self.draw_prior(LOOKED_AT, &mut Stream::new(0, 0));
        let mut scores = vec![0.0; LOOKED_AT];
        self.raw_scores(x.as_batch(), &mut scores, None);
        let median = median(&mut scores);
        if median > HIGHEST_MEDIAN {
            let reason = format!(
                "the discriminator gives generated points a median score of {median:.2}, and a density ratio averages to one there: \
                 it is no logarithm of a ratio; if it is a critic, use `wgan` (or `hinge`), if the generator's points are scaled \
                 otherwise than in training, give the networks that belong together"
            );
            return Err(ConfigError::new("loss", "js", reason));
        }
        Ok(())
    }
}

/// The middle one, of at least one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Whether the statistics of a batch normalisation are those before training.
fn has_fresh_statistics<T: Stored>(network: &Network<T>) -> bool {
    let mut statistics = network.layout().iter().filter(|a| a.is_statistic).peekable();
    let values = |a: &crate::net::ArraySpec| network.params()[a.offset..a.end()].iter().map(|v| v.to_f64());
    statistics.peek().is_some()
        && statistics.all(|a| values(a).all(|v| v == 0.0) || values(a).all(|v| v == 1.0))
}

impl<T: Stored> Target for LatentTarget<T> {
    fn dim(&self) -> usize {
        self.score.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        let mut log_prior = scratch(x.rows());
        self.law.as_proposal().log_prob(x, &mut log_prior);
        let is_normal = !matches!(self.law, LatentLaw::Uniform(_));
        match grad {
            None => self.raw_scores(x, log_prob, None),
            Some(mut grad) => {
                self.raw_scores(x, log_prob, Some(grad.reborrow()));
                for ((g, x), score) in grad.iter_mut().zip(x.iter()).zip(&*log_prob) {
                    let factor = self.kappa * self.calibrator.slope(*score).unwrap_or(f64::NAN);
                    for (g, x) in g.iter_mut().zip(x) {
                        *g = factor * *g - if is_normal { *x } else { 0.0 };
                    }
                }
            }
        }
        for (log_prob, log_prior) in log_prob.iter_mut().zip(log_prior.iter()) {
            // Outside of a uniform prior the generator is not asked.
            let outside = *log_prior == f64::NEG_INFINITY;
            *log_prob =
                if outside { *log_prior } else { log_prior + self.kappa * self.calibrator.apply(*log_prob) };
        }
        Ok(())
    }

    fn variables(&self) -> Vec<Variable> {
        let mut variables = vec![Variable::new("z", &[self.dim()])];
        if self.generator.n_out() <= self.points_up_to {
            variables.push(Variable::new("x", &[self.generator.n_out()]));
        }
        variables
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        let (z, point) = out.split_at_mut(self.dim());
        match &self.law {
            LatentLaw::Mapped(_, uniform) => {
                z.iter_mut().zip(x).for_each(|(z, u)| *z = uniform.of_normal(*u));
            }
            _ => z.copy_from_slice(x),
        }
        if !point.is_empty() {
            self.generator.values(Batch::new(z, z.len()), BatchMut::new(point, self.generator.n_out()));
            if let Some(Standardisation { mean, sd }) = &self.unit {
                point.iter_mut().zip(mean).zip(sd).for_each(|((x, mean), sd)| *x = mean + sd * *x);
            }
        }
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        Some(BaseLaw { law: self.law.as_proposal(), data_log_weights: &self.data_log_weights })
    }

    /// The prior, where the score is left out.
    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        (self.kappa == 0.0).then_some(self as &dyn ExactSampler)
    }

    fn has_gradient(&self) -> bool {
        self.calibrator.is_smooth()
    }

    fn why_no_gradient(&self) -> Option<String> {
        let reason = "the calibration of its discriminator is isotonic, a function of steps; calibrate with `logistic` or `beta`";
        (!self.calibrator.is_smooth()).then(|| reason.into())
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl<T: Stored> ExactSampler for LatentTarget<T> {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        let mut noise = scratch(x.len());
        stream.fill_normal(&mut noise);
        let dim = x.len();
        self.law.as_proposal().push(Batch::new(&noise, dim), BatchMut::new(x, dim), &mut [0.0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::check_gradient;
    use crate::net::{Activation, Dense, Init, NetworkSpec};

    fn linear(weight: f64, bias: f64) -> Network<f64> {
        Network::with_params(&NetworkSpec::new(&[1]).with(Dense::new(1)), &[weight, bias]).unwrap()
    }

    fn random(spec: &NetworkSpec, seed: u64) -> Network<f64> {
        Network::new(spec, Init::Uniform, &mut Stream::new(seed, 0)).unwrap()
    }

    fn small(loss: DiscriminatorLoss, prior: LatentPrior) -> Result<LatentTarget<f64>, ConfigError> {
        let generator = random(&NetworkSpec::dense(3, &[8], 5, Activation::Swish), 1);
        let discriminator = NetworkSpec::dense(5, &[8], 1, Activation::Swish);
        let ends_so = loss == DiscriminatorLoss::JsSigmoid;
        let discriminator = if ends_so { discriminator.with(Activation::Sigmoid) } else { discriminator };
        LatentTarget::new(generator, &random(&discriminator, 2), loss, prior)
    }

    #[test]
    fn gradients_match_finite_differences_under_every_prior() {
        let mapped = LatentPrior::Uniform { low: -1.0, high: 2.0, edges: Edges::Map };
        let refused = LatentPrior::Uniform { low: -3.0, high: 3.0, edges: Edges::Refuse };
        for prior in [LatentPrior::Normal, mapped, refused] {
            for loss in [DiscriminatorLoss::Js, DiscriminatorLoss::JsSigmoid, DiscriminatorLoss::Wgan] {
                let target = small(loss, prior).unwrap().with_kappa(1.7).unwrap();
                let mut x = Points::zeros(6, 3);
                Stream::new(5, 0).fill_normal(x.data_mut());
                x.data_mut().iter_mut().for_each(|v| *v = v.clamp(-2.0, 2.0));
                let check = check_gradient(&target, x.as_batch()).unwrap();
                assert!(check.passed(), "{prior:?} {loss:?}: {check}");
            }
        }
    }

    #[test]
    fn a_sigmoid_at_the_end_changes_nothing() {
        let (plain, sigmoid) = (DiscriminatorLoss::Js, DiscriminatorLoss::JsSigmoid);
        let at = |loss| small(loss, LatentPrior::Normal).unwrap().log_prob_at(&[0.2, -0.4, 3.0]).unwrap();
        assert_eq!(at(plain), at(sigmoid));
    }

    #[test]
    fn the_uniform_prior_by_hand() {
        // G(z) = z, d = x: uniform on [-1, 1] times e^z.
        let uniform = |edges| LatentPrior::Uniform { low: -1.0, high: 1.0, edges };
        let target = |edges| {
            LatentTarget::new(linear(1.0, 0.0), &linear(1.0, 0.0), DiscriminatorLoss::Wgan, uniform(edges))
                .unwrap()
        };
        let refused = target(Edges::Refuse);
        assert!((refused.log_prob_at(&[0.5]).unwrap() - (0.5 - 2f64.ln())).abs() < 1e-12);
        assert_eq!(refused.log_prob_at(&[1.5]).unwrap(), f64::NEG_INFINITY);
        // The same law in coordinates without edges: the middle of the one is that of the other.
        let mapped = target(Edges::Map);
        let mut reported = [9.0; 2];
        mapped.report(&[0.0], &mut reported);
        assert!(reported[0].abs() < 1e-15 && reported[1].abs() < 1e-15, "{reported:?}");
        assert!(
            (mapped.log_prob_at(&[0.0]).unwrap() + 0.5 * (2.0 * std::f64::consts::PI).ln()).abs() < 1e-12
        );
        assert!(mapped.log_prob_at(&[40.0]).unwrap().is_finite());
    }

    #[test]
    fn calibration_changes_value_slope_and_data() {
        use crate::gan::calibrate::{CalibratorKind, LogisticCalibrator};
        let raw = || small(DiscriminatorLoss::Js, LatentPrior::Normal).unwrap();
        let logistic = Calibrator::Logistic(LogisticCalibrator { a: 0.5, b: 1.0 });
        let target = raw().with_kappa(2.0).unwrap().with_calibration(logistic, vec![4.0]);
        assert_eq!(target.base().unwrap().data_log_weights, [2.0 * 3.0]);
        let at = [0.3, -0.2, 1.0];
        let prior = standard_normal_log_prob(&at);
        let score = raw().log_prob_at(&at).unwrap() - prior;
        assert!((target.log_prob_at(&at).unwrap() - prior - 2.0 * (0.5 * score + 1.0)).abs() < 1e-12);
        let check = check_gradient(&target, Batch::new(&at, 3)).unwrap();
        assert!(check.passed(), "{check}");
        let real: Vec<f64> = (0..50).map(|i| f64::from(i) * 0.1).collect();
        let generated: Vec<f64> = real.iter().map(|r| r - 2.0).collect();
        let isotonic = Calibrator::fit(&real, &generated, CalibratorKind::Isotonic).unwrap();
        let stepped = raw().with_calibration(isotonic, vec![-900.0]);
        assert!(!stepped.has_gradient() && stepped.why_no_gradient().unwrap().contains("isotonic"));
        // Data that score far below what is generated are pictures in another scale.
        assert!(stepped.notes()[0].contains("were they scaled"), "{:?}", stepped.notes());
    }

    #[test]
    fn what_does_not_fit_is_told_in_a_sentence() {
        let error = |generator: &Network<f64>, discriminator: &Network<f64>, loss| {
            let made = LatentTarget::new(generator.clone(), discriminator, loss, LatentPrior::Normal);
            made.err().unwrap().to_string()
        };
        let one = linear(1.0, 0.0);
        let wide = random(&NetworkSpec::dense(2, &[4], 1, Activation::Relu), 1);
        let e = error(&one, &wide, DiscriminatorLoss::Js);
        assert_eq!(e, "`discriminator` is a network for points of 2, but the generator makes points of 1");
        let many = random(&NetworkSpec::dense(1, &[4], 3, Activation::Relu), 1);
        assert!(error(&one, &many, DiscriminatorLoss::Js).contains("3 outputs"));
        let broken = linear(f64::NAN, 0.0);
        assert!(error(&one, &broken, DiscriminatorLoss::Js).contains("not finite"));
        assert!(error(&one, &one, DiscriminatorLoss::JsSigmoid).contains("use `js`"));
        let sigmoid = random(&NetworkSpec::dense(1, &[4], 1, Activation::Relu).with(Activation::Sigmoid), 1);
        assert!(error(&one, &sigmoid, DiscriminatorLoss::Js).contains("`js_sigmoid`"));
        // A critic that scores generated points around 5 is no log-ratio.
        assert!(error(&one, &linear(1.0, 5.0), DiscriminatorLoss::Js).contains("`wgan`"));
        assert!(
            LatentTarget::new(one, &linear(1.0, 5.0), DiscriminatorLoss::Wgan, LatentPrior::Normal).is_ok()
        );
    }
}
