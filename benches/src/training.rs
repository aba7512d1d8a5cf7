//! Energies in training: an update of persistent chains, and whole trainings on two moons.

use anyhow::Context;
use mixwell::density::{Target, TwoMoonsConfig};
use mixwell::ebm::{
    BankConfig, EnergyModel, Grid, NceTrainer, Reduction, Regulariser, ScoreMethod, ScoreTrainer, StartLaw,
    TrainerConfig, Training, TrainingData, TrainingSettings, UlaTrainer,
};
use mixwell::kernel::{KernelConfig, StepSize, UlaConfig};
use mixwell::net::{Activation, Init, Network, NetworkSpec, OptimiserConfig};
use mixwell::proposal::Gaussian;
use mixwell::{Batch, Points, Stream};
use std::f64::consts::TAU;
use std::sync::Arc;

use crate::timing::{Measurement, once, sample};
use crate::{Request, Task};

/// Data of the two moons, chains of a batch, updates: those of the peer's own page.
const MOONS: usize = 4000;
const BATCH: usize = 256;
const UPDATES: usize = 6000;
/// Fresh draws that the likelihood is measured at.
const HELD_OUT: usize = 10_000;

/// 60 Langevin steps of 0.01 from a bank of 8192 with 5 % of new starts, as the peers do by default.
fn persistent() -> TrainerConfig {
    let kernel = UlaConfig { step_size: StepSize::from_eta(0.01), ..UlaConfig::default() };
    TrainerConfig::Ula(UlaTrainer {
        kernel: KernelConfig::Ula(kernel),
        steps: 60,
        bank: BankConfig { size: 8192, restart: 0.05, ..BankConfig::default() },
        start: StartLaw::Moments { scale: 1.5 },
        ..UlaTrainer::default()
    })
}

fn settings(trainer: TrainerConfig) -> TrainingSettings {
    // Without a penalty chains run away, and with them the training: the peer ends at a log-likelihood of -4.5e6, this one gives up.
    TrainingSettings {
        trainer,
        batch: BATCH,
        regulariser: Regulariser { strength: 1e-3, reduction: Reduction::Mean },
        optimiser: OptimiserConfig { learning_rate: 1e-3, clip_norm: 0.0, ..OptimiserConfig::default() },
        ..TrainingSettings::default()
    }
}

/// An update on the small energy network.
fn update(request: &Request) -> anyhow::Result<Measurement> {
    let mut stream = Stream::new(1, 0);
    let mut data = Points::zeros(8192, 2);
    for x in data.data_mut().chunks_exact_mut(2) {
        let angle = TAU * stream.index(8) as f64 / 8.0;
        stream.fill_normal(x);
        (x[0], x[1]) = (angle.cos() + 0.15 * x[0], angle.sin() + 0.15 * x[1]);
    }
    let model = EnergyModel::new(Network::<f32>::toy(2, Init::Uniform, &mut stream));
    let mut training = Training::new(settings(persistent()), model, TrainingData::new(data)?, None, 1)?;
    let mut failed = None;
    let seconds = sample(request.sampling, || failed = training.update().err().or(failed.take()));
    failed.map_or(Ok(()), |e| Err(anyhow::anyhow!("{e}")))?;
    Ok(Measurement::new(seconds, "2-32-64-64-64-1, batch 256, 60 Langevin steps, Adam step, f32"))
}

/// Draws of the two moons, moved so that their middle is the origin.
fn moons(rows: usize, seed: u64) -> anyhow::Result<Points> {
    let target = TwoMoonsConfig::default().build()?;
    let mut points =
        target.exact_sampler().context("no sampler")?.sample_rows(&mut Stream::new(seed, 0), rows, 2);
    for x in points.data_mut().chunks_exact_mut(2) {
        (x[0], x[1]) = (x[0] - 0.5, x[1] - 0.25);
    }
    Ok(points)
}

/// A whole training, and the mean log-likelihood of fresh draws by quadrature.
fn whole(name: &str) -> anyhow::Result<Measurement> {
    let trainer = match name {
        "pcd" => persistent(),
        "nce" => TrainerConfig::Nce(NceTrainer::default()),
        _ => TrainerConfig::Score(ScoreTrainer { method: ScoreMethod::Sliced { width: 0.02 } }),
    };
    let spec = NetworkSpec::dense(2, &[128, 128], 1, Activation::Swish);
    let model = EnergyModel::new(Network::<f32>::new(&spec, Init::Uniform, &mut Stream::new(1, 0))?);
    // Noise contrast needs a law to contrast with; its ratio is that of the whole model, so the base is no part of the fit.
    let model = if name == "nce" { model.with_base(Arc::new(Gaussian::standard(2)))? } else { model };
    let data = TrainingData::new(moons(MOONS, 1)?)?;
    let (seconds, training) = once(|| -> anyhow::Result<_> {
        let mut training = Training::new(settings(trainer), model, data, None, 1)?;
        for _ in 0..UPDATES {
            training.update()?;
        }
        Ok(training)
    });
    let training = training?;
    let grid = Grid::new([-4.0; 2], [4.0; 2], 400)?.density(training.model())?;
    let held_out = moons(HELD_OUT, 2)?;
    let mut log_prob = vec![0.0; HELD_OUT];
    training.model().log_prob(Batch::new(held_out.data(), 2), &mut log_prob)?;
    let likelihood = log_prob.iter().sum::<f64>() / HELD_OUT as f64 - grid.log_evidence();
    let settings = format!("{UPDATES} updates of 2-128-128-1, batch {BATCH}, {MOONS} draws, f32");
    Ok(Measurement::new(vec![seconds], settings).with("log_likelihood", likelihood))
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all: Vec<Task> =
        ["torch", "ebmkit", "torchebm"].map(|peer| Task::steady(format!("ebm-update-{peer}"), update)).into();
    all.extend(
        ["nce", "pcd", "sliced"]
            .map(|name| Task::whole(format!("ebm-moons-{name}"), move |_: &Request| whole(name))),
    );
    all
}
