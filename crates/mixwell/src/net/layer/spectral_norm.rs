//! Spectral normalisation: a layer works with `W / sigma`, `sigma = u' M v`, where the matrix M has the output channels as rows and all
//! else as columns, and u and v come from one step of the power iteration: `v = M' u0 / |M' u0|`, `u = M v / |M v|`, so that sigma
//! is `|M v|`. The vector `u0` is kept between steps of training, as a statistic: a step replaces it by u. Reference:
//! [miyato2018spectral].
//!
//! With the derivative G in `W / sigma`, and u and v held fixed: `dW = (G - <G, W / sigma> u v') / sigma`.

use mixwell_vector::Real;

/// The normalised weights of a layer, and what they were made with.
#[derive(Clone, Debug)]
pub(super) struct SpectralNorm<T> {
    /// Numbers along the axes before that of the output channels, on it, and after it.
    shape: [usize; 3],
    u: Vec<f64>,
    v: Vec<f64>,
    /// What a step takes away from u.
    away: Vec<f64>,
    sigma: f64,
    folded: Vec<T>,
}

impl<T: Real> SpectralNorm<T> {
    /// For weights of this shape whose output channels lie along `axis`.
    pub fn new(shape: &[usize], axis: usize) -> Self {
        let product = |sizes: &[usize]| sizes.iter().product();
        let shape = [product(&shape[..axis]), shape[axis], product(&shape[axis + 1..])];
        Self {
            shape,
            u: vec![0.0; shape[1]],
            v: vec![0.0; shape[0] * shape[2]],
            away: vec![0.0; shape[1]],
            sigma: 1.0,
            folded: vec![T::ZERO; shape.iter().product()],
        }
    }

    /// Length of u.
    pub fn n_rows(&self) -> usize {
        self.shape[1]
    }

    /// Row and column in M of each weight.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let [before, rows, after] = self.shape;
        (0..before).flat_map(move |b| {
            (0..rows).flat_map(move |row| (0..after).map(move |rest| (row, b * after + rest)))
        })
    }

    /// One step of the power iteration from `u`; returns the normalised weights. Weights of zero stay zero.
    pub fn fold(&mut self, weights: &[T], u: &[T]) -> &[T] {
        self.v.fill(0.0);
        for ((row, column), w) in self.places().zip(weights) {
            self.v[column] += w.to_f64() * u[row].to_f64();
        }
        normalise(&mut self.v);
        self.u.fill(0.0);
        for ((row, column), w) in self.places().zip(weights) {
            self.u[row] += w.to_f64() * self.v[column];
        }
        let norm = normalise(&mut self.u);
        self.sigma = if norm > 0.0 { norm } else { 1.0 };
        for (away, (old, new)) in self.away.iter_mut().zip(u.iter().zip(&self.u)) {
            *away = if norm > 0.0 { old.to_f64() - new } else { 0.0 };
        }
        for (folded, w) in self.folded.iter_mut().zip(weights) {
            *folded = T::from_f64(w.to_f64() / self.sigma);
        }
        &self.folded
    }

    /// Adds the derivative in the weights, from that in the normalised ones.
    pub fn pull(&self, given: &[T], gradient: &mut [T]) {
        let along: f64 = given.iter().zip(&self.folded).map(|(g, w)| g.to_f64() * w.to_f64()).sum();
        for ((gradient, given), (row, column)) in gradient.iter_mut().zip(given).zip(self.places()) {
            let part = given.to_f64() - along * self.u[row] * self.v[column];
            *gradient += T::from_f64(part / self.sigma);
        }
    }

    /// Adds what a step takes away from u.
    pub fn advance(&self, gradient: &mut [T]) {
        gradient.iter_mut().zip(&self.away).for_each(|(g, away)| *g += T::from_f64(*away));
    }
}

/// Divides by the norm and returns it; zero stays zero.
pub(super) fn normalise(values: &mut [f64]) -> f64 {
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    if norm > 0.0 {
        values.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_steps_find_the_largest_singular_value() {
        // Rows along the second axis: M = [[3, 0], [0, 2]].
        let mut norm = SpectralNorm::<f64>::new(&[2, 2], 1);
        let (weights, mut u) = ([3.0, 0.0, 0.0, 2.0], vec![0.6, 0.8]);
        for _ in 0..60 {
            norm.fold(&weights, &u);
            let mut away = vec![0.0; 2];
            norm.advance(&mut away);
            u.iter_mut().zip(away).for_each(|(u, away)| *u -= away);
        }
        assert!((norm.sigma - 3.0).abs() < 1e-12 && (u[0] - 1.0).abs() < 1e-12, "{norm:?}");
        assert_eq!(norm.fold(&[0.0; 4], &u), [0.0; 4]);
    }
}
