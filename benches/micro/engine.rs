//! The engine: networks, flows, noise.

use criterion::{Criterion, criterion_group, criterion_main};
use mixwell::net::{Init, Network};
use mixwell::{Points, Stream};
use mixwell_benches::flows::{Bench, OPERATIONS, SIZES, realnvp, spline};

fn flows(c: &mut Criterion) {
    for (name, operation) in OPERATIONS {
        let mut group = c.benchmark_group(format!("flow/{name}"));
        for (dim, hidden, rows) in SIZES {
            let mut bench = Bench::new(&realnvp(hidden), dim, rows).expect("sound settings");
            group.bench_function(format!("realnvp-{dim}"), |b| b.iter(|| operation(&mut bench)));
        }
        let mut bench = Bench::new(&spline(), 5, 10_000).expect("sound settings");
        group.bench_function("rq_spline-5", |b| b.iter(|| operation(&mut bench)));
    }
}

fn networks(c: &mut Criterion) {
    let mut stream = Stream::new(1, 0);
    let net = Network::<f32>::toy(2, Init::Uniform, &mut stream);
    for rows in [1, 256, 8192] {
        let mut x = Points::zeros(rows, 2);
        stream.fill_normal(x.data_mut());
        let (mut energy, mut grad) = (vec![0.0; rows], x.clone());
        let weights = vec![1.0 / rows as f64; rows];
        let mut gradient = vec![0.0f32; net.params().len()];
        let mut group = c.benchmark_group(format!("toynet/{rows}"));
        group.bench_function("forward", |b| b.iter(|| net.energy(x.as_batch(), &mut energy)));
        group.bench_function("input-gradient", |b| {
            b.iter(|| net.energy_and_grad(x.as_batch(), &mut energy, grad.as_batch_mut()))
        });
        group.bench_function("parameter-gradient", |b| {
            b.iter(|| net.weighted_energy(x.as_batch(), &weights, &mut gradient))
        });
    }
}

fn noise(c: &mut Criterion) {
    let mut stream = Stream::new(1, 0);
    let mut numbers = vec![0.0; 10_000];
    c.bench_function("noise/normal-10000", |b| b.iter(|| stream.fill_normal(&mut numbers)));
    let log_weights: Vec<f64> = (0..64).map(|_| stream.normal()).collect();
    c.bench_function("noise/categorical-64", |b| b.iter(|| stream.categorical(&log_weights)));
}

criterion_group!(engine, flows, networks, noise);
criterion_main!(engine);
