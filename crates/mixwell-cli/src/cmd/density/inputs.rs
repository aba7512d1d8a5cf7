//! The law, and what it is set beside: data, truth, other data, points, the box.

use std::path::Path;
use std::sync::Arc;

use mixwell::density::Target;
use mixwell::ebm::{EnergyModel, Grid, TrainingData};
use mixwell::flow::Flow;
use mixwell::image::Encoding;
use mixwell::net::Network;
use mixwell::proposal::{Differentiable, Gaussian, Scale};
use mixwell::training_run::{TrainedEnergy, read_points};
use mixwell::{Batch, Points, Stream};

use super::super::truth::read_truth;
use crate::cli::DensityArgs;
use crate::exit::bad_input;

/// Draws of the base that a box is put around where there are no data.
const DRAWS: usize = 2000;

/// A set of points under a name.
pub struct Set {
    pub name: String,
    pub points: Points,
}

/// All that is looked at.
pub struct Inputs<'a> {
    pub model: &'a EnergyModel<Network<f32>>,
    pub flow: Option<Flow>,
    /// What annealing starts from.
    pub base: Option<Arc<dyn Differentiable>>,
    pub data: Option<Set>,
    pub bank: Option<Points>,
    pub others: Vec<Set>,
    pub points: Option<Points>,
    pub truth: Option<Box<dyn Target>>,
    pub grid: Option<Grid>,
    /// How points are images, where they are.
    pub encoding: Option<Encoding>,
}

impl<'a> Inputs<'a> {
    /// Reads everything before anything is computed.
    pub fn read(law: &'a TrainedEnergy, args: &DensityArgs) -> anyhow::Result<Self> {
        let model = law.model();
        let dim = Target::dim(model);
        let data = match &args.data {
            Some(path) => Some(set(path, law, args)?),
            None => {
                let data = law.data()?.map(|data| own(data.points()));
                data.map(|points| Set { name: "data".into(), points })
            }
        };
        let others = args.others.iter().map(|path| set(path, law, args)).collect::<anyhow::Result<_>>()?;
        let truth = match &args.truth {
            Some(path) => Some(truth(path, dim)?),
            None => law.truth()?,
        };
        let base = match (model.base(), &data) {
            (Some(base), _) => Some(base.clone()),
            (None, Some(data)) => Some(moments(&data.points)?),
            (None, None) => None,
        };
        let mut inputs = Self {
            model,
            flow: law.flow()?,
            base,
            data,
            bank: law.bank()?,
            others,
            points: args.points.as_ref().map(|path| points(path, law, args)).transpose()?,
            truth,
            grid: None,
            encoding: law.encoding()?,
        };
        inputs.grid = if dim == 2 { Some(inputs.grid(args)?) } else { None };
        Ok(inputs)
    }

    /// The box that is asked for, or else one twice as wide as the data, or as draws of the base.
    fn grid(&self, args: &DensityArgs) -> anyhow::Result<Grid> {
        if let (Some(low), Some(high)) = (&args.low, &args.high) {
            let (&[a, b], &[c, d]) = (&low[..], &high[..]) else {
                return Err(bad_input(
                    "`--low` and `--high` take two numbers each, the corners of a box in the plane",
                ));
            };
            return Grid::new([a, b], [c, d], args.cells).map_err(bad_input);
        }
        let drawn;
        let around = match (&self.data, &self.base) {
            (Some(data), _) => data.points.as_batch(),
            (None, Some(base)) => {
                let mut noise = Points::zeros(DRAWS, base.noise_dim());
                Stream::new(args.seed, 0).fill_normal(noise.data_mut());
                let mut x = Points::zeros(DRAWS, 2);
                base.push(noise.as_batch(), x.as_batch_mut(), &mut vec![0.0; DRAWS]);
                drawn = x;
                drawn.as_batch()
            }
            (None, None) => {
                let reason = "the law has neither data nor a base, so nothing says where it lies; give --low and --high, or --data";
                return Err(bad_input(reason));
            }
        };
        Grid::around(around, 0.5, args.cells).map_err(bad_input)
    }
}

fn own(points: Batch<'_>) -> Points {
    Points::from_vec(points.data().to_vec(), points.dim())
}

/// A Gaussian with the moments of the data, a little wider.
fn moments(points: &Points) -> anyhow::Result<Arc<dyn Differentiable>> {
    let (mean, mut sd) = TrainingData::new(points.clone()).map_err(bad_input)?.moments();
    sd.iter_mut().for_each(|s| *s *= 1.2);
    Ok(Arc::new(Gaussian::new(mean, Scale::Diagonal(sd))))
}

fn truth(path: &Path, dim: usize) -> anyhow::Result<Box<dyn Target>> {
    let target = read_truth(path)?;
    if target.dim() != dim {
        let shown = path.display();
        return Err(bad_input(format!(
            "the target of `{shown}` has {} coordinates, but the law has {dim}",
            target.dim()
        )));
    }
    Ok(target)
}

fn set(path: &Path, law: &TrainedEnergy, args: &DensityArgs) -> anyhow::Result<Set> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Set { name, points: points(path, law, args)? })
}

fn points(path: &Path, law: &TrainedEnergy, args: &DensityArgs) -> anyhow::Result<Points> {
    Ok(read_points(path, Target::dim(law.model()), law.encoding()?.as_ref(), args.seed)?)
}
