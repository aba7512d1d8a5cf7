//! How many bytes a run or an estimate will hold, computed before anything is allocated.
//!
//! Each part states its size next to its code (`bytes` of an ensemble, a pool, a workspace ..). Here the sizes are added up, with
//! sums and products that saturate instead of wrapping, and compared with the memory that is free. Parts are held
//! at the same time; moments (a checkpoint, a training call, the summary) come one after the other, so only the largest
//! counts. What costs only time is limited by [`MOST_COUNT`].

use crate::ConfigError;

/// Most steps, draws or rounds of anything: a program that makes a million of them a second runs for two weeks. With it,
/// products with other sizes stay within 64 bits.
pub(crate) const MOST_COUNT: usize = 1_000_000_000_000;

/// Bytes of a batch of `f64` with these sides; `u64::MAX` when there is no such number.
pub(crate) fn numbers(sides: &[usize]) -> u64 {
    bytes(8, sides)
}

/// Bytes of a batch of elements of `size` bytes with these sides; `u64::MAX` when there is no such number.
pub(crate) fn bytes(size: usize, sides: &[usize]) -> u64 {
    sides.iter().fold(size as u64, |product, side| product.saturating_mul(*side as u64))
}

/// What one part takes, and the settings that it grows with.
#[derive(Clone, Debug)]
struct Part {
    bytes: u64,
    settings: Vec<(String, usize)>,
}

/// Parts that are held together, and moments of which one at a time comes on top.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprint {
    held: Vec<Part>,
    moments: Vec<Part>,
}

impl Footprint {
    /// Adds what is held all the time; `settings` are those it grows with, with their values.
    pub fn hold(&mut self, bytes: u64, settings: &[(&str, usize)]) {
        self.held.push(part(bytes, settings));
    }

    /// Adds what is needed for a moment.
    pub fn pass(&mut self, bytes: u64, settings: &[(&str, usize)]) {
        self.moments.push(part(bytes, settings));
    }

    /// Bytes at the worst moment.
    pub fn total(&self) -> u64 {
        let moment = self.moments.iter().map(|p| p.bytes).max().unwrap_or(0);
        self.held.iter().fold(moment, |sum, p| sum.saturating_add(p.bytes))
    }

    /// Refuses what does not fit into the memory that is free; the error names the setting that asks for most of it.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.fits(free_memory())
    }

    fn fits(&self, free: u64) -> Result<(), ConfigError> {
        let total = self.total();
        if total <= free {
            return Ok(());
        }
        let largest = self.held.iter().chain(&self.moments).max_by_key(|p| p.bytes);
        let setting = largest.and_then(|p| p.settings.iter().max_by_key(|(_, value)| *value));
        let (key, value) = setting.cloned().unwrap_or_default();
        let (wanted, free) = (readable(total), readable(free));
        Err(ConfigError::new(
            key,
            value,
            format!("that takes {wanted} of memory and {free} are free; use less"),
        ))
    }
}

fn part(bytes: u64, settings: &[(&str, usize)]) -> Part {
    Part { bytes, settings: settings.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect() }
}

/// A number of bytes for people.
pub(crate) fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if bytes == u64::MAX { "more than 16 EiB".into() } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Where the system does not tell what is free: no computer of today has more.
const MOST_MEMORY: u64 = 1 << 42;

/// Bytes of memory that this process can still get: what the system has left, or its control group if that is less. On
/// systems without `/proc/meminfo`, 4 TiB.
pub(crate) fn free_memory() -> u64 {
    let system = read_kib("/proc/meminfo", "MemAvailable:").unwrap_or(MOST_MEMORY);
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = |limit: &str, used: &str| number(limit)?.checked_sub(number(used)?);
    let second = group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    let first = || {
        group("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes")
    };
    second.or_else(first).map_or(system, |group| group.min(system))
}

/// Bytes that this process holds now, and the most that it ever held; `None` where the system does not tell.
pub(crate) fn resident() -> Option<(u64, u64)> {
    Some((read_kib("/proc/self/status", "VmRSS:")?, read_kib("/proc/self/status", "VmHWM:")?))
}

/// The number after `key` in a file of lines `key number kB`, in bytes.
fn read_kib(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_stop_instead_of_wrapping() {
        assert_eq!(numbers(&[2, 3]), 48);
        assert_eq!(numbers(&[usize::MAX, usize::MAX, 3]), u64::MAX);
        let mut all = Footprint::default();
        all.hold(u64::MAX, &[("chains", usize::MAX)]);
        all.hold(7, &[]);
        all.pass(9, &[]);
        assert_eq!(all.total(), u64::MAX);
    }

    #[test]
    fn of_moments_only_the_largest_counts() {
        let mut all = Footprint::default();
        all.hold(5, &[]);
        all.pass(2, &[]);
        all.pass(3, &[]);
        assert_eq!(all.total(), 8);
    }

    #[test]
    fn what_does_not_fit_names_the_setting_and_both_sizes() {
        let mut all = Footprint::default();
        all.hold(numbers(&[3_000_000, 1000]), &[("chains", 3_000_000), ("draws", 1000)]);
        all.hold(4096, &[("training.batch", 1 << 40)]);
        let e = all.fits(1 << 30).unwrap_err();
        assert_eq!((e.key.as_str(), e.value.as_str()), ("chains", "3000000"));
        assert!(e.reason.contains("22.4 GiB") && e.reason.contains("1.0 GiB are free"), "{e}");
        all.fits(u64::MAX).unwrap();
    }
}
