//! Run folders that somebody damaged or forged: whatever was done to a folder, it is refused, or what is read from it is what
//! the run left. No panic, no abort, no hang, and memory within a bound that the size of the folder sets.

mod mutations;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mixwell::Stream;
use mixwell::io::{DataFiles, DrawReader, RunFolder};
use mixwell::sampler::{RunConfig, Sampler, read_summary};

use mutations::mutate;

/// Damaged folders that are looked at.
const ROUNDS: usize = 10_000;
/// Bytes that looking at a small folder may take: a chunk has at most 64 MiB of numbers.
const MEMORY: u64 = 256 << 20;

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn sampler(seed: u64) -> Sampler {
    let text = format!(
        "seed = {seed}\nchains = 3\ndraws = 11\n[target]\nkind = 'standard_gaussian'\n[method]\nkind = 'kernel'\nwarmup = 6\nkernel = {{ kind = 'mala' }}\n"
    );
    let config = mixwell::config::parse::<RunConfig>(&text).unwrap().settings;
    let target = config.target.as_ref().unwrap().build(&DataFiles).unwrap();
    Sampler::from_config(target.into(), config)
}

/// All files below a folder.
fn files(root: &Path) -> Files {
    let (mut found, mut folders) = (Files::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What a user gets from a folder: the summary and every draw, or a refusal in words.
fn look(root: &Path) -> Result<(String, Vec<u64>), String> {
    let folder = RunFolder::view(root).map_err(|e| e.to_string())?;
    let summary = read_summary(&folder).map_err(|e| e.to_string())?;
    let reader = DrawReader::open(&folder.draws()).map_err(|e| e.to_string())?;
    let mut bits = vec![];
    for group in reader.groups().map_err(|e| e.to_string())? {
        for variable in reader.variables(&group).map_err(|e| e.to_string())? {
            let values = reader.read_variable(&group, &variable.name, 1).map_err(|e| e.to_string())?;
            bits.extend(values.into_iter().map(f64::to_bits));
        }
    }
    Ok((summary.to_json(), bits))
}

/// Puts back what a mutation changed.
fn restore(root: &Path, good: &Files, changed: &[PathBuf]) {
    for name in changed {
        let path = root.join(name);
        if path.symlink_metadata().is_ok_and(|m| m.is_dir()) {
            std::fs::remove_dir_all(&path).unwrap();
        } else {
            let _ = std::fs::remove_file(&path);
        }
        for (file, bytes) in good.iter().filter(|(file, _)| file.starts_with(name)) {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), bytes).unwrap();
        }
    }
}

#[test]
fn ten_thousand_damaged_folders() {
    let (folder, other) = (scratch(), scratch());
    sampler(1).folder(folder.path().join("run")).run().unwrap();
    sampler(2).folder(other.path().join("run")).run().unwrap();
    let (root, outside) = (folder.path().join("run"), folder.path().join("outside"));
    std::fs::write(&outside, "mine").unwrap();
    let (good, foreign) = (files(&root), files(&other.path().join("run")));
    let expected = look(&root).unwrap();
    let begun = Instant::now();
    let (mut refused, mut slowest) = (0, Duration::ZERO);
    for round in 0..ROUNDS {
        let mut stream = Stream::new(round as u64, 0);
        let (what, changed) = mutate(&mut stream, &root, &good, &foreign, &outside);
        let started = Instant::now();
        let mut seen = None;
        let used = allocation_counter::measure(|| seen = Some(look(&root)));
        slowest = slowest.max(started.elapsed());
        match seen.unwrap() {
            Ok(found) => assert!(found == expected, "round {round}: {what} passed for the run itself"),
            Err(text) => {
                refused += 1;
                assert!(text.len() < 2000, "round {round}: {what}: {} bytes of message", text.len());
            }
        }
        assert!(used.bytes_max < MEMORY, "round {round}: {what} took {} bytes", used.bytes_max);
        if round % 40 == 0 {
            // Going on with it is refused, or puts right what the checkpoint can.
            if sampler(1).folder(&root).resume().is_ok() {
                assert!(look(&root).unwrap().1 == expected.1, "round {round}: {what}, resumed: other draws");
            }
            let all: Vec<PathBuf> =
                std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().file_name().into()).collect();
            restore(&root, &good, &all);
        }
        restore(&root, &good, &changed);
        assert_eq!(std::fs::read(&outside).unwrap(), b"mine", "round {round}: {what}");
    }
    eprintln!("{refused} of {ROUNDS} refused in {:?}, the slowest in {slowest:?}", begun.elapsed());
    assert!(refused > ROUNDS / 2, "{refused}: the mutations do too little");
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    assert!(look(&root).unwrap() == expected);
}

/// A finished run of an earlier version, without a manifest, can be looked at.
#[test]
fn runs_of_earlier_versions_open() {
    let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/earlier_run");
    let (summary, draws) = look(&earlier).unwrap();
    assert!(summary.contains("\"draws\": 60") && !draws.is_empty());
}

/// What the end of a run left can be made again from its checkpoint, except whole chunks.
#[test]
fn resuming_puts_right_what_the_checkpoint_has() {
    let folder = scratch();
    let root = folder.path().join("run");
    sampler(1).folder(&root).run().unwrap();
    let (good, expected) = (files(&root), look(&root).unwrap());
    for name in [
        "summary.json",
        "manifest.json",
        "draws.zarr/posterior/zarr.json",
        "draws.zarr/sample_stats/lp/zarr.json",
    ] {
        std::fs::write(root.join(name), "{").unwrap();
        assert!(look(&root).is_err(), "{name}");
        // The description of the store is needed to read it at all.
        if sampler(1).folder(&root).resume().is_ok() {
            assert!(look(&root).unwrap().1 == expected.1, "{name}");
        }
        restore(&root, &good, &[PathBuf::from(name)]);
    }
    // Eleven draws in chunks of eleven: whole, so that its loss is told.
    std::fs::remove_file(root.join("draws.zarr/sample_stats/lp/c.0.0")).unwrap();
    let text = sampler(1).folder(&root).resume().unwrap_err().to_string();
    assert!(text.contains("chunk 0 of `sample_stats/lp`") && text.contains("is missing"), "{text}");
}
