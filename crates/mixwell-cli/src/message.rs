//! Lines on standard error. A reader that has gone away (`mixwell run .. 2>&1 | head`) must not end a run.

use std::io::Write;

/// Writes a line to standard error, if it can be written.
pub fn tell(text: &str) {
    // There is nowhere left to complain to.
    let _ = writeln!(std::io::stderr(), "{text}");
}
