//! Writes a run folder by hand: autocorrelated draws of three variables, for looking at with ArviZ.
//!
//!     cargo run --example draw_store -- runs/by_hand

use std::path::PathBuf;
use std::time::SystemTime;

use mixwell::Stream;
use mixwell::density::Variable;
use mixwell::io::{
    ConfigHash, DrawStore, Phase, RunFolder, Stat, StatKind, StoreSchema, atomic_write, timestamp,
};
use serde_json::{Map, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("runs/by_hand"), PathBuf::from);
    let config = b"seed = 1\n";
    let run = RunFolder::create(&path)?;
    atomic_write(&run.config(), config)?;

    let (n_chains, warmup, draws) = (4, 300, 2500);
    let attributes = json!({
        "inference_library": "mixwell",
        "inference_library_version": env!("CARGO_PKG_VERSION"),
        "created_at": timestamp(SystemTime::now()),
        "seed": 1,
        "config_hash": ConfigHash::of(config).to_string(),
        "tuning_steps": warmup,
    });
    let schema = StoreSchema {
        n_chains,
        variables: vec![
            Variable::new("mu", &[]),
            Variable::new("theta", &[8]),
            Variable::new("corr", &[2, 3]),
        ],
        stats: vec![
            Stat::new("lp", StatKind::Float),
            Stat::new("acceptance_rate", StatKind::Float),
            Stat::new("diverging", StatKind::Bool),
            Stat::new("n_grad", StatKind::Int),
        ],
        warmup_draws: warmup,
        draws,
        attributes: attributes.as_object().cloned().unwrap_or_default(),
    };
    let n_values = schema.n_values();
    let mut store = DrawStore::create(&run.draws(), schema)?;

    // One autoregressive process per number and chain: x' = 0.7 x + noise.
    let mut streams = Stream::for_chains(1, n_chains);
    let mut values = vec![0.0; n_chains * n_values];
    for (phase, n) in [(Phase::Warmup, warmup), (Phase::Production, draws)] {
        for draw in 0..n {
            let mut stats = vec![];
            for (chain, stream) in values.chunks_exact_mut(n_values).zip(&mut streams) {
                chain.iter_mut().for_each(|x| *x = 0.7 * *x + stream.normal());
                let lp = -0.5 * chain.iter().map(|x| x * x).sum::<f64>();
                stats.extend([lp, stream.uniform(), f64::from(u8::from(draw % 97 == 0)), 5.0]);
            }
            store.append(phase, 1, &values, &stats)?;
        }
    }
    store.finish(Map::from_iter([("sampling_time".to_owned(), json!(0.0))]))?;
    println!("{}", run.draws().display());
    Ok(())
}
