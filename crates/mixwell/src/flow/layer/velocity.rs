//! The velocity `v(x, t)` of a continuous flow: a dense network of the point and the time, with its divergence.
//!
//! `div v = sum_i dv_i/dx_i`, exactly from one directional derivative per coordinate, or estimated as the mean of `p^T J p`
//! over random signs `p` (Hutchinson), whose expectation is the trace because `E p p^T = I`. Both are a sum over directions
//! `p` of `c_p . J p`, with `c_p = p` up to a factor. The signs are the same for every point and at every call, so that
//! the flow stays a function of its argument.
//! Shapes: one block of 64 rows; `dim` features and the time of every row. Reference: [grathwohl2019ffjord], section 3.1.

use serde::{Deserialize, Serialize};

use super::bijection::Scratch;
use super::ode::Field;
use crate::net::{Activation, AlongBack, NetworkSpec, Sequential, grow};
use crate::{ConfigError, Stream, range};
use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;

/// The trace of the velocity's Jacobian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Divergence {
    /// One directional derivative per coordinate.
    #[default]
    Exact,
    /// The mean of `p^T J p` over fixed random signs `p`: log-densities are estimates, the same at every call.
    Hutchinson {
        /// How many `p`.
        #[serde(default = "n_probes")]
        n_probes: usize,
        /// What they are drawn from.
        #[serde(default)]
        seed: u64,
    },
}

fn n_probes() -> usize {
    8
}

impl Divergence {
    /// Every range check.
    pub(crate) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Hutchinson { n_probes, .. } => range::within("divergence.n_probes", n_probes, 1, 10_000),
            _ => Ok(()),
        }
    }
}

/// A velocity network.
#[derive(Clone, Debug)]
pub(crate) struct Velocity<T> {
    dim: usize,
    pub net: Sequential<T>,
    /// Directions among the inputs of the network: `n x (dim + 1) x 64`, the same for every row.
    directions: Vec<T>,
    /// What each derivative of each output counts: `n x dim`.
    weights: Vec<T>,
}

impl<T: Real> Velocity<T> {
    /// The velocity in `dim` dimensions, whose parameters begin at `offset` of the flow's flat vector.
    pub fn new(
        dim: usize,
        hidden: &[usize],
        activation: Activation,
        divergence: Divergence,
        offset: usize,
    ) -> Self {
        let (probes, factor): (Vec<f64>, f64) = match divergence {
            Divergence::Exact => {
                ((0..dim * dim).map(|k| f64::from(u8::from(k / dim == k % dim))).collect(), 1.0)
            }
            Divergence::Hutchinson { n_probes, seed } => {
                let mut stream = Stream::new(seed, 0);
                let sign = |_| if stream.uniform() < 0.5 { -1.0 } else { 1.0 };
                ((0..n_probes * dim).map(sign).collect(), 1.0 / n_probes as f64)
            }
        };
        let directions = probes
            .chunks(dim)
            .flat_map(|p| p.iter().chain(&[0.0]))
            .flat_map(|v| [T::from_f64(*v); BLOCK])
            .collect();
        let weights = probes.iter().map(|v| T::from_f64(v * factor)).collect();
        let spec = NetworkSpec::dense(dim + 1, hidden, dim, activation);
        let net = Sequential::new(&spec, offset);
        assert!(net.is_smooth(), "a velocity of smooth activations");
        Self { dim, net, directions, weights }
    }

    /// Number of directions.
    pub(super) fn n_directions(&self) -> usize {
        self.weights.len() / self.dim
    }

    /// Parts of a tape: inputs and values of the network, its directional derivatives.
    fn parts(&self) -> [usize; 3] {
        [(self.dim + 1) * BLOCK, self.net.tape_len(BLOCK), self.net.tangents_len(self.n_directions())]
    }
}

impl<T: Real> Field<T> for Velocity<T> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn tape_len(&self) -> usize {
        self.parts().iter().sum()
    }

    fn eval(&self, (x, t): (&[T], &[T]), tape: &mut [T], v: &mut [T], divergence: &mut [T], rows: usize) {
        let (n, k) = (self.dim * BLOCK, self.n_directions());
        let [inputs, values, _] = self.parts();
        let (input, rest) = tape.split_at_mut(inputs);
        let (tape, tangents) = rest.split_at_mut(values);
        input[..n].copy_from_slice(&x[..n]);
        input[n..].copy_from_slice(&t[..BLOCK]);
        self.net.forward(input, tape, rows);
        v[..n].copy_from_slice(self.net.output(tape, rows));
        self.net.forward_tangents((input, &self.directions), tape, tangents, k, rows);
        let derivatives = self.net.tangent_outputs(tangents, k);
        divergence[..BLOCK].fill(T::ZERO);
        for (c, derivative) in self.weights.iter().zip(derivatives.chunks_exact(BLOCK)) {
            if *c != T::ZERO {
                for (sum, d) in divergence.iter_mut().zip(derivative) {
                    *sum += *c * *d;
                }
            }
        }
    }

    fn pull(
        &self,
        tape: &[T],
        (dv, ddivergence): (&[T], &[T]),
        dx: &mut [T],
        gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    ) {
        let [inputs, values, _] = self.parts();
        let (input, rest) = tape.split_at(inputs);
        let (tape, tangents) = rest.split_at(values);
        let Scratch { net, heads: [head, _], dx: dinput, .. } = scratch;
        let k = self.weights.len() * BLOCK;
        grow(head, k);
        grow(dinput, inputs);
        for (c, d) in self.weights.iter().zip(head.chunks_exact_mut(BLOCK)) {
            for (d, dl) in d.iter_mut().zip(ddivergence) {
                *d = *c * *dl;
            }
        }
        self.net.backward_tangents(
            (input, &self.directions),
            (tape, tangents),
            AlongBack { d_output: Some(dv), d_tangents: &head[..k], dx: Some(dinput), dp: None },
            gradient,
            net,
            rows,
        );
        let n = self.dim * BLOCK;
        dx[..n].copy_from_slice(&dinput[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Init, Parameters};

    const ROWS: usize = 3;
    const DIM: usize = 4;

    /// A velocity with these parameters, and its divergence at fixed points and times, moved along `axis`; with velocities.
    fn evaluate(divergence: Divergence, axis: usize, by: f64) -> (Vec<f64>, Vec<f64>) {
        let mut velocity = Velocity::<f64>::new(DIM, &[8, 6], Activation::Swish, divergence, 0);
        let mut params = vec![0.0; velocity.net.n_params()];
        let mut stream = Stream::new(4, 0);
        velocity.net.initialise(&mut params, Init::Uniform, &mut stream);
        velocity.net.pack(&params);
        let (mut x, mut t) = (vec![0.0; DIM * BLOCK], vec![0.0; BLOCK]);
        stream.fill_normal(&mut x);
        t.iter_mut().for_each(|t| *t = stream.uniform());
        x[axis * BLOCK..(axis + 1) * BLOCK].iter_mut().for_each(|x| *x += by);
        let (mut v, mut div) = (vec![0.0; DIM * BLOCK], vec![0.0; BLOCK]);
        velocity.eval((&x, &t), &mut vec![0.0; velocity.tape_len()], &mut v, &mut div, ROWS);
        div.truncate(ROWS);
        (v, div)
    }

    #[test]
    fn the_exact_divergence_is_that_of_finite_differences() {
        let (_, exact) = evaluate(Divergence::Exact, 0, 0.0);
        let mut numeric = [0.0; ROWS];
        for axis in 0..DIM {
            let [up, down] = [1e-5, -1e-5].map(|by| evaluate(Divergence::Exact, axis, by).0);
            for (r, sum) in numeric.iter_mut().enumerate() {
                *sum += (up[axis * BLOCK + r] - down[axis * BLOCK + r]) / 2e-5;
            }
        }
        for r in 0..ROWS {
            assert!((numeric[r] - exact[r]).abs() < 1e-8, "{} and {}", numeric[r], exact[r]);
        }
    }

    #[test]
    fn estimates_scatter_around_the_exact_divergence() {
        let (_, exact) = evaluate(Divergence::Exact, 0, 0.0);
        let estimates: Vec<Vec<f64>> =
            (0..400).map(|seed| evaluate(Divergence::Hutchinson { n_probes: 2, seed }, 0, 0.0).1).collect();
        for (r, exact) in exact.iter().enumerate() {
            let mean = estimates.iter().map(|e| e[r]).sum::<f64>() / 400.0;
            let variance = estimates.iter().map(|e| (e[r] - mean).powi(2)).sum::<f64>() / 399.0;
            assert!(variance > 1e-8, "an estimate of several signs varies");
            assert!((mean - exact).abs() < 5.0 * (variance / 400.0).sqrt(), "{mean} and {exact}");
        }
    }
}
