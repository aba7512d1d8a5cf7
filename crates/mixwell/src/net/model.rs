//! `Model`: what optimisers, guards, snapshots and files of weights need to know of anything that is trained, and no more.

use super::gradient::Gradient;
use super::parameters::ArraySpec;
use super::values::{Params, ParamsMut, Values};
use super::weights::WeightsError;

/// Anything with trained parameters in one flat vector: a flow, an energy, a classifier.
pub trait Model {
    /// The arrays in the flat vector: names, shapes, offsets.
    fn layout(&self) -> &[ArraySpec];

    /// The flat vector.
    fn params(&self) -> Params<'_>;

    /// Hands the flat vector to `change`. Where that returns true, the model takes the new numbers over: from then on it is
    /// another function, and says so if it has a version.
    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool);

    /// Number of parameters.
    fn n_params(&self) -> usize {
        self.params().len()
    }

    /// A gradient of zeros for this model.
    fn zero_gradient(&self) -> Gradient {
        Gradient::zeros(self.params())
    }

    /// Sets all parameters.
    ///
    /// # Errors
    /// When they are of another number or precision (then nothing is changed), or some are not finite.
    fn set_params(&mut self, values: &Values) -> Result<(), WeightsError> {
        let what = || "the parameter vector".to_string();
        if !values.is_finite() {
            return Err(WeightsError::NotFinite { what: what() });
        }
        let expected = self.n_params();
        let mut fits = false;
        self.change_params(&mut |params| {
            fits = params.copy_from(values);
            fits
        });
        if fits { Ok(()) } else { Err(WeightsError::Shape { what: what(), expected, found: values.len() }) }
    }
}
