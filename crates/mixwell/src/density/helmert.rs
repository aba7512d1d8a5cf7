//! The centre of mass taken out of positions: `x = H' y` with `H` the orthonormal Helmert rows `(1,..,1, -k, 0,..,0)/sqrt(k (k + 1))`.
//!
//! Orthonormal, so lengths, volumes and gradients come along as they are.

/// The map between free coordinates (`(particles - 1) x space`) and positions (`particles x space`) whose centre is at the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Helmert {
    pub particles: usize,
    pub space: usize,
}

impl Helmert {
    /// Positions from free coordinates, `x = H' y`, in one sweep from the last particle.
    #[inline(always)]
    pub fn positions<const L: usize>(&self, y: &[[f64; L]], x: &mut [[f64; L]]) {
        for c in 0..self.space {
            // Row k of H gives 1/sqrt(k (k + 1)) to particles before k and -k times that to particle k.
            let mut sum = [0.0; L];
            for k in (0..self.particles).rev() {
                let mut at = sum;
                if k > 0 {
                    let norm = 1.0 / ((k * (k + 1)) as f64).sqrt();
                    for l in 0..L {
                        let step = y[(k - 1) * self.space + c][l] * norm;
                        at[l] = sum[l] - k as f64 * step;
                        sum[l] += step;
                    }
                }
                x[k * self.space + c] = at;
            }
        }
    }

    /// Free coordinates, `H x`, of positions or of a gradient there, in one sweep from the first particle.
    #[inline(always)]
    pub fn free<const L: usize>(&self, x: &[[f64; L]], y: &mut [[f64; L]]) {
        for c in 0..self.space {
            let mut sum = x[c];
            for k in 1..self.particles {
                let norm = 1.0 / ((k * (k + 1)) as f64).sqrt();
                let at = x[k * self.space + c];
                for l in 0..L {
                    y[(k - 1) * self.space + c][l] = (sum[l] - k as f64 * at[l]) * norm;
                    sum[l] += at[l];
                }
            }
        }
    }
}
