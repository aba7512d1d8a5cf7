//! Derivatives of a [`Network`] along directions, and their derivatives in the parameters; the gradient penalty of critics.
//!
//! With constants `u_i`, the parameter gradient of `sum_i u_i . grad f(x_i)` is that of the derivatives of f along `u_i`: what a loss of
//! the input gradient `g` asks for is the way back through the derivative along `u = d loss / d g`. Reference: [gulrajani2017improved].

use super::network::{Buffers, Network};
use super::parameter_gradient::Weigh;
use super::sequential::grow;
use super::tangent::AlongBack;
use crate::{Batch, BatchMut};
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, buffer_len, load_rows, store_rows};

/// Working memory for directions.
#[derive(Debug, Default)]
pub(super) struct Directions<T> {
    along: Vec<T>,
    tangents: Vec<T>,
    d_tangents: Vec<T>,
}

impl<T: Real> Network<T> {
    /// Writes the outputs of each row, `rows x n_out`, and their derivatives along the direction in the same row of `along`,
    /// `rows x dim`, to `derivatives`, `rows x n_out`. At a kink it is the derivative of one of the two pieces.
    ///
    /// # Panics
    /// When an argument has another shape.
    pub fn directional(
        &self,
        x: Batch<'_>,
        along: Batch<'_>,
        y: BatchMut<'_>,
        mut derivatives: BatchMut<'_>,
    ) {
        let n_out = self.n_out();
        assert_eq!((along.dim(), along.rows()), (self.dim(), x.rows()), "directions of another shape");
        assert_eq!((y.dim(), derivatives.dim()), (n_out, n_out), "outputs of another number");
        let mut per_row: Vec<&mut [f64]> = derivatives.data_mut().chunks_exact_mut(n_out.max(1)).collect();
        self.each_block(x, &mut per_row, y.into_data(), n_out, |ws, first, x, derivatives, y| {
            let rows = x.rows();
            self.forward(ws, x);
            store_rows(self.layers.output(&ws.tape, rows), n_out, y);
            self.load_directions(ws, along.slice(first..first + rows));
            self.push(ws, rows);
            let found = self.layers.tangent_outputs(&ws.directions.tangents, 1);
            for (r, row) in derivatives.iter_mut().enumerate() {
                row.iter_mut().enumerate().for_each(|(k, d)| *d = found[k * BLOCK + r].to_f64());
            }
        });
    }

    /// Adds to `gradient` the derivative in the parameters of `sum_rk dy[r, k] y[r, k] + d_derivatives[r, k] s[r, k]`, where `s` are the
    /// derivatives along the directions: `dy` and `d_derivatives` are `rows x n_out`; no `dy` is zero. Activations made of straight
    /// pieces have second derivative zero.
    ///
    /// # Panics
    /// When an argument has another shape.
    pub fn directional_pullback(
        &self,
        x: Batch<'_>,
        along: Batch<'_>,
        dy: Option<Batch<'_>>,
        d_derivatives: Batch<'_>,
        gradient: &mut [T],
    ) {
        let n_out = self.n_out();
        assert_eq!((along.dim(), along.rows()), (self.dim(), x.rows()), "directions of another shape");
        for given in [Some(d_derivatives), dy].into_iter().flatten() {
            assert_eq!((given.dim(), given.rows()), (n_out, x.rows()), "derivatives of another shape");
        }
        self.in_parts(x, gradient, &mut [], |ws, first, x, gradient, _| {
            let range = first..first + x.rows();
            self.forward(ws, x);
            self.load_directions(ws, along.slice(range.clone()));
            self.push(ws, x.rows());
            grow(&mut ws.directions.d_tangents, buffer_len(BLOCK, n_out));
            load_rows(d_derivatives.slice(range.clone()).data(), n_out, &mut ws.directions.d_tangents);
            if let Some(dy) = dy {
                grow(&mut ws.head, buffer_len(BLOCK, n_out));
                load_rows(dy.slice(range).data(), n_out, &mut ws.head);
            }
            self.push_back(ws, dy.is_some(), x.rows(), gradient);
            0.0
        });
    }

    /// Adds to `gradient` the derivative in the parameters of `sum_i weights[i] s_i`, with the derivatives `s_i` of the one output along
    /// the directions and weights that are made from them in the same pass: `weigh(first, slopes, weights)` is told those of some
    /// rows from row `first` on and writes their weights. It is called for every block of rows, from any thread. Leaves the
    /// derivatives of all rows in `slopes` (`rows`) and returns the sum of the outputs.
    ///
    /// # Panics
    /// When the network has several outputs, or an argument has another shape.
    pub fn weighted_slope_by(
        &self,
        x: Batch<'_>,
        along: Batch<'_>,
        weigh: &Weigh<'_>,
        slopes: &mut [f64],
        gradient: &mut [T],
    ) -> f64 {
        self.check_energy();
        assert_eq!((along.dim(), along.rows()), (self.dim(), x.rows()), "directions of another shape");
        assert_eq!(slopes.len(), x.rows(), "slopes of another number");
        self.in_parts(x, gradient, slopes, |ws, first, x, gradient, slopes| {
            let rows = x.rows();
            self.forward(ws, x);
            let sum = self.layers.output(&ws.tape, rows).iter().take(rows).map(|e| e.to_f64()).sum();
            self.load_directions(ws, along.slice(first..first + rows));
            self.push(ws, rows);
            let found = self.layers.tangent_outputs(&ws.directions.tangents, 1);
            slopes.iter_mut().zip(found).for_each(|(s, found)| *s = found.to_f64());
            let mut weights = [0.0; BLOCK];
            weigh(first, slopes, &mut weights[..rows]);
            grow(&mut ws.directions.d_tangents, BLOCK);
            load_rows(&weights[..rows], 1, &mut ws.directions.d_tangents);
            self.push_back(ws, false, rows, gradient);
            sum
        })
    }

    /// `weight` times the mean over rows of `(|grad f(x)| - 1)^2`, the gradient penalty of a critic `f`; adds its parameter gradient to
    /// `gradient`. Exact, also with ReLU and its like, whose second derivative is zero almost everywhere. Where the gradient
    /// vanishes, the derivative of its norm counts as zero.
    ///
    /// # Panics
    /// When the network has several outputs, or an argument has another size than it asks for.
    pub fn gradient_penalty(&self, x: Batch<'_>, weight: f64, gradient: &mut [T]) -> f64 {
        self.check_energy();
        let share = weight / x.rows().max(1) as f64;
        self.in_parts(x, gradient, &mut [], |ws, _, x, gradient, _| {
            let (rows, n) = (x.rows(), self.dim() * BLOCK);
            self.forward(ws, x);
            grow(&mut ws.head, BLOCK);
            ws.head[..BLOCK].fill(T::ONE);
            self.backward(ws, rows, None);
            // u = d penalty / d g, row by row.
            let Buffers { dx, directions: Directions { along, d_tangents, .. }, .. } = ws;
            let mut squares = [0.0; BLOCK];
            for feature in dx[..n].chunks_exact(BLOCK) {
                squares.iter_mut().zip(feature).for_each(|(sum, g)| *sum += g.to_f64() * g.to_f64());
            }
            let norms = squares.map(f64::sqrt);
            let mut factors = [T::ZERO; BLOCK];
            for (factor, norm) in factors[..rows].iter_mut().zip(&norms) {
                *factor = T::from_f64(if *norm > 0.0 { 2.0 * share * (norm - 1.0) / norm } else { 0.0 });
            }
            grow(along, n);
            for (along, g) in along[..n].chunks_exact_mut(BLOCK).zip(dx.chunks_exact(BLOCK)) {
                along.iter_mut().zip(g.iter().zip(&factors)).for_each(|(u, (g, factor))| *u = *g * *factor);
            }
            grow(d_tangents, BLOCK);
            d_tangents[..BLOCK].fill(T::ONE);
            self.push(ws, rows);
            self.push_back(ws, false, rows, gradient);
            norms[..rows].iter().map(|norm| share * (norm - 1.0).powi(2)).sum()
        })
    }

    fn load_directions(&self, ws: &mut Buffers<T>, along: Batch<'_>) {
        grow(&mut ws.directions.along, buffer_len(BLOCK, self.dim()));
        load_rows(along.data(), self.dim(), &mut ws.directions.along);
    }

    /// Derivatives along the directions that were loaded.
    fn push(&self, ws: &mut Buffers<T>, rows: usize) {
        let Buffers { x, tape, directions: Directions { along, tangents, .. }, .. } = ws;
        grow(tangents, self.layers.tangents_len(1));
        self.layers.forward_tangents((x, &along[..self.dim() * BLOCK]), tape, tangents, 1, rows);
    }

    /// The way back through them, to the parameters.
    fn push_back(&self, ws: &mut Buffers<T>, with_values: bool, rows: usize, gradient: &mut [T]) {
        let Buffers { x, tape, head, scratch, directions, .. } = ws;
        let Directions { along, tangents, d_tangents } = directions;
        let given = AlongBack {
            d_output: with_values.then_some(&*head),
            d_tangents: &d_tangents[..self.n_out() * BLOCK],
            dx: None,
            dp: None,
        };
        self.layers.backward_tangents((x, along), (tape, tangents), given, Some(gradient), scratch, rows);
    }
}
