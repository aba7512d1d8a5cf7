//! Neal's funnel: `v ~ N(0, a^2)` and `x_i | v ~ N(0, exp(2 b v))`, so that `b v` is the log of the children's scale.
//!
//! Centred: `log_prob(v, x) = -v^2/(2 a^2) - ln(a sqrt(2 pi)) - exp(-2 b v) |x|^2 / 2 - (dim - 1) b v`.
//! Non-centred: coordinates `z ~ N(0, I)`, reported as `v = a z_0`, `x_i = exp(b v) z_i`.
//! Exact: log-evidence `((dim - 1)/2) ln(2 pi)` (0 when non-centred), mean 0, `Var v = a^2`, `Var x_i = exp(2 b^2 a^2)`,
//! draws. Facts are about the coordinates that chains move in.
//! Reference: Neal (2003), section 8; defaults of Samsonov et al. (2022). Neal's own is `a = 3, b = 1/2`. A variant in
//! circulation has `a = sqrt(3)` and `exp(b' v / 2)` with `b' = 1`: that is `b = 1/2` here. The 101-dimensional funnel
//! of nutpie's page is `a = 1, b = 1/2`.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::lanes::{self, Lanes};
use super::{ExactSampler, Facts, Target, Variable};
use crate::{ConfigError, Stream, range};

/// In which coordinates a hierarchical model is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parametrisation {
    /// The children themselves: the hard way.
    #[default]
    Centred,
    /// The children divided by their scale.
    NonCentred,
}

/// Settings of [`Funnel`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FunnelConfig {
    /// Number of coordinates: `v` and `dim - 1` children.
    pub dim: usize,
    /// Standard deviation of `v`.
    pub a: f64,
    /// The children's standard deviation is `exp(b v)`.
    pub b: f64,
    /// `centred` or `non_centred`.
    pub parametrisation: Parametrisation,
}

impl Default for FunnelConfig {
    fn default() -> Self {
        Self { dim: 10, a: 2.0, b: 0.5, parametrisation: Parametrisation::Centred }
    }
}

impl FunnelConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::dim(self.dim, 2)?;
        range::positive("a", self.a)?;
        range::finite("b", self.b)
    }

    /// The target.
    pub fn build(&self) -> Result<Funnel, ConfigError> {
        self.check()?;
        let centred = self.parametrisation == Parametrisation::Centred;
        Ok(Funnel { dim: self.dim, a: self.a, b: self.b, centred })
    }
}

/// The funnel with 100 children on which nutpie shows its flow: `v ~ N(0, 1)`, `x_i ~ N(0, exp(v))`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Funnel101Config {
    /// `centred` or `non_centred`.
    pub parametrisation: Parametrisation,
}

impl Funnel101Config {
    /// There is nothing to check.
    pub fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }

    /// The target.
    pub fn build(&self) -> Result<Funnel, ConfigError> {
        FunnelConfig { dim: 101, a: 1.0, b: 0.5, parametrisation: self.parametrisation }.build()
    }
}

/// Neal's funnel; see the module's head for its density.
#[derive(Clone, Debug, PartialEq)]
pub struct Funnel {
    dim: usize,
    a: f64,
    b: f64,
    centred: bool,
}

impl Lanes for Funnel {
    fn lanes_dim(&self) -> usize {
        self.dim
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let (v, children) = (x[0], &x[1..]);
        let mut square = [0.0; L];
        for child in children {
            for l in 0..L {
                square[l] += child[l] * child[l];
            }
        }
        let mut out = [0.0; L];
        if !self.centred {
            let norm = 0.5 * self.dim as f64 * TAU.ln();
            for l in 0..L {
                out[l] = -0.5 * (v[l] * v[l] + square[l]) - norm;
            }
            if GRAD {
                for (g, x) in grad.iter_mut().zip(x) {
                    *g = lanes::map(*x, |x| -x);
                }
            }
            return out;
        }
        let (precision_v, norm) = (1.0 / (self.a * self.a), (self.a * TAU.sqrt()).ln());
        let slope = (self.dim - 1) as f64 * self.b;
        let precision = lanes::map(v, |v| (-2.0 * self.b * v).exp());
        // Zero children in the thinnest neck: 0 * inf is zero here, not NaN.
        let weighted = |p: f64, s: f64| if s == 0.0 { 0.0 } else { p * s };
        for l in 0..L {
            out[l] = -0.5 * (v[l] * v[l]) * precision_v
                - norm
                - 0.5 * weighted(precision[l], square[l])
                - slope * v[l];
        }
        if GRAD {
            for l in 0..L {
                grad[0][l] = -v[l] * precision_v + self.b * weighted(precision[l], square[l]) - slope;
            }
            for (g, x) in grad[1..].iter_mut().zip(children) {
                for l in 0..L {
                    g[l] = -weighted(precision[l], x[l]);
                }
            }
        }
        out
    }
}

impl Target for Funnel {
    lanes::evaluates!();

    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("v", &[]), Variable::new("x", &[self.dim - 1])]
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(x);
        if !self.centred {
            out[0] *= self.a;
            let scale = (self.b * out[0]).exp();
            out[1..].iter_mut().for_each(|v| *v *= scale);
        }
    }

    fn facts(&self) -> Facts {
        let (v, child) = if self.centred {
            (self.a * self.a, (2.0 * (self.a * self.b).powi(2)).exp())
        } else {
            (1.0, 1.0)
        };
        let mut variance = vec![child; self.dim];
        variance[0] = v;
        let log_evidence = if self.centred { 0.5 * (self.dim - 1) as f64 * TAU.ln() } else { 0.0 };
        Facts {
            mean: Some(vec![0.0; self.dim]),
            variance: Some(variance),
            log_evidence: Some(log_evidence),
            ..Facts::default()
        }
    }

    fn exact_sampler(&self) -> Option<&dyn ExactSampler> {
        Some(self)
    }
}

impl ExactSampler for Funnel {
    fn sample(&self, stream: &mut Stream, x: &mut [f64]) {
        stream.fill_normal(x);
        if self.centred {
            x[0] *= self.a;
            let scale = (self.b * x[0]).exp();
            x[1..].iter_mut().for_each(|v| *v *= scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    fn value(c: &FunnelConfig, x: &[f64]) -> f64 {
        let mut out = [0.0];
        c.build().unwrap().log_prob(Batch::new(x, x.len()), &mut out).unwrap();
        out[0]
    }

    #[test]
    fn the_normaliser_of_the_children_is_there() {
        // a = 2, b = 1/2, d = 3 at v = 1, x = 0: -1/8 - ln(2 sqrt(2 pi)) - 2 * 1/2.
        let c = FunnelConfig { dim: 3, ..Default::default() };
        let expected = -0.125 - (2.0 * TAU.sqrt()).ln() - 1.0;
        assert!((value(&c, &[1.0, 0.0, 0.0]) - expected).abs() < 1e-14);
    }

    #[test]
    fn published_variance_of_the_children() {
        let variance = FunnelConfig::default().build().unwrap().facts().variance.unwrap();
        assert!((variance[0] - 4.0).abs() < 1e-14 && (variance[5] - 7.389_056).abs() < 1e-6);
        // The funnel with 100 children: exp(2/4).
        let variance = Funnel101Config::default().build().unwrap().facts().variance.unwrap();
        assert_eq!(variance.len(), 101);
        assert!((variance[100] - 0.5f64.exp()).abs() < 1e-14);
    }

    #[test]
    fn both_parametrisations_report_the_same_law() {
        // The same normals give the same reported point.
        let build = |parametrisation| FunnelConfig { parametrisation, ..Default::default() }.build().unwrap();
        let reported = |f: Funnel| {
            let (mut x, mut out) = ([0.0; 10], [0.0; 10]);
            f.sample(&mut Stream::new(1, 0), &mut x);
            f.report(&x, &mut out);
            out
        };
        assert_eq!(reported(build(Parametrisation::Centred)), reported(build(Parametrisation::NonCentred)));
    }

    #[test]
    fn the_neck_and_the_mouth_are_not_nan() {
        let c = FunnelConfig { dim: 2, ..Default::default() };
        assert!(value(&c, &[-2000.0, 0.0]).is_finite());
        assert_eq!(value(&c, &[-2000.0, 1.0]), f64::NEG_INFINITY);
        assert!(value(&c, &[2000.0, 1e10]).is_finite());
    }

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(FunnelConfig { dim: 1, ..Default::default() }.check().unwrap_err().key, "dim");
        assert_eq!(FunnelConfig { a: -1.0, ..Default::default() }.check().unwrap_err().key, "a");
        assert_eq!(FunnelConfig { b: f64::INFINITY, ..Default::default() }.check().unwrap_err().key, "b");
    }
}
