//! The real command is killed (SIGKILL) at many moments and resumed each time: the draws, statistics and summary are those
//! of a run that was left alone, bit for bit.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::common::*;

/// Small configs that between them visit every kind of state: kernels, flows, optimisers, pools, thinning.
const CASES: &[(&str, &str)] = &[
    (
        "ex2 with a fitted proposal, thinned",
        "chains = 4\ndraws = 150\nthin = 3\nrao_blackwell = true\n[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 150\nfrozen = 20\n[flow]\nkind = 'realnvp'\nn_blocks = 1\nhidden = [8]\nwhitening = 'full'\n",
    ),
    (
        "ex2 with a fixed proposal",
        "chains = 4\ndraws = 200\n[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 100\n[method.global]\nn_particles = 8\nproposal = { kind = 'gaussian', sd = [3.0] }\n",
    ),
    (
        "flex2",
        "chains = 4\ndraws = 120\nrao_blackwell = true\n[target]\nkind = 'two_modes'\n[method]\nkind = 'flex2'\nburn_in = 30\ntrain_iterations = 60\ntune = 20\nfrozen = 10\n[method.global]\nn_particles = 8\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [16]\n",
    ),
    (
        "flowmc",
        "chains = 4\ndraws = 120\n[target]\nkind = 'dual_moon'\n[method]\nkind = 'flowmc'\nlocal_steps = 20\nglobal_steps = 5\ntraining_loops = 6\nepochs = 3\nfrozen = 10\n[flow]\nkind = 'rq_spline'\n",
    ),
    (
        "neutra",
        "chains = 4\ndraws = 100\n[target]\nkind = 'banana'\n[method]\nkind = 'neutra'\nlocal_steps = 20\ntraining_loops = 4\nreverse_steps = 5\ntune = 30\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [16]\nprecision = 'f32'\n",
    ),
    (
        "nuts, with derived quantities",
        "chains = 4\ndraws = 300\n[target]\nkind = 'eight_schools'\n[method]\nkind = 'kernel'\nwarmup = 200\nkernel = { kind = 'nuts' }\n[derived]\ngap = 'theta[0] - theta[1]'\nlp = 'log_density'\n",
    ),
];

/// Kills the process after a delay; false when it had finished by itself before.
fn kill_after(mut child: Child, delay: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < delay {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

fn killed_again_and_again(name: &str, config: &str, seed: u64) {
    let folder = folder();
    let config = write(folder.path(), "c.toml", &format!("{config}[output]\ncheckpoint_seconds = 0\n"));
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let (whole_text, killed_text) = (text_of(&whole), text_of(&killed));
    let begun = Instant::now();
    let o = call(&["run", &config, "--out", &whole_text, "--quiet", "--threads", "1"]);
    assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
    let length = begun.elapsed();
    let mut stream = mixwell::Stream::new(seed, 0);
    let mut kills = 0;
    // First before anything may be written, then anywhere; each session gets a bit further or not at all.
    for round in 0..14 {
        let delay = match round {
            0 => Duration::from_millis(1),
            1 => Duration::from_millis(4),
            _ => length.mul_f64(0.35 * stream.uniform()),
        };
        let threads = ["1", "2"][round % 2];
        let begun = killed.join("config.toml").exists();
        let args: Vec<&str> = if begun {
            vec!["resume", &killed_text, "--threads", threads]
        } else {
            vec!["run", &config, "--out", &killed_text, "--threads", threads]
        };
        if !kill_after(start(&args), delay) {
            break;
        }
        kills += 1;
    }
    if !killed.join("config.toml").exists() {
        let o = call(&["run", &config, "--out", &killed_text, "--quiet"]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
    }
    let o = call(&["resume", &killed_text, "--quiet", "--threads", "2"]);
    assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
    eprintln!("{name}: {length:?}, killed {kills} times");
    assert!(draws(&killed) == draws(&whole), "{name}: other draws after {kills} kills");
    assert_eq!(summary(&killed), summary(&whole), "{name}");
    assert_eq!(
        std::fs::read(killed.join("config.toml")).unwrap(),
        std::fs::read(whole.join("config.toml")).unwrap()
    );
}

#[test]
fn ex2_fitted_survives_kills() {
    killed_again_and_again(CASES[0].0, CASES[0].1, 1);
}

#[test]
fn ex2_fixed_survives_kills() {
    killed_again_and_again(CASES[1].0, CASES[1].1, 2);
}

#[test]
fn flex2_survives_kills() {
    killed_again_and_again(CASES[2].0, CASES[2].1, 3);
}

#[test]
fn flowmc_survives_kills() {
    killed_again_and_again(CASES[3].0, CASES[3].1, 4);
}

#[test]
fn neutra_survives_kills() {
    killed_again_and_again(CASES[4].0, CASES[4].1, 5);
}

#[test]
fn samplers_of_a_gan_survive_kills() {
    let files = folder();
    let target = super::gan_latents::target(files.path());
    for (name, method) in [
        ("repgan", "kind = 'repgan'\nkeep = 'all'"),
        ("mh_gan", "kind = 'mh_gan'\nchain_length = 20"),
        ("rejection", "kind = 'discriminator_rejection'\npilot = 20"),
    ] {
        killed_again_and_again(name, &super::gan_latents::config(&target, method, 150), 7);
    }
}

#[test]
fn nuts_survives_kills() {
    killed_again_and_again(CASES[5].0, CASES[5].1, 6);
}

/// Ctrl-C ends a run with status 1 at the next safe place; what follows is as if nothing had happened.
#[cfg(unix)]
#[test]
fn interrupts_end_cleanly_and_resume() {
    let folder = folder();
    let config = write(
        folder.path(),
        "c.toml",
        &CASES[2].1.replace("train_iterations = 60", "train_iterations = 400"),
    );
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let o = call(&["run", &config, "--out", &text_of(&whole), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let mut child = mixwell()
        .args(["run", &config, "--out", &text_of(&stopped)])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("checkpoint", || stopped.join("checkpoint/state.bin").exists());
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    if !sent.is_ok_and(|s| s.success()) {
        eprintln!("skipped: there is no `kill` here");
        let _ = child.kill();
        let _ = child.wait();
        return;
    }
    let o = child.wait_with_output().unwrap();
    let text = stderr(&o);
    assert_eq!(code(&o), 1, "{text}");
    assert!(text.contains("mixwell resume"), "{text}");
    let o = call(&["resume", &text_of(&stopped), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(draws(&stopped) == draws(&whole));
    assert_eq!(summary(&stopped), summary(&whole));
}

#[test]
fn resuming_a_finished_run_changes_nothing() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let before = files(&run);
    let o = call(&["resume", &text_of(&run)]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stdout(&o).contains("R-hat"), "{}", stdout(&o));
    assert!(files(&run) == before);
}
