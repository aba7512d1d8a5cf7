//! Reports hold what they promise: one file that fetches nothing, figures with names and sentences, clear words where there is none.

mod markup;

use std::path::Path;

use markup::check;
use mixwell::density::{PointError, PointTarget, Pointwise, Variable, from_fn_with_grad};
use mixwell::kernel::{mala, nuts};
use mixwell::sampler::Sampler;
use mixwell_report::{page, write};

/// A folder in memory where there is one: checkpoints wait for the disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Parameters with names that are markup, one that is infinite or NaN now and then, and one that never changes.
struct OddNames;

impl PointTarget for OddNames {
    fn dim(&self) -> usize {
        2
    }

    fn evaluate(&self, x: &[f64], grad: Option<&mut [f64]>) -> Result<f64, PointError> {
        if let Some(grad) = grad {
            grad.copy_from_slice(&[-x[0], -x[1]]);
        }
        Ok(-0.5 * (x[0] * x[0] + x[1] * x[1]))
    }

    fn variables(&self) -> Vec<Variable> {
        let names = ["a < b", "\"c\" & 'd'", "</script><img src=\"http://example.org\">", "never moves"];
        vec![Variable::of_elements("odd", names.map(String::from).to_vec())]
    }

    fn report(&self, x: &[f64], out: &mut [f64]) {
        let strange = if x[0] > 1.0 {
            f64::INFINITY
        } else if x[0] < -1.0 {
            f64::NAN
        } else {
            x[0]
        };
        out.copy_from_slice(&[x[0], x[1], strange, 7.0]);
    }
}

#[test]
fn odd_names_and_numbers_do_no_harm() {
    let dir = folder();
    let run = dir.path().join("a & <b>");
    Sampler::new(Pointwise::new(OddNames))
        .method(nuts().warmup(50))
        .chains(3)
        .draws(60)
        .folder(&run)
        .run()
        .unwrap();
    let html = page(&run).unwrap();
    check(&html);
    assert!(
        html.contains("a &lt; b")
            && html.contains("&quot;c&quot; &amp; 'd'")
            && html.contains("<h1>a &amp; &lt;b&gt;</h1>")
    );
    assert!(!html.contains("<img") && !html.contains("example.org\">"));
    assert_eq!(html, page(&run).unwrap(), "the same folder gives the same bytes");
    // Trace, ranks and density of four parameters and of the log-density, at least.
    assert!(html.matches("<svg").count() >= 15);
}

#[test]
fn the_default_file_lies_in_the_folder() {
    let dir = folder();
    let run = dir.path().join("run");
    let target = from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
        grad[0] = -x[0];
        -0.5 * x[0] * x[0]
    });
    Sampler::new(target).method(mala().warmup(20)).chains(30).draws(20).folder(&run).run().unwrap();
    let written = write(&run, None).unwrap();
    assert_eq!(written, run.join("report.html"));
    let html = std::fs::read_to_string(&written).unwrap();
    check(&html);
    assert!(html.contains("NOT converged") && html.contains("12 of 30 chains"));
    // A report beside the run is no damage to it, and may be written again.
    let other = dir.path().join("other.html");
    assert_eq!(std::fs::read_to_string(write(&run, Some(&other)).unwrap()).unwrap(), html);
    write(&run, None).unwrap();
}

/// Chains that stay in one of two modes, with divergences made by hand: none here, but draws of a flow and weights of modes.
#[test]
fn a_flow_and_modes_have_sections() {
    let dir = folder();
    let run = dir.path().join("run");
    let text = "chains = 4\ndraws = 150\n[target]\nkind = 'two_modes'\n[method]\nkind = 'flex2'\ntrain_iterations = 20\nfrozen = 5\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n[output]\nevidence_draws = 256\n";
    sample(text, &run);
    let html = page(&run).unwrap();
    check(&html);
    for words in [
        "Weights of the modes",
        "Loss of the flow",
        "a flow that fits covers the draws",
        ">flow</text>",
        "log evidence",
        "id=\"settings\"",
        "Pareto k",
    ] {
        assert!(html.contains(words), "{words}");
    }
}

/// Runs a config into a folder.
fn sample(text: &str, run: &Path) {
    let config = mixwell::config::parse::<mixwell::sampler::RunConfig>(text).unwrap().settings;
    let target = config.target.as_ref().unwrap().build(&mixwell::density::NoData).unwrap();
    Sampler::from_config(target.into(), config).folder(run).run().unwrap();
}

/// Counts what is refused.
fn refused(run: &Path, words: &[&str]) {
    let error = page(run).unwrap_err();
    assert!(error.is_input(), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is missing in: {error}");
    }
}

#[test]
fn what_is_no_finished_run_has_no_report() {
    let dir = folder();
    refused(&dir.path().join("nothing"), &["nothing"]);
    refused(dir.path(), &["not the folder of a run", "config.toml"]);
    let run = dir.path().join("run");
    sample(
        "chains = 2\ndraws = 20\n[target]\nkind = 'standard_gaussian'\n[method]\nkind = 'kernel'\nwarmup = 5\n",
        &run,
    );
    let (summary, away) = (run.join("summary.json"), dir.path().join("away"));
    std::fs::rename(&summary, &away).unwrap();
    refused(&run, &["not finished", "mixwell resume"]);
    std::fs::rename(&away, &summary).unwrap();
    let chunk = run.join("draws.zarr/posterior/x/c.0.0.0");
    let mut bytes = std::fs::read(&chunk).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&chunk, bytes).unwrap();
    refused(&run, &["posterior/x"]);
    std::fs::remove_file(&chunk).unwrap();
    refused(&run, &["posterior/x", "missing"]);
    std::fs::write(run.join("config.toml"), "chains = 'many'").unwrap();
    refused(&run, &["config.toml", "chains"]);
}
