//! Optimisers against PyTorch's, in double precision: parameters after each of twelve steps (`data/optimisers.json`, made by
//! `data/make_optimisers.py`).

use mixwell::net::{ArraySpec, Model, Optimiser, OptimiserConfig, Params, ParamsMut};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    start: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: OptimiserConfig,
    after: Vec<Vec<f64>>,
}

/// A model that is its parameters.
struct Vector {
    layout: Vec<ArraySpec>,
    values: Vec<f64>,
}

impl Model for Vector {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        Params::F64(&self.values)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        change(ParamsMut::F64(&mut self.values));
    }
}

/// The largest distance from the reference, relative to the largest parameter.
fn distance(reference: &Reference, case: &Case, config: &OptimiserConfig) -> f64 {
    let shape = vec![reference.start.len()];
    let layout = vec![ArraySpec { name: "x".into(), shape, offset: 0, is_statistic: false }];
    let mut model = Vector { layout, values: reference.start.clone() };
    let mut optimiser = Optimiser::new(config, &model).unwrap();
    let mut largest = 0.0f64;
    for (gradient, after) in reference.gradients.iter().zip(&case.after) {
        let mut g = model.zero_gradient();
        g.slice_mut().unwrap().copy_from_slice(gradient);
        optimiser.step(&mut model, &g);
        for (own, other) in model.values.iter().zip(after) {
            largest = largest.max((own - other).abs());
        }
    }
    largest
}

#[test]
fn steps_are_those_of_pytorch() {
    let reference: Reference = serde_json::from_str(include_str!("../data/optimisers.json")).unwrap();
    assert_eq!(reference.cases.len(), 12);
    for case in &reference.cases {
        // PyTorch divides a clipped gradient by its norm plus 1e-6; its epsilon in Adam stands beside a bias-corrected root, as ours.
        let bar = if case.config.clip_norm > 0.0 { 1e-6 } else { 1e-13 };
        let found = distance(&reference, case, &case.config);
        assert!(found < bar, "{}: {found}", case.name);
        // What is slightly wrong is found out.
        for wrong in [
            OptimiserConfig { learning_rate: case.config.learning_rate * 1.01, ..case.config.clone() },
            OptimiserConfig { weight_decay: case.config.weight_decay + 0.01, ..case.config.clone() },
            OptimiserConfig { warmup_steps: case.config.warmup_steps + 2, ..case.config.clone() },
        ] {
            assert!(distance(&reference, case, &wrong) > 1e-5, "{}: {wrong:?}", case.name);
        }
    }
}
