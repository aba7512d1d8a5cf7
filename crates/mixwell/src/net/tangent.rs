//! Directional derivatives of a network along with its values, and the derivative of both.
//!
//! With layers `u_l = W_l a_(l-1) + b_l` and `a_l = f(u_l)`, a direction `p` in the inputs becomes
//!   `s_l = W_l tau_(l-1)`,   `tau_l = f'(u_l) s_l`,   `tau_0 = p`;   `tau_L = J p` at the outputs.
//! Backward, given the derivatives in the outputs `a_L` and in `tau_L`:
//!   `d s_l = f'(u_l) d tau_l`,   `d u_l = f'(u_l) d a_l + f''(u_l) sum_p s_l d tau_l`,   `d tau_(l-1) = W_l^T d s_l`.
//! A layer that is not linear says the same of itself ([`Layer::push`](super::layer::Layer::push),
//! [`Layer::push_back`](super::layer::Layer::push_back)). Where nothing bends, `d u` is not carried before it is needed.
//!
//! Shapes: one block of at most 64 rows; a buffer of `n` features for `k` directions is `k x n x 64`. The tape of the values is that
//! of [`Sequential::forward`]; on that of the tangents lie, layer after layer, what the layer leaves, `s` where the activation bends,
//! and `tau`.

use super::layer::{Backward, Push, PushBack};
use super::sequential::{Scratch, Sequential, grow};
use super::stage::Stage;
use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;
use mixwell_vector::matmul::Finish;

/// What the way back through directional derivatives is given and asked for.
pub(crate) struct AlongBack<'a, T> {
    /// The derivative in the outputs; nothing is zero.
    pub d_output: Option<&'a [T]>,
    /// The derivative in the directional derivatives of the outputs, `k x n_out x 64`.
    pub d_tangents: &'a [T],
    /// Where the derivative in the inputs is to be written.
    pub dx: Option<&'a mut [T]>,
    /// Where the derivative in the directions is to be written, `k x n_in x 64`.
    pub dp: Option<&'a mut [T]>,
}

impl<T: Real> Stage<T> {
    /// Numbers of a row and a direction on the tape of tangents.
    fn tangent_features(&self) -> usize {
        let bent = if self.activation.bends() { self.n_out } else { 0 };
        self.push_features + bent + self.n_out
    }

    /// Lengths of its parts: what the layer leaves, `s`, `tau`.
    fn tangent_lens(&self, k: usize) -> [usize; 3] {
        let bent = if self.activation.bends() { self.n_out } else { 0 };
        [self.push_features, bent, self.n_out].map(|n| k * n * BLOCK)
    }
}

impl<T: Real> Sequential<T> {
    /// Whether directional derivatives change smoothly with the point.
    pub(crate) fn is_smooth(&self) -> bool {
        self.stages.iter().all(|s| s.layer.is_smooth() && s.activation.is_twice_differentiable())
    }

    /// Whether they change with the point at all, other than from piece to piece.
    pub(crate) fn bends(&self) -> bool {
        self.stages.iter().any(|s| s.layer.bends() || s.activation.bends())
    }

    /// Numbers of a row that [`Sequential::forward_tangents`] leaves for a direction.
    pub(crate) fn tangent_features(&self) -> usize {
        self.stages.iter().map(Stage::tangent_features).sum()
    }

    /// Numbers that it leaves for `k` directions.
    pub(crate) fn tangents_len(&self, k: usize) -> usize {
        k * BLOCK * self.tangent_features()
    }

    /// The derivatives of the outputs along `k` directions, after [`Sequential::forward`] of `x` left `tape`.
    pub(crate) fn forward_tangents(
        &self,
        (x, directions): (&[T], &[T]),
        tape: &[T],
        tangents: &mut [T],
        k: usize,
        rows: usize,
    ) {
        let (mut x, mut p, mut rest, mut values) = (x, directions, tangents, tape);
        for stage in &self.stages {
            let (n_in, n_out) = (stage.n_in * BLOCK, stage.n_out * BLOCK);
            let (values_here, next_values) = values.split_at(stage.tape_len(BLOCK));
            let (output, argument, layer_tape) = stage.parts(values_here, BLOCK);
            let [own_len, s_len, tau_len] = stage.tangent_lens(k);
            let (own, after) = rest.split_at_mut(own_len);
            let (s, after) = after.split_at_mut(s_len);
            let (tau, after) = after.split_at_mut(tau_len);
            for j in 0..k {
                let own_j = &mut own[j * own_len / k..][..own_len / k];
                let tau = &mut tau[j * n_out..][..n_out];
                let p = &p[j * n_in..][..n_in];
                stage.layer.push(Push { x, tape: layer_tape, p, s: tau, own: own_j, rows });
                if !s.is_empty() {
                    s[j * n_out..][..n_out].copy_from_slice(tau);
                }
                stage.activation.pull(tau, output, argument);
            }
            (x, p, rest, values) = (output, tau, after, next_values);
        }
    }

    /// The derivatives of the outputs within what [`Sequential::forward_tangents`] left: `k x n_out x 64`.
    pub(crate) fn tangent_outputs<'a>(&self, tangents: &'a [T], k: usize) -> &'a [T] {
        let end = self.tangents_len(k);
        &tangents[end - k * self.n_out() * BLOCK..end]
    }

    /// The derivative of a loss of the outputs and of their derivatives along `k` directions, back through the network, and added to
    /// `gradient` in the parameters where it is asked for.
    pub(crate) fn backward_tangents(
        &self,
        (x, directions): (&[T], &[T]),
        (tape, tangents): (&[T], &[T]),
        given: AlongBack<'_, T>,
        mut gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        let AlongBack { d_output, d_tangents, mut dx, mut dp } = given;
        let k = d_tangents.len() / (self.n_out() * BLOCK).max(1);
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
        // Whether `du` is something; nothing is zero.
        let mut has_values = d_output.is_some();
        if let Some(d_output) = d_output {
            du[..n_out].copy_from_slice(&d_output[..n_out]);
        }
        ds[..k * n_out].copy_from_slice(&d_tangents[..k * n_out]);
        let (mut end, mut tangents_end) = (self.tape_len(BLOCK), self.tangents_len(k));
        for (l, stage) in self.stages.iter().enumerate().rev() {
            let from = end - stage.tape_len(BLOCK);
            let tangents_from = tangents_end - k * stage.tangent_features() * BLOCK;
            let (n_in, n_out) = (stage.n_in * BLOCK, stage.n_out * BLOCK);
            let (output, argument, layer_tape) = stage.parts(&tape[from..end], BLOCK);
            let [own_len, s_len, _] = stage.tangent_lens(k);
            let (own, s) = tangents[tangents_from..tangents_end].split_at(own_len);
            let (input, p) = match l.checked_sub(1).map(|l| &self.stages[l]) {
                None => (x, directions),
                Some(before) => (
                    before.parts(&tape[from - before.tape_len(BLOCK)..from], BLOCK).0,
                    &tangents[tangents_from - k * n_in..tangents_from],
                ),
            };

            if has_values {
                stage.activation.pull(&mut du[..n_out], output, argument);
            }
            if s_len > 0 {
                // f''(u) times the sum over directions.
                let bend = &mut spare[..n_out];
                bend.fill(T::ZERO);
                for (ds, s) in ds[..k * n_out].chunks_exact(n_out).zip(s[..s_len].chunks_exact(n_out)) {
                    bend.iter_mut().zip(ds.iter().zip(s)).for_each(|(bend, (d, s))| *bend += *d * *s);
                }
                stage.activation.bend(bend, output, argument);
                if has_values {
                    du[..n_out].iter_mut().zip(&*bend).for_each(|(d, bend)| *d += *bend);
                } else {
                    std::mem::swap(&mut du, &mut spare);
                }
                has_values = true;
            }
            for ds in ds[..k * n_out].chunks_exact_mut(n_out) {
                stage.activation.pull(ds, output, argument);
            }

            let (mut into, mut along) = if l == 0 {
                (dx.as_deref_mut(), dp.as_deref_mut())
            } else {
                (Some(spare.as_mut_slice()), Some(spare_tangents.as_mut_slice()))
            };
            let bends = stage.layer.bends();
            if has_values {
                let dx = into.as_deref_mut().map(|dx| (dx, Finish::Keep));
                let gradient = gradient.as_deref_mut();
                let pass = Backward {
                    x: input,
                    tape: layer_tape,
                    dy: &mut du,
                    dx,
                    gradient,
                    is_tangent: false,
                    rows,
                };
                stage.layer.backward(pass, scratch);
            } else if let Some(into) = into.as_deref_mut().filter(|_| bends || l == 0) {
                into[..n_in].fill(T::ZERO);
            }
            has_values |= bends;
            for j in 0..k {
                let pass = PushBack {
                    x: input,
                    tape: layer_tape,
                    p: &p[j * n_in..][..n_in],
                    own: &own[j * own_len / k..][..own_len / k],
                    ds: &mut ds[j * n_out..][..n_out],
                    dp: along.as_deref_mut().map(|dp| &mut dp[j * n_in..][..n_in]),
                    dx: into.as_deref_mut().filter(|_| bends),
                    gradient: gradient.as_deref_mut(),
                    rows,
                };
                stage.layer.push_back(pass, scratch);
            }
            std::mem::swap(&mut du, &mut spare);
            std::mem::swap(&mut ds, &mut spare_tangents);
            (end, tangents_end) = (from, tangents_from);
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
        mlp.forward_tangents((&input, directions), &tape, &mut tangents, 2, ROWS);
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
        for activation in [
            Activation::Tanh,
            Activation::Swish,
            Activation::LipSwish,
            Activation::Gelu,
            Activation::Identity,
        ] {
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
            mlp.forward_tangents((&input, &along), &tape, &mut tangents, 2, ROWS);
            let (mut dxb, mut gradient) = (vec![0.0; 3 * BLOCK], vec![0.0; params.len()]);
            mlp.backward_tangents(
                (&input, &along),
                (&tape, &tangents),
                AlongBack {
                    d_output: Some(&d_output),
                    d_tangents: &d_tangents,
                    dx: Some(&mut dxb),
                    dp: None,
                },
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
