//! What is done with draws: statistics and the store.

use criterion::{Criterion, criterion_group, criterion_main};
use mixwell::density::StandardGaussianConfig;
use mixwell::diagnostics::{Draws, ess_bulk, rhat, summarise};
use mixwell::sampler::{KernelMethod, Method, Sampler, Start};
use mixwell_benches::kernels::mala;
use mixwell_benches::statistics::autoregressive;

fn statistics(c: &mut Criterion) {
    let series = autoregressive(4, 1000, 10);
    let draws: Vec<Draws<'_>> = series.iter().map(|s| Draws::new(s, 4)).collect();
    c.bench_function("statistics/rhat", |b| b.iter(|| rhat(draws[0])));
    c.bench_function("statistics/ess_bulk", |b| b.iter(|| ess_bulk(draws[0])));
    c.bench_function("statistics/summary-10", |b| b.iter(|| summarise(&draws)));
}

/// A run that does little but write: 8 chains x 1000 draws x 30 coordinates.
fn store(c: &mut Criterion) {
    let target = StandardGaussianConfig::default().build().expect("sound settings");
    let method = Method::Kernel(KernelMethod { kernel: Box::new(mala(0.01)), warmup: 0, frozen: 0 });
    c.bench_function("store/run-with-folder", |b| {
        b.iter(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            Sampler::new(target.clone())
                .method(method.clone())
                .start(Start::Uniform { radius: 1.0 })
                .chains(8)
                .draws(1000)
                .folder(folder.path().join("run"))
                .run()
                .expect("the run")
        })
    });
}

criterion_group!(results, statistics, store);
criterion_main!(results);
