//! `calibration.json`: a calibrator, what it did for held-out points, and which networks it belongs to.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{CalibrationFileError, CalibrationMeasures, Calibrator, ReliabilityTable};
use crate::io::{IoError, atomic_write, read_text};
use crate::{ConfigError, range};

/// The version of the format.
const FORMAT: u32 = 1;
/// Largest file that is read: some million scores.
const FILE_BYTES: u64 = 64 << 20;
/// Digits of a SHA-256.
const DIGITS: usize = 64;

/// A calibrator as it is stored, with where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFile {
    /// The version of the format.
    format: u32,
    /// The map from scores to log-ratios.
    pub calibrator: Calibrator,
    /// Measures of the scores as they were, on the half that nothing was fitted to.
    pub before: CalibrationMeasures,
    /// Measures of what the calibrator makes of them, on the same half.
    pub after: CalibrationMeasures,
    /// Shares in intervals of the probability before, on the same half.
    pub reliability_before: ReliabilityTable,
    /// Shares after.
    pub reliability_after: ReliabilityTable,
    /// Scores of the held-out real points, not calibrated: where chains of MH-GAN start.
    pub real_scores: Vec<f64>,
    /// SHA-256 of the generator's file in hexadecimal digits.
    pub generator_sha256: String,
    /// SHA-256 of the discriminator's.
    pub discriminator_sha256: String,
}

impl CalibrationFile {
    /// The usual name.
    pub const NAME: &'static str = "calibration.json";
    /// Intervals of its tables.
    pub const BINS: usize = 20;

    /// Measures a calibrator on held-out scores, for the networks of these hashes.
    ///
    /// # Errors
    /// When a number cannot be used.
    pub fn new(
        calibrator: Calibrator,
        held_out: super::Scores<'_>,
        generator_sha256: impl Into<String>,
        discriminator_sha256: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        let raw = Calibrator::Raw {};
        let file = Self {
            format: FORMAT,
            before: CalibrationMeasures::of(&raw, held_out),
            after: CalibrationMeasures::of(&calibrator, held_out),
            reliability_before: ReliabilityTable::of(&raw, held_out, Self::BINS)?,
            reliability_after: ReliabilityTable::of(&calibrator, held_out, Self::BINS)?,
            real_scores: held_out.real().to_vec(),
            calibrator,
            generator_sha256: generator_sha256.into(),
            discriminator_sha256: discriminator_sha256.into(),
        };
        file.check()?;
        Ok(file)
    }

    /// Checks every number that is used later.
    fn check(&self) -> Result<(), ConfigError> {
        self.calibrator.check().map_err(|e| e.under("calibrator"))?;
        range::vector("real_scores", &self.real_scores)?;
        for (key, hash) in [
            ("generator_sha256", &self.generator_sha256),
            ("discriminator_sha256", &self.discriminator_sha256),
        ] {
            if hash.len() != DIGITS || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(ConfigError::new(key, format!("{hash:?}"), "it must be 64 hexadecimal digits"));
            }
        }
        Ok(())
    }

    /// Reads a file, and checks it.
    ///
    /// # Errors
    /// When it cannot be read, has more than 64 MiB, is not of this format, or holds numbers that cannot be used.
    pub fn read(path: &Path) -> Result<Self, CalibrationFileError> {
        let text = read_text(path, FILE_BYTES).map_err(IoError::file("read", path))?;
        let damaged = |reason| CalibrationFileError::Damaged { path: path.into(), reason };
        let file: Self =
            serde_json::from_str(&text).map_err(|e| damaged(crate::error::shortened(&e.to_string(), 200)))?;
        if file.format != FORMAT {
            return Err(damaged(format!("it has format {}, and this version reads {FORMAT}", file.format)));
        }
        file.check().map_err(|error| CalibrationFileError::Unusable { path: path.into(), error })?;
        Ok(file)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), IoError> {
        atomic_write(path, self.to_json().as_bytes())
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a calibration is plain data") + "\n"
    }

    /// Checks that it was made with the networks of these hashes; `path` is where it was read from.
    ///
    /// # Errors
    /// Names the network that is another.
    pub fn belongs_to(
        &self,
        path: &Path,
        generator_sha256: &str,
        discriminator_sha256: &str,
    ) -> Result<(), CalibrationFileError> {
        for (network, expected, found) in [
            ("generator", &self.generator_sha256, generator_sha256),
            ("discriminator", &self.discriminator_sha256, discriminator_sha256),
        ] {
            if !expected.eq_ignore_ascii_case(found) {
                return Err(CalibrationFileError::OtherNetwork {
                    path: path.into(),
                    network,
                    expected: expected.clone(),
                    found: found.into(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CalibratorKind, Scores};
    use super::*;

    fn file() -> CalibrationFile {
        let (real, generated) = ([0.5, 2.0, -1.0, 3.0], [0.0, -2.0, 1.0, -3.0]);
        let c = Calibrator::fit(&real, &generated, CalibratorKind::Logistic).unwrap();
        let held_out = Scores::new(&real, &generated).unwrap();
        CalibrationFile::new(c, held_out, "a".repeat(64), "0".repeat(64)).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CalibrationFile::NAME);
        file().write(&path).unwrap();
        let back = CalibrationFile::read(&path).unwrap();
        assert_eq!(back, file());
        back.belongs_to(&path, &"A".repeat(64), &"0".repeat(64)).unwrap();
        let other = back.belongs_to(&path, &"a".repeat(64), &"1".repeat(64)).unwrap_err().to_string();
        assert!(other.contains("another discriminator"), "{other}");
    }

    #[test]
    fn what_is_damaged_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        let good = file().to_json();
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            CalibrationFile::read(&path).unwrap_err().to_string()
        };
        assert!(refused("").contains("no file of calibration"));
        assert!(refused(&good.replace("\"format\": 1", "\"format\": 2")).contains("format 2"));
        assert!(refused(&good.replace("real_scores", "real_scored")).contains("real_scored"));
        assert!(refused(&good.replace(&"a".repeat(64), "../../secret")).contains("hexadecimal"));
        assert!(refused(&good.replace("logistic", "fancy")).contains("fancy"));
        let mut none = file();
        none.real_scores.clear();
        assert!(refused(&none.to_json()).contains("real_scores"));
        let at = good.find("\"a\":").unwrap();
        let end = at + good[at..].find(',').unwrap();
        assert!(refused(&good.replace(&good[at..end], "\"a\": 1e999")).contains("out of range"));
        let long = format!("{{\"{}\": 1}}", "x".repeat(100_000));
        assert!(refused(&long).len() < 1000);
        assert!(
            CalibrationFile::read(&folder.path().join("none"))
                .unwrap_err()
                .to_string()
                .contains("check the path")
        );
        #[cfg(unix)]
        assert!(CalibrationFile::read(Path::new("/dev/zero")).unwrap_err().to_string().contains("64 MiB"));
    }
}
