//! Failures of the machine end with status 1 and a sentence; signals that were ignored at the start stay ignored.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::Duration;

use super::common::*;

/// Runs the command from a shell that sets something first.
fn from_shell(first: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{first}; exec \"$@\""))
        .arg("sh")
        .arg(env!("CARGO_BIN_EXE_mixwell"))
        .args(args);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// `ulimit -f` counts in blocks of 512 bytes; the draws of this run are larger than 50 of them.
#[test]
fn a_limit_on_file_sizes_ends_with_status_1_and_a_message() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", &QUICK.replace("draws = 40", "draws = 20000"));
    let run = text_of(&folder.path().join("run"));
    let o = from_shell("ulimit -f 50", &["run", &config, "--out", &run]).output().unwrap();
    assert_eq!(o.status.code(), Some(1), "{}", stderr(&o));
    assert!(stderr(&o).contains("cannot write") && stderr(&o).contains("make room"), "{}", stderr(&o));
}

#[test]
fn hang_ups_end_a_run_unless_they_were_ignored_at_the_start() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", LONG);
    for (first, survives) in [("trap '' HUP", true), ("true", false)] {
        if !survives && ignores_hang_ups() {
            eprintln!("skipped: these tests were started by nohup, so the command is, too");
            continue;
        }
        let run = folder.path().join(format!("run_{survives}"));
        let mut child = from_shell(first, &["run", &config, "--out", &text_of(&run), "--quiet"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("checkpoint", || run.join("checkpoint/state.bin").exists());
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        if survives {
            std::thread::sleep(Duration::from_secs(1));
            assert!(child.try_wait().unwrap().is_none(), "nohup was undone");
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert!(survives || status.code() == Some(1), "{status}");
    }
}

/// Whether this process, and so every child, was started with hang-ups ignored. Linux tells; elsewhere they are taken not to be.
fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(ignored.trim(), 16).is_ok_and(|mask| mask & 1 == 1)
}
