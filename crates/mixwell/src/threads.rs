//! A computation on a number of threads of its own, instead of the process-wide pool.

use crate::{ConfigError, range};

/// Most threads of a pool: beyond it a number is a slip of the keyboard, and the system would try for long.
const MOST_THREADS: usize = 4096;

/// Runs `f` on `threads` threads; without a number, on the process-wide pool. Results of this library do not depend on it.
///
/// ```
/// assert_eq!(mixwell::on_threads(Some(2), || 1 + 1)?, 2);
/// assert!(mixwell::on_threads(Some(0), || ()).is_err());
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
///
/// # Errors
/// When the number is zero, or the system refuses to make so many.
pub fn on_threads<R: Send>(threads: Option<usize>, f: impl FnOnce() -> R + Send) -> Result<R, ConfigError> {
    match threads {
        None => Ok(f()),
        Some(n) => {
            range::at_least("threads", n, 1)?;
            range::at_most("threads", n, MOST_THREADS)?;
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
            let pool = pool.map_err(|e| ConfigError::new("threads", n, e.to_string()))?;
            Ok(pool.install(f))
        }
    }
}
