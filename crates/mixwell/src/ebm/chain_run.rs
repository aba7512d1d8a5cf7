//! Chains of a trainer's own kernels on the law as it stands: what its sampler would do if training stopped here.
//!
//! They begin where chains of an update begin (different points of the bank, fresh draws of the start law, or data) and move with
//! the kernels as they have adapted so far, which adapt no more. Neither bank nor kernels of the training change.

use super::moves::Moves;
use super::negatives::{Ingredients, Negatives};
use super::recipe::Source;
use super::{Energy, Mixing, Training, TrainingError};
use crate::density::Modes;
use crate::proposal::Transport;
use crate::{Batch, Points};

/// Chains on the law of an energy.
#[derive(Clone, Debug)]
pub struct ChainRun {
    /// Where they began, `chains x dim`, as points of the data's space.
    pub starts: Points,
    /// States, step after step, `(steps chains) x dim`, as points of the data's space.
    pub states: Points,
    /// Those of them that the trainer would take as negatives, as points of the data's space.
    pub negatives: Points,
    /// All states in the space that the chains live in, where that is another one: the latents of a flow.
    pub latents: Option<Points>,
    /// What they did.
    pub moves: Moves,
}

impl ChainRun {
    /// Number of chains.
    pub fn chains(&self) -> usize {
        self.starts.rows()
    }

    /// How well the chains mixed, in the space that they live in.
    pub fn mixing(&self) -> Mixing {
        Mixing::of(self.latents.as_ref().unwrap_or(&self.states).as_batch(), self.chains())
    }
}

/// Share of points that are nearest to each mode.
pub(crate) fn shares(points: Batch<'_>, weights: Option<&[f64]>, modes: &Modes) -> Vec<f64> {
    let mut shares = vec![0.0; modes.centres.rows()];
    let equal = 1.0 / points.rows() as f64;
    for (row, x) in points.iter().enumerate() {
        shares[modes.nearest(x)] += weights.map_or(equal, |w| w[row]);
    }
    shares
}

impl<E: Energy> Training<E> {
    /// Runs `chains` chains for `steps` steps on the law as it stands; `None` where the trainer has no chains. A function of the
    /// state and `seed` alone.
    ///
    /// # Errors
    /// When there are no chains or steps, more chains than the bank has points, or the law cannot be evaluated.
    pub fn run_chains(
        &self,
        chains: usize,
        steps: usize,
        seed: u64,
    ) -> Result<Option<ChainRun>, TrainingError> {
        let Source::Chains(recipe) = self.settings().trainer.recipe().source else { return Ok(None) };
        crate::range::at_least("chains", chains, 1)?;
        crate::range::at_least("steps", steps, 1)?;
        let with = Ingredients { model: self.model(), flow: self.flow(), data: self.data() };
        let mut branch = self.negatives().branch(recipe, with, (chains, steps), seed)?;
        let positives = self.data().points().slice(0..chains.min(self.data().rows()));
        let bank = branch.bank().expect("chains have a bank");
        let starts = bank.points().data().to_vec();
        branch.advance(with, positives, true)?;
        let bank = branch.bank().expect("chains have a bank");
        let dim = bank.points().dim();
        let path = Points::from_vec(bank.path().to_vec(), dim);
        let starts = Points::from_vec(starts, dim);
        let moves = bank.moves().clone();
        let negatives = Points::from_vec(branch.points().0.data().to_vec(), dim);
        let Negatives::Chains { latent: true, .. } = branch else {
            return Ok(Some(ChainRun { starts, states: path, negatives, latents: None, moves }));
        };
        let flow = self.flow().expect("checked when training began");
        let push = |z: &Points| {
            let mut x = Points::zeros(z.rows(), dim);
            flow.forward(z.as_batch(), x.as_batch_mut(), &mut vec![0.0; z.rows()]);
            x
        };
        Ok(Some(ChainRun {
            starts: push(&starts),
            states: push(&path),
            negatives,
            latents: Some(path),
            moves,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Stream;
    use crate::density::{Target, TwoModesConfig};
    use crate::ebm::{
        BankConfig, EnergyModel, NtTrainer, TrainerConfig, TrainingData, TrainingSettings, UlaTrainer,
    };
    use crate::flow::{Flow, FlowConfig};
    use crate::kernel::{KernelConfig, MalaConfig, StepSize};
    use crate::net::{Init, Network};
    use crate::proposal::Gaussian;

    fn data(n: usize) -> TrainingData {
        let law = TwoModesConfig::default().build().unwrap();
        TrainingData::new(law.exact_sampler().unwrap().sample_rows(&mut Stream::new(1, 0), n, 2)).unwrap()
    }

    fn settings(trainer: TrainerConfig) -> TrainingSettings {
        TrainingSettings { trainer, batch: 32, ..TrainingSettings::default() }
    }

    fn energy() -> Network<f32> {
        Network::<f32>::toy(2, Init::ZeroLast, &mut Stream::new(3, 0))
    }

    fn local(size: usize, eta: f64) -> Training<Network<f32>> {
        let model = EnergyModel::new(energy()).with_base(Arc::new(Gaussian::standard(2))).unwrap();
        let trainer = UlaTrainer {
            kernel: KernelConfig::Mala(MalaConfig {
                step_size: StepSize::from_eta(eta),
                ..MalaConfig::default()
            }),
            steps: 3,
            bank: BankConfig { size, ..BankConfig::default() },
            ..UlaTrainer::default()
        };
        Training::new(settings(TrainerConfig::Ula(trainer)), model, data(500), None, 4).unwrap()
    }

    #[test]
    fn chains_begin_in_the_bank_and_change_nothing() {
        let mut training = local(100, 0.01);
        training.update().unwrap();
        let before = serde_json::to_string(&training.save()).unwrap();
        let run = training.run_chains(40, 5, 1).unwrap().unwrap();
        assert_eq!(serde_json::to_string(&training.save()).unwrap(), before);
        assert_eq!((run.chains(), run.states.rows(), run.negatives.rows()), (40, 200, 40));
        assert_eq!(run.negatives.data(), &run.states.data()[2 * 160..]);
        let bank = training.bank().unwrap().points();
        assert!(run.starts.as_batch().iter().all(|x| bank.iter().any(|p| p == x)));
        assert_eq!(run.states, training.run_chains(40, 5, 1).unwrap().unwrap().states);
        assert!(run.moves.local_acceptance().unwrap() > 0.5);
        let error = training.run_chains(101, 5, 1).unwrap_err().to_string();
        assert!(error.contains("100 points"), "{error}");
    }

    #[test]
    fn chains_on_a_known_law_have_its_moments_and_mix() {
        // The energy is zero and the base standard normal: MALA from there keeps mean 0 and variance 1.
        let run = local(400, 0.5).run_chains(400, 100, 2).unwrap().unwrap();
        let mixing = run.mixing();
        assert!(mixing.rhat < 1.05 && mixing.rhat_plain_mean < 1.05 && mixing.ess > 4000.0, "{mixing:?}");
        let n = run.states.data().len() as f64;
        let second = run.states.data().iter().map(|x| x * x).sum::<f64>() / n;
        assert!((second - 1.0).abs() < 0.1, "{second}");
        let short = local(400, 0.01).run_chains(20, 8, 2).unwrap().unwrap().mixing();
        assert!(short.rhat > 1.5, "eight small steps from anywhere: {short:?}");
    }

    #[test]
    fn latent_chains_are_told_in_both_spaces() {
        let data = data(500);
        let mut flow = Flow::new(&FlowConfig::default(), 2, &mut Stream::new(2, 0)).unwrap();
        flow.set_whitening_from(data.points(), None);
        let model = EnergyModel::new(energy()).with_base(Arc::new(flow.clone())).unwrap();
        let trainer = TrainerConfig::Nt(NtTrainer { chains: 32, steps: 2, ..NtTrainer::default() });
        let training = Training::new(settings(trainer), model, data, Some(flow), 4).unwrap();
        let run = training.run_chains(16, 3, 1).unwrap().unwrap();
        let z = run.latents.as_ref().unwrap();
        assert_eq!((z.rows(), run.states.rows(), run.negatives.rows()), (48, 48, 16));
        assert_eq!(run.negatives.data(), &run.states.data()[2 * 32..]);
        // Latents are near the standard normal law, points spread over two modes three apart.
        let spread = |p: &Points| p.data().iter().map(|x| x * x).sum::<f64>() / p.data().len() as f64;
        assert!(spread(z) < 0.8 * spread(&run.states), "{} {}", spread(z), spread(&run.states));
    }

    #[test]
    fn points_are_counted_by_the_nearest_mode_and_by_weight() {
        let modes = TwoModesConfig::default().build().unwrap().facts().modes.unwrap();
        let points = Batch::new(&[-1.0, -1.0, 1.0, 1.0, 2.0, 0.0, -3.0, 1.0], 2);
        assert_eq!(shares(points, None, &modes), [0.5, 0.5]);
        assert_eq!(shares(points, Some(&[0.1, 0.2, 0.3, 0.4]), &modes), [0.5, 0.5]);
        assert_eq!(shares(points, Some(&[1.0, 0.0, 0.0, 0.0]), &modes), [1.0, 0.0]);
    }
}
