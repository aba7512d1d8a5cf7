//! Noise contrastive estimation: tell data from draws of a known law by the energy.
//!
//! `l(x) = b + log p~(x) - log q(x)` with `log p~ = -E / T + log rho`, noise `q`, a free number `b`; the share of data among the points is
//! `s`. `L = s mean softplus(-l(x+) - c) + (1 - s) mean softplus(l(x-) + c)`, `c = 0`: at the optimum `l = ln(s / (1 - s)) +
//! log p_data - log q`, so `log Z = ln(s / (1 - s)) - b` where the energy can match the data.
//! The noise as an opponent (flow contrastive estimation) minimises the accuracy: with `D = sigma(l)` its gradient is that of
//! `sum_i v_i log q(x_i)`, `v_i = -s (1 - D) / n+` on data and `(1 - s) [D - log(1 - D) .. ] / n-` on its own draws, see `Contest`.
//! References: [gutmann2012noise]; [gao2020flow] for the opponent.

use super::super::{Energy, EnergyModel};
use super::contrast::Reading;
use crate::Batch;
use crate::math::{logistic, softplus};
use crate::net::Gradient;
use crate::scratch::scratch;
use crate::train::LossValue;

/// One update's points, and the log-density of each under the noise.
pub(in crate::ebm) struct NoiseContrast<'a> {
    pub positives: (Batch<'a>, &'a [f64]),
    pub negatives: (Batch<'a>, &'a [f64]),
    /// The free number `b`.
    pub offset: f64,
    /// The share `s` of data.
    pub share: f64,
}

/// What came out besides the gradient of the energy.
pub(in crate::ebm) struct Contest {
    pub loss: LossValue,
    pub reading: Reading,
    /// The derivative in `b`.
    pub d_offset: f64,
    /// `D = sigma(l)` of every positive, then of every negative.
    pub belief: Vec<f64>,
}

impl NoiseContrast<'_> {
    /// The loss; adds its gradient in the energy's parameters.
    pub fn evaluate<E: Energy>(&self, model: &EnergyModel<E>, gradient: &mut Gradient) -> Contest {
        let mut contest = Contest {
            loss: LossValue::from(0.0),
            reading: Reading { positive: 0.0, negative: 0.0 },
            d_offset: 0.0,
            belief: Vec::with_capacity(self.positives.0.rows() + self.negatives.0.rows()),
        };
        for (sign, share, (x, log_q)) in
            [(1.0, self.share, self.positives), (-1.0, 1.0 - self.share, self.negatives)]
        {
            let n = x.rows();
            let (mut log_base, mut energies) = (scratch(n), scratch(n));
            model.log_base(x, &mut log_base);
            let (log_base, each, temperature) = (&log_base[..], share / n as f64, model.temperature());
            let log_p = |row: usize, energy: f64| -energy / temperature + log_base[row];
            let is_lost = |logit: f64| logit.is_nan() || sign * logit == f64::NEG_INFINITY;
            // d softplus(-+l) / dl, and dl = -dE / T.
            let slope = |belief: f64| each * (belief - if sign > 0.0 { 1.0 } else { 0.0 });
            let weigh = |first: usize, energies: &[f64], weights: &mut [f64]| {
                for (row, (w, e)) in (first..).zip(weights.iter_mut().zip(energies)) {
                    let logit = self.offset + log_p(row, *e) - log_q[row];
                    *w = if is_lost(logit) { 0.0 } else { -slope(logistic(logit)) / temperature };
                }
            };
            model.energy().weighted_by(x, &weigh, &mut energies, gradient);
            let mut sum = 0.0;
            for (row, e) in energies.iter().enumerate() {
                let p = log_p(row, *e);
                let logit = self.offset + p - log_q[row];
                let belief = logistic(logit);
                contest.belief.push(belief);
                sum += p;
                if is_lost(logit) {
                    contest.loss.non_finite_rows += 1;
                    continue;
                }
                contest.loss.value += each * softplus(-sign * logit);
                contest.d_offset += slope(belief);
            }
            // Mean energies are read off the log-densities, base included where there is one.
            let mean = -sum / n as f64;
            *(if sign > 0.0 { &mut contest.reading.positive } else { &mut contest.reading.negative }) = mean;
        }
        contest
    }
}

impl Contest {
    /// Factors on `log q` of every positive, then of every negative, by which the noise lowers `V = s mean log D(x+) + (1 - s) mean
    /// log(1 - D(x-))`: `dV = sum_i v_i d log q(x_i)`. Draws of the noise enter through its density at them (a baseline, their mean,
    /// lowers the variance) and through `l`.
    pub fn factors(&self, n_positives: usize, share: f64) -> Vec<f64> {
        let (data, noise) = self.belief.split_at(n_positives);
        let lost: Vec<f64> = noise.iter().map(|d| (1.0 - d).max(f64::MIN_POSITIVE).ln()).collect();
        let baseline = lost.iter().sum::<f64>() / lost.len() as f64;
        let of_data = data.iter().map(|d| -share * (1.0 - d) / data.len() as f64);
        let each = (1.0 - share) / noise.len() as f64;
        let of_noise = noise.iter().zip(&lost).map(|(d, lost)| each * (d + lost - baseline));
        of_data.chain(of_noise).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ebm::tests::Quadratic;
    use crate::net::Model;
    use crate::{Points, Stream};

    #[test]
    fn gradients_match_differences() {
        let mut stream = Stream::new(1, 0);
        let mut points = || {
            let mut x = Points::zeros(40, 1);
            stream.fill_normal(x.data_mut());
            x
        };
        let (x, y) = (points(), points());
        let log_q = |x: &Points| x.data().iter().map(|x| -0.3 * x * x - 1.0).collect::<Vec<_>>();
        let (qx, qy) = (log_q(&x), log_q(&y));
        let contest = |theta: f64, offset: f64| {
            let model = EnergyModel::new(Quadratic::new(theta)).at_temperature(1.5).unwrap();
            let mut gradient = model.zero_gradient();
            let contrast = NoiseContrast {
                positives: (x.as_batch(), &qx),
                negatives: (y.as_batch(), &qy),
                offset,
                share: 0.3,
            };
            (contrast.evaluate(&model, &mut gradient), gradient.get(0))
        };
        let (at, slope) = contest(0.8, 0.2);
        let numeric = (contest(0.8 + 1e-5, 0.2).0.loss.value - contest(0.8 - 1e-5, 0.2).0.loss.value) / 2e-5;
        assert!((numeric - slope).abs() < 1e-9, "{numeric} {slope}");
        let numeric = (contest(0.8, 0.2 + 1e-5).0.loss.value - contest(0.8, 0.2 - 1e-5).0.loss.value) / 2e-5;
        assert!((numeric - at.d_offset).abs() < 1e-9);
    }
}
