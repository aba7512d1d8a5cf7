//! The error of a setting that cannot be used; every other error lives beside what raises it.

/// A setting that cannot be used: which one, what it is, and what would be accepted.
///
/// ```
/// let e = mixwell::ConfigError::new("kernel.step_size", -0.1, "a step size must be positive and finite");
/// assert_eq!(e.to_string(), "`kernel.step_size` is -0.1, but a step size must be positive and finite");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {value}, but {reason}")]
pub struct ConfigError {
    /// The setting, as it is written in a config file.
    pub key: String,
    /// The value that was given.
    pub value: String,
    /// Why it cannot be used, and what can.
    pub reason: String,
}

impl ConfigError {
    /// An error about `key`, whose value is `value`.
    pub fn new(key: impl Into<String>, value: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), reason: reason.into() }
    }

    /// The same error with the setting's name put under a table: `step_size` becomes `kernel.step_size`.
    pub fn under(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}
