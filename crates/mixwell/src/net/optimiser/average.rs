//! `WeightAverage`: the exponential moving average of a model's weights over its training.
//!
//! After `t` updates the average is `sum_s d^(t-s) p_s` over `sum_s d^(t-s)`: the weights sum to one from the first update on, so
//! the start has no say beyond its own share. It is kept by `a <- a + (1 - d) / (1 - d^t) (p - a)`, in double precision, where
//! small changes are not lost. Statistics, such as those of a batch normalisation, are averaged like everything else.
//! Reference: [polyak1992acceleration] for averaging; the exponential weights are usual practice.

use serde::{Deserialize, Serialize};

use crate::net::model::Model;
use crate::net::values::Params;
use crate::net::weights::WeightsError;
use crate::{ConfigError, range};

/// An average of the weights of a model, to be evaluated in their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightAverage {
    decay: f64,
    updates: u64,
    average: Vec<f64>,
}

impl WeightAverage {
    /// An average that forgets by `decay` at each update, from 0 (the last weights) to below 1.
    ///
    /// # Errors
    /// When `decay` is not in this range.
    pub fn new(decay: f64, model: &dyn Model) -> Result<Self, ConfigError> {
        range::below_one("decay", decay)?;
        Ok(Self { decay, updates: 0, average: vec![0.0; model.n_params()] })
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Takes in the model's weights, after a step.
    ///
    /// # Panics
    /// When the model has another number of parameters than the one it was made for.
    pub fn update(&mut self, model: &dyn Model) {
        self.updates += 1;
        let share = (1.0 - self.decay) / (1.0 - self.decay.powf(self.updates as f64));
        let params = model.params();
        assert_eq!(params.len(), self.average.len(), "the average of another model");
        match params {
            Params::F32(p) => {
                self.average.iter_mut().zip(p).for_each(|(a, p)| *a += share * (f64::from(*p) - *a));
            }
            Params::F64(p) => self.average.iter_mut().zip(p).for_each(|(a, p)| *a += share * (*p - *a)),
        }
    }

    /// Gives a model the average as its weights; nothing is changed before the first update.
    ///
    /// # Errors
    /// When the model has another number of parameters.
    pub fn write_to(&self, model: &mut dyn Model) -> Result<(), WeightsError> {
        if model.n_params() != self.average.len() {
            let (expected, found) = (model.n_params(), self.average.len());
            return Err(WeightsError::Shape { what: "the average of the weights".into(), expected, found });
        }
        model.change_params(&mut |params| {
            if self.updates > 0 {
                params.map(|i, _| self.average[i]);
            }
            self.updates > 0
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Vector;
    use super::*;
    use crate::net::Values;

    #[test]
    fn the_average_by_hand() {
        // Decay 1/2, weights 1, 3, 3: (1/4 + 3/2 + 3) / (1/4 + 1/2 + 1) = 4.75 / 1.75.
        let mut model = Vector::new(vec![0.0]);
        let mut average = WeightAverage::new(0.5, &model).unwrap();
        average.write_to(&mut model).unwrap();
        assert_eq!(model.values(), [0.0]);
        for weight in [1.0, 3.0, 3.0] {
            model.set_params(&Values::F64(vec![weight])).unwrap();
            average.update(&model);
        }
        average.write_to(&mut model).unwrap();
        assert!((model.values()[0] - 4.75f64 / 1.75).abs() < 1e-15);
        assert!(average.write_to(&mut Vector::new(vec![0.0; 2])).is_err());
        assert!(WeightAverage::new(1.0, &model).is_err());
    }
}
