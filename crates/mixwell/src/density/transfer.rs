//! Transfer matrix of the phi^4 chain: exact expectations of every site by integrating one site after another.
//!
//! With `K(u, v) = exp(-beta c (u - v)^2 / 2)` and `V(u) = (beta/c) [(1 - u^2)^2/4 + b u]`:
//! `f_1(u) = K(0, u) e^-V(u)`, `f_{i+1}(v) = e^-V(v) int K(u, v) f_i(u) du`, `g_n(u) = K(u, 0)`, `g_i` the same from the
//! right; the law of site `i` is proportional to `f_i g_i`. The integrals are sums over an even grid, whose error falls
//! faster than any power of the step; the step is a 2.5th of the narrowest feature. `K` is a band, so a site costs grid x band.

/// The law of every site of a phi^4 chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    grid: Vec<f64>,
    /// One row per site; each adds up to one.
    law: Vec<f64>,
    log_evidence: f64,
}

impl Transfer {
    /// `None` when the grid would take more than 32 MB.
    pub(crate) fn new(sites: usize, coupling: f64, b: f64, beta: f64) -> Option<Self> {
        let width = 1.0 / (beta * coupling).sqrt();
        // Where the well alone has fallen by 50 nats; the field moves that edge outward.
        let edge = (1.0 + (200.0 * coupling / beta).sqrt() + 2.0 * b.abs()).sqrt() + b.abs().cbrt();
        // The narrower of the bond and of the well's bottom, whose curvature is 2 beta / c.
        let narrow = width.min((0.5 * coupling / beta).sqrt());
        let half = (2.5 * edge / narrow).ceil();
        if half * 2.0 * sites as f64 > 4e6 {
            return None;
        }
        let half = half as usize;
        let step = edge / half as f64;
        let grid: Vec<f64> = (0..=2 * half).map(|k| (k as f64 - half as f64) * step).collect();
        let bond = |d: f64| (-0.5 * (d / width).powi(2)).exp();
        let band: Vec<f64> =
            (0..grid.len()).map(|k| bond(k as f64 * step)).take_while(|v| *v > 1e-40).collect();
        let well: Vec<f64> = grid
            .iter()
            .map(|u| (-(beta / coupling) * (0.25 * (1.0 - u * u).powi(2) + b * u)).exp())
            .collect();
        let spread = |from: &[f64], to: &mut [f64]| {
            for (i, out) in to.iter_mut().enumerate() {
                let first = (i + 1).saturating_sub(band.len());
                let last = (i + band.len()).min(from.len());
                *out = (first..last).map(|j| band[i.abs_diff(j)] * from[j]).sum::<f64>() * step;
            }
        };

        let n = grid.len();
        let mut forward = vec![0.0; sites * n];
        for ((f, u), w) in forward.iter_mut().zip(&grid).zip(&well) {
            *f = bond(*u) * w;
        }
        let mut log_evidence = rescale(&mut forward[..n]).ln();
        for i in 1..sites {
            let (done, rest) = forward.split_at_mut(i * n);
            let next = &mut rest[..n];
            spread(&done[(i - 1) * n..], next);
            next.iter_mut().zip(&well).for_each(|(f, w)| *f *= w);
            log_evidence += rescale(next).ln();
        }
        // The last site's bond to the fixed end, and backward.
        let mut backward: Vec<f64> = grid.iter().map(|u| bond(*u)).collect();
        let end: f64 = forward[(sites - 1) * n..].iter().zip(&backward).map(|(f, g)| f * g).sum();
        log_evidence += (end * step).ln();
        let mut weighted = vec![0.0; n];
        let mut law = forward;
        for i in (0..sites).rev() {
            let row = &mut law[i * n..(i + 1) * n];
            row.iter_mut().zip(&backward).for_each(|(f, g)| *f *= g);
            let total: f64 = row.iter().sum();
            row.iter_mut().for_each(|f| *f /= total);
            weighted.iter_mut().zip(&backward).zip(&well).for_each(|((v, g), w)| *v = g * w);
            spread(&weighted, &mut backward);
            rescale(&mut backward);
        }
        Some(Self { grid, law, log_evidence })
    }

    /// `E f(phi_site)`; sites count from zero.
    pub fn expectation(&self, site: usize, f: impl Fn(f64) -> f64) -> f64 {
        let n = self.grid.len();
        self.law[site * n..(site + 1) * n].iter().zip(&self.grid).map(|(p, u)| p * f(*u)).sum()
    }

    /// `ln` of the integral of `exp(log_prob)` over all fields.
    pub fn log_evidence(&self) -> f64 {
        self.log_evidence
    }
}

/// Divides by the largest entry and returns it.
fn rescale(values: &mut [f64]) -> f64 {
    let max = values.iter().copied().fold(0.0, f64::max);
    values.iter_mut().for_each(|v| *v /= max);
    max
}
