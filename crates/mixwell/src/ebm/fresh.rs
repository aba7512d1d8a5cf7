//! Fresh draws of a start law, many at a time: networks work on blocks of rows, so a flow that is asked for one row pays for a block.

use super::TrainingData;
use crate::proposal::Proposal;
use crate::scratch::scratch;
use crate::{Batch, BatchMut, Points, Stream};

/// A start law: points made of random numbers.
pub(super) trait StartDraws {
    /// Random numbers that a point is made of.
    fn noise_dim(&self, dim: usize) -> usize;

    /// Draws those of one point.
    fn noise(&self, stream: &mut Stream, noise: &mut [f64]);

    /// Makes points of them, row by row.
    fn push(&self, noise: Batch<'_>, mut x: BatchMut<'_>) {
        x.data_mut().copy_from_slice(noise.data());
    }

    /// Fills all rows with draws.
    fn fill(&self, stream: &mut Stream, x: &mut Points) {
        let width = self.noise_dim(x.dim());
        let mut noise = scratch(x.rows() * width);
        noise.chunks_exact_mut(width).for_each(|noise| self.noise(stream, noise));
        self.push(Batch::new(&noise, width), x.as_batch_mut());
    }
}

/// The start laws of trainings.
pub(super) enum Fresh<'a> {
    Normal { mean: Vec<f64>, sd: Vec<f64> },
    Uniform { low: f64, high: f64 },
    Data(&'a TrainingData),
    Proposal(&'a dyn Proposal),
    Latent,
}

impl StartDraws for Fresh<'_> {
    fn noise_dim(&self, dim: usize) -> usize {
        if let Self::Proposal(proposal) = self { proposal.noise_dim() } else { dim }
    }

    fn noise(&self, stream: &mut Stream, noise: &mut [f64]) {
        match self {
            Self::Latent | Self::Proposal(_) => stream.fill_normal(noise),
            Self::Normal { mean, sd } => {
                stream.fill_normal(noise);
                noise.iter_mut().zip(mean).zip(sd).for_each(|((x, m), s)| *x = m + s * *x);
            }
            Self::Uniform { low, high } => {
                noise.iter_mut().for_each(|x| *x = low + (high - low) * stream.uniform());
            }
            Self::Data(data) => noise.copy_from_slice(data.points().row(stream.index(data.rows()))),
        }
    }

    fn push(&self, noise: Batch<'_>, mut x: BatchMut<'_>) {
        match self {
            Self::Proposal(proposal) => proposal.push(noise, x, &mut scratch(noise.rows())),
            _ => x.data_mut().copy_from_slice(noise.data()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, FlowConfig, RealNvpConfig};

    #[test]
    fn draws_of_a_flow_at_once_are_those_one_by_one() {
        let config =
            FlowConfig::Realnvp(RealNvpConfig { n_blocks: 2, hidden: vec![8], ..RealNvpConfig::default() });
        let mut flow = Flow::new(&config, 3, &mut Stream::new(1, 0)).unwrap();
        let mut stream = Stream::new(2, 0);
        flow.map_params(|_, p| p + 0.2 * stream.normal());
        let fresh = Fresh::Proposal(&flow);
        let (mut all, mut stream) = (Points::zeros(150, 3), Stream::new(3, 0));
        fresh.fill(&mut stream, &mut all);
        let mut stream = Stream::new(3, 0);
        for row in 0..150 {
            let mut one = Points::zeros(1, 3);
            fresh.fill(&mut stream, &mut one);
            assert_eq!(one.row(0), all.row(row));
        }
    }
}
