//! The loss by which a flow learns from weighted examples: maximum likelihood or flow matching, depending on its family.

use super::flow::Flow;
use crate::net::Gradient;
use crate::proposal::Proposal;
use crate::{Batch, Points, Stream};

/// What a loss draws for every example besides the example itself: for flow matching a latent and a time, for maximum
/// likelihood nothing.
#[derive(Clone, Debug)]
pub struct ExampleNoise(Option<Lines>);

#[derive(Clone, Debug)]
struct Lines {
    latents: Points,
    times: Vec<f64>,
}

impl Flow {
    /// The noise for this many examples.
    pub fn example_noise(&self, rows: usize, stream: &mut Stream) -> ExampleNoise {
        ExampleNoise(self.config().learns_by_matching().then(|| {
            let mut latents = Points::zeros(rows, self.dim());
            stream.fill_normal(latents.data_mut());
            Lines { latents, times: (0..rows).map(|_| stream.uniform()).collect() }
        }))
    }

    /// The loss by which this flow learns from examples: `-sum_i weights[i] log q(x_i)`
    /// ([`forward_kl`](Flow::forward_kl)), or that of flow matching ([`matching_loss`](Flow::matching_loss)). Adds its parameter
    /// gradient to `gradient`; without one there is no backward pass.
    ///
    /// # Panics
    /// When shapes disagree, or the noise is for another flow or another number of examples.
    pub fn example_loss(
        &self,
        x: Batch<'_>,
        weights: &[f64],
        noise: &ExampleNoise,
        gradient: Option<&mut Gradient>,
    ) -> f64 {
        match (&noise.0, gradient) {
            (Some(lines), gradient) => {
                self.regression(x, weights, (lines.latents.as_batch(), &lines.times), gradient)
            }
            (None, Some(gradient)) => self.forward_kl(x, weights, gradient),
            (None, None) => {
                let mut log_q = vec![0.0; x.rows()];
                self.log_prob(x, &mut log_q);
                let used = log_q.iter().zip(weights).filter(|(_, w)| **w > 0.0);
                -used.map(|(q, w)| w * q).sum::<f64>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{FlowConfig, FlowMatchingConfig};

    #[test]
    fn a_matching_loss_without_gradient_is_the_same_without_a_backward_pass() {
        let config = FlowMatchingConfig { hidden: vec![8], ..Default::default() };
        let mut stream = Stream::new(1, 0);
        let mut flow = Flow::new(&FlowConfig::FlowMatching(config), 3, &mut stream).unwrap();
        flow.map_params(|_, p| p + 0.3 * stream.normal());
        let mut x = Points::zeros(700, 3);
        stream.fill_normal(x.data_mut());
        let noise = flow.example_noise(700, &mut stream);
        let weights: Vec<f64> = (0..700).map(|i| f64::from(i % 3) / 700.0).collect();
        let alone = flow.example_loss(x.as_batch(), &weights, &noise, None);
        assert!(!flow.has_gone_backward());
        let mut gradient = flow.zero_gradient();
        assert_eq!(flow.example_loss(x.as_batch(), &weights, &noise, Some(&mut gradient)), alone);
        assert!(flow.has_gone_backward() && gradient.norm() > 0.0);
    }
}
