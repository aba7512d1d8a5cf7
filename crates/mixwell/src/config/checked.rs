//! [`Checked`]: settings whose ranges have been checked, so that whoever is given them need not look again.

use crate::ConfigError;

/// Settings that passed their check. They can be read and not changed: [`Checked::into_inner`] gives them up to be changed,
/// and then to be checked again.
///
/// ```
/// use mixwell::sampler::RunConfig;
/// let config = RunConfig { chains: 4, ..RunConfig::default() }.checked()?;
/// assert_eq!(config.chains, 4);
/// assert!(RunConfig { chains: 0, ..config.into_inner() }.checked().is_err());
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    /// These settings, if `check` has nothing against them.
    pub(crate) fn new(
        settings: T,
        check: impl FnOnce(&T) -> Result<(), ConfigError>,
    ) -> Result<Self, ConfigError> {
        check(&settings)?;
        Ok(Self(settings))
    }

    /// The settings, to be changed.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
