//! Fourier transforms of the sizes `base * 4^exponent`: how long to pad, and the plan.
//!
//! The transform is `X_k = sum_j x_j exp(-2 pi i j k / n)`, not normalised. Named algorithms instead of rustfft's planner,
//! which would bring code for every size and instruction set there is, a fifth of the library.

use std::sync::Arc;

use rustfft::algorithm::Radix4;
use rustfft::algorithm::butterflies::{
    Butterfly1, Butterfly2, Butterfly3, Butterfly4, Butterfly6, Butterfly8, Butterfly12, Butterfly16,
    Butterfly24,
};
use rustfft::{Fft, FftDirection};

/// Base and exponent of the smallest size `base * 4^exponent >= n`; the largest such base.
fn shape(n: usize) -> (usize, u32) {
    let sizes = [24, 16, 12, 8, 6, 4, 3, 2, 1].into_iter().map(|base| {
        let mut exponent = 0;
        while base << (2 * exponent) < n {
            exponent += 1;
        }
        (base, exponent)
    });
    sizes.min_by_key(|(base, exponent)| base << (2 * exponent)).unwrap_or((1, 0))
}

/// The smallest size that can be transformed and is at least `n`: at most half as much again.
pub(crate) fn size(n: usize) -> usize {
    let (base, exponent) = shape(n);
    base << (2 * exponent)
}

/// The transform of `size(n)` numbers.
pub(crate) fn plan(n: usize) -> Radix4<f64> {
    let direction = FftDirection::Forward;
    let (base, exponent) = shape(n);
    let base: Arc<dyn Fft<f64>> = match base {
        1 => Arc::new(Butterfly1::new(direction)),
        2 => Arc::new(Butterfly2::new(direction)),
        3 => Arc::new(Butterfly3::new(direction)),
        4 => Arc::new(Butterfly4::new(direction)),
        6 => Arc::new(Butterfly6::new(direction)),
        8 => Arc::new(Butterfly8::new(direction)),
        12 => Arc::new(Butterfly12::new(direction)),
        16 => Arc::new(Butterfly16::new(direction)),
        _ => Arc::new(Butterfly24::new(direction)),
    };
    Radix4::new_with_base(exponent, base)
}

#[cfg(test)]
mod tests {
    use rustfft::Length;

    use super::*;

    #[test]
    fn sizes_are_large_enough_and_small() {
        for n in 1..3000 {
            let size = size(n);
            assert_eq!(plan(n).len(), size);
            assert!(size >= n && size as f64 <= 1.5 * n as f64 + 1.0, "{n} -> {size}");
        }
    }
}
