//! `mixwell-bench TASK [--seconds S] [--data DIR]`: measures one task and prints a JSON object; `mixwell-bench list`;
//! `mixwell-bench smoke` does every steady task for a moment, so that none can rot.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use mixwell_benches::{Request, Task, tasks};
use serde_json::json;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut name = None;
    let mut request = Request {
        sampling: Duration::from_secs(3),
        data: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data")),
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => request.sampling = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--data" => request.data = value()?.into(),
            _ if argument.starts_with('-') => bail!("unknown option {argument}"),
            _ => name = Some(argument),
        }
    }
    let all = tasks();
    match name.as_deref() {
        None | Some("list") => all.iter().for_each(|t| println!("{}", t.name)),
        Some("smoke") => {
            request.sampling = Duration::from_millis(1);
            for task in all.iter().filter(|t| !t.whole_run) {
                report(task, &request)?;
            }
        }
        Some(name) => {
            let task = all.iter().find(|t| t.name == name);
            report(
                task.with_context(|| format!("no task is called `{name}`; see `mixwell-bench list`"))?,
                &request,
            )?;
        }
    }
    Ok(())
}

fn report(task: &Task, request: &Request) -> anyhow::Result<()> {
    let found = (task.measure)(request).with_context(|| task.name.clone())?;
    let line = json!({
        "task": task.name,
        "peer": format!("Mixwell {}", env!("CARGO_PKG_VERSION")),
        "instructions": mixwell_vector::simd::name(),
        "threads": rayon::current_num_threads(),
        "settings": found.settings,
        "minimum": found.minimum(),
        "median": found.median(),
        "metrics": found.metrics,
        "seconds": found.seconds,
    });
    println!("{line}");
    Ok(())
}
