//! A process that stores draws is killed (SIGKILL on Unix) again and again, and resumed each time from its checkpoint. The store must
//! end up the same, file by file, as that of a process left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mixwell::Stream;
use mixwell::density::Variable;
use mixwell::io::{
    ConfigHash, DrawReader, DrawStore, Phase, RunFolder, Stat, StatKind, StoreSchema, StoreState,
    atomic_write, load_checkpoint, save_checkpoint,
};
use serde_json::Map;

const FOLDER: &str = "MIXWELL_TEST_STORE_FOLDER";
const N_CHAINS: usize = 2;
const DRAWS: u64 = 20_000;

fn schema() -> StoreSchema {
    StoreSchema {
        n_chains: N_CHAINS,
        variables: vec![Variable::new("x", &[3])],
        stats: vec![Stat::new("lp", StatKind::Float)],
        warmup_draws: 0,
        draws: 170, // so that chunks are small and the run crosses many
        attributes: Map::new(),
    }
}

/// What the child does: takes up the run where it is and finishes it, with a checkpoint every 37 draws.
fn work(path: &Path) {
    let config = ConfigHash::of(b"");
    let resumed = path.join("config.toml").exists();
    let run = if resumed { RunFolder::open(path) } else { RunFolder::create(path) }.unwrap();
    if !resumed {
        atomic_write(&run.config(), b"").unwrap();
    }
    let mut store = if run.has_checkpoint() {
        let state: StoreState = load_checkpoint(&run.checkpoint(), config).unwrap();
        DrawStore::resume(&run.draws(), schema(), state).unwrap()
    } else {
        run.clear_draws().unwrap();
        DrawStore::create(&run.draws(), schema()).unwrap()
    };
    for draw in store.n_draws(Phase::Production)..DRAWS {
        let mut stream = Stream::new(draw, 0);
        let values: Vec<f64> = (0..N_CHAINS * 3).map(|_| stream.normal()).collect();
        let stats: Vec<f64> = (0..N_CHAINS).map(|_| stream.normal()).collect();
        store.append(Phase::Production, 1, &values, &stats).unwrap();
        if draw % 37 == 0 {
            let state = store.save().unwrap();
            save_checkpoint(&run.checkpoint(), config, &state).unwrap();
            if draw % 2 == 0 {
                store.sync().unwrap();
            }
        }
    }
    store.finish(Map::new()).unwrap();
    atomic_write(&run.summary(), b"{}").unwrap();
}

fn child(path: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(this);
    command
        .args(["--exact", "a_store_survives_kills"])
        .env(FOLDER, path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                found.insert(entry.strip_prefix(path).unwrap().to_owned(), std::fs::read(entry).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_store_survives_kills() {
    if let Some(path) = std::env::var_os(FOLDER) {
        return work(Path::new(&path));
    }
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    work(&whole);
    // Pauses of odd lengths put the kills at moments that nobody chose. However fast or slow the machine is, the end is the same.
    let mut kills = 0;
    for kill in 0u64..12 {
        let mut child = child(&killed);
        std::thread::sleep(Duration::from_millis(7 + 5 * kill * kill % 31));
        child.kill().unwrap();
        child.wait().unwrap();
        if killed.join("summary.json").exists() {
            break;
        }
        kills += 1;
    }
    eprintln!("killed {kills} times before the end");
    assert!(child(&killed).wait().unwrap().success() || killed.join("summary.json").exists());
    assert!(DrawReader::open(&killed.join("draws.zarr")).unwrap().verify().unwrap().is_empty());
    assert!(files(&killed.join("draws.zarr")) == files(&whole.join("draws.zarr")), "the stores differ");
}
