//! `Energy`: a scalar function of a point with trained parameters, as the trainers see it.
//!
//! A [`Network`] with one output is one; whatever else has parameters and a gradient in the point can be.
//! The loss of every trainer is made of sums `sum_i w_i E(x_i)` and, for score matching, of slopes `sum_i w_i v_i . grad E(x_i)`,
//! each with its gradient in the parameters. Slopes can always be had from differences of energies.

use crate::net::{Gradient, Model, Network, Stored, Weigh};
use crate::scratch::scratch;
use crate::{Batch, BatchMut, Points};

/// A function `E(x)` with parameters that can be trained. Low where points are likely: `p(x) ~ exp(-E(x)) rho(x)`.
///
/// ```
/// use mixwell::ebm::Energy;
/// use mixwell::net::{Init, Network};
/// use mixwell::{Batch, Stream};
/// // Starts at energy zero everywhere.
/// let net = Network::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(1, 0));
/// let mut energy = [1.0];
/// net.evaluate(Batch::new(&[0.3, -2.0], 2), &mut energy, None);
/// assert_eq!(energy, [0.0]);
/// ```
pub trait Energy: Model + Send + Sync {
    /// Number of coordinates of a point.
    fn dim(&self) -> usize;

    /// Writes the energy of each row of `x` (`rows x dim`) to `energy` (`rows`), and its gradient in the point to `grad`
    /// (`rows x dim`) if it is wanted.
    ///
    /// The energy must be the same to the last bit with and without gradient, and whatever rows it is evaluated with.
    fn evaluate(&self, x: Batch<'_>, energy: &mut [f64], grad: Option<BatchMut<'_>>);

    /// `sum_i weights[i] E(x_i)`; adds its gradient in the parameters to `gradient`.
    fn weighted(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64;

    /// [`Energy::weighted`] with weights that are made from the energies, which are left in `energies` (`rows`): `weigh(first, energies,
    /// weights)` is told the energies of some rows from row `first` on and writes their weights. It may be called for parts of the
    /// rows, from any thread.
    ///
    /// Unless it is written anew, the energies are evaluated once for their values and once for the gradient.
    fn weighted_by(&self, x: Batch<'_>, weigh: &Weigh<'_>, energies: &mut [f64], gradient: &mut Gradient) {
        let mut weights = scratch(x.rows());
        self.evaluate(x, energies, None);
        weigh(0, energies, &mut weights);
        self.weighted(x, &weights, gradient);
    }

    /// Adds to `gradient` the derivative in the parameters of `sum_i weights[i] v_i . grad E(x_i)`, with the directions `v_i` in the rows of
    /// `directions` (`rows x dim`). What score matching needs.
    ///
    /// Unless it is written anew, from differences of energies to both sides, with a relative error of about
    /// `difference_width` squared.
    fn slope_gradient(&self, x: Batch<'_>, directions: Batch<'_>, weights: &[f64], gradient: &mut Gradient) {
        slope_by_differences(self, x, directions, weights, gradient);
    }

    /// [`Energy::slope_gradient`] with weights that are made from the slopes `v_i . grad E(x_i)`, which are left in `slopes` (`rows`):
    /// `weigh(first, slopes, weights)` is told those of some rows from row `first` on and writes their weights. It may be called for
    /// parts of the rows, from any thread. Returns the sum of the energies.
    ///
    /// Unless it is written anew, the slopes are evaluated once for their values and once for the gradient.
    fn slope_gradient_by(
        &self,
        x: Batch<'_>,
        directions: Batch<'_>,
        weigh: &Weigh<'_>,
        slopes: &mut [f64],
        gradient: &mut Gradient,
    ) -> f64 {
        let (rows, dim) = (x.rows(), x.dim());
        let (mut energy, mut weights, mut grad) = (scratch(rows), scratch(rows), scratch(rows * dim));
        self.evaluate(x, &mut energy, Some(BatchMut::new(&mut grad, dim)));
        for ((s, g), v) in slopes.iter_mut().zip(grad.chunks_exact(dim)).zip(directions.iter()) {
            *s = g.iter().zip(v).map(|(g, v)| g * v).sum();
        }
        weigh(0, slopes, &mut weights);
        self.slope_gradient(x, directions, &weights, gradient);
        energy.iter().sum()
    }

    /// Length of the step to either side where slopes are taken from differences of energies: about the third root of the
    /// rounding error of an energy.
    fn difference_width(&self) -> f64 {
        1e-5
    }
}

/// See [`Energy::slope_gradient`].
fn slope_by_differences<E: Energy + ?Sized>(
    energy: &E,
    x: Batch<'_>,
    directions: Batch<'_>,
    weights: &[f64],
    gradient: &mut Gradient,
) {
    let (rows, dim, width) = (x.rows(), x.dim(), energy.difference_width());
    let mut moved = Points::zeros(2 * rows, dim);
    let mut signed = vec![0.0; 2 * rows];
    for (row, (at, along)) in x.iter().zip(directions.iter()).enumerate() {
        let length = along.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A direction of length zero has no slope.
        let step = if length > 0.0 { width / length } else { 0.0 };
        for (side, sign) in [(row, 1.0), (rows + row, -1.0)] {
            for ((m, x), v) in moved.row_mut(side).iter_mut().zip(at).zip(along) {
                *m = x + sign * step * v;
            }
            signed[side] = sign * weights[row] * length / (2.0 * width);
        }
    }
    energy.weighted(moved.as_batch(), &signed, gradient);
}

impl<T: Stored> Energy for Network<T> {
    fn dim(&self) -> usize {
        Network::dim(self)
    }

    fn evaluate(&self, x: Batch<'_>, energy: &mut [f64], grad: Option<BatchMut<'_>>) {
        match grad {
            None => self.energy(x, energy),
            Some(grad) => self.energy_and_grad(x, energy, grad),
        }
    }

    fn weighted(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64 {
        self.weighted_energy(x, weights, gradient.slice_mut().expect("a gradient of this network"))
    }

    fn weighted_by(&self, x: Batch<'_>, weigh: &Weigh<'_>, energies: &mut [f64], gradient: &mut Gradient) {
        let gradient = gradient.slice_mut().expect("a gradient of this network");
        self.weighted_energy_by(x, weigh, energies, gradient);
    }

    fn slope_gradient(&self, x: Batch<'_>, directions: Batch<'_>, weights: &[f64], gradient: &mut Gradient) {
        let gradient = gradient.slice_mut().expect("a gradient of this network");
        self.directional_pullback(x, directions, None, Batch::new(weights, 1), gradient);
    }

    fn slope_gradient_by(
        &self,
        x: Batch<'_>,
        directions: Batch<'_>,
        weigh: &Weigh<'_>,
        slopes: &mut [f64],
        gradient: &mut Gradient,
    ) -> f64 {
        let gradient = gradient.slice_mut().expect("a gradient of this network");
        self.weighted_slope_by(x, directions, weigh, slopes, gradient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::net::{Activation, Init, NetworkSpec};

    /// A network that has no more than every energy must have.
    struct Plain(Network<f64>);

    impl Model for Plain {
        fn layout(&self) -> &[crate::net::ArraySpec] {
            self.0.layout()
        }

        fn params(&self) -> crate::net::Params<'_> {
            Model::params(&self.0)
        }

        fn change_params(&mut self, change: &mut dyn FnMut(crate::net::ParamsMut<'_>) -> bool) {
            self.0.change_params(change);
        }
    }

    impl Energy for Plain {
        fn dim(&self) -> usize {
            self.0.dim()
        }

        fn evaluate(&self, x: Batch<'_>, energy: &mut [f64], grad: Option<BatchMut<'_>>) {
            Energy::evaluate(&self.0, x, energy, grad);
        }

        fn weighted(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64 {
            self.0.weighted(x, weights, gradient)
        }
    }

    #[test]
    fn weights_made_from_energies_are_those_given() {
        // In one pass by a network, in two by any other energy; many blocks in several parts.
        let spec = NetworkSpec::dense(3, &[64, 64], 1, Activation::Swish);
        let net = Network::<f64>::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap();
        let rows = 700;
        let mut x = Points::zeros(rows, 3);
        Stream::new(3, 0).fill_normal(x.data_mut());
        let weigh = |first: usize, energies: &[f64], weights: &mut [f64]| {
            for (row, (w, e)) in weights.iter_mut().zip(energies).enumerate() {
                *w = e * e - 0.01 * (first + row) as f64;
            }
        };
        let (mut energies, mut weights) = (vec![0.0; rows], vec![0.0; rows]);
        net.evaluate(x.as_batch(), &mut energies, None);
        weigh(0, &energies, &mut weights);
        let mut given = net.zero_gradient();
        net.weighted(x.as_batch(), &weights, &mut given);
        let plain = Plain(net.clone());
        for energy in [&net as &dyn Energy, &plain] {
            let (mut made, mut found) = (net.zero_gradient(), vec![f64::NAN; rows]);
            energy.weighted_by(x.as_batch(), &weigh, &mut found, &mut made);
            assert!(found == energies && (0..made.len()).all(|i| made.get(i) == given.get(i)));
        }
        // The same for slopes; those of the plain energy come from its gradient, and their gradient from differences.
        let mut v = Points::zeros(rows, 3);
        Stream::new(4, 0).fill_normal(v.data_mut());
        let of = |energy: &dyn Energy| {
            let (mut made, mut slopes) = (net.zero_gradient(), vec![f64::NAN; rows]);
            let sum = energy.slope_gradient_by(x.as_batch(), v.as_batch(), &weigh, &mut slopes, &mut made);
            assert!((sum - energies.iter().sum::<f64>()).abs() < 1e-9 * rows as f64);
            (slopes, made)
        };
        let ((slopes, made), (by_gradient, by_differences)) = (of(&net), of(&plain));
        weigh(0, &slopes, &mut weights);
        let mut given = net.zero_gradient();
        net.slope_gradient(x.as_batch(), v.as_batch(), &weights, &mut given);
        for (a, b) in slopes.iter().zip(&by_gradient) {
            assert!((a - b).abs() < 1e-12, "{a} and {b}");
        }
        for i in 0..made.len() {
            let (made, given, differences) = (made.get(i), given.get(i), by_differences.get(i));
            assert!(
                made == given && (made - differences).abs() < 1e-5 * (1.0 + made.abs()),
                "{made} {differences}"
            );
        }
    }

    #[test]
    fn slopes_have_the_gradient_of_the_gradient() {
        // Exact, and from differences of energies.
        let spec = NetworkSpec::dense(3, &[8, 6], 1, Activation::Swish);
        let net = Network::<f64>::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap();
        slopes(net.clone());
        slopes(Plain(net));
    }

    fn slopes(mut net: impl Energy) {
        let mut stream = Stream::new(2, 0);
        let (mut x, mut v) = (Points::zeros(70, 3), Points::zeros(70, 3));
        stream.fill_normal(x.data_mut());
        stream.fill_normal(v.data_mut());
        v.row_mut(3).fill(0.0);
        let weights: Vec<f64> = (0..70).map(|i| 0.01 * f64::from(i) - 0.2).collect();
        let slope = |net: &dyn Energy| {
            let (mut e, mut grad) = (vec![0.0; 70], Points::zeros(70, 3));
            net.evaluate(x.as_batch(), &mut e, Some(grad.as_batch_mut()));
            let slopes = grad.as_batch().iter().zip(v.as_batch().iter());
            let slopes = slopes.map(|(g, v)| g.iter().zip(v).map(|(g, v)| g * v).sum::<f64>());
            slopes.zip(&weights).map(|(s, w)| s * w).sum::<f64>()
        };
        let mut gradient = net.zero_gradient();
        net.slope_gradient(x.as_batch(), v.as_batch(), &weights, &mut gradient);
        for i in (0..gradient.len()).step_by(gradient.len() / 15) {
            let mut at = |by: f64| {
                net.change_params(&mut |params| {
                    params.map(|j, p| if i == j { p + by } else { p });
                    true
                });
                slope(&net)
            };
            let (up, down) = (at(1e-6), at(-2e-6));
            at(1e-6);
            let numeric = (up - down) / 2e-6;
            assert!((numeric - gradient.get(i)).abs() < 1e-5, "{numeric} {}", gradient.get(i));
        }
    }
}
