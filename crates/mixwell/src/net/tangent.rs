//! Directional derivatives of a dense network along with its values, and the derivative of both.
//!
//! With `u_l = W_l a_(l-1) + b_l` and `a_l = f(u_l)`, a direction `p` in the inputs becomes
//!   `s_l = W_l tau_(l-1)`,   `tau_l = f'(u_l) s_l`,   `tau_0 = p`;   `s_L = J p` at the outputs.
//! Backward, given the derivatives in the outputs `u_L` and in `s_L`:
//!   `d tau_(l-1) = W_l^T d s_l`,   `d s_l = f'(u_l) d tau_l`,   `d u_l = f'(u_l) d a_l + f''(u_l) sum_p s_l d tau_l`.
//! Shapes: one block of at most 64 rows; a buffer of `n` features for `k` directions is `k x n x 64`. The network must end
//! without an activation. The tape of the values is that of [`Sequential::forward`].

use super::activation::Activation;
use super::layer::Backward;
use super::sequential::{Scratch, Sequential, grow};
use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;
use mixwell_vector::matmul::Finish;

impl<T: Real> Sequential<T> {
    /// Whether directional derivatives can be had: its layers are linear, activations in between have second derivatives, and
    /// there is none at the end.
    pub(crate) fn has_tangents(&self) -> bool {
        let (last, before) = self.stages.split_last().expect("at least one layer");
        self.stages.iter().all(|s| s.layer.is_linear())
            && before.iter().all(|s| s.activation.is_twice_differentiable())
            && last.activation == Activation::Identity
    }

    /// Numbers that [`Sequential::forward_tangents`] leaves for `k` directions: `s` and `tau` of each hidden layer, `s` of the last.
    pub(crate) fn tangents_len(&self, k: usize) -> usize {
        let widths: usize = self.stages.iter().map(|s| 2 * s.n_out).sum();
        k * BLOCK * (widths - self.n_out())
    }

    /// The derivatives of the outputs along `k` directions, after [`Sequential::forward`] left `tape`.
    pub(crate) fn forward_tangents(
        &self,
        directions: &[T],
        tape: &[T],
        tangents: &mut [T],
        k: usize,
        rows: usize,
    ) {
        let last = self.stages.len() - 1;
        let (mut input, mut rest, mut values) = (directions, tangents, tape);
        for (l, stage) in self.stages.iter().enumerate() {
            let (n_in, n_out) = (stage.n_in * BLOCK, stage.n_out * BLOCK);
            let (s, after) = rest.split_at_mut(k * n_out);
            for (s, tau) in s.chunks_exact_mut(n_out).zip(input.chunks_exact(n_in)) {
                stage.layer.tangent(tau, s, rows);
            }
            if l == last {
                return;
            }
            let (tau, after) = after.split_at_mut(k * n_out);
            tau.copy_from_slice(s);
            let (own, next) = values.split_at(stage.tape_len(BLOCK));
            let (output, argument, _) = stage.parts(own, BLOCK);
            for tau in tau.chunks_exact_mut(n_out) {
                stage.activation.pull(tau, output, argument);
            }
            (input, rest, values) = (tau, after, next);
        }
    }

    /// The derivatives of the outputs within what [`Sequential::forward_tangents`] left: `k x n_out x 64`.
    pub(crate) fn tangent_outputs<'a>(&self, tangents: &'a [T], k: usize) -> &'a [T] {
        &tangents[self.tangents_len(k) - k * self.n_out() * BLOCK..self.tangents_len(k)]
    }

    /// The derivative of a loss of the outputs and of their derivatives along `k` directions, back through the network.
    ///
    /// `d_output` and `d_tangents` are the derivatives in these. Writes the derivative in the inputs to `dx`, and adds that
    /// in the parameters to `gradient` where it is asked for.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward_tangents(
        &self,
        (x, directions): (&[T], &[T]),
        (tape, tangents): (&[T], &[T]),
        (d_output, d_tangents): (&[T], &[T]),
        dx: &mut [T],
        mut gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        let k = directions.len() / (self.n_in() * BLOCK);
        let widest = self.stages.iter().map(|s| s.n_out.max(s.n_in)).max().unwrap_or(0) * BLOCK;
        let [mut du, mut spare] = std::mem::take(&mut scratch.delta);
        let [mut ds, mut spare_tangents] = std::mem::take(&mut scratch.tangents);
        for (buffer, len) in [
            (&mut du, widest),
            (&mut spare, widest),
            (&mut ds, k * widest),
            (&mut spare_tangents, k * widest),
        ] {
            grow(buffer, len);
        }
        let n_out = self.n_out() * BLOCK;
        du[..n_out].copy_from_slice(&d_output[..n_out]);
        ds[..k * n_out].copy_from_slice(&d_tangents[..k * n_out]);
        let (mut end, mut tangents_end) = (self.tape_len(BLOCK), self.tangents_len(k));
        tangents_end -= k * n_out;
        for (l, stage) in self.stages.iter().enumerate().rev() {
            end -= stage.tape_len(BLOCK);
            let (n_in, n_out) = (stage.n_in * BLOCK, stage.n_out * BLOCK);
            let before = l.checked_sub(1).map(|l| &self.stages[l]);
            let (input, argument, s, tau) = match before {
                None => (x, &[][..], &[][..], directions),
                Some(p) => {
                    let (output, argument, _) = p.parts(&tape[end - p.tape_len(BLOCK)..end], BLOCK);
                    let (s, tau) = tangents[tangents_end - 2 * k * n_in..tangents_end].split_at(k * n_in);
                    tangents_end -= 2 * k * n_in;
                    (output, argument, s, tau)
                }
            };
            let mut back = |x: &[T], dy: &mut [T], dx: Option<&mut [T]>, is_tangent: bool| {
                let (dx, gradient) = (dx.map(|dx| (dx, Finish::Keep)), gradient.as_deref_mut());
                stage.layer.backward(Backward { x, tape: &[], dy, dx, gradient, is_tangent, rows }, scratch);
            };
            let Some(p) = before else {
                back(input, &mut du, Some(dx), false);
                for (ds, tau) in ds[..k * n_out].chunks_exact_mut(n_out).zip(tau.chunks_exact(n_in)) {
                    back(tau, ds, None, true);
                }
                break;
            };
            back(input, &mut du, Some(&mut spare), false);
            p.activation.pull(&mut spare[..n_in], input, argument);
            // `du` is free now and takes the part that bends: f''(u) times the sum over directions.
            let bend = &mut du[..n_in];
            bend.fill(T::ZERO);
            let pairs = ds[..k * n_out].chunks_exact_mut(n_out).zip(spare_tangents.chunks_exact_mut(n_in));
            for (((ds, dtau), s), tau) in pairs.zip(s.chunks_exact(n_in)).zip(tau.chunks_exact(n_in)) {
                back(tau, ds, Some(dtau), true);
                for ((bend, d), s) in bend.iter_mut().zip(&*dtau).zip(s) {
                    *bend += *d * *s;
                }
                p.activation.pull(dtau, input, argument);
            }
            p.activation.bend(bend, input, argument);
            for (d, bend) in spare[..n_in].iter_mut().zip(&*bend) {
                *d += *bend;
            }
            std::mem::swap(&mut du, &mut spare);
            std::mem::swap(&mut ds, &mut spare_tangents);
        }
        (scratch.delta, scratch.tangents) = ([du, spare], [ds, spare_tangents]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::net::Parameters;
    use crate::net::{Activation, Init, NetworkSpec};
    use mixwell_vector::block::{load_rows, store_rows};

    const ROWS: usize = 5;

    /// Values and derivatives along two directions at five points, each row-major.
    fn evaluate(spec: &NetworkSpec, params: &[f64], x: &[f64], directions: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut mlp = Sequential::new(spec, 0);
        mlp.pack(params);
        let mut input = vec![0.0; 3 * BLOCK];
        load_rows(x, 3, &mut input);
        let mut tape = vec![0.0; mlp.tape_len(ROWS)];
        mlp.forward(&input, &mut tape, ROWS);
        let mut tangents = vec![0.0; mlp.tangents_len(2)];
        mlp.forward_tangents(directions, &tape, &mut tangents, 2, ROWS);
        let mut y = vec![0.0; ROWS * 2];
        store_rows(mlp.output(&tape, ROWS), 2, &mut y);
        let derivatives = mlp.tangent_outputs(&tangents, 2).chunks_exact(2 * BLOCK).flat_map(|block| {
            let mut s = vec![0.0; ROWS * 2];
            store_rows(block, 2, &mut s);
            s
        });
        (y, derivatives.collect())
    }

    /// Two directions, the same for every row.
    const ALONG: [[f64; 3]; 2] = [[1.0, 0.0, 0.5], [-0.3, 2.0, 0.0]];

    fn directions() -> Vec<f64> {
        ALONG.iter().flatten().flat_map(|v| [*v; BLOCK]).collect()
    }

    #[test]
    fn derivatives_and_their_derivatives_match_finite_differences() {
        let (h, mut stream) = (1e-5, Stream::new(7, 0));
        for activation in [Activation::Tanh, Activation::Swish, Activation::LipSwish, Activation::Identity] {
            let spec = NetworkSpec::dense(3, &[6, 4], 2, activation);
            let mut mlp = Sequential::new(&spec, 0);
            let mut params = vec![0.0; mlp.n_params()];
            mlp.initialise(&mut params, Init::Uniform, &mut stream);
            mlp.pack(&params);
            let mut x = vec![0.0; ROWS * 3];
            stream.fill_normal(&mut x);
            let mut weights = vec![0.0; ROWS * 6];
            stream.fill_normal(&mut weights);
            let (dy, ds) = weights.split_at(ROWS * 2);

            let along = directions();
            let (_, s) = evaluate(&spec, &params, &x, &along);
            for (k, p) in ALONG.iter().enumerate() {
                let moved = |by: f64| -> Vec<f64> {
                    x.chunks(3).flat_map(|row| [0, 1, 2].map(|i| row[i] + by * p[i])).collect()
                };
                let [up, down] = [h, -h].map(|by| evaluate(&spec, &params, &moved(by), &along).0);
                for i in 0..ROWS * 2 {
                    let numeric = (up[i] - down[i]) / (2.0 * h);
                    assert!((numeric - s[k * ROWS * 2 + i]).abs() < 1e-8, "{activation:?}");
                }
            }

            let loss = |params: &[f64], x: &[f64]| -> f64 {
                let (y, s) = evaluate(&spec, params, x, &along);
                y.iter().zip(dy).chain(s.iter().zip(ds)).map(|(a, b)| a * b).sum()
            };
            let (mut input, mut d_output) = (vec![0.0; 3 * BLOCK], vec![0.0; 2 * BLOCK]);
            load_rows(&x, 3, &mut input);
            load_rows(dy, 2, &mut d_output);
            let mut d_tangents = vec![0.0; 4 * BLOCK];
            for (block, ds) in d_tangents.chunks_exact_mut(2 * BLOCK).zip(ds.chunks(ROWS * 2)) {
                load_rows(ds, 2, block);
            }
            let mut tape = vec![0.0; mlp.tape_len(ROWS)];
            mlp.forward(&input, &mut tape, ROWS);
            let mut tangents = vec![0.0; mlp.tangents_len(2)];
            mlp.forward_tangents(&along, &tape, &mut tangents, 2, ROWS);
            let (mut dxb, mut gradient) = (vec![0.0; 3 * BLOCK], vec![0.0; params.len()]);
            mlp.backward_tangents(
                (&input, &along),
                (&tape, &tangents),
                (&d_output, &d_tangents),
                &mut dxb,
                Some(&mut gradient),
                &mut Scratch::default(),
                ROWS,
            );
            let mut dx = vec![0.0; ROWS * 3];
            store_rows(&dxb, 3, &mut dx);
            let shifted = |v: &[f64], i: usize, by: f64| {
                let mut v = v.to_vec();
                v[i] += by;
                v
            };
            for (i, slope) in gradient.iter().enumerate() {
                let numeric =
                    (loss(&shifted(&params, i, h), &x) - loss(&shifted(&params, i, -h), &x)) / (2.0 * h);
                assert!((numeric - slope).abs() < 1e-7, "{activation:?}, parameter {i}");
            }
            for (i, slope) in dx.iter().enumerate() {
                let numeric =
                    (loss(&params, &shifted(&x, i, h)) - loss(&params, &shifted(&x, i, -h))) / (2.0 * h);
                assert!((numeric - slope).abs() < 1e-7, "{activation:?}, input {i}");
            }
        }
    }
}
