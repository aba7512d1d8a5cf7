//! What must hold of the numbers for an experiment to count as reproduced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::SeedMean;

/// A condition on the means of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The metric.
    pub metric: String,
    /// The methods it is asked of.
    pub methods: Vec<String>,
    /// The points it is asked at, by their labels; all when empty.
    #[serde(default)]
    pub points: Vec<toml::Value>,
    /// The condition.
    pub test: Test,
    /// This many standard errors of the measured mean are allowed on top of the condition's own tolerance.
    #[serde(default)]
    pub slack: f64,
}

/// A condition on one mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Not further from another method's mean than this.
    NearMethod {
        /// The other method.
        method: String,
        /// The largest distance.
        tolerance: f64,
    },
    /// Not further from the published value than this. Holds of itself where nothing was published.
    NearPublished {
        /// The largest distance, as a share of the published value when `relative`.
        tolerance: f64,
        /// Whether the tolerance is a share.
        #[serde(default)]
        relative: bool,
    },
    /// Not further from a value than this.
    Near {
        /// The value.
        value: f64,
        /// The largest distance.
        tolerance: f64,
    },
    /// At most this, or the published value.
    AtMost {
        /// The bound; the published value when absent.
        #[serde(default)]
        value: Option<f64>,
    },
    /// At least this, or the published value.
    AtLeast {
        /// The bound; the published value when absent.
        #[serde(default)]
        value: Option<f64>,
    },
    /// At least so many times another method's mean.
    AtLeastTimes {
        /// The other method.
        method: String,
        /// How many times.
        factor: f64,
    },
    /// At least so much more than another method's mean.
    AtLeastMore {
        /// The other method.
        method: String,
        /// How much.
        by: f64,
    },
    /// Not further from the published (here: exact) value than so many standard errors of the mean.
    ZTest {
        /// How many.
        sigmas: f64,
    },
}

/// How a rule came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Judgement {
    /// The condition in words, with its numbers.
    pub rule: String,
    pub passed: bool,
}

/// What a rule may compare with, at one point.
pub(crate) struct Reference<'a> {
    /// Means of the rule's metric by method.
    pub means: &'a BTreeMap<String, SeedMean>,
    /// What was published for this method.
    pub published: Option<f64>,
}

impl Rule {
    /// Judges one method's mean; `None` where there is nothing to compare it with.
    pub(crate) fn judge(&self, measured: &SeedMean, reference: &Reference<'_>) -> Option<Judgement> {
        let extra =
            if self.slack > 0.0 && measured.error.is_finite() { self.slack * measured.error } else { 0.0 };
        let within = |centre: f64, tolerance: f64| (measured.mean - centre).abs() <= tolerance + extra;
        let number = crate::report::number;
        let (mut rule, passed) = match &self.test {
            Test::NearMethod { method, tolerance } => {
                let other = reference.means.get(method)?;
                (
                    format!("within {} of {method} ({})", number(*tolerance), number(other.mean)),
                    within(other.mean, *tolerance),
                )
            }
            Test::NearPublished { tolerance, relative } => {
                let published = reference.published?;
                let (told, tolerance) = if *relative {
                    (format!("{} %", number(100.0 * tolerance)), tolerance * published.abs())
                } else {
                    (number(*tolerance), *tolerance)
                };
                (format!("within {told} of published"), within(published, tolerance))
            }
            Test::Near { value, tolerance } => {
                (format!("{} +- {}", number(*value), number(*tolerance)), within(*value, *tolerance))
            }
            Test::AtMost { value } => {
                let bound = value.or(reference.published)?;
                (format!("at most {}", number(bound)), measured.mean <= bound + extra)
            }
            Test::AtLeast { value } => {
                let bound = value.or(reference.published)?;
                (format!("at least {}", number(bound)), measured.mean >= bound - extra)
            }
            Test::AtLeastTimes { method, factor } => {
                let other = reference.means.get(method)?;
                (
                    format!("at least {} times {method} ({})", number(*factor), number(other.mean)),
                    measured.mean + extra >= factor * other.mean,
                )
            }
            Test::AtLeastMore { method, by } => {
                let other = reference.means.get(method)?;
                (
                    format!("at least {} more than {method} ({})", number(*by), number(other.mean)),
                    measured.mean + extra >= other.mean + by,
                )
            }
            Test::ZTest { sigmas } => {
                let exact = reference.published?;
                let z = (measured.mean - exact) / measured.error;
                (format!("z = {z:.1}, at most {}", number(*sigmas)), z.abs() <= *sigmas)
            }
        };
        if self.slack > 0.0 {
            rule.push_str(&format!(" (+ {} s.e.)", number(self.slack)));
        }
        Some(Judgement { rule, passed })
    }

    /// The methods it compares with.
    pub(crate) fn other_method(&self) -> Option<&str> {
        match &self.test {
            Test::NearMethod { method, .. }
            | Test::AtLeastTimes { method, .. }
            | Test::AtLeastMore { method, .. } => Some(method),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(test: Test, slack: f64, mean: f64, published: Option<f64>) -> Option<bool> {
        let measured = SeedMean { mean, sd: 0.2, error: 0.1, n: 4 };
        let means = BTreeMap::from([("iid".to_string(), SeedMean { mean: 1.0, sd: 0.0, error: 0.0, n: 4 })]);
        let rule = Rule { metric: "ot".into(), methods: vec!["ex2".into()], points: vec![], test, slack };
        rule.judge(&measured, &Reference { means: &means, published }).map(|j| j.passed)
    }

    #[test]
    fn conditions_by_hand() {
        let near = |tolerance| Test::NearMethod { method: "iid".into(), tolerance };
        assert_eq!(judge(near(0.03), 0.0, 1.02, None), Some(true));
        assert_eq!(judge(near(0.03), 0.0, 1.04, None), Some(false));
        assert_eq!(judge(near(0.03), 1.0, 1.12, None), Some(true)); // 0.03 + 1 * 0.1
        let relative = |tolerance| Test::NearPublished { tolerance, relative: true };
        assert_eq!(judge(relative(0.05), 0.0, 2.09, Some(2.0)), Some(true));
        assert_eq!(judge(relative(0.05), 0.0, 2.11, Some(2.0)), Some(false));
        assert_eq!(judge(relative(0.05), 0.0, 2.11, None), None);
        assert_eq!(judge(Test::AtMost { value: None }, 0.0, 2.0, Some(1.9)), Some(false));
        assert_eq!(judge(Test::AtLeast { value: Some(2.0) }, 0.0, 2.0, None), Some(true));
        let times = Test::AtLeastTimes { method: "iid".into(), factor: 10.0 };
        assert_eq!(judge(times.clone(), 0.0, 10.5, None), Some(true));
        assert_eq!(judge(times, 0.0, 9.5, None), Some(false));
        let more = Test::AtLeastMore { method: "iid".into(), by: 0.1 };
        assert_eq!(judge(more.clone(), 0.0, 1.11, None), Some(true));
        assert_eq!(judge(more, 0.0, 1.09, None), Some(false));
        assert_eq!(judge(Test::ZTest { sigmas: 5.0 }, 0.0, 1.49, Some(1.0)), Some(true));
        assert_eq!(judge(Test::ZTest { sigmas: 5.0 }, 0.0, 1.51, Some(1.0)), Some(false));
    }

    #[test]
    fn what_cannot_be_computed_never_passes() {
        for test in [
            Test::Near { value: 1.0, tolerance: 1e9 },
            Test::AtMost { value: Some(1e9) },
            Test::AtLeast { value: Some(-1e9) },
            Test::ZTest { sigmas: 1e9 },
            Test::AtLeastTimes { method: "iid".into(), factor: -1e9 },
            Test::AtLeastMore { method: "iid".into(), by: -1e9 },
        ] {
            assert_eq!(judge(test.clone(), 2.0, f64::NAN, Some(1.0)), Some(false), "{test:?}");
        }
    }
}
