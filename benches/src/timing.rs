//! Taking samples of how long something takes.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Shortest time that one sample covers, so that the clock does not matter.
const SAMPLE: Duration = Duration::from_millis(5);

/// What a task found.
#[derive(Clone, Debug, Default)]
pub struct Measurement {
    /// Seconds per call, one number per sample; for a whole run its wall time alone.
    pub seconds: Vec<f64>,
    /// Other numbers, by name.
    pub metrics: BTreeMap<String, f64>,
    /// The settings, in a line.
    pub settings: String,
}

impl Measurement {
    /// A measurement without other numbers.
    pub fn new(seconds: Vec<f64>, settings: impl Into<String>) -> Self {
        Self { seconds, metrics: BTreeMap::new(), settings: settings.into() }
    }

    /// Adds a number.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.metrics.insert(name.into(), value);
        self
    }

    /// The middle sample.
    pub fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The shortest sample.
    pub fn minimum(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Calls `work` for `sampling`, after some calls to warm it, and gives seconds per call.
pub fn sample<R>(sampling: Duration, mut work: impl FnMut() -> R) -> Vec<f64> {
    let mut timed = |calls: u32| {
        let begun = Instant::now();
        for _ in 0..calls {
            black_box(work());
        }
        begun.elapsed()
    };
    timed(3);
    let mut calls = 1;
    loop {
        let time = timed(calls);
        if time >= SAMPLE {
            break;
        }
        let wanted = SAMPLE.as_secs_f64() / time.as_secs_f64().max(1e-9);
        calls = (f64::from(calls) * wanted.clamp(1.5, 100.0)).ceil() as u32;
    }
    let begun = Instant::now();
    let mut seconds = vec![];
    while seconds.len() < 3 || begun.elapsed() < sampling {
        seconds.push(timed(calls).as_secs_f64() / f64::from(calls));
    }
    seconds
}

/// Seconds of one call.
pub fn once<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let begun = Instant::now();
    let result = work();
    (begun.elapsed().as_secs_f64(), result)
}
