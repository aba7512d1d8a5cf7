//! What all optimisers share, on a model that is a vector; and the vector, for the tests of rules.

use super::*;
use crate::net::{ArraySpec, Params};

/// A model that is its parameters, the last of them statistics.
#[derive(Clone, Debug)]
pub(super) struct Vector<T> {
    layout: Vec<ArraySpec>,
    values: Vec<T>,
}

impl<T: Stored> Vector<T> {
    pub fn new(values: Vec<T>) -> Self {
        Self::with_statistics(values, 0)
    }

    pub fn with_statistics(values: Vec<T>, n: usize) -> Self {
        let trained = values.len() - n;
        let array = |name: &str, offset, len, is_statistic| ArraySpec {
            name: name.into(),
            shape: vec![len],
            offset,
            is_statistic,
        };
        let layout = vec![array("weight", 0, trained, false), array("statistic", trained, n, true)];
        Self { layout, values }
    }

    pub fn values(&self) -> &[T] {
        &self.values
    }

    fn step(&mut self, optimiser: &mut Optimiser, gradient: &[T]) -> StepReport {
        let mut g = self.zero_gradient();
        g.slice_mut().unwrap().copy_from_slice(gradient);
        optimiser.step(self, &g)
    }
}

impl<T: Stored> Model for Vector<T> {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        T::params(&self.values)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        change(T::params_mut(&mut self.values));
    }
}

/// Where a parameter is after steps with these gradients: all of 21 alike, whatever their place in a vector and the instruction
/// set.
pub(super) fn after(config: &OptimiserConfig, start: f64, gradients: &[f64]) -> f64 {
    let mut found = None;
    mixwell_vector::simd::under_each(|| {
        let mut model = Vector::new(vec![start; 21]);
        let mut optimiser = Optimiser::new(config, &model).unwrap();
        for g in gradients {
            assert!(model.step(&mut optimiser, &[*g; 21]).applied);
        }
        assert!(model.values.iter().all(|p| *p == model.values[0]), "{:?}", model.values);
        let first = *found.get_or_insert(model.values[0]);
        assert!((model.values[0] - first).abs() < 1e-15);
    });
    found.expect("at least one instruction set")
}

fn rules() -> [UpdateRule; 5] {
    [
        UpdateRule::Sgd(Sgd::default()),
        UpdateRule::Sgd(Sgd { momentum: 0.9, nesterov: true }),
        UpdateRule::Adam(Adam::default()),
        UpdateRule::AdamW(Adam::default()),
        UpdateRule::Adamax(Adamax::default()),
    ]
}

#[test]
fn long_gradients_are_clipped_and_broken_ones_skipped() {
    for rule in rules() {
        let config = OptimiserConfig { rule, clip_norm: 1.0, ..Default::default() };
        let mut model = Vector::new(vec![0.0f32; 2]);
        let mut optimiser = Optimiser::new(&config, &model).unwrap();
        let report = model.step(&mut optimiser, &[3.0, 4.0]);
        assert!(report.clipped && report.gradient_norm == 5.0);
        let mut other = Vector::new(vec![0.0f32; 2]);
        other.step(&mut Optimiser::new(&config, &other).unwrap(), &[0.6, 0.8]);
        assert!(model.values.iter().zip(&other.values).all(|(a, b)| (a - b).abs() < 1e-9));
        let before = (model.values.clone(), optimiser.save_state());
        for broken in [f32::NAN, f32::INFINITY] {
            assert!(!model.step(&mut optimiser, &[broken, 0.0]).applied);
            assert_eq!(before, (model.values.clone(), optimiser.save_state()));
        }
    }
}

#[test]
fn statistics_are_set_and_not_trained() {
    for rule in rules() {
        let config = OptimiserConfig {
            rule,
            clip_norm: 1.0,
            weight_decay: 0.1,
            warmup_steps: 9,
            ..Default::default()
        };
        let mut model = Vector::with_statistics(vec![1.0, 2.0, 5.0, -1.0], 2);
        let mut optimiser = Optimiser::new(&config, &model).unwrap();
        let mut without = Vector::new(vec![1.0, 2.0]);
        let mut other = Optimiser::new(&config, &without).unwrap();
        for (step, entry) in [100.0, 0.5].into_iter().enumerate() {
            let report = model.step(&mut optimiser, &[0.3, -0.4, entry, 0.25]);
            assert_eq!(report, without.step(&mut other, &[0.3, -0.4]), "statistics have no part in it");
            assert_eq!(model.values[..2], without.values);
            assert_eq!(model.values[2..], [[-95.0, -1.25], [-95.5, -1.5]][step]);
        }
        let before = model.values.clone();
        assert!(!model.step(&mut optimiser, &[0.3, -0.4, f64::NAN, 0.0]).applied);
        assert_eq!(model.values, before);
    }
}

#[test]
fn a_state_goes_on_and_one_of_another_rule_or_size_is_refused() {
    for rule in rules() {
        let config = OptimiserConfig { rule: rule.clone(), ..Default::default() };
        let mut model = Vector::new(vec![1.0; 3]);
        let mut optimiser = Optimiser::new(&config, &model).unwrap();
        model.step(&mut optimiser, &[0.1, -0.2, 0.3]);
        let mut again = Optimiser::new(&config, &model).unwrap();
        again.load_state(&optimiser.save_state()).unwrap();
        let mut copy = model.clone();
        model.step(&mut optimiser, &[0.5, 0.1, 0.2]);
        copy.step(&mut again, &[0.5, 0.1, 0.2]);
        assert_eq!(model.values, copy.values);
        if rule.n_moments() > 0 {
            let longer = Optimiser::new(&config, &Vector::new(vec![1.0; 4])).unwrap();
            assert!(again.load_state(&longer.save_state()).is_err());
            let single = Optimiser::new(&config, &Vector::new(vec![1.0f32; 3])).unwrap();
            assert!(again.load_state(&single.save_state()).is_err());
            let plain = OptimiserConfig { rule: UpdateRule::Sgd(Sgd::default()), ..Default::default() };
            assert!(again.load_state(&Optimiser::new(&plain, &model).unwrap().save_state()).is_err());
        }
    }
}
