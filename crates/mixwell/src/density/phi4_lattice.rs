//! The phi^4 field on a periodic lattice of any shape: the Ising transition with a field of real numbers.
//!
//! `log_prob(phi) = -S`, `S = sum_x [phi_x^2 + lambda (phi_x^2 - 1)^2 - 2 kappa sum_mu phi_x phi_{x+mu} - field phi_x]`, `mu` over the axes;
//! unnormalised. For large `kappa` the field is ordered: two modes of either sign, of weight 1/2 each when `field = 0`.
//! Exact: mean 0 when `field = 0`; with `lambda = 0` a Gaussian, whose precision has the eigenvalues `2 - 4 kappa sum_mu cos(2 pi k_mu / n_mu)`.
//! With `lambda = 1/2` no square is left, and the transition of large lattices lies near `kappa = .343`. Where the action is written
//! `sum_x [l phi^4 - phi_x (sum of neighbours)]`, `l = 1/(2 kappa^2)`, and that field is `sqrt(kappa)` times this one.
//! Reference: Montvay and Muenster, Quantum fields on a lattice (1994), the action in hopping form.
//! Shapes: points are rows of sites, the last axis running fastest.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lanes::{self, Lanes};
use super::{Facts, Modes, Target, Variable};
use crate::symmetry::{LatticeConfig, SignFlip, Symmetry};
use crate::{ConfigError, Points, range};

/// Most sites: neighbours are listed.
const MOST_SITES: usize = 1 << 22;

/// Settings of [`Phi4Lattice`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Phi4LatticeConfig {
    /// Sites along every axis.
    pub shape: Vec<usize>,
    /// Coupling of neighbours (hopping parameter).
    pub kappa: f64,
    /// How firmly every site is held to -1 or 1; 0 for a Gaussian field.
    pub lambda: f64,
    /// External field; zero makes both signs equally likely.
    pub field: f64,
}

impl Default for Phi4LatticeConfig {
    /// Twelve by twelve sites, ordered.
    fn default() -> Self {
        Self { shape: vec![12, 12], kappa: 0.38, lambda: 0.5, field: 0.0 }
    }
}

impl Phi4LatticeConfig {
    /// Checks every range.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.lattice().check()?;
        let sites = self.shape.iter().fold(1usize, |all, n| all.saturating_mul(*n));
        range::at_most("shape", sites, MOST_SITES)?;
        range::finite("kappa", self.kappa)?;
        range::not_negative("lambda", self.lambda)?;
        range::finite("field", self.field)?;
        let most = 0.5 / self.shape.len() as f64;
        if self.lambda == 0.0 && self.kappa.abs() >= most {
            let reason =
                format!("without `lambda` the field runs away unless it lies between -{most} and {most}");
            return Err(ConfigError::new("kappa", self.kappa, reason));
        }
        Ok(())
    }

    fn lattice(&self) -> LatticeConfig {
        LatticeConfig { shape: self.shape.clone(), ..LatticeConfig::default() }
    }

    /// The target.
    pub fn build(&self) -> Result<Phi4Lattice, ConfigError> {
        self.check()?;
        let sites: usize = self.shape.iter().product();
        let mut symmetries: Vec<Arc<dyn Symmetry>> = vec![Arc::new(self.lattice().build(sites)?)];
        if self.field == 0.0 {
            symmetries.push(Arc::new(SignFlip::all(sites)));
        }
        Ok(Phi4Lattice { config: self.clone(), sites, neighbours: neighbours(&self.shape), symmetries })
    }
}

/// The sites before and after every site along every axis.
fn neighbours(shape: &[usize]) -> Vec<u32> {
    let sites: usize = shape.iter().product();
    let mut all = Vec::with_capacity(2 * sites * shape.len());
    for site in 0..sites {
        let mut stride = sites;
        for &n in shape {
            stride /= n;
            let place = site / stride % n;
            let line = site - place * stride;
            all.push((line + (place + 1) % n * stride) as u32);
            all.push((line + (place + n - 1) % n * stride) as u32);
        }
    }
    all
}

/// The phi^4 field on a lattice; see the module's head for its density.
#[derive(Clone, Debug)]
pub struct Phi4Lattice {
    config: Phi4LatticeConfig,
    sites: usize,
    neighbours: Vec<u32>,
    symmetries: Vec<Arc<dyn Symmetry>>,
}

impl Phi4Lattice {
    /// The constant field of the ordered phase, where there is one: it minimises the action.
    fn plateau(&self) -> Option<f64> {
        let Phi4LatticeConfig { kappa, lambda, .. } = self.config;
        let axes = self.config.shape.len() as f64;
        let square = 1.0 + (2.0 * kappa * axes - 1.0) / (2.0 * lambda);
        (lambda > 0.0 && kappa > 0.0 && square > 0.0).then(|| square.sqrt())
    }

    /// Eigenvalues of the precision, without `lambda`.
    fn eigenvalues(&self) -> Vec<f64> {
        let shape = &self.config.shape;
        let of_mode = |mode: usize| {
            let (mut rest, mut cosines) = (mode, 0.0);
            for &n in shape {
                cosines += (std::f64::consts::TAU * (rest % n) as f64 / n as f64).cos();
                rest /= n;
            }
            2.0 - 4.0 * self.config.kappa * cosines
        };
        (0..self.sites).map(of_mode).collect()
    }
}

impl Lanes for Phi4Lattice {
    const WIDE: bool = true;

    fn lanes_dim(&self) -> usize {
        self.sites
    }

    #[inline(always)]
    fn evaluate<const L: usize, const GRAD: bool>(
        &self,
        x: &[[f64; L]],
        grad: &mut [[f64; L]],
        _: &mut [[f64; L]],
    ) -> [f64; L] {
        let Phi4LatticeConfig { kappa, lambda, field, .. } = self.config;
        let of_site = 2 * self.config.shape.len();
        let mut action = [0.0; L];
        for (i, phi) in x.iter().enumerate() {
            let mut around = [0.0; L];
            for &j in &self.neighbours[i * of_site..(i + 1) * of_site] {
                let other = x[j as usize];
                for l in 0..L {
                    around[l] += other[l];
                }
            }
            for l in 0..L {
                let square = phi[l] * phi[l];
                let off = square - 1.0;
                // Every bond is met from both of its ends.
                let bonds = kappa * around[l] + field;
                action[l] += square + lambda * (off * off) - phi[l] * bonds;
                if GRAD {
                    let pull = kappa * around[l] + bonds;
                    grad[i][l] = pull - phi[l] * (2.0 + 4.0 * lambda * off);
                }
            }
        }
        lanes::map(action, |s| -s)
    }
}

impl Target for Phi4Lattice {
    lanes::evaluates!();

    fn variables(&self) -> Vec<Variable> {
        vec![Variable::new("phi", &self.config.shape)]
    }

    fn quantities(&self) -> Vec<Variable> {
        let names = ["magnetisation", "magnetisation_squared", "magnetisation_fourth", "action"];
        names.map(|name| Variable::new(name, &[])).to_vec()
    }

    /// The mean of the field, its second and fourth power, and `S`. No symmetry moves the last three: they tell how chains mix. Of their means, the
    /// susceptibility is that of the square times the number of sites, and Binder's cumulant `1 - <m^4> / 3 <m^2>^2`.
    fn measure(&self, x: &[f64], out: &mut [f64]) {
        let mean = x.iter().sum::<f64>() / self.sites as f64;
        let square = mean * mean;
        let log_prob = Lanes::evaluate::<1, false>(self, x.as_chunks::<1>().0, &mut [], &mut [])[0];
        out.copy_from_slice(&[mean, square, square * square, -log_prob]);
    }

    /// Those of the lattice and, without an external field, the other sign.
    fn symmetries(&self) -> &[Arc<dyn Symmetry>] {
        &self.symmetries
    }

    fn facts(&self) -> Facts {
        if self.config.field != 0.0 {
            return Facts::default();
        }
        let modes = self.plateau().map(|phi| Modes {
            centres: Points::from_rows(&[vec![phi; self.sites], vec![-phi; self.sites]]),
            weights: Some(vec![0.5; 2]),
            deviations: None,
        });
        let gaussian = (self.config.lambda == 0.0).then(|| self.eigenvalues());
        let n = self.sites as f64;
        Facts {
            mean: Some(vec![0.0; self.sites]),
            variance: gaussian.as_ref().map(|all| {
                let of_site = all.iter().map(|e| 1.0 / e).sum::<f64>() / n;
                vec![of_site; self.sites]
            }),
            log_evidence: gaussian
                .map(|all| 0.5 * all.iter().map(|e| (std::f64::consts::TAU / e).ln()).sum::<f64>()),
            modes,
            ..Facts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_by_hand() {
        // Three sites on a ring: bonds 01, 12, 20.
        let config = Phi4LatticeConfig { shape: vec![3], kappa: 0.2, lambda: 0.5, field: 0.1 };
        let x = [1.0, -2.0, 0.5];
        let bonds = 1.0 * -2.0 + -2.0 * 0.5 + 0.5 * 1.0;
        let sites: f64 = x.iter().map(|v: &f64| v * v + 0.5 * (v * v - 1.0).powi(2) - 0.1 * v).sum();
        let value = config.build().unwrap().log_prob_at(&x).unwrap();
        assert!((value + sites - 2.0 * 0.2 * bonds).abs() < 1e-14, "{value}");
    }

    #[test]
    fn without_lambda_it_is_the_gaussian_it_says() {
        let config = Phi4LatticeConfig { shape: vec![2, 3], kappa: 0.2, lambda: 0.0, field: 0.0 };
        let target = config.build().unwrap();
        // The precision from the log-density itself: -H[i, j] = f(0) - f(e_i) - f(e_j) + f(e_i + e_j), with the sign of a quadratic form.
        let f = |i: usize, j: usize| {
            let mut x = [0.0; 6];
            x[i] += 1.0;
            x[j] += 1.0;
            target.log_prob_at(&x).unwrap()
        };
        let one = |i: usize| f(i, i) / 4.0;
        let precision = nalgebra::DMatrix::from_fn(6, 6, |i, j| one(i) + one(j) - f(i, j));
        let facts = target.facts();
        let variance = precision.clone().try_inverse().unwrap()[(0, 0)];
        assert!((facts.variance.unwrap()[0] - variance).abs() < 1e-12);
        let evidence = 3.0 * std::f64::consts::TAU.ln() - 0.5 * precision.determinant().ln();
        assert!((facts.log_evidence.unwrap() - evidence).abs() < 1e-12);
    }

    #[test]
    fn the_plateau_is_where_the_slope_vanishes() {
        let target = Phi4LatticeConfig::default().build().unwrap();
        let centre = target.facts().modes.unwrap().centres.row(0).to_vec();
        let mut grad = Points::zeros(1, 144);
        let x = Points::from_rows(&[centre]);
        target.log_prob_and_grad(x.as_batch(), &mut [0.0], grad.as_batch_mut()).unwrap();
        assert!(grad.data().iter().all(|g| g.abs() < 1e-12), "{:?}", &grad.data()[..3]);
        let disordered = Phi4LatticeConfig { kappa: 0.1, lambda: 0.02, ..Phi4LatticeConfig::default() };
        assert!(disordered.build().unwrap().facts().modes.is_none());
    }

    #[test]
    fn a_field_that_runs_away_is_refused() {
        let config = Phi4LatticeConfig { lambda: 0.0, ..Phi4LatticeConfig::default() };
        assert_eq!(config.check().unwrap_err().key, "kappa");
        let config = Phi4LatticeConfig { shape: vec![1 << 12; 3], ..Phi4LatticeConfig::default() };
        assert_eq!(config.check().unwrap_err().key, "shape");
    }
}
