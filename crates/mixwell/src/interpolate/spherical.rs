//! Spherical interpolation: `slerp(a, b; t) = sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b`, `w` the angle between `a` and `b`.
//!
//! Standard normal latents in many dimensions lie near a sphere; a straight line between two of them leaves it, this arc does
//! not. Where `sin w < 1e-6` (the same direction, opposite ones, or a zero vector) the line is used instead.
//! Reference: Shoemake, SIGGRAPH 1985.

use crate::footprint::{Footprint, numbers};
use crate::{ConfigError, Points};

/// Below this sine of the angle the arc is not defined well enough.
const SMALLEST_SINE: f64 = 1e-6;

/// Writes the point at share `t` of the way from `a` to `b`.
///
/// # Panics
/// When lengths differ.
pub fn slerp(a: &[f64], b: &[f64], t: f64, out: &mut [f64]) {
    assert!(a.len() == b.len() && a.len() == out.len(), "points of different dimensions");
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let sine = angle.sin();
    let (from, to) = if sine >= SMALLEST_SINE {
        (((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine)
    } else {
        (1.0 - t, t)
    };
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = from * a + to * b;
    }
}

/// `n` points from `a` to `b`, both ends included, one per row.
///
/// # Errors
/// When the ends have different dimensions, or fewer than two points are asked for, or more than fit into memory.
///
/// ```
/// let arc = mixwell::interpolate::spherical(&[1.0, 0.0], &[0.0, 1.0], 3)?;
/// assert!((arc.row(1)[0] - 0.5f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
pub fn spherical(a: &[f64], b: &[f64], n: usize) -> Result<Points, ConfigError> {
    if a.is_empty() || a.len() != b.len() {
        let found = format!("{} and {} coordinates", a.len(), b.len());
        return Err(ConfigError::new("ends", found, "both ends need the same number of coordinates"));
    }
    if n < 2 {
        return Err(ConfigError::new("n", n, "a path has at least its two ends"));
    }
    let mut memory = Footprint::default();
    memory.hold(numbers(&[n, a.len()]), &[("n", n)]);
    memory.check()?;
    let mut path = Points::zeros(n, a.len());
    for i in 0..n {
        slerp(a, b, i as f64 / (n - 1) as f64, path.row_mut(i));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_that_do_not_fit_are_refused() {
        for n in [1 << 50, usize::MAX] {
            assert_eq!(spherical(&[1.0, 0.0], &[0.0, 1.0], n).unwrap_err().key, "n");
        }
    }

    #[test]
    fn the_arc_stays_on_the_sphere_and_moves_evenly() {
        // Radius 2, angle 2 pi / 3: each of the three parts turns by 2 pi / 9.
        let end = [2.0 * (std::f64::consts::TAU / 3.0).cos(), 2.0 * (std::f64::consts::TAU / 3.0).sin()];
        let arc = spherical(&[2.0, 0.0], &end, 4).unwrap();
        for (i, p) in arc.as_batch().iter().enumerate() {
            let angle = i as f64 * std::f64::consts::TAU / 9.0;
            assert!((p[0] - 2.0 * angle.cos()).abs() < 1e-14 && (p[1] - 2.0 * angle.sin()).abs() < 1e-14);
        }
    }

    #[test]
    fn degenerate_angles_give_the_line() {
        let mut out = [0.0; 2];
        slerp(&[1.0, 1.0], &[3.0, 3.0], 0.25, &mut out);
        assert_eq!(out, [1.5, 1.5]);
        slerp(&[1.0, 0.0], &[-1.0, 0.0], 0.5, &mut out);
        assert_eq!(out, [0.0, 0.0]);
        slerp(&[0.0, 0.0], &[2.0, 4.0], 0.5, &mut out);
        assert_eq!(out, [1.0, 2.0]);
        // Just above the threshold the two agree.
        slerp(&[1.0, 0.0], &[2e-6f64.cos(), 2e-6f64.sin()], 0.5, &mut out);
        assert!((out[0] - 1.0).abs() < 1e-11 && (out[1] - 1e-6).abs() < 1e-11);
    }

    #[test]
    fn unusable_ends_are_refused() {
        assert_eq!(spherical(&[1.0], &[1.0, 2.0], 3).unwrap_err().key, "ends");
        assert_eq!(spherical(&[1.0], &[2.0], 1).unwrap_err().key, "n");
    }
}
