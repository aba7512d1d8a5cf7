//! What was lost or exchanged in the folder of a finished run is told, and nothing is read or written through its links.

use super::common::*;

fn refused(args: &[&str], words: &[&str]) {
    let o = call(args);
    assert_eq!(code(&o), 2, "{args:?}: {}", stderr(&o));
    for word in words {
        assert!(stderr(&o).contains(word), "{args:?}: `{word}` is missing in: {}", stderr(&o));
    }
    assert!(o.stdout.is_empty(), "{}", stdout(&o));
}

#[test]
fn lost_draws_do_not_pass() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let (run, other) = (folder.path().join("run"), folder.path().join("other"));
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&other), "--quiet", "--seed", "9"])), 0);
    let path = text_of(&run);
    for lost in ["posterior", "sample_stats/lp", "posterior/draw", "posterior/chain/c.0"] {
        let (there, away) = (run.join("draws.zarr").join(lost), folder.path().join("away"));
        std::fs::rename(&there, &away).unwrap();
        refused(&["summary", &path], &[lost]);
        refused(&["summary", &path, "--json"], &[lost]);
        std::fs::rename(&away, &there).unwrap();
    }
    let described = run.join("draws.zarr/sample_stats/lp/zarr.json");
    let good = std::fs::read_to_string(&described).unwrap();
    for draws in ["39", "1099511627776"] {
        std::fs::write(&described, good.replacen("40", draws, 1)).unwrap();
        refused(&["summary", &path], &["sample_stats/lp"]);
    }
    std::fs::write(&described, good).unwrap();
    // The only chunk of another run, sound in itself.
    let chunk = "draws.zarr/sample_stats/lp/c.0.0";
    let good = std::fs::read(run.join(chunk)).unwrap();
    std::fs::copy(other.join(chunk), run.join(chunk)).unwrap();
    refused(&["summary", &path], &["not the one that this run wrote"]);
    refused(&["resume", &path], &["not the one that this run wrote"]);
    std::fs::write(run.join(chunk), good).unwrap();
    assert_eq!(code(&call(&["summary", &path])), 0);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    let outside = write(folder.path(), "outside", "{\"mine\": 1}");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let path = text_of(&run);
    for (name, command) in [
        ("summary.json", &["summary", &path, "--json"][..]),
        ("summary.json", &["resume", &path]),
        (".lock", &["resume", &path]),
        ("config.toml", &["resume", &path]),
        ("checkpoint/state.bin", &["resume", &path]),
        ("draws.zarr/posterior", &["resume", &path]),
    ] {
        for to in [outside.as_str(), "/dev/zero"] {
            let (there, away) = (run.join(name), folder.path().join("away"));
            std::fs::rename(&there, &away).unwrap();
            symlink(to, &there).unwrap();
            let o = call(command);
            assert_eq!(code(&o), 2, "{name}: {}", stderr(&o));
            assert!(o.stdout.is_empty(), "{name}");
            std::fs::remove_file(&there).unwrap();
            std::fs::rename(&away, &there).unwrap();
        }
    }
    // Before a run: a folder that somebody prepared.
    for name in ["log.txt", ".lock", "draws.zarr", "checkpoint"] {
        let prepared = folder.path().join(format!("prepared_{name}"));
        std::fs::create_dir(&prepared).unwrap();
        symlink(&outside, prepared.join(name)).unwrap();
        refused(&["run", &config, "--out", &text_of(&prepared)], &[name]);
        assert!(!prepared.join("config.toml").exists(), "{name}: a run was begun");
    }
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "{\"mine\": 1}");
}

#[test]
fn a_damaged_summary_is_not_printed() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let file = run.join("summary.json");
    let good = std::fs::read_to_string(&file).unwrap();
    for bad in ["{", "null", &good.replacen("\"chains\": 3", "\"chains\": 4", 1)] {
        std::fs::write(&file, bad).unwrap();
        refused(&["summary", &text_of(&run), "--json"], &["summary.json", "mixwell resume"]);
    }
    assert_eq!(code(&call(&["resume", &text_of(&run), "--quiet"])), 0);
    assert_eq!(code(&call(&["summary", &text_of(&run), "--json"])), 0);
}
