//! Prior laws of one number, log-densities without constants.
//!
//! `Normal -t^2/2`, `StudentT -(nu + 1)/2 ln(1 + t^2/nu)`, `t = (x - centre)/scale`; `Gamma (shape - 1) ln x - rate x`.
//! On a positive number the first two are the half-normal and half-t laws: cutting a law changes constants only.

/// A prior law of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Prior {
    /// Every value alike.
    #[default]
    Flat,
    /// The normal law.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        scale: f64,
    },
    /// Student's t law; one degree of freedom is the Cauchy law.
    StudentT {
        /// Degrees of freedom.
        freedom: f64,
        /// Its centre.
        centre: f64,
        /// Its scale.
        scale: f64,
    },
    /// The gamma law, on positive numbers.
    Gamma {
        /// Its shape.
        shape: f64,
        /// Its rate: mean `shape / rate`.
        rate: f64,
    },
}

impl Prior {
    /// `N(0, scale^2)`.
    pub const fn normal(scale: f64) -> Self {
        Self::Normal { mean: 0.0, scale }
    }

    /// The Cauchy law around zero.
    pub const fn cauchy(scale: f64) -> Self {
        Self::StudentT { freedom: 1.0, centre: 0.0, scale }
    }

    /// Log-density at `x`, and its derivative.
    #[inline]
    pub fn log_prob_and_slope(&self, x: f64) -> (f64, f64) {
        match *self {
            Self::Flat => (0.0, 0.0),
            Self::Normal { mean, scale } => {
                let t = (x - mean) / scale;
                (-0.5 * t * t, -t / scale)
            }
            Self::StudentT { freedom, centre, scale } => {
                let t = (x - centre) / scale;
                // Written so that an overflowing square leaves the slope finite.
                let slope = -(freedom + 1.0) / ((freedom / t + t) * scale);
                (-0.5 * (freedom + 1.0) * (t * t / freedom).ln_1p(), slope)
            }
            Self::Gamma { shape, rate } => ((shape - 1.0) * x.ln() - rate * x, (shape - 1.0) / x - rate),
        }
    }

    /// The same for several independent numbers: adds the slopes to `grad` where there is one, returns the sum.
    #[inline]
    pub(crate) fn add(&self, x: &[f64], grad: Option<&mut [f64]>) -> f64 {
        match grad {
            None => x.iter().map(|x| self.log_prob_and_slope(*x).0).sum(),
            Some(grad) => x
                .iter()
                .zip(grad)
                .map(|(x, g)| {
                    let (value, slope) = self.log_prob_and_slope(*x);
                    *g += slope;
                    value
                })
                .sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_slopes_of_each_law() {
        // Normal(1, 2) at 2: t = 1/2. Student t of 3 around 1, scale 2, at 3: t = 1, -2 ln(4/3), slope -4 / (4 * 2).
        assert_eq!(Prior::Normal { mean: 1.0, scale: 2.0 }.log_prob_and_slope(2.0), (-0.125, -0.25));
        let t = Prior::StudentT { freedom: 3.0, centre: 1.0, scale: 2.0 };
        let (value, slope) = t.log_prob_and_slope(3.0);
        assert!((value + 2.0 * (4.0f64 / 3.0).ln()).abs() < 1e-15 && slope == -0.5);
        assert_eq!(t.log_prob_and_slope(1.0), (0.0, -0.0));
        // Gamma(3, 2) at 1: -2, slope 2 - 2.
        assert_eq!(Prior::Gamma { shape: 3.0, rate: 2.0 }.log_prob_and_slope(1.0), (-2.0, 0.0));
        assert_eq!(Prior::Flat.log_prob_and_slope(7.0), (0.0, 0.0));
    }

    #[test]
    fn far_tails_have_no_nan() {
        for prior in [Prior::normal(0.1), Prior::cauchy(0.1), Prior::Gamma { shape: 25.0, rate: 4.0 }] {
            let (value, slope) = prior.log_prob_and_slope(f64::MAX);
            assert!(!value.is_nan() && !slope.is_nan(), "{prior:?}: {value} {slope}");
        }
    }
}
