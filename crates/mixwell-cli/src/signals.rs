//! Signals: the first request to end is for a clean one with a checkpoint, the second ends at once; a file that becomes
//! larger than a limit allows is an error of the write and not the end of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::message::tell;

/// A flag that is set when the run is to end at the next safe place.
pub fn interrupt_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    on_request(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
        tell("\nending at the next safe place; press Ctrl-C again to end at once");
    })?;
    Ok(flag)
}

#[cfg(unix)]
fn on_request(act: impl Fn() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut requests = vec![SIGINT, SIGTERM];
    // `nohup` has us ignore that the terminal goes away; a handler would undo it.
    if !is_ignored(SIGHUP) {
        requests.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(requests)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || signals.forever().for_each(|_| act()))?;
    Ok(())
}

#[cfg(not(unix))]
fn on_request(act: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(act)
}

/// Whether a signal is ignored now, where the system tells it without asking for it in C (Linux: a mask in hexadecimal
/// digits, signal 1 lowest).
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// With a limit on the size of files (`ulimit -f`) the write that exceeds it fails, and says so, instead of the process
/// being killed.
pub fn survive_size_limits() {
    #[cfg(unix)]
    {
        // A handler that does nothing of interest; where it cannot be set, all is as it was.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}
