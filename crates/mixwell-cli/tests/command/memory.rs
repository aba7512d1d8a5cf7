//! The memory that is announced against the memory that is taken, and sizes that do not fit.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use super::common::{call, code, folder, mixwell, stderr, text_of, write};

const GAUSSIAN: &str = "[target]\nkind = 'standard_gaussian'\n";

/// A run of one kernel: its first lines, the target's dimension, the kernel, and more sections.
fn kernel(head: &str, dim: usize, warmup: usize, kernel: &str, more: &str) -> String {
    format!(
        "{head}{GAUSSIAN}dim = {dim}\n[method]\nkind = 'kernel'\nwarmup = {warmup}\nkernel = {{ {kernel} }}\n{more}"
    )
}

fn method(head: &str, dim: usize, method: &str, more: &str) -> String {
    format!("{head}{GAUSSIAN}dim = {dim}\n[method]\n{method}\n{more}")
}

/// A Gaussian with a covariance of so many rows, written out.
fn covariance(dim: usize) -> String {
    let row = |i: usize| {
        let numbers: Vec<&str> = (0..dim).map(|j| if i == j { "1.5" } else { "0.0" }).collect();
        format!("[{}]", numbers.join(","))
    };
    let rows: Vec<String> = (0..dim).map(row).collect();
    let mean = vec!["0.0"; dim].join(",");
    format!(
        "chains = 4\ndraws = 20\n[target]\nkind = 'gaussian'\nmean = [{mean}]\ncovariance = [{}]\n[method]\nkind = 'kernel'\nwarmup = 30\nkernel = {{ kind = 'mala' }}\n",
        rows.join(",")
    )
}

fn table() -> Vec<(&'static str, String)> {
    let ex2 = "kind = 'ex2'\nwarmup = 50\nfrozen = 0\nglobal = { n_particles = 32, proposal = { kind = 'gaussian' } }\nlocal = { kind = 'mala' }";
    let flex2 = "kind = 'flex2'\nburn_in = 20\ntrain_iterations = 5\ntune = 5\nfrozen = 5\nglobal = { n_particles = 32 }";
    let mala = "kind = 'mala'";
    vec![
        ("small", kernel("chains = 4\ndraws = 200\n", 2, 100, mala, "")),
        ("many chains", kernel("chains = 1000\ndraws = 1000\n", 20, 100, mala, "")),
        ("stopping rule", kernel("chains = 1000\ndraws = 1000\n", 20, 100, mala, "[stop]\ness = 1e9\n")),
        (
            "eight temperatures",
            kernel(
                "chains = 1000\ndraws = 100\n",
                100,
                20,
                "kind = 'parallel_tempering', n_temperatures = 8, n_steps = 1",
                "",
            ),
        ),
        (
            "dense metric",
            kernel("chains = 4\ndraws = 20\n", 1000, 150, "kind = 'mala', metric = 'dense'", ""),
        ),
        ("covariance", covariance(600)),
        ("evidence", method("chains = 4\ndraws = 50\n", 2, ex2, "[output]\nevidence_draws = 5000000\n")),
        ("long chains", kernel("chains = 20\ndraws = 60000\n", 4, 100, mala, "")),
        (
            "many coordinates",
            kernel("chains = 8\ndraws = 200\n", 10_000, 50, "kind = 'mala', metric = 'diagonal'", ""),
        ),
        (
            "Rao-Blackwell",
            method(
                "chains = 200\ndraws = 40\nrao_blackwell = true\n",
                200,
                ex2,
                "[output]\nevidence_draws = 0\n",
            ),
        ),
        (
            "trajectories",
            kernel("chains = 100\ndraws = 60\n", 500, 50, "kind = 'nuts', metric = 'diagonal'", ""),
        ),
        ("particles", method("chains = 200\ndraws = 30\n", 100, flex2, "[output]\nevidence_draws = 1000\n")),
        (
            "large flow",
            method(
                "chains = 10\ndraws = 20\n",
                50,
                flex2,
                "[output]\nevidence_draws = 100\n[flow]\nkind = 'realnvp'\nhidden = [512, 512]\n",
            ),
        ),
        (
            "replay",
            method(
                "chains = 50\ndraws = 50\n",
                50,
                "kind = 'flowmc'\nlocal_steps = 20\ntraining_loops = 3\nepochs = 1\nfrozen = 5",
                "[training]\nmax_examples = 50000\n[flow]\nkind = 'realnvp'\nhidden = [64]\n",
            ),
        ),
    ]
}

/// Runs a config and gives the megabytes that it announces and those that it holds at most; `None` where the system does not
/// tell.
fn announced_and_taken(text: &str) -> Option<(f64, f64)> {
    let dir = folder();
    let config = write(dir.path(), "a.toml", text);
    let out = text_of(&dir.path().join("run"));
    let mut child = mixwell()
        .args(["run", &config, "--out", &out, "--threads", "2"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).or(peak);
        std::thread::sleep(Duration::from_millis(1));
    }
    let told = reader.join().unwrap().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
    let words: Vec<&str> = told.split("needs about ").nth(1).unwrap().split_whitespace().collect();
    let unit = match words[1] {
        "KiB" => 1.0 / 1024.0,
        "MiB" => 1.0,
        "GiB" => 1024.0,
        other => panic!("{other}: {told}"),
    };
    Some((words[0].parse::<f64>().unwrap() * unit, peak? / 1024.0))
}

#[test]
fn the_announced_memory_is_what_a_run_takes() {
    let mut wrong = Vec::new();
    for (name, text) in table() {
        let Some((announced, taken)) = announced_and_taken(&text) else {
            eprintln!("skipped: this system does not tell how much memory a process held (no /proc)");
            return;
        };
        println!("{name}: {announced:.0} MiB announced, {taken:.0} MiB taken");
        if (announced - taken).abs() > 30.0 + 0.2 * taken {
            wrong.push(format!("{name}: {announced:.0} MiB announced, {taken:.0} MiB taken"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn huge_settings_end_with_status_2_and_leave_no_folder() {
    let dir = folder();
    let cases = [
        ("chains", "chains = HUGE\n", ""),
        ("draws", "draws = HUGE\n", ""),
        ("training.reverse_draws", "", "[training]\nreverse_draws = HUGE\n"),
        ("output.evidence_draws", "", "[output]\nevidence_draws = HUGE\n"),
        ("method.local_steps", "", "[method]\nkind = 'flex2'\nlocal_steps = HUGE\n"),
        ("method.global.n_particles", "", "[method]\nkind = 'flex2'\nglobal = { n_particles = HUGE }\n"),
        (
            "method.kernel.n_leapfrog",
            "",
            "[method]\nkind = 'kernel'\nkernel = { kind = 'hmc', n_leapfrog = HUGE }\n",
        ),
        (
            "method.kernel.n_steps",
            "",
            "[method]\nkind = 'kernel'\nkernel = { kind = 'repeat', n_steps = HUGE }\n",
        ),
        (
            "method.kernel.n_temperatures",
            "",
            "[method]\nkind = 'kernel'\nkernel = { kind = 'parallel_tempering', n_temperatures = HUGE }\n",
        ),
        ("flow.n_blocks", "", "[flow]\nkind = 'realnvp'\nn_blocks = HUGE\n"),
    ];
    for huge in ["300000000000", "4611686018427387904", "9223372036854775807"] {
        for (key, head, more) in &cases {
            let text = format!("{head}{GAUSSIAN}{more}").replace("HUGE", huge);
            let config = write(dir.path(), "a.toml", &text);
            let out = dir.path().join("run");
            let o = call(&["run", &config, "--out", &text_of(&out)]);
            assert_eq!(code(&o), 2, "{key} = {huge}: {}", stderr(&o));
            assert!(stderr(&o).contains(&format!("`{key}`")), "{key} = {huge}: {}", stderr(&o));
            assert!(!out.exists(), "{key} = {huge} left a folder");
        }
    }
}

#[test]
fn huge_numbers_of_threads_are_refused_at_once() {
    let dir = folder();
    let config = write(dir.path(), "a.toml", &kernel("", 2, 10, "kind = 'mala'", ""));
    let out = text_of(&dir.path().join("run"));
    let o = call(&["run", &config, "--out", &out, "--threads", "100000"]);
    assert!(code(&o) == 2 && stderr(&o).contains("at most 4096"), "{}", stderr(&o));
}

#[test]
fn huge_estimators_end_with_status_2() {
    let dir = folder();
    for (kind, key) in [("importance", "draws"), ("annealed", "chains"), ("sequential", "particles")] {
        for huge in ["300000000000", "9223372036854775807"] {
            let text = format!("{GAUSSIAN}[estimators.a]\nkind = '{kind}'\n{key} = {huge}\n");
            let config = write(dir.path(), "a.toml", &text);
            let o = call(&["evidence", &config, "--out", &text_of(&dir.path().join("z.json"))]);
            assert!(code(&o) == 2 && stderr(&o).contains(key), "{kind}.{key}: {}", stderr(&o));
        }
    }
}
