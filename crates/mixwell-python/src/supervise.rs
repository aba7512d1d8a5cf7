//! Work on a thread of its own, while this one waits without the interpreter's lock, looks for Ctrl-C and tells of the progress.
//!
//! Python handles signals on its main thread only, which is the one that waits here. The working thread is known to the interpreter from beginning to end, so that
//! a call from it need not be registered each time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::prelude::*;

/// How often this thread looks up.
const LOOK: Duration = Duration::from_millis(50);

/// The result of `work`, and the exception because of which it was asked to end early by setting `interrupt`. `tell` is called now and then.
pub fn supervise<R: Send + 'static>(
    py: Python<'_>,
    interrupt: &AtomicBool,
    tell: &dyn Fn(Python<'_>) -> PyResult<()>,
    work: impl FnOnce() -> R + Send + 'static,
) -> PyResult<(R, Option<PyErr>)> {
    let (ended, end) = channel();
    let worker = std::thread::Builder::new().name("mixwell".into()).spawn(move || {
        Python::attach(|py| {
            py.detach(|| {
                let result = work();
                // Nobody waits any more where this fails.
                let _ = ended.send(());
                result
            })
        })
    })?;
    let mut stopped = None;
    let mut end = Some(end);
    while let Some(waiting) = end.take() {
        // A receiver cannot be shared, so it goes and comes back.
        let (waiting, state) = py.detach(move || {
            let state = waiting.recv_timeout(LOOK);
            (waiting, state)
        });
        if state == Err(RecvTimeoutError::Timeout) {
            end = Some(waiting);
        }
        let told = py.check_signals().and_then(|()| tell(py));
        if let (Err(error), None) = (told, &stopped) {
            interrupt.store(true, Ordering::Relaxed);
            stopped = Some(error);
        }
    }
    let result = py.detach(|| worker.join());
    match result {
        Ok(result) => Ok((result, stopped)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
