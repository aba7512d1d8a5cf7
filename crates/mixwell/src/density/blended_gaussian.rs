//! A fixed Gaussian of known quality: between the exact shape of an ill-conditioned Gaussian and a ball.
//!
//! `N(0, L_t L_t')`, `L_t = (1 - |t|) L + |t| s I`, `L` the Cholesky factor of the target's covariance; `s` is `narrow` for `t < 0`
//! (a map that misses mass) and `wide` for `t > 0` (one that covers too much); `t = 0` is exact. As an affine transport it
//! shows what each way of using an approximate map loses (Grenioux et al. 2023, the experiment on ill-conditioned Gaussians).

use serde::{Deserialize, Serialize};

use super::IllConditionedGaussianConfig;
use crate::ConfigError;
use crate::proposal::{Gaussian, Scale};
use crate::range::{positive, within};

/// Settings of a Gaussian between a target's shape and a ball.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlendedGaussianConfig {
    /// The Gaussian whose shape it has at `blend = 0`.
    pub like: IllConditionedGaussianConfig,
    /// Between -1 (the narrow ball) and 1 (the wide ball).
    pub blend: f64,
    /// Standard deviation of the narrow ball.
    pub narrow: f64,
    /// Standard deviation of the wide ball.
    pub wide: f64,
}

impl Default for BlendedGaussianConfig {
    fn default() -> Self {
        Self { like: IllConditionedGaussianConfig::default(), blend: 0.0, narrow: 0.1, wide: 10.0 }
    }
}

impl BlendedGaussianConfig {
    /// Refuses settings that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.like.check().map_err(|e| e.under("like"))?;
        within("blend", self.blend, -1.0, 1.0)?;
        positive("narrow", self.narrow)?;
        positive("wide", self.wide)
    }

    /// The Gaussian in `dim` dimensions, which must be those of `like`.
    pub fn build(&self, dim: usize) -> Result<Gaussian, ConfigError> {
        self.check()?;
        if self.like.dim != dim {
            let reason = format!("the target has {dim} coordinates");
            return Err(ConfigError::new("like.dim", self.like.dim, reason));
        }
        let covariance = self.like.build().map_err(|e| e.under("like"))?.covariance();
        let exact = Scale::from_covariance(&covariance, dim).ok_or_else(|| {
            ConfigError::new(
                "like",
                "not positive definite in double precision",
                "use a smaller range of scales",
            )
        })?;
        let ball = if self.blend < 0.0 { self.narrow } else { self.wide };
        let t = self.blend.abs();
        let mut column = vec![0.0; dim];
        let mut lower = vec![0.0; dim * dim];
        for j in 0..dim {
            // Column j of L is L e_j.
            let mut unit = vec![0.0; dim];
            unit[j] = 1.0;
            column.fill(0.0);
            exact.add(1.0 - t, &unit, &mut column);
            column[j] += t * ball;
            column.iter().enumerate().for_each(|(i, v)| lower[i * dim + j] = *v);
        }
        Ok(Gaussian::new(vec![0.0; dim], Scale::Dense { dim, lower }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(blend: f64) -> Vec<f64> {
        // Scales 0.1 and 10, turned by a quarter: the variances change places.
        let like = IllConditionedGaussianConfig {
            dim: 2,
            log10_scale_min: -1.0,
            log10_scale_max: 1.0,
            rotation: std::f64::consts::FRAC_PI_2,
        };
        let gaussian = BlendedGaussianConfig { like, blend, ..Default::default() }.build(2).unwrap();
        match gaussian.scale() {
            Scale::Dense { lower, .. } => lower.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_ends_are_balls_and_the_middle_is_exact() {
        for (blend, expected) in [
            (0.0, [10.0, 0.0, 0.0, 0.1]),
            (1.0, [10.0, 0.0, 0.0, 10.0]),
            (-1.0, [0.1, 0.0, 0.0, 0.1]),
            (0.5, [10.0, 0.0, 0.0, 5.05]),
        ] {
            for (found, expected) in lower(blend).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{blend}: {found} {expected}");
            }
        }
    }

    #[test]
    fn unusable_settings_are_named() {
        let key = |c: BlendedGaussianConfig| c.build(50).unwrap_err().key;
        let default = BlendedGaussianConfig::default();
        assert_eq!(key(BlendedGaussianConfig { blend: 1.5, ..default.clone() }), "blend");
        assert_eq!(key(BlendedGaussianConfig { blend: f64::NAN, ..default.clone() }), "blend");
        assert_eq!(key(BlendedGaussianConfig { wide: 0.0, ..default.clone() }), "wide");
        assert_eq!(default.build(2).unwrap_err().key, "like.dim");
    }
}
