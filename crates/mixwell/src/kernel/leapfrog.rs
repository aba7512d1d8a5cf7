//! The leapfrog integrator in whitened momenta, shared by HMC and NUTS.
//!
//! With metric `M^-1 = L L'` and `r = L' p ~ N(0, I)`, the energy is `H = -log pi(x) + |r|^2 / 2`, and one step of size
//! `eps` is: `r += eps/2 L' g(x)`; `x += eps L r`; `r += eps/2 L' g(x)`, with `g` the gradient of the log-density.
//! It is reversible (flip `r`, run, flip `r`), keeps volume, and errs by `O(eps^2)` in the energy.
//! Reference: Neal, "MCMC using Hamiltonian dynamics", Handbook of MCMC (2011), section 2.3.

use crate::proposal::Scale;

/// Energy errors above this are divergences.
pub(super) const MAX_ENERGY_ERROR: f64 = 1000.0;

/// `r += eps L' g`.
pub(super) fn kick(scale: &Scale, eps: f64, grad: &[f64], r: &mut [f64]) {
    scale.add_transposed(eps, grad, r);
}

/// `x += eps L r`.
pub(super) fn drift(scale: &Scale, eps: f64, r: &[f64], x: &mut [f64]) {
    scale.add(eps, r, x);
}

/// `H = -log pi + |r|^2 / 2`.
pub(super) fn energy(log_prob: f64, r: &[f64]) -> f64 {
    0.5 * r.iter().map(|v| v * v).sum::<f64>() - log_prob
}
