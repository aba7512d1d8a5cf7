//! The free number `b` of noise contrastive estimation, as a model of one parameter.

use crate::net::{ArraySpec, Model, Params, ParamsMut};

/// One trained number.
#[derive(Clone, Debug)]
pub(super) struct Offset {
    layout: [ArraySpec; 1],
    value: [f64; 1],
}

impl Offset {
    pub fn new(value: f64) -> Self {
        let array = ArraySpec { name: "offset".into(), shape: vec![1], offset: 0, is_statistic: false };
        Self { layout: [array], value: [value] }
    }

    pub fn value(&self) -> f64 {
        self.value[0]
    }
}

impl Model for Offset {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        Params::F64(&self.value)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        change(ParamsMut::F64(&mut self.value));
    }
}
