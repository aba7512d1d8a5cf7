//! One method at one point of the sweep in one repetition: its name, its settings as a hash, its stored result.
//!
//! The hash covers everything the result depends on (version, settings with the seed, metrics, the cell whose flow it uses), and
//! nothing else: rules and published values can change without a cell being made again.

use std::collections::BTreeMap;

use mixwell::io::ConfigHash;
use serde::{Deserialize, Serialize};

use crate::work::Work;
use crate::{Measured, MetricEntry, Point, Quadrature};

/// A cell that is to be run.
pub(crate) struct Cell {
    pub method: String,
    pub point: Point,
    pub repetition: usize,
    pub work: Work,
    pub metrics: BTreeMap<String, MetricEntry>,
    pub exact: bool,
    /// The file name of the cell whose flow it starts from.
    pub flow_from: Option<String>,
    /// How exact draws are made where the target makes none.
    pub quadrature: Option<Quadrature>,
    /// The file name of the training whose GAN it samples.
    pub gan_from: Option<String>,
    /// The updates after which its networks are taken; as they were left when absent.
    pub gan_at: Option<u64>,
    pub gives_flow: bool,
    /// Coordinates that figures need draws of, where they need some.
    pub sketch: Option<Vec<usize>>,
    pub hash: String,
}

impl Cell {
    /// The name of its file, without ending.
    pub fn file_name(method: &str, label: &str, repetition: usize) -> String {
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_alphanumeric() || "-.".contains(c) { c } else { '_' }).collect()
        };
        let at = if label.is_empty() { String::new() } else { format!("{}-", plain(label)) };
        format!("{at}{}-{repetition}", plain(method))
    }

    /// The name of its file, without ending.
    pub fn file(&self) -> String {
        Self::file_name(&self.method, &self.point.label, self.repetition)
    }

    /// Its name in progress lines and errors.
    pub fn name(&self) -> String {
        let at =
            if self.point.label.is_empty() { String::new() } else { format!(" at {}", self.point.label) };
        format!("{}{at}, repetition {}", self.method, self.repetition + 1)
    }

    /// The hash of all that its result depends on, the cells included whose flow and GAN it begins with (`origins`). A training leaves its folder, from which metrics are computed whenever it is
    /// reported: it does not depend on them.
    pub fn hash_of(
        work: &Work,
        metrics: &BTreeMap<String, MetricEntry>,
        exact: bool,
        origins: [Option<&str>; 2],
        quadrature: Option<Quadrature>,
    ) -> String {
        let none = BTreeMap::new();
        let metrics = if matches!(work, Work::Training(_)) { &none } else { metrics };
        let [flow, gan] = origins;
        let mut all = serde_json::json!([env!("CARGO_PKG_VERSION"), work, metrics, exact, flow]);
        // Cells of before there were GANs keep their hashes.
        let list = all.as_array_mut().expect("a list, just written");
        list.extend(gan.map(serde_json::Value::from));
        list.extend(quadrature.map(|q| serde_json::json!(q)));
        ConfigHash::of(all.to_string().as_bytes()).to_string()
    }
}

/// What a cell cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellCost {
    /// Points at which density and gradient were evaluated, the warm-up included.
    pub gradients: u64,
    /// Points at which the density alone was evaluated.
    pub densities: u64,
    /// Seconds of sampling and training.
    pub seconds: f64,
}

/// The stored result of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// Hash of all that it depends on.
    pub hash: String,
    /// The method.
    pub method: String,
    /// The label of the point.
    pub point: String,
    /// The repetition, from zero.
    pub repetition: usize,
    /// What the metrics measured; one that does not apply is absent.
    pub metrics: BTreeMap<String, Measured>,
    /// What it cost.
    pub cost: CellCost,
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::sampler::RunConfig;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(Cell::file_name("ex2", "30", 0), "30-ex2-0");
        assert_eq!(Cell::file_name("ex2", "0.5, 64", 2), "0.5__64-ex2-2");
        assert_eq!(Cell::file_name("a/b", "", 0), "a_b-0");
    }

    #[test]
    fn the_hash_sees_settings_and_flow() {
        let (config, metrics) = (RunConfig::default(), BTreeMap::new());
        let hash =
            |c: &RunConfig, flow| Cell::hash_of(&Work::Run(c.clone()), &metrics, false, [flow, None], None);
        let other = RunConfig { seed: 2, ..config.clone() };
        assert_eq!(hash(&config, None), hash(&config, None));
        assert_ne!(hash(&config, None), hash(&other, None));
        assert_ne!(hash(&config, None), hash(&config, Some("a")));
        let gan = Cell::hash_of(&Work::Run(config.clone()), &metrics, false, [None, Some("a")], None);
        assert!(gan != hash(&config, Some("a")) && gan != hash(&config, None));
    }
}
