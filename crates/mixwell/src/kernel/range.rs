//! Range checks of settings; each refuses NaN.

use crate::ConfigError;

/// A positive, finite number.
pub(crate) fn positive(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "it must be positive and finite"))
}

/// A number strictly between 0 and 1.
pub(crate) fn open_fraction(key: &str, value: f64) -> Result<(), ConfigError> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "it must lie strictly between 0 and 1"))
}

/// A finite number, zero or more.
pub(crate) fn not_negative(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "it must be finite and not negative"))
}

/// A count of at least `least`.
pub(crate) fn at_least(key: &str, value: usize, least: usize) -> Result<(), ConfigError> {
    if value >= least {
        return Ok(());
    }
    Err(ConfigError::new(key, value, format!("at least {least} is needed")))
}
