//! Long chains, as a [`Task`]: an update is a step of all chains.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::{ChainSpace, LongChainsConfig};
use super::moments::Moments;
use super::start::images;
use crate::density::{Failure, Guarded, Target};
use crate::diagnostics::{Draws, autocorrelation_band, integrated_time};
use crate::ebm::{Energy, EnergyModel, Moves};
use crate::footprint::numbers;
use crate::image::{Encoding, Grid, ImageShape, PixelMap};
use crate::io::to_npy;
use crate::kernel::{Chains, Context, Ensemble, EnsembleState, Kernel, KernelState, Role, Warmup};
use crate::net::{Model, Network};
use crate::rng::DATA_STREAM;
use crate::training_run::energy_spread::EnergySpread;
use crate::training_run::{Column, Outcome, Task, TrainedEnergy, TrainingRunError, Updated, WeightsOf};
use crate::{Batch, ConfigError, Points, Stream};

/// Rows that a kernel evaluates in one batch.
const MAX_ROWS: usize = 4096;
/// Images set beside the chains, at most.
const BESIDE: usize = 2000;
/// Images of a picture.
const SHOWN: usize = 64;
/// R-hat above which chains have not met (NT-EBM's bar).
const LARGEST_RHAT: f64 = 1.2;
/// Autocorrelation below which a chain has forgotten where it was.
const FORGOTTEN: f64 = 0.1;

/// Long chains under a trained energy.
pub struct LongChainsTask {
    config: LongChainsConfig,
    model: EnergyModel<Network<f32>>,
    encoding: Option<Encoding>,
    beside: Option<Points>,
    kernel: Box<dyn Kernel>,
    roles: Vec<Role>,
    chains: Chains,
    so_far: SoFar,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SoFar {
    done: u64,
    moments: Moments,
    /// Watched coordinates, `steps x chains x watched`.
    watched: Vec<f64>,
    /// States that were kept, as points, `kept x chains x dim`.
    kept: Vec<f32>,
    /// Their energies, `kept x chains`.
    energies: Vec<f64>,
    /// Sum of acceptance probabilities, and of moves, since the last row and in all.
    accepted: [(f64, u64); 2],
    stranded: u64,
    last: [f64; 2],
}

/// A [`LongChainsTask`] as it lies in a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub struct LongChainsState {
    chains: EnsembleState,
    kernel: KernelState,
    so_far: SoFar,
}

impl LongChainsTask {
    /// Reads the law, makes chains; says how many bytes they will hold.
    pub(super) fn open(config: &LongChainsConfig) -> Result<(Self, u64), TrainingRunError> {
        let (model, encoding) = read_law(Path::new(&config.law))?;
        let dim = Target::dim(&model);
        let latent = config.space == ChainSpace::Latent;
        if latent && model.latent_law().is_none() {
            let reason =
                "chains move among latents only where the base of the energy is a flow, or a Gaussian";
            return Err(ConfigError::new("space", "latent", reason).into());
        }
        let kernel = config.kernel.build(dim).map_err(|e| e.under("kernel"))?;
        if kernel.needs().flow && (latent || model.base().and_then(|b| b.as_transport()).is_none()) {
            let reason = "this kernel jumps by a flow: chains must move among points, and the base must be a flow, or a Gaussian";
            return Err(ConfigError::new("kernel.kind", "global moves", reason).into());
        }
        if kernel.needs().base && (latent || model.base().is_none()) {
            let reason = "this kernel proposes the base of the energy: chains must move among points, and there must be a base";
            return Err(ConfigError::new("kernel.kind", "global moves", reason).into());
        }
        if kernel.needs().symmetry {
            let reason = "a trained energy states no symmetries";
            return Err(ConfigError::new("kernel.kind", "symmetry", reason).into());
        }
        let (kept, watched) = (config.steps / config.keep_every, config.watched.min(dim));
        let bytes = numbers(&[kept, config.chains, dim])
            .saturating_add(numbers(&[2, config.steps, config.chains, watched]))
            .saturating_add(numbers(&[16, config.chains + BESIDE, dim]))
            .saturating_add(numbers(&[8, model.energy().n_params()]));
        let beside = config.beside.as_ref();
        let beside =
            beside.map(|p| images(p, encoding.as_ref(), BESIDE, &mut Stream::new(config.seed, DATA_STREAM)));
        let mut x = config.start.points(config.chains, &model, encoding.as_ref(), config.seed)?;
        if let Some(law) = model.latent_law().filter(|_| latent) {
            let points = x.clone();
            law.map().inverse(points.as_batch(), x.as_batch_mut(), &mut vec![0.0; points.rows()]);
        }
        let streams = Stream::for_chains(config.seed, config.chains);
        let with = |target: &dyn Target| Ensemble::new(target, x, streams).map_err(|e| start_error(&e));
        let ensemble = match model.latent_law().filter(|_| latent) {
            Some(law) => with(&law)?,
            None => with(&model)?,
        };
        if let Some(chain) = ensemble.log_prob().iter().position(|l| !l.is_finite()) {
            let reason = "the law is not finite there; begin elsewhere";
            return Err(ConfigError::new("start", format!("chain {chain}"), reason).into());
        }
        let task = Self {
            so_far: SoFar {
                done: 0,
                moments: Moments::new(config.chains, dim),
                watched: vec![],
                kept: vec![],
                energies: vec![],
                accepted: [(0.0, 0); 2],
                stranded: 0,
                last: [f64::NAN; 2],
            },
            beside: beside.transpose()?,
            roles: kernel.leaves().iter().map(|leaf| leaf.role).collect(),
            chains: ensemble.into(),
            config: config.clone(),
            model,
            encoding,
            kernel,
        };
        Ok((task, bytes))
    }

    fn planned(&self) -> u64 {
        (self.config.warmup as u64).saturating_add(self.config.steps as u64)
    }

    fn is_latent(&self) -> bool {
        self.config.space == ChainSpace::Latent
    }

    /// Where the chains stand, as points.
    fn points(&self) -> Points {
        let x = self.chains.x();
        let mut points = Points::from_vec(x.data().to_vec(), x.dim());
        if let Some(law) = self.model.latent_law().filter(|_| self.is_latent()) {
            law.map().forward(x, points.as_batch_mut(), &mut vec![0.0; x.rows()]);
        }
        points
    }

    fn energies(&self, x: Batch<'_>) -> Vec<f64> {
        let mut energies = vec![0.0; x.rows()];
        self.model.energy().evaluate(x, &mut energies, None);
        energies
    }

    fn keep(&mut self) {
        let points = self.points();
        let energies = self.energies(points.as_batch());
        self.so_far.kept.extend(points.data().iter().map(|v| *v as f32));
        self.so_far.energies.extend(energies);
    }

    /// Autocorrelation of the watched coordinates: its mean over them at each lag, and the largest.
    fn autocorrelation(&self) -> (Vec<f64>, Vec<f64>) {
        let (n, watched) = (self.config.chains, self.config.watched.min(self.chains.x().dim()));
        let steps = self.so_far.watched.len() / (n * watched);
        let of = |k: usize| -> Vec<f64> {
            let at = |c: usize, t: usize| self.so_far.watched[(t * n + c) * watched + k];
            (0..n).flat_map(|c| (0..steps).map(move |t| at(c, t))).collect()
        };
        let all: Vec<Vec<f64>> = (0..watched).map(of).collect();
        let draws: Vec<Draws<'_>> = all.iter().map(|d| Draws::new(d, n)).collect();
        let band = autocorrelation_band(&draws, steps / 2);
        (band.mean, band.max)
    }
}

fn start_error(error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::new("law", "not usable", error.to_string())
}

/// The law, and how its points are images, where they are.
fn read_law(path: &Path) -> Result<(EnergyModel<Network<f32>>, Option<Encoding>), TrainingRunError> {
    let trained = TrainedEnergy::open(path)?;
    let encoding = trained.encoding()?;
    let model = trained.into_model();
    let encoding = encoding.or(match *model.energy().spec().input {
        // A network of images alone: from -1 to 1, as most are.
        [channels, height, width] if [1, 3].contains(&channels) => Some(Encoding {
            shape: ImageShape::new(channels, height, width),
            map: PixelMap::default(),
            dequantise: 0.0,
        }),
        _ => None,
    });
    Ok((model, encoding))
}

impl Task for LongChainsTask {
    type State = LongChainsState;

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::drawn("acceptance", "acceptance"),
            Column::drawn("mean_energy", "energy"),
            Column::drawn("lowest_energy", "energy"),
            Column::drawn("highest_energy", "energy"),
        ]
    }

    fn updates(&self) -> (u64, u64) {
        (self.so_far.done, self.planned())
    }

    fn is_finished(&self) -> bool {
        self.so_far.done >= self.planned()
    }

    fn update(&mut self) -> Result<Updated, TrainingRunError> {
        let failure = Failure::default();
        let flow = self.model.base().and_then(|base| base.as_transport());
        let n_leaves = self.roles.len();
        let mut go = |target: &dyn Target| {
            let context = Context { target: Guarded::new(target, &failure), flow, max_rows: MAX_ROWS };
            self.chains.step_of(&*self.kernel, n_leaves, &context);
        };
        match self.model.latent_law().filter(|_| self.config.space == ChainSpace::Latent) {
            Some(law) => go(&law),
            None => go(&self.model),
        }
        failure.check().map_err(crate::ebm::TrainingError::from)?;
        let (step, warmup) = (self.so_far.done, self.config.warmup as u64);
        self.so_far.done += 1;
        let mut moves = Moves::default();
        moves.add(&self.roles, self.chains.tallies());
        self.so_far.stranded += moves.stranded();
        if let Some(accepted) = moves.local_acceptance().or(moves.global_acceptance()) {
            for (sum, n) in &mut self.so_far.accepted {
                *sum += accepted;
                *n += 1;
            }
        }
        if step < warmup {
            self.chains.teach(&mut *self.kernel, Warmup { step: step as usize, total: self.config.warmup });
            if step + 1 == warmup {
                self.kernel.freeze();
                self.so_far.accepted[1] = (0.0, 0);
            }
            return Ok(Updated::Quietly);
        }
        let x = self.chains.x();
        self.so_far.moments.add(x);
        let (dim, watched) = (x.dim(), self.config.watched.min(x.dim()));
        for x in x.iter() {
            self.so_far.watched.extend((0..watched).map(|k| x[k * dim / watched]));
        }
        if (step + 1 - warmup).is_multiple_of(self.config.keep_every as u64) {
            self.keep();
            return Ok(Updated::AtALandmark);
        }
        Ok(Updated::Quietly)
    }

    fn row(&mut self) -> Vec<f64> {
        let n = self.config.chains;
        let recent = &self.so_far.energies[self.so_far.energies.len().saturating_sub(n)..];
        let mean = recent.iter().sum::<f64>() / recent.len() as f64;
        let (sum, count) = std::mem::take(&mut self.so_far.accepted[0]);
        let row = [
            sum / count as f64,
            mean,
            recent.iter().copied().fold(f64::NAN, f64::min),
            recent.iter().copied().fold(f64::NAN, f64::max),
        ];
        self.so_far.last = [row[0], row[1]];
        row.to_vec()
    }

    fn progress(&self) -> String {
        let [accepted, energy] = self.so_far.last;
        format!("accepted {accepted:.2}  energy {energy:.3}")
    }

    fn save(&self) -> LongChainsState {
        LongChainsState {
            chains: self.chains.ensemble().save(),
            kernel: self.kernel.save(),
            so_far: self.so_far.clone(),
        }
    }

    fn load(&mut self, state: LongChainsState) -> Result<(), TrainingRunError> {
        self.kernel.load(&state.kernel).map_err(crate::ebm::TrainingError::from)?;
        self.chains = Ensemble::restore(state.chains).into();
        self.so_far = state.so_far;
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome, TrainingRunError> {
        let mut out = Outcome::default();
        let (n, dim) = (self.config.chains, self.chains.x().dim());
        let mut put = |name: &str, value: f64| _ = out.results.insert(name.into(), value.into());
        let accepted = self.so_far.accepted[1].0 / self.so_far.accepted[1].1 as f64;
        put("acceptance", accepted);
        let rhat: Vec<f64> = self.so_far.moments.rhat().into_iter().filter(|r| r.is_finite()).collect();
        let mean_rhat = rhat.iter().sum::<f64>() / rhat.len() as f64;
        let worst = rhat.iter().copied().fold(f64::NAN, f64::max);
        put("rhat_mean", mean_rhat);
        put("rhat_largest", worst);
        let (mean, largest) = self.autocorrelation();
        let time = integrated_time(&mean);
        let forgotten = |curve: &[f64]| curve.iter().position(|r| *r < FORGOTTEN);
        put("autocorrelation_time", time.tau);
        let lag = forgotten(&mean);
        lag.iter().for_each(|lag| put("forgotten_after", *lag as f64));
        let last = self.points();
        let (kept, ends) = (&self.so_far.energies, self.energies(last.as_batch()));
        let half = &kept[kept.len() / 2..];
        let mut spread = EnergySpread::default();
        for (name, energies) in [
            ("first_half", &kept[..kept.len() / 2]),
            ("second_half", half),
            ("ends", &*ends),
            ("beside", &*self.beside.as_ref().map_or(vec![], |b| self.energies(b.as_batch()))),
        ] {
            spread.add(name, energies, &mut put);
        }
        out.lines = vec![
            format!(
                "{n} chains of {} steps after {} of warm-up, in {}; accepted {:.1} %",
                self.config.steps,
                self.config.warmup,
                if self.is_latent() { "latent space" } else { "the space of points" },
                100.0 * accepted
            ),
            format!(
                "R-hat of whole chains over {} coordinates: mean {mean_rhat:.3}, largest {worst:.3}",
                rhat.len()
            ),
            match lag {
                Some(lag) => {
                    format!("autocorrelation below {FORGOTTEN} after {lag} steps (time {:.1})", time.tau)
                }
                None => format!("autocorrelation not below {FORGOTTEN} within {} steps", mean.len()),
            },
            spread.line(),
        ];
        if mean_rhat.is_nan() || mean_rhat > LARGEST_RHAT {
            out.problems.push(format!(
                "R-hat is {mean_rhat:.2}, above {LARGEST_RHAT}: chains have not met; more steps, or moves that cross"
            ));
        }
        if lag.is_none() {
            out.problems.push(format!(
                "chains remember where they were for more than {} steps; what they show depends on where they begin",
                mean.len()
            ));
        }
        if self.so_far.stranded > 0 {
            out.problems
                .push(format!("chains stood {} times where the law is not finite", self.so_far.stranded));
        }
        self.leave(&mut out, &mean, &largest, dim)?;
        Ok(out)
    }
}

impl LongChainsTask {
    /// Pictures and tables.
    fn leave(
        &self,
        out: &mut Outcome,
        mean: &[f64],
        largest: &[f64],
        dim: usize,
    ) -> Result<(), TrainingRunError> {
        let n = self.config.chains;
        let mut table = "lag,mean,largest\n".to_string();
        for (lag, (mean, largest)) in mean.iter().zip(largest).enumerate() {
            table.push_str(&format!("{lag},{mean},{largest}\n"));
        }
        out.weights.push(WeightsOf { file: "autocorrelation.csv".into(), bytes: table.into_bytes() });
        let mut table = "step,chain,energy\n".to_string();
        for (kept, energies) in self.so_far.energies.chunks(n).enumerate() {
            let step = (kept + 1) * self.config.keep_every;
            for (chain, energy) in energies.iter().enumerate() {
                table.push_str(&format!("{step},{chain},{energy}\n"));
            }
        }
        out.weights.push(WeightsOf { file: "energies.csv".into(), bytes: table.into_bytes() });
        let kept: Vec<f64> = self.so_far.kept.iter().map(|v| f64::from(*v)).collect();
        let n_kept = kept.len() / (n * dim).max(1);
        out.weights.push(WeightsOf { file: "kept.npy".into(), bytes: to_npy(&[n_kept, n, dim], &kept) });
        if let Some(encoding) = &self.encoding {
            let points = self.points();
            let ends = points.as_batch().slice(0..n.min(SHOWN));
            out.weights.push(WeightsOf {
                file: "ends.png".into(),
                bytes: Grid::default().png(&encoding.images(ends)?)?,
            });
            // One chain through its life.
            let shown = n_kept.min(SHOWN);
            let mut life = Points::zeros(shown, dim);
            for (i, row) in life.as_batch_mut().iter_mut().enumerate() {
                row.copy_from_slice(&kept[i * n_kept / shown * n * dim..][..dim]);
            }
            if shown > 0 {
                let bytes = Grid::default().png(&encoding.images(life.as_batch())?)?;
                out.weights.push(WeightsOf { file: "one_chain.png".into(), bytes });
            }
        }
        Ok(())
    }
}
