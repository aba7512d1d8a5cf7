//! Points with weights, as a flow is fitted to them outside a run: draws of another sampler, data, importance samples.

use super::TrainingData;
use crate::{Batch, ConfigError, Points};

/// Points (`rows x dim`) with weights whose mean is one, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedPoints {
    points: TrainingData,
    weights: Vec<f64>,
}

impl WeightedPoints {
    /// Takes points over, with a weight for each; equal ones where none are given. Weights need no particular sum.
    ///
    /// # Errors
    /// When there are fewer than two points, one is not finite, or a coordinate does not vary; and when a weight is negative or not finite, there
    /// are more or fewer of them than points, or fewer than two are above zero.
    pub fn new(points: Points, weights: Option<Vec<f64>>) -> Result<Self, ConfigError> {
        let points = TrainingData::new(points)?;
        let rows = points.rows();
        let Some(mut weights) = weights else {
            return Ok(Self { points, weights: vec![1.0; rows] });
        };
        if weights.len() != rows {
            let value = format!("{} numbers", weights.len());
            return Err(ConfigError::new("weights", value, format!("there are {rows} points")));
        }
        if let Some(row) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            let value = format!("{} in row {row}", weights[row]);
            return Err(ConfigError::new("weights", value, "a weight must be finite and not negative"));
        }
        let positive = weights.iter().filter(|w| **w > 0.0).count();
        if positive < 2 {
            let value = format!("above zero for {positive} points");
            return Err(ConfigError::new("weights", value, "at least 2 points must have some weight"));
        }
        // By the largest first: a sum of large weights must not overflow.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        weights.iter_mut().for_each(|w| *w /= largest);
        let mean = weights.iter().sum::<f64>() / rows as f64;
        weights.iter_mut().for_each(|w| *w /= mean);
        Ok(Self { points, weights })
    }

    /// The points.
    pub fn x(&self) -> Batch<'_> {
        self.points.points()
    }

    /// Their weights, of mean one.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::flow::{Flow, FlowConfig, GaussianFlowConfig};
    use crate::proposal::Proposal;
    use crate::train::{Trainer, TrainingConfig, uninterrupted};

    #[test]
    fn weights_have_mean_one_and_bad_ones_are_named() {
        let x = || Points::from_rows(&[[1.0], [2.0], [4.0], [8.0]]);
        let points = WeightedPoints::new(x(), Some(vec![f64::MAX, 0.0, f64::MAX, 0.0])).unwrap();
        assert_eq!(points.weights(), [2.0, 0.0, 2.0, 0.0]);
        let error = |weights: Vec<f64>| WeightedPoints::new(x(), Some(weights)).unwrap_err().to_string();
        assert!(error(vec![1.0; 3]).contains("there are 4 points"));
        assert!(error(vec![1.0, -1.0, 1.0, 1.0]).contains("-1 in row 1"));
        assert!(error(vec![1.0, f64::NAN, 1.0, 1.0]).contains("NaN in row 1"));
        assert!(error(vec![1.0, 0.0, 0.0, 0.0]).contains("at least 2 points"));
    }

    /// Two heaps of points at -2 and 2, `N(0, 1/4)` around each, as many in both; those of the right one weigh three times as much, so
    /// the law has mean 1 and variance `1/4 + 3/4 * 1 + 1/4 * 9 = 3.25`.
    fn heaps() -> WeightedPoints {
        let (mut stream, mut x) = (Stream::new(1, 0), Points::zeros(4000, 1));
        let sign = |i: usize| if i.is_multiple_of(2) { -1.0 } else { 1.0 };
        x.data_mut().iter_mut().enumerate().for_each(|(i, x)| *x = 2.0 * sign(i) + 0.5 * stream.normal());
        let weights = (0..4000).map(|i| 2.0 + sign(i)).collect();
        WeightedPoints::new(x, Some(weights)).unwrap()
    }

    #[test]
    fn a_flow_without_parameters_has_the_weighted_moments() {
        let points = heaps();
        let config = FlowConfig::Gaussian(GaussianFlowConfig::default());
        let mut flow = Flow::new(&config, 1, &mut Stream::new(2, 0)).unwrap();
        flow.set_whitening_from(points.x(), Some(points.weights()));
        let mut trainer = Trainer::new(TrainingConfig::default(), &flow, 1, 3).unwrap();
        let Ok(report) = trainer.fit(&points, 10, &mut flow, &uninterrupted);
        assert_eq!(report.rounds, 0);
        let (mut log_q, x) = ([0.0; 2], [1.0, 1.0 + 3.25f64.sqrt()]);
        flow.log_prob(Batch::new(&x, 1), &mut log_q);
        // At one standard deviation from the mean the density falls by sqrt(e); 4000 points give moments to some 3 %.
        assert!((log_q[0] - log_q[1] - 0.5).abs() < 0.08, "{log_q:?}");
    }

    #[test]
    fn a_flow_learns_the_weights() {
        let points = heaps();
        let config = FlowConfig::RqSpline(Default::default());
        let mut flow = Flow::new(&config, 1, &mut Stream::new(2, 0)).unwrap();
        flow.set_whitening_from(points.x(), Some(points.weights()));
        let settings = TrainingConfig { batch: 200, learning_rate: 1e-2, ..Default::default() };
        let mut trainer = Trainer::new(settings, &flow, 1, 3).unwrap();
        let Ok(report) = trainer.fit(&points, 20, &mut flow, &uninterrupted);
        assert!(report.rounds == 20 && report.validation_loss.is_some());
        // Density at the heaps: 1/4 and 3/4 of 0.798.
        let mut log_q = [0.0; 2];
        flow.log_prob(Batch::new(&[-2.0, 2.0], 1), &mut log_q);
        let [left, right] = log_q.map(f64::exp);
        assert!((left - 0.2).abs() < 0.06 && (right - 0.6).abs() < 0.1, "{left} {right}");
    }
}
