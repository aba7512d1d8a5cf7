//! The phi^4 chain: a field on a line of sites, pinned to zero at both ends, with a double well at every site.
//!
//! `log_prob(phi) = -beta U`, `U = c sum_{i=0..n} (phi_{i+1} - phi_i)^2/2 + (1/c) sum_i [(1 - phi_i^2)^2/4 + b phi_i]`,
//! `c = a n`, `phi_0 = phi_{n+1} = 0`; unnormalised. Two modes, near +1 and -1, of weight 1/2 each when `b = 0`.
//! Exact: mean, variance and log-evidence by the transfer matrix (`transfer.rs`).
//! The natural Gaussian base has the tridiagonal precision `beta [2c + 1/c on the diagonal, -c beside it]`; see [`Phi4::base`].
//! Reference: Gabrié, Rotskoff, Vanden-Eijnden (2022), adaptive Monte Carlo augmented with normalizing flows.
//! Shapes: points are rows of `sites`.

use std::sync::{Arc, OnceLock};

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::gaussian::Gaussian;
use super::lanes::{self, Lanes};
use super::transfer::Transfer;
use super::{Facts, Modes, Target, Variable};
use crate::symmetry::{LatticeConfig, SignFlip, Symmetry};
use crate::{Batch, BatchMut, ConfigError, Points, range};

/// Settings of [`Phi4`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Phi4Config {
    /// Number of sites.
    pub sites: usize,
    /// Coupling between neighbours, per site.
    pub a: f64,
    /// External field; zero makes the two modes equally likely.
    pub b: f64,
    /// Inverse temperature.
    pub beta: f64,
}

impl Default for Phi4Config {
    fn default() -> Self {
        Self { sites: 64, a: 0.1, b: 0.0, beta: 20.0 }
    }
}

impl Phi4Config {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        range::within("sites", self.sites, 2, 100_000)?;
        range::positive("a", self.a)?;
        range::finite("b", self.b)?;
        range::positive("beta", self.beta)
    }

    /// The target.
    pub fn build(&self) -> Result<Phi4, ConfigError> {
        self.check()?;
        let coupling = self.a * self.sites as f64;
        let line = LatticeConfig { shape: vec![self.sites], translations: false, ..LatticeConfig::default() };
        let mut symmetries: Vec<Arc<dyn Symmetry>> = vec![Arc::new(line.build(self.sites)?)];
        if self.b == 0.0 {
            symmetries.push(Arc::new(SignFlip::all(self.sites)));
        }
        let (sites, b, beta) = (self.sites, self.b, self.beta);
        Ok(Phi4 { sites, coupling, b, beta, facts: OnceLock::new(), symmetries })
    }
}

/// The phi^4 chain; see the module's head for its density.
#[derive(Clone, Debug)]
pub struct Phi4 {
    sites: usize,
    coupling: f64,
    b: f64,
    beta: f64,
    facts: OnceLock<Facts>,
    symmetries: Vec<Arc<dyn Symmetry>>,
}

impl Phi4 {
    /// The Gaussian base of the literature; it is centred, and its precision is given in the module's head.
    pub fn base(&self) -> Gaussian {
        let (n, c) = (self.sites, self.coupling);
        let precision = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => self.beta * (2.0 * c + 1.0 / c),
            1 => -self.beta * c,
            _ => 0.0,
        });
        let covariance = precision.cholesky().expect("diagonally dominant").inverse();
        let covariance = (&covariance + covariance.transpose()) * 0.5;
        Gaussian::full(vec![0.0; n], &covariance).expect("the inverse of a positive definite matrix")
    }

    /// The transfer matrix, which knows the law of every site exactly; some milliseconds of work. `None` for chains of
    /// thousands of sites, where it would take too much memory.
    pub fn transfer(&self) -> Option<Transfer> {
        Transfer::new(self.sites, self.coupling, self.b, self.beta)
    }

    /// The minimum of the energy reached from the constant field `sign`, by Newton's method on the tridiagonal system.
    fn mode(&self, sign: f64) -> Option<Vec<f64>> {
        let (n, c) = (self.sites, self.coupling);
        let mut phi = vec![sign; n];
        let mut grad = vec![0.0; n];
        let mut upper = vec![0.0; n];
        for _ in 0..100 {
            self.log_prob_and_grad(Batch::new(&phi, n), &mut [0.0], BatchMut::new(&mut grad, n)).ok()?;
            if grad.iter().all(|g| g.abs() < 1e-9 * self.beta) {
                return (phi[n / 2] * sign > 0.5).then_some(phi);
            }
            // Thomas algorithm for (-Hessian) step = grad, row by row.
            for i in 0..n {
                let before = if i == 0 { 0.0 } else { upper[i - 1] };
                let diagonal = self.beta * (2.0 * c + (3.0 * phi[i] * phi[i] - 1.0) / c);
                let pivot = diagonal + self.beta * c * before;
                upper[i] = -self.beta * c / pivot;
                grad[i] = (grad[i] + if i == 0 { 0.0 } else { self.beta * c * grad[i - 1] }) / pivot;
            }
            for i in (0..n).rev() {
                if i + 1 < n {
                    grad[i] -= upper[i] * grad[i + 1];
                }
                phi[i] += grad[i];
            }
        }
        None
    }
}

impl Lanes for Phi4 {
    fn lanes_dim(&self) -> usize {
        self.sites
    }

    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let (c, inverse) = (self.coupling, 1.0 / self.coupling);
        let (mut bonds, mut wells) = ([0.0; L], [0.0; L]);
        let mut before = [0.0; L];
        for (i, phi) in x.iter().enumerate() {
            let after = x.get(i + 1).copied().unwrap_or([0.0; L]);
            for l in 0..L {
                let well = 1.0 - phi[l] * phi[l];
                let bond = phi[l] - before[l];
                bonds[l] += bond * bond;
                wells[l] += 0.25 * (well * well) + self.b * phi[l];
                if GRAD {
                    let pull = c * (bond - (after[l] - phi[l]));
                    grad[i][l] = -self.beta * (pull + inverse * (self.b - well * phi[l]));
                }
            }
            before = *phi;
        }
        let mut out = [0.0; L];
        for l in 0..L {
            let energy = 0.5 * c * (bonds[l] + before[l] * before[l]) + inverse * wells[l];
            out[l] = -self.beta * energy;
        }
        out
    }
}

impl Target for Phi4 {
    lanes::evaluates!();

    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("phi", &[self.sites])]
    }

    /// The line read backwards and, without an external field, the other sign.
    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        &self.symmetries
    }

    fn quantities(&self) -> Vec<Variable> {
        vec![Variable::new("magnetisation", &[]), Variable::new("energy", &[])]
    }

    /// The mean of the field, and `U`.
    fn measure(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x.iter().sum::<f64>() / self.sites as f64;
        out[1] = -Lanes::evaluate::<1, false>(self, x.as_chunks::<1>().0, &mut [], &mut [])[0] / self.beta;
    }

    fn facts(&self) -> Facts {
        let make = || {
            let modes = self.mode(1.0).zip(self.mode(-1.0)).map(|(up, down)| Modes {
                centres: Points::from_rows(&[up, down]),
                weights: (self.b == 0.0).then(|| vec![0.5; 2]),
                deviations: None,
            });
            let symmetric = (self.b == 0.0).then(|| vec![0.0; self.sites]);
            let Some(transfer) = self.transfer() else {
                return Facts { mean: symmetric, modes, ..Facts::default() };
            };
            let moment =
                |p: i32| (0..self.sites).map(|i| transfer.expectation(i, |v| v.powi(p))).collect::<Vec<_>>();
            let mean = symmetric.unwrap_or_else(|| moment(1));
            let variance = moment(2).iter().zip(&mean).map(|(second, m)| second - m * m).collect();
            Facts {
                mean: Some(mean),
                variance: Some(variance),
                log_evidence: Some(transfer.log_evidence()),
                modes,
                ..Facts::default()
            }
        };
        self.facts.get_or_init(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_expectations_of_the_middle_site() {
        // N, E phi^2, E phi^4, E |phi| at site N/2, and E phi^2 averaged over sites.
        let table = [
            (16, 0.958_782, 0.983_147, 0.970_319, 0.747_660),
            (64, 0.954_620, 0.980_363, 0.967_447, 0.697_840),
            (100, 0.954_210, 0.979_816, 0.967_201, 0.692_233),
            (128, 0.954_057, 0.979_588, 0.967_111, 0.690_075),
        ];
        for (sites, second, fourth, absolute, average) in table {
            let target = Phi4Config { sites, ..Default::default() }.build().unwrap();
            let t = target.transfer().unwrap();
            let middle = |f: &dyn Fn(f64) -> f64| t.expectation(sites / 2, f);
            assert!((middle(&|v| v * v) - second).abs() < 2e-6, "{sites}: {}", middle(&|v| v * v));
            assert!((middle(&|v| v.powi(4)) - fourth).abs() < 2e-6, "{sites}");
            assert!((middle(&f64::abs) - absolute).abs() < 2e-6, "{sites}");
            let variance = target.facts().variance.unwrap();
            assert!((variance.iter().sum::<f64>() / sites as f64 - average).abs() < 2e-6, "{sites}");
        }
    }

    #[test]
    fn evidence_of_two_sites_by_quadrature() {
        let target = Phi4Config { sites: 2, a: 0.4, b: 0.3, beta: 3.0 }.build().unwrap();
        let (n, half) = (400, 4.0);
        let step = 2.0 * half / n as f64;
        let at = |i: usize| (i as f64 + 0.5) * step - half;
        let points: Vec<f64> = (0..n * n).flat_map(|k| [at(k / n), at(k % n)]).collect();
        let mut value = vec![0.0; n * n];
        target.log_prob(Batch::new(&points, 2), &mut value).unwrap();
        let mass: f64 = value.iter().map(|v| v.exp() * step * step).sum();
        let first: f64 = value.iter().zip(points.chunks(2)).map(|(v, p)| p[0] * v.exp() * step * step).sum();
        let facts = target.facts();
        assert!((facts.log_evidence.unwrap() - mass.ln()).abs() < 1e-9);
        assert!((facts.mean.unwrap()[0] - first / mass).abs() < 1e-9);
        assert!(facts.modes.is_none_or(|m| m.weights.is_none()));
    }

    #[test]
    fn the_base_has_the_documented_precision() {
        // One coordinate moved by h from 0 changes log q by -beta (2c + 1/c) h^2 / 2; two neighbours also by +beta c h^2.
        let target = Phi4Config { sites: 4, ..Default::default() }.build().unwrap();
        let base = target.base();
        let points =
            [0.0; 4].into_iter().chain([0.0, 1.0, 0.0, 0.0]).chain([0.0, 1.0, 1.0, 0.0]).collect::<Vec<_>>();
        let mut q = [0.0; 3];
        base.log_prob(Batch::new(&points, 4), &mut q).unwrap();
        let c = 0.4;
        assert!((q[1] - q[0] + 20.0 * (2.0 * c + 1.0 / c) / 2.0).abs() < 1e-9);
        assert!((q[2] - q[0] + 20.0 * (2.0 * c + 1.0 / c) - 20.0 * c).abs() < 1e-9);
    }

    #[test]
    fn long_chains_still_know_their_modes() {
        let facts = Phi4Config { sites: 20_000, ..Default::default() }.build().unwrap().facts();
        assert!(facts.variance.is_none() && facts.log_evidence.is_none());
        assert_eq!(facts.modes.unwrap().weights, Some(vec![0.5; 2]));
    }

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(Phi4Config { sites: 1, ..Default::default() }.check().unwrap_err().key, "sites");
        assert_eq!(Phi4Config { beta: 0.0, ..Default::default() }.check().unwrap_err().key, "beta");
    }
}
