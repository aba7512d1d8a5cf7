//! Buffers that each thread reuses, so that a step stops allocating after it has run a few times.
//!
//! A buffer has arbitrary contents when it is handed out: the borrower writes before it reads, so no result depends on
//! what another block left behind.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Buffers above this many numbers go back to the allocator.
const KEEP: usize = 1 << 22;

thread_local! {
    static FREE: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer on loan from the thread; it goes back when dropped.
pub(crate) struct Scratch(Vec<f64>);

/// Lends `len` numbers of any value.
pub(crate) fn scratch(len: usize) -> Scratch {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.resize(len, 0.0);
    Scratch(buffer)
}

impl Deref for Scratch {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() <= KEEP {
            // The thread's storage may be gone already while the thread ends.
            let _ = FREE.try_with(|free| free.borrow_mut().push(buffer));
        }
    }
}
