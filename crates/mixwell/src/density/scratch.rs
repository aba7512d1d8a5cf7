//! Working memory of a point evaluation: on the stack for small targets, the thread's reusable buffers for others.

use crate::scratch::scratch;

/// Calls `f` with `n` zeros.
#[inline]
pub(crate) fn with_scratch<R>(n: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
    const SMALL: usize = 64;
    if n <= SMALL {
        f(&mut [0.0; SMALL][..n])
    } else {
        let mut buffer = scratch(n);
        buffer.fill(0.0);
        f(&mut buffer)
    }
}
