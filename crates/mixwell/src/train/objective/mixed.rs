//! Forward KL on past draws mixed with reverse KL.

use super::super::LossValue;
use super::forward::Forward;
use super::mix::mixture;
use super::{FlowLoss, MixSchedule, Sources};
use crate::ConfigError;
use crate::flow::Flow;
use crate::net::Gradient;

/// The mixture.
pub(super) struct Mixed {
    pub mix: MixSchedule,
}

impl FlowLoss for Mixed {
    fn evaluate(&self, flow: &Flow, from: &mut Sources<'_>, gradient: &mut Gradient) -> LossValue {
        mixture(self.mix, &Forward, flow, from, gradient)
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.mix.check()
    }

    fn uses_target(&self) -> bool {
        self.mix.has_reverse()
    }
}
