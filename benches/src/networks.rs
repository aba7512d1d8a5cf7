//! Convolutional networks as energies, generators, critics and classifiers, with random weights: the shapes that people have.

use mixwell::net::{Init, Model, Network, NetworkSpec, Optimiser, OptimiserConfig, named_network};
use mixwell::{Points, Stream};

use crate::timing::{Measurement, sample};
use crate::{Request, Task};

fn points(rows: usize, dim: usize) -> Points {
    let mut points = Points::zeros(rows, dim);
    Stream::new(2, 0).fill_normal(points.data_mut());
    points
}

fn named(name: &str) -> anyhow::Result<NetworkSpec> {
    named_network(name).ok_or_else(|| anyhow::anyhow!("no network `{name}`"))
}

fn network(spec: &NetworkSpec) -> anyhow::Result<Network<f32>> {
    Ok(Network::new(spec, Init::Uniform, &mut Stream::new(1, 0))?)
}

/// Value and gradient in the input.
fn gradient(request: &Request, spec: &NetworkSpec, rows: usize, what: &str) -> anyhow::Result<Measurement> {
    let net = network(spec)?;
    let (x, mut grad, mut value) = (points(rows, net.dim()), points(rows, net.dim()), vec![0.0; rows]);
    let seconds =
        sample(request.sampling, || net.energy_and_grad(x.as_batch(), &mut value, grad.as_batch_mut()));
    Ok(Measurement::new(seconds, format!("{what}, batch {rows}, f32")))
}

/// Gradient in the weights of a mean, and a step of Adam.
fn training(request: &Request, name: &str, rows: usize) -> anyhow::Result<Measurement> {
    let mut net = network(&named(name)?)?;
    let x = points(rows, net.dim());
    let weights = vec![1.0 / rows as f64; rows];
    let mut gradient = net.zero_gradient();
    let config = OptimiserConfig { learning_rate: 1e-4, clip_norm: 0.0, ..Default::default() };
    let mut optimiser = Optimiser::new(&config, &net)?;
    let seconds = sample(request.sampling, || {
        gradient.clear();
        net.weighted_energy(x.as_batch(), &weights, gradient.slice_mut().expect("single precision"));
        optimiser.step(&mut net, &gradient);
    });
    Ok(Measurement::new(seconds, format!("{name}: parameter gradient and Adam step, batch {rows}, f32")))
}

fn classification(request: &Request, name: &str, rows: usize) -> anyhow::Result<Measurement> {
    let net = network(&named(name)?)?;
    let (x, mut y) = (points(rows, net.dim()), points(rows, net.n_out()));
    let seconds = sample(request.sampling, || net.values(x.as_batch(), y.as_batch_mut()));
    Ok(Measurement::new(seconds, format!("{name}: scores, batch {rows}, f32")))
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut all = vec![];
    for (task, name, rows) in [("energy-nt32", "nt_ebm_32", 64), ("energy-mnist", "mnist_energy", 128)] {
        all.push(Task::steady(task, move |r: &Request| {
            gradient(r, &named(name)?, rows, &format!("{name}: energy and gradient in the image"))
        }));
        all.push(Task::steady(format!("{task}-adam"), move |r: &Request| training(r, name, rows)));
    }
    for (task, rows) in
        [("dcgan_32", 64), ("dcgan_64", 64), ("wgan_28", 100), ("dcgan_28", 100), ("sngan_32", 64)]
    {
        all.push(Task::steady(format!("latent-{task}"), move |r: &Request| {
            let spec = named(&format!("{task}_generator"))?.then(&named(&format!("{task}_critic"))?)?;
            gradient(r, &spec, rows, &format!("{task}: score and gradient in the latent"))
        }));
    }
    all.push(Task::steady("classify-resnet56", |r: &Request| classification(r, "resnet56", 1000)));
    all
}
