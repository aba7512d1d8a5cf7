//! Every kind of bad input ends with status 2 and a message that says what is wrong and where; nothing that was there is lost.

use std::path::{Path, PathBuf};

use super::common::*;

/// Status 2, `error:` with all of these words, and no Rust in the text.
fn refused(o: &std::process::Output, words: &[&str]) {
    let text = stderr(o);
    assert_eq!(code(o), 2, "{text}");
    assert!(text.contains("error"), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
    for rust in ["panicked", "RUST_BACKTRACE", "Some(", "Err(", "Os {", "src/"] {
        assert!(!text.contains(rust), "{text}");
    }
    assert!(o.stdout.is_empty(), "{}", stdout(o));
}

/// Runs a config that must be refused before its folder is made.
fn config_refused(config: &str, words: &[&str]) {
    let folder = folder();
    let path = write(folder.path(), "c.toml", config);
    let out = folder.path().join("out");
    refused(&call(&["run", &path, "--out", &text_of(&out)]), words);
    assert!(!out.exists(), "a folder is left behind");
}

fn gaussian(rest: &str) -> String {
    format!(
        "{rest}\n[target]\nkind = 'standard_gaussian'\ndim = 2\n[method]\nkind = 'kernel'\nwarmup = 5\nkernel = {{ kind = 'mala' }}\n"
    )
}

#[test]
fn unknown_keys() {
    config_refused(
        "chains = 4\n\n[target]\nkind = 'two_modes'\n[flow]\nkind = 'realnvp'\nhiden = [8]\n",
        &["c.toml", "line 7", "flow.hiden", "`hidden`"],
    );
    config_refused("chain = 4\n", &["line 1", "`chains`"]);
    config_refused("[target]\nkind = 'two_mode'\n", &["line 2", "two_modes"]);
    config_refused("[target]\nkind = 'two_modes'\n[method]\nkind = 'flex3'\n", &["line 4", "flex2"]);
}

#[test]
fn wrong_types() {
    config_refused("chains = 'many'\n", &["line 1", "chains", "whole number"]);
    config_refused("chains = 2.5\n", &["line 1", "whole number"]);
    config_refused("chains = -3\n", &["line 1", "negative"]);
    config_refused("chains = \n", &["line 1"]);
    config_refused("seed = 99999999999999999999999\n", &["line 1"]);
}

#[test]
fn missing_config() {
    refused(&call(&["run", "/nowhere/c.toml"]), &["/nowhere/c.toml", "check the path"]);
}

#[test]
fn missing_target() {
    config_refused("chains = 4\n", &["target", "mixwell list targets"]);
}

#[test]
fn missing_data_file() {
    config_refused("[target]\nkind = 'logistic_regression'\ndata = 'nowhere.csv'\n", &["nowhere.csv"]);
}

fn table(rows: &str, words: &[&str]) {
    let folder = folder();
    write(folder.path(), "t.csv", rows);
    let config = write(folder.path(), "c.toml", "[target]\nkind = 'logistic_regression'\ndata = 't.csv'\n");
    let out = folder.path().join("out");
    refused(&call(&["run", &config, "--out", &text_of(&out)]), words);
    assert!(!out.exists());
}

#[test]
fn ragged_and_nan_tables() {
    table("1,2,1\n3,4,0\n5,0\n", &["t.csv", "line 3"]);
    table("1,2,1\n3,NaN,0\n5,6,1\n", &["t.csv", "line 2"]);
    table("1,2,1\n3,x,0\n5,6,1\n", &["t.csv", "line 2", "x"]);
    table("", &["t.csv"]);
}

#[test]
fn numbers_out_of_range() {
    config_refused(&gaussian("chains = 0"), &["line 1", "chains", "at least 1"]);
    config_refused(&gaussian("draws = 0"), &["draws"]);
    for step in ["0.0", "-1.0", "nan", "inf"] {
        let config = gaussian("").replace("kind = 'mala'", &format!("kind = 'mala', step_size = {step}"));
        config_refused(&config, &["step_size", "line"]);
    }
    config_refused(&gaussian("").replace("dim = 2", "dim = 0"), &["dim"]);
}

#[test]
fn threads_must_be_positive() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let out = folder.path().join("out");
    refused(&call(&["run", &config, "--out", &text_of(&out), "--threads", "0"]), &["threads", "at least 1"]);
    assert!(!out.exists());
}

#[test]
fn dimensions_that_do_not_fit() {
    let starts = format!("{}[start]\nkind = 'points'\npoints = [[1.0, 2.0, 3.0]]\n", gaussian(""));
    config_refused(&starts, &["start.points", "2 coordinates"]);
    let proposal = "[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\n[method.global]\nproposal = { kind = 'gaussian', mean = [0.0, 0.0, 0.0], sd = [1.0] }\n";
    config_refused(proposal, &["mean"]);
}

/// A point outside the support: the log-density is `-inf` there.
#[test]
fn starts_where_the_target_is_not_finite() {
    let config = format!("{}[start]\nkind = 'points'\npoints = [[1e200, 0.0]]\n", gaussian(""));
    config_refused(&config, &["log-density", "-inf", "chain 0", "[start]"]);
    // All particles at one place: the energy of every pair is infinite.
    let zeros = vec!["0.0"; 36].join(", ");
    let config = format!(
        "chains = 2\n[target]\nkind = 'lennard_jones13'\n[start]\nkind = 'points'\npoints = [[{zeros}]]\n"
    );
    config_refused(&config, &["at the start of chain 0"]);
}

#[test]
fn folders_that_cannot_be_written() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let file = write(folder.path(), "file", "mine");
    refused(&call(&["run", &config, "--out", &format!("{file}/run")]), &["file/run", "--out"]);
    refused(&call(&["run", &config, "--out", &file]), &["file", "--out"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    refused(&call(&["run", &config, "--out", "/proc/nowhere/run"]), &["/proc/nowhere"]);
}

/// A disk fills up during the run; with room again the run goes on.
#[cfg(target_os = "linux")]
#[test]
fn full_disks() {
    let folder = folder();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=120m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mount.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    }
    let config = QUICK.replace("draws = 40", "draws = 100000");
    let config = write(folder.path(), "c.toml", &format!("{config}[output]\ncheckpoint_seconds = 0.05\n"));
    let run = disk.join("run");
    let child = mixwell()
        .args(["run", &config, "--out", &text_of(&run), "--quiet"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("checkpoint", || run.join("checkpoint/state.bin").exists());
    // Somebody else takes all the room there is.
    let filler = disk.join("filler");
    assert!(std::fs::write(&filler, vec![1u8; 130 << 20]).is_err());
    let o = child.wait_with_output().unwrap();
    std::fs::remove_file(&filler).unwrap();
    let resumed = call(&["resume", &text_of(&run), "--quiet"]);
    let whole = folder.path().join("whole");
    let other = call(&["run", &config, "--out", &text_of(&whole), "--quiet"]);
    let same = run.join("summary.json").exists() && draws(&run) == draws(&whole);
    let _ = std::process::Command::new("umount").arg(&disk).output();
    assert_eq!(code(&o), 1, "{}", stderr(&o));
    assert!(stderr(&o).contains("make room on the disk"), "{}", stderr(&o));
    assert_eq!((code(&resumed), code(&other)), (0, 0), "{}", stderr(&resumed));
    assert!(same, "other draws after the disk was full");
}

/// A run that was interrupted in production, its checkpoint good; `LONG`, so that it is not finished.
fn unfinished(folder: &Path) -> PathBuf {
    let config = write(folder, "c.toml", LONG);
    let run = folder.join("run");
    let mut child = start(&["run", &config, "--out", &text_of(&run)]);
    let written = |p: &Path| p.metadata().and_then(|m| m.modified()).ok();
    let third_chunk = || {
        let all = paths(&run.join("draws.zarr/posterior"));
        all.iter().find(|p| p.to_string_lossy().ends_with("c.0.2.0")).and_then(|p| written(p))
    };
    // A checkpoint that is younger than the third chunk counts on the first one.
    wait_until("a checkpoint that counts on chunks", || {
        let checkpoint = run.join("checkpoint");
        let younger = third_chunk().is_some_and(|t| written(&checkpoint.join("state.bin")) > Some(t));
        younger && checkpoint.join("state.bin.previous").exists()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    run
}

/// The first draws of the first variable.
fn first_chunk(run: &Path) -> PathBuf {
    let reader = mixwell::io::DrawReader::open(&run.join("draws.zarr")).unwrap();
    let variable = reader.variables("posterior").unwrap().remove(0).name;
    let mut chunks = paths(&run.join("draws.zarr/posterior").join(variable));
    chunks.retain(|p| p.extension().is_none_or(|e| e != "json"));
    chunks.into_iter().min().unwrap()
}

/// Damages a file of a run, checks that `resume` and `summary` refuse it and touch nothing, and puts it back.
fn damaged(run: &Path, file: &Path, change: impl Fn(&mut Vec<u8>), words: &[&str]) {
    let good = std::fs::read(file).unwrap();
    let mut bad = good.clone();
    change(&mut bad);
    std::fs::write(file, &bad).unwrap();
    let before = files(run);
    refused(&call(&["resume", &text_of(run)]), words);
    refused(&call(&["summary", &text_of(run)]), words);
    assert!(files(run) == before, "files were changed");
    std::fs::write(file, good).unwrap();
}

#[test]
fn damaged_runs_are_refused_and_left_alone() {
    let folder = folder();
    let run = unfinished(folder.path());
    let state = run.join("checkpoint/state.bin");
    damaged(&run, &state, |b| b.truncate(b.len() / 2), &["cut off", "state.bin", "state.bin.previous"]);
    damaged(&run, &state, |b| b.truncate(5), &["state.bin"]);
    damaged(&run, &state, |b| b[0] = b'X', &["not a checkpoint"]);
    damaged(&run, &state, |b| b[8] = 99, &["format 99", "version"]);
    let middle = |b: &mut Vec<u8>| {
        let at = b.len() / 2;
        b[at] ^= 1;
    };
    damaged(&run, &state, middle, &["damaged", "check sum"]);
    let config = run.join("config.toml");
    let other_seed = |b: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(b).replace("seed = 1\n", "seed = 2\n");
        *b = text.into_bytes();
    };
    damaged(&run, &config, other_seed, &["another config", "config.toml"]);
    damaged(
        &run,
        &config,
        |b| b.extend_from_slice(b"\nnonsense = 1\n"),
        &["config.toml", "line", "nonsense"],
    );
    damaged(&run, &first_chunk(&run), middle, &["chunk", "posterior", "damaged"]);
    damaged(&run, &run.join("draws.zarr/posterior/zarr.json"), |b| b.truncate(3), &["zarr.json"]);
    // Sound again, it can be looked at.
    assert_eq!(code(&call(&["summary", &text_of(&run)])), 0);
}

#[test]
fn damage_of_a_finished_run_is_found() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let chunk = first_chunk(&run);
    let good = std::fs::read(&chunk).unwrap();
    let mut bad = good.clone();
    let at = bad.len() / 2;
    bad[at] ^= 1;
    std::fs::write(&chunk, bad).unwrap();
    refused(&call(&["summary", &text_of(&run)]), &["chunk", "posterior", "damaged"]);
    std::fs::write(&chunk, good).unwrap();
    std::fs::write(run.join("summary.json"), "{").unwrap();
    refused(&call(&["summary", &text_of(&run)]), &["summary.json", "mixwell resume"]);
    assert_eq!(code(&call(&["resume", &text_of(&run), "--quiet"])), 0);
    assert_eq!(code(&call(&["summary", &text_of(&run)])), 0);
}

#[test]
fn a_folder_that_holds_a_run_is_not_overwritten() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let before = files(&run);
    refused(
        &call(&["run", &config, "--out", &text_of(&run)]),
        &["already holds a run", "mixwell resume", "--out"],
    );
    assert!(files(&run) == before);
}

#[test]
fn folders_that_hold_no_run() {
    let folder = folder();
    let path = text_of(folder.path());
    for command in ["resume", "summary"] {
        refused(&call(&[command, &path]), &["not the folder of a run", "config.toml"]);
        refused(&call(&[command, &format!("{path}/none")]), &["none", "check the path"]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn one_process_per_folder() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", LONG);
    let run = folder.path().join("run");
    let mut child = start(&["run", &config, "--out", &text_of(&run)]);
    wait_until("checkpoint", || run.join("checkpoint/state.bin").exists());
    let second = call(&["resume", &text_of(&run)]);
    let looked = call(&["summary", &text_of(&run)]);
    child.kill().unwrap();
    child.wait().unwrap();
    refused(&second, &["another process", &child.id().to_string()]);
    assert_eq!(code(&looked), 0, "{}", stderr(&looked));
}

#[test]
fn unknown_names_on_the_command_line() {
    refused(&call(&["init", "no_such_target"]), &["no_such_target", "two_modes"]);
    refused(&call(&["init", "two_modes", "--method", "magic"]), &["magic", "flex2"]);
    refused(&call(&["list", "nothing"]), &["nothing", "kernels"]);
    refused(&call(&["walk"]), &["walk"]);
}

/// Each message names the key that holds the number, not one that comes later.
#[test]
fn numbers_that_toml_cannot_hold() {
    let flow = "[target]\nkind = 'two_modes'\n[flow]\nkind = 'realnvp'\nn_blocks = 9223372036854775808\n";
    config_refused(flow, &["line 5", "`flow.n_blocks`", "9223372036854775807"]);
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    refused(&call(&["run", &config, "--seed", "9223372036854775808"]), &["--seed", "9223372036854775807"]);
}

#[test]
fn files_without_end() {
    refused(&call(&["run", "/dev/zero"]), &["/dev/zero", "16 MiB"]);
    config_refused(
        "[target]\nkind = 'logistic_regression'\ndata = '/dev/zero'\n",
        &["/dev/zero", "longer than 16 MiB"],
    );
}

#[test]
fn columns_that_are_words_or_not_there() {
    table("1,red,0\n2,blue,1\n3,green,1\n", &["column 1 (the first is 0)", "one_hot", "`red`"]);
    let folder = folder();
    write(folder.path(), "t.csv", "1,2,0\n3,4,1\n");
    let config = "[target]\nkind = 'logistic_regression'\ndata = 't.csv'\nlabel_column = 7\n";
    let config = write(folder.path(), "c.toml", config);
    let out = text_of(&folder.path().join("out"));
    refused(&call(&["run", &config, "--out", &out]), &["line 4", "`target.label_column` is 7"]);
}
