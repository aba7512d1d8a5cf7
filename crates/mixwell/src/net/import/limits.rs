//! How much a file may make the reader hold, whatever it says of itself.

use super::ImportError;

/// Most bytes that are held for a file, and how deep and how many its parts may be.
///
/// The reader holds the file itself, what was inflated (at most [`inflated`](Self::inflated) bytes), the arrays (at most
/// [`arrays`](Self::arrays) bytes), and at most about 100 bytes for each of [`steps`](Self::steps) steps of a pickle, or parts of a
/// graph. Where weights of a graph are turned or scaled, they are held twice for a moment; a network that is built of a file
/// ([`Network::read`](crate::net::Network::read)) takes at most as much as arrays may, once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// Bytes of the largest file that is read.
    pub file: u64,
    /// Bytes of all compressed entries together after they were inflated.
    pub inflated: u64,
    /// Bytes of all arrays together, as they lie in memory. Arrays that share a storage in the file do not share it here.
    pub arrays: u64,
    /// Number of arrays, and of values that are no arrays.
    pub count: usize,
    /// Depth of dictionaries and lists within one another.
    pub depth: usize,
    /// Steps of a pickle.
    pub steps: usize,
}

impl ImportLimits {
    /// What a file of this many bytes may take: 16 times its size and 64 MiB inflated; arrays of four times its size and 256 MiB.
    pub fn for_file(bytes: u64) -> Self {
        Self {
            file: 8 << 30,
            inflated: bytes.saturating_mul(16).saturating_add(64 << 20),
            arrays: bytes.saturating_mul(4).saturating_add(256 << 20),
            count: 1 << 16,
            depth: 64,
            steps: 1 << 21,
        }
    }
}

/// What is left of a number of bytes.
#[derive(Debug)]
pub(super) struct Budget {
    what: &'static str,
    most: u64,
    left: u64,
}

impl Budget {
    pub(super) fn new(what: &'static str, most: u64) -> Self {
        Self { what, most, left: most }
    }

    /// Takes this many bytes from it, or says that the file needs too many.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), ImportError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.exceeded()),
        }
    }

    /// Bytes that may still be taken.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn exceeded(&self) -> ImportError {
        ImportError::Limit { what: self.what, most: self.most }
    }
}
