//! What the tests of the command share: folders, small configs, and running the real binary.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mixwell::io::DrawReader;

/// A folder in memory where there is one: checkpoints wait for the disk.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub fn mixwell() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mixwell"))
}

/// Runs the command to its end.
pub fn call(args: &[&str]) -> Output {
    let mut child = mixwell()
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that should have been refused must not run for hours.
    let id = child.id().to_string();
    let (finished, waits) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if waits.recv_timeout(Duration::from_secs(100)).is_err() {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    let mut outputs = (Vec::new(), Vec::new());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        err.read_to_end(&mut text).map(|_| text)
    });
    out.read_to_end(&mut outputs.0).unwrap();
    outputs.1 = reader.join().unwrap().unwrap();
    let status = child.wait().unwrap();
    let _ = finished.send(());
    guard.join().unwrap();
    Output { status, stdout: outputs.0, stderr: outputs.1 }
}

pub fn start(args: &[&str]) -> Child {
    mixwell().args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub fn stdout(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

pub fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

pub fn code(o: &Output) -> i32 {
    o.status.code().unwrap_or(-1)
}

pub fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    text_of(&path)
}

pub fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_string()
}

/// Every array of the store, by group and name, as bits.
pub fn draws(run: &Path) -> BTreeMap<String, Vec<u64>> {
    let reader = DrawReader::open(&run.join("draws.zarr")).unwrap();
    let mut all = BTreeMap::new();
    for group in reader.groups().unwrap() {
        for v in reader.variables(&group).unwrap() {
            let values = reader.read_variable(&group, &v.name, 1).unwrap();
            all.insert(format!("{group}/{}", v.name), values.iter().map(|x| x.to_bits()).collect());
        }
    }
    all
}

/// The summary without its times.
pub fn summary(run: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(run.join("summary.json")).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["wall_seconds"] = 0.into();
    value
}

/// Every file below a folder; none when it does not exist yet.
pub fn paths(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
            if entry.is_dir() { folders.push(entry) } else { found.push(entry) }
        }
    }
    found
}

/// The contents of every file of a folder but the lock, which any process may touch.
pub fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let kept = paths(path).into_iter().filter(|p| p.file_name().unwrap() != ".lock");
    kept.map(|p| (p.strip_prefix(path).unwrap().to_owned(), std::fs::read(p).unwrap())).collect()
}

/// The curve of a training without its last column, the seconds.
pub fn curve(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("curve.csv")).unwrap();
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_string() + "\n").collect()
}

/// Trains a config to its end in a folder, killed after each of some stretches of time and resumed with another number of threads;
/// returns how often it was still at work when it was killed.
pub fn train_with_kills(config: &str, run: &Path, stretches: impl Iterator<Item = Duration>) -> u32 {
    let mut kills = 0;
    for stretch in stretches {
        let args: &[&str] = if run.join("config.toml").exists() {
            &["resume", &text_of(run), "--quiet", "--threads", "3"]
        } else {
            &["train", config, "--out", &text_of(run), "--quiet", "--threads", "2"]
        };
        let mut child = start(args);
        std::thread::sleep(stretch + Duration::from_millis(3));
        let _ = child.kill();
        kills += u32::from(!child.wait().unwrap().success());
    }
    let o = call(&["resume", &text_of(run), "--quiet"]);
    assert_eq!(code(&o), 0, "{config}: {}", stderr(&o));
    kills
}

/// Waits until something holds, which another process is about to bring about.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {what} after a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A run of a moment.
pub const QUICK: &str = "chains = 3\ndraws = 40\n[target]\nkind = 'standard_gaussian'\n[method]\nkind = 'kernel'\nwarmup = 20\nkernel = { kind = 'mala' }\n";

/// A run of many seconds, to be interrupted.
pub const LONG: &str = "chains = 3\ndraws = 20000000\n[target]\nkind = 'standard_gaussian'\n[method]\nkind = 'kernel'\nwarmup = 20\nkernel = { kind = 'mala' }\n[output]\ncheckpoint_seconds = 0.05\n[stop]\nseconds = 3600\n";
