//! Networks as energies: ToyNet, Langevin chains on it, and the latent energy of a GAN.

use mixwell::density::{EvaluationError, Target};
use mixwell::net::{Activation, Init, Network, NetworkSpec};
use mixwell::sampler::{Sampler, Start};
use mixwell::{Batch, BatchMut, Points, Stream};

use crate::timing::{Measurement, sample};
use crate::{Request, Task, kernels};

/// `exp(-E(x))` for the small energy network.
#[derive(Clone)]
pub struct ToyNet(Network<f32>);

impl ToyNet {
    /// The network in the plane, with weights that do something.
    pub fn new() -> Self {
        Self(Network::toy(2, Init::Uniform, &mut Stream::new(1, 0)))
    }
}

impl Default for ToyNet {
    fn default() -> Self {
        Self::new()
    }
}

impl Target for ToyNet {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        match grad {
            None => self.0.energy(x, log_prob),
            Some(mut grad) => {
                self.0.energy_and_grad(x, log_prob, grad.reborrow());
                grad.data_mut().iter_mut().for_each(|v| *v = -*v);
            }
        }
        log_prob.iter_mut().for_each(|v| *v = -*v);
        Ok(())
    }
}

fn points(rows: usize, dim: usize) -> Points {
    let mut points = Points::zeros(rows, dim);
    Stream::new(2, 0).fill_normal(points.data_mut());
    points
}

fn energy(request: &Request, rows: usize) -> anyhow::Result<Measurement> {
    let net = ToyNet::new();
    let (x, mut grad, mut value) = (points(rows, 2), points(rows, 2), vec![0.0; rows]);
    let seconds =
        sample(request.sampling, || net.0.energy_and_grad(x.as_batch(), &mut value, grad.as_batch_mut()));
    Ok(Measurement::new(seconds, format!("2-32-64-64-64-1, batch {rows}, f32")))
}

fn langevin(request: &Request) -> anyhow::Result<Measurement> {
    let steps = kernels::steps(request, kernels::mala(1e-3), 256, || {
        Sampler::new(ToyNet::new()).start(Start::Uniform { radius: 2.0 })
    })?;
    Ok(steps.measurement(128.0, "128 MALA steps of 256 chains on 2-32-64-64-64-1, f32"))
}

fn gan(request: &Request) -> anyhow::Result<Measurement> {
    let mut stream = Stream::new(1, 0);
    let slope = Activation::LeakyRelu(0.2);
    let generator = NetworkSpec::dense(64, &[256, 256], 784, slope).with(Activation::Tanh);
    let critic = NetworkSpec::dense(784, &[256, 256], 1, slope);
    let net = Network::<f32>::new(&generator.then(&critic)?, Init::Uniform, &mut stream)?;
    let rows = 100;
    let (z, mut grad, mut value) = (points(rows, 64), points(rows, 64), vec![0.0; rows]);
    let seconds = sample(request.sampling, || {
        net.energy_and_grad(z.as_batch(), &mut value, grad.as_batch_mut());
        for (g, z) in grad.data_mut().iter_mut().zip(z.data()) {
            *g += z;
        }
    });
    Ok(Measurement::new(seconds, "D(G(z)) + |z|^2/2, 64-256-256-784-256-256-1, batch 100, f32"))
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all: Vec<Task> = [1, 256, 8192]
        .map(|rows| Task::steady(format!("toynet-{rows}"), move |r: &Request| energy(r, rows)))
        .into();
    all.push(Task::steady("toynet-mala", langevin));
    all.push(Task::steady("gan-latent", gan));
    all
}
