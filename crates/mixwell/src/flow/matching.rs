//! Flow matching: regression of a velocity on straight lines from latents to examples.
//!
//! With `x_t = (1 - t) z + t x`, `t` uniform on `[0, 1]` and `z ~ N(0, I)` independent of the whitened example `x`, the
//! minimiser of `E |v(x_t, t) - (x - z)|^2` is a velocity that carries `N(0, I)` to the law of the examples. Nothing is
//! integrated. Reference: [lipman2023flow], equations 20 to 23 with `sigma_min = 0`.

use super::layer::Continuous;
use super::stack::{Stack, Workspace};
use crate::Batch;
use crate::net::grow;
use mixwell_vector::Real;
use mixwell_vector::block::{BLOCK, blocks, buffer_len, load_rows};

impl<T: Real> Stack<T> {
    /// See [`Flow::matching_loss`](super::Flow::matching_loss); adds the parameter gradient, if it is asked for.
    pub fn matching_loss(
        &self,
        x: Batch<'_>,
        weights: &[f64],
        (z, times): (Batch<'_>, &[f64]),
        gradient: Option<&mut [T]>,
    ) -> f64 {
        let used: Vec<usize> = (0..x.rows()).filter(|&i| weights[i] != 0.0).collect();
        let (step, train) = (self.training_rows(), gradient.is_some());
        let work = |ws: &mut Workspace<T>, range: std::ops::Range<usize>| {
            let chunks = used[range].chunks(step);
            chunks.map(|chunk| self.matching_block(ws, (x, weights), (z, times), chunk, train)).sum::<f64>()
        };
        self.sliced(used.len(), gradient, work, |_| 1.0).iter().sum()
    }

    /// The loss of these examples; with `train`, adds the gradient to `ws.gradient`.
    fn matching_block(
        &self,
        ws: &mut Workspace<T>,
        (x, weights): (Batch<'_>, &[f64]),
        (z, times): (Batch<'_>, &[f64]),
        which: &[usize],
        train: bool,
    ) -> f64 {
        let net = &self.layer::<Continuous<T>>().expect("a flow with a velocity").velocity().net;
        let (rows, dim) = (which.len(), self.dim);
        let (n, n_input) = (buffer_len(rows, dim), buffer_len(rows, dim + 1));
        self.prepare(ws, rows);
        let Workspace { v, wide, rows: gathered, tape, scratch, gradient, .. } = ws;
        let gather = |from: Batch<'_>, to: &mut Vec<f64>| {
            to.clear();
            which.iter().for_each(|&i| to.extend_from_slice(from.row(i)));
        };
        gather(x, gathered);
        load_rows(gathered, dim, wide);
        self.whitening.inverse(wide, rows);
        gather(z, gathered);
        load_rows(gathered, dim, v);

        // `v` goes from the latent to the slope of the line, the network's inputs are the point on the line and the time.
        grow(tape, n_input + net.tape_len(rows));
        let (input, tape) = tape.split_at_mut(n_input);
        for b in 0..blocks(rows) {
            let block = &mut input[b * (dim + 1) * BLOCK..(b + 1) * (dim + 1) * BLOCK];
            let (points, time) = block.split_at_mut(dim * BLOCK);
            for (r, t) in time.iter_mut().enumerate() {
                *t = which.get(b * BLOCK + r).map_or(T::ZERO, |&i| T::from_f64(times[i]));
            }
            let at = b * dim * BLOCK..(b + 1) * dim * BLOCK;
            for ((k, p), (v, x)) in points.iter_mut().enumerate().zip(v[at.clone()].iter_mut().zip(&wide[at]))
            {
                let slope = T::from_f64(*x) - *v;
                *p = *v + time[k % BLOCK] * slope;
                *v = slope;
            }
        }
        net.forward(input, tape, rows);
        let head = &mut scratch.heads[0];
        grow(head, n);
        head[..n].copy_from_slice(net.output(tape, rows));
        let mut loss = 0.0;
        for b in 0..blocks(rows) {
            for r in 0..BLOCK {
                // Lanes past the last row have weight zero.
                let weight = which.get(b * BLOCK + r).map_or(0.0, |&i| weights[i]) / dim as f64;
                for f in 0..dim {
                    let at = (b * dim + f) * BLOCK + r;
                    let residual = if weight == 0.0 { T::ZERO } else { head[at] - v[at] };
                    loss += weight * residual.to_f64() * residual.to_f64();
                    head[at] = T::from_f64(2.0 * weight) * residual;
                }
            }
        }
        if train {
            net.backward(input, tape, head, None, Some(gradient), &mut scratch.net, rows);
        }
        loss
    }
}
