//! Formats the time as text: `2026-03-01T12:00:00Z` (RFC 3339, UTC, whole seconds), for attributes and logs.
//!
//! Days are turned into dates with 400-year eras of 146 097 days that begin on 1 March, so that leap days come last.

use std::time::{SystemTime, UNIX_EPOCH};

/// `time` in UTC, e.g. `1970-01-01T00:00:00Z`. Times before 1970 are given as 1970.
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day, `days` after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let since_march_0 = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let (era, of_era) = (since_march_0 / 146_097, since_march_0 % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153; // months of 31, 30, 31, 30, 31 days make 153
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn known_instants() {
        // 951782400 = 29 February 2000, 0:00 UTC; 1e9 s and 2^31 s are well-known dates.
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
