//! Range checks of settings, used everywhere. Each error names the setting, its value and what is allowed; every check refuses NaN.

use std::fmt::Display;

use crate::ConfigError;

/// Most coordinates of a built-in target: far beyond what any kernel here handles; more is a slip of the keyboard.
const MOST_COORDINATES: usize = 1_000_000;

/// `Ok` if the value is allowed, the error that says what would be allowed otherwise.
fn allow(yes: bool, key: &str, value: impl Display, allowed: impl Into<String>) -> Result<(), ConfigError> {
    if yes { Ok(()) } else { Err(ConfigError::new(key, value, allowed)) }
}

/// A finite number.
pub(crate) fn finite(key: &str, value: f64) -> Result<(), ConfigError> {
    allow(value.is_finite(), key, value, "it must be finite")
}

/// A positive, finite number.
pub(crate) fn positive(key: &str, value: f64) -> Result<(), ConfigError> {
    allow(value.is_finite() && value > 0.0, key, value, "it must be positive and finite")
}

/// A positive number of at most `most`.
pub(crate) fn positive_up_to(key: &str, value: f64, most: f64) -> Result<(), ConfigError> {
    allow(value > 0.0 && value <= most, key, value, format!("it must be positive and at most {most}"))
}

/// A finite number, zero or more.
pub(crate) fn not_negative(key: &str, value: f64) -> Result<(), ConfigError> {
    allow(value.is_finite() && value >= 0.0, key, value, "it must be finite and not negative")
}

/// A finite number above `low`.
pub(crate) fn above(key: &str, value: f64, low: f64) -> Result<(), ConfigError> {
    allow(value.is_finite() && value > low, key, value, format!("it must be above {low} and finite"))
}

/// A bar that measurements are held against: zero or more, infinity (never crossed) included.
pub(crate) fn bar(key: &str, value: f64) -> Result<(), ConfigError> {
    allow(value >= 0.0, key, value, "it must be zero or more (`inf` for no bar)")
}

/// A share: from 0 to 1, both included.
pub(crate) fn share(key: &str, value: f64) -> Result<(), ConfigError> {
    within(key, value, 0.0, 1.0)
}

/// A share that is neither 0 nor 1.
pub(crate) fn open_share(key: &str, value: f64) -> Result<(), ConfigError> {
    allow(value > 0.0 && value < 1.0, key, value, "it must lie strictly between 0 and 1")
}

/// A share that is not 1.
pub(crate) fn below_one(key: &str, value: f64) -> Result<(), ConfigError> {
    allow((0.0..1.0).contains(&value), key, value, "it must be at least 0 and below 1")
}

/// A number or a count from `low` to `high`, both included.
pub(crate) fn within<T: PartialOrd + Display>(
    key: &str,
    value: T,
    low: T,
    high: T,
) -> Result<(), ConfigError> {
    let allowed = format!("it must lie between {low} and {high}");
    allow(value >= low && value <= high, key, value, allowed)
}

/// A count of at least `least`.
pub(crate) fn at_least<T: PartialOrd + Display + From<u8>>(
    key: &str,
    value: T,
    least: T,
) -> Result<(), ConfigError> {
    let verb = if least > T::from(1) { "are" } else { "is" };
    let allowed = format!("at least {least} {verb} needed");
    allow(value >= least, key, value, allowed)
}

/// A count of at most `most`.
pub(crate) fn at_most(key: &str, value: usize, most: usize) -> Result<(), ConfigError> {
    allow(value <= most, key, value, format!("at most {most} are possible"))
}

/// The number of coordinates of a built-in target, at least `least`.
pub(crate) fn dim(dim: usize, least: usize) -> Result<(), ConfigError> {
    within("dim", dim, least, MOST_COORDINATES)
}

/// Finite numbers, at least one of them.
pub(crate) fn vector(key: &str, values: &[f64]) -> Result<(), ConfigError> {
    allow(!values.is_empty(), key, "empty", "at least one number is needed")?;
    values.iter().enumerate().try_for_each(|(i, v)| finite(&format!("{key}[{i}]"), *v))
}

/// Finite numbers in `dim` rows of `dim` numbers.
pub(crate) fn square(key: &str, rows: &[Vec<f64>], dim: usize) -> Result<(), ConfigError> {
    allow(rows.len() == dim, key, format!("{} rows", rows.len()), format!("{dim} rows are needed"))?;
    for (i, row) in rows.iter().enumerate() {
        let key = format!("{key}[{i}]");
        allow(row.len() == dim, &key, format!("{} numbers", row.len()), format!("{dim} are needed"))?;
        vector(&key, row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_takes_its_ends_and_refuses_nan() {
        let inf = f64::INFINITY;
        type Check = fn(f64) -> Result<(), ConfigError>;
        let checks: [(Check, &[f64], &[f64]); 10] = [
            (|v| finite("k", v), &[-1.0, 0.0], &[inf, -inf]),
            (|v| positive("k", v), &[1e-300], &[0.0, -1.0, inf]),
            (|v| positive_up_to("k", v, 2.0), &[1e-300, 2.0], &[0.0, 2.1, inf]),
            (|v| not_negative("k", v), &[0.0, 1.0], &[-1e-300, inf]),
            (|v| above("k", v, 1.0), &[1.1], &[1.0, inf]),
            (|v| bar("k", v), &[0.0, inf], &[-1.0]),
            (|v| share("k", v), &[0.0, 1.0], &[-0.1, 1.1]),
            (|v| open_share("k", v), &[0.5], &[0.0, 1.0]),
            (|v| below_one("k", v), &[0.0], &[-0.1, 1.0]),
            (|v| within("k", v, -6.0, 6.0), &[-6.0, 6.0], &[-6.1, 6.1]),
        ];
        for (i, (check, good, bad)) in checks.into_iter().enumerate() {
            assert!(good.iter().all(|v| check(*v).is_ok()), "{i}");
            assert!(bad.iter().chain(&[f64::NAN]).all(|v| check(*v).is_err()), "{i}");
        }
    }

    #[test]
    fn an_error_names_the_setting_the_value_and_what_is_allowed() {
        let text = |e: Result<(), ConfigError>| e.unwrap_err().to_string();
        assert_eq!(text(at_least("chains", 0, 1)), "`chains` is 0, but at least 1 is needed");
        assert_eq!(text(at_least("n", 1, 2)), "`n` is 1, but at least 2 are needed");
        assert_eq!(text(at_most("n", 3, 2)), "`n` is 3, but at most 2 are possible");
        assert_eq!(text(dim(0, 1)), "`dim` is 0, but it must lie between 1 and 1000000");
        assert_eq!(text(vector("m", &[])), "`m` is empty, but at least one number is needed");
        assert_eq!(text(vector("m", &[0.0, f64::NAN])), "`m[1]` is NaN, but it must be finite");
        assert_eq!(text(square("c", &[vec![1.0]], 2)), "`c` is 1 rows, but 2 rows are needed");
        assert_eq!(text(square("c", &[vec![]], 1)), "`c[0]` is 0 numbers, but 1 are needed");
    }
}
