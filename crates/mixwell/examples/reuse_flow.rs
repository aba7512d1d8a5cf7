//! Trains a flow in one run, saves it, and uses it again: in a second run without training, and for importance sampling.
//!
//! The banana's log-evidence is known: its normalising constant is `(2 pi s)^{d/2}`.
//! Run: `cargo run --release -p mixwell --example reuse_flow`

use mixwell::density::{BananaConfig, Target};
use mixwell::diagnostics::ImportanceSummary;
use mixwell::flow::Flow;
use mixwell::kernel::{ex2, isir, mala};
use mixwell::proposal::Proposal;
use mixwell::sampler::{Sampler, flex2};
use mixwell::{Points, Stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let banana = || BananaConfig { dim: 10, ..BananaConfig::default() }.build();

    // 1. Train while sampling, and save the flow as it was frozen.
    let first = Sampler::new(banana()?)
        .method(flex2().train_iterations(300))
        .configure(|c| c.training.learning_rate = 3e-3)
        .draws(300)
        .seed(1)
        .run()?;
    let path = std::env::temp_dir().join(format!("reuse_flow_{}.safetensors", std::process::id()));
    std::fs::write(&path, first.flow().ok_or("a flow was trained")?.to_safetensors())?;

    // 2. A second run with the flow as it is: the warm-up only tunes the local step.
    let flow = Flow::from_safetensors(&std::fs::read(&path)?)?;
    std::fs::remove_file(&path)?;
    let second = Sampler::new(banana()?)
        .trained_flow(flow.clone())
        .method(ex2(isir(32), mala().repeat(3)).warmup(300).frozen(50))
        .draws(500)
        .seed(2)
        .run()?;
    let summary = second.summary()?;
    let first = &summary.parameters[0].summary;
    println!(
        "second run: x_0 = {:.3} +- {:.3} (exact 0), sd {:.3} (exact 5), R-hat {:.3}",
        first.mean, first.mcse_mean, first.sd, first.rhat
    );
    println!("i-SIR moves {:.2} of its steps", summary.acceptance["isir"].move_rate);

    // 3. Importance sampling: draws of the flow, weighted by target over flow.
    let target = banana()?;
    let n = 20_000;
    let (mut noise, mut x) = (Points::zeros(n, target.dim()), Points::zeros(n, target.dim()));
    Stream::new(3, 0).fill_normal(noise.data_mut());
    let (mut log_q, mut log_p) = (vec![0.0; n], vec![0.0; n]);
    flow.push(noise.as_batch(), x.as_batch_mut(), &mut log_q);
    target.log_prob(x.as_batch(), &mut log_p)?;
    let log_weights: Vec<f64> = log_p.iter().zip(&log_q).map(|(p, q)| p - q).collect();
    let importance = ImportanceSummary::compute(&log_weights);
    let exact = target.facts().log_evidence.ok_or("it is known")?;
    println!(
        "importance sampling: log-evidence {:.3} +- {:.3} (exact {exact:.3}), effective share {:.2}",
        importance.log_evidence, importance.log_evidence_error, importance.ess_share
    );

    let good = first.rhat < 1.02
        && first.mean.abs() < 5.0 * first.mcse_mean
        && summary.training.is_none_or(|t| t.counts.updates == 0)
        && (importance.log_evidence - exact).abs() < 0.1;
    if good { Ok(()) } else { Err("the flow that was read back is not the one that was trained".into()) }
}
