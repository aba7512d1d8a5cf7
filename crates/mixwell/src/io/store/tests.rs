//! The contract of the store: what is written comes back, a kill at any draw changes nothing, loss is noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, json};

use super::*;
use crate::Stream;
use crate::density::Variable;
use crate::io::IoError;

const N_CHAINS: usize = 3;
const N_VALUES: usize = 1 + 2 * 3;
const N_STATS: usize = 3;

fn schema(warmup_draws: usize, draws: usize) -> StoreSchema {
    StoreSchema {
        n_chains: N_CHAINS,
        variables: vec![Variable::new("mu", &[]), Variable::new("b", &[2, 3])],
        stats: vec![
            Stat::new("lp", StatKind::Float),
            Stat::new("diverging", StatKind::Bool),
            Stat::new("n_grad", StatKind::Int),
        ],
        warmup_draws,
        draws,
        attributes: Map::from_iter([
            ("seed".to_owned(), json!(1)),
            ("created_at".to_owned(), json!("today")),
        ]),
    }
}

/// An empty folder, in memory where that is possible: thousands of small files are waited for here.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The rows of one draw of all chains: numbers that name their place, so that a swapped index is seen.
fn draw_rows(phase: Phase, draw: usize) -> (Vec<f64>, Vec<f64>) {
    let base = if phase == Phase::Warmup { 1e6 } else { 0.0 };
    let value = |chain: usize, i: usize| base + 1e4 * chain as f64 + 10.0 * draw as f64 + i as f64;
    let values = (0..N_CHAINS).flat_map(|c| (0..N_VALUES).map(move |i| value(c, i))).collect();
    let stat =
        |c: usize| [-(draw as f64), f64::from(u8::from((draw + c).is_multiple_of(3))), (7 * c + draw) as f64];
    let stats = (0..N_CHAINS).flat_map(stat).collect();
    (values, stats)
}

fn append_one(store: &mut DrawStore, phase: Phase, draw: usize) {
    let (values, stats) = draw_rows(phase, draw);
    store.append(phase, 1, &values, &stats).unwrap();
}

/// The draws of a small run, in order: 5 of the warm-up, then 11.
fn run() -> Vec<(Phase, usize)> {
    (0..5).map(|i| (Phase::Warmup, i)).chain((0..11).map(|i| (Phase::Production, i))).collect()
}

/// Planned for 4 + 4 draws: chunks of 4, so that the run ends in the middle of one.
fn new_store(path: &Path) -> DrawStore {
    DrawStore::create(path, schema(4, 4)).unwrap()
}

fn finished(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut store = new_store(path);
    run().into_iter().for_each(|(phase, draw)| append_one(&mut store, phase, draw));
    store.finish(Map::from_iter([("sampling_time".to_owned(), json!(0.5))])).unwrap();
    files(path)
}

/// One number of a variable, chain after chain.
fn scalar(reader: &DrawReader, group: &str, variable: &str, index: usize) -> Result<Vec<f64>, IoError> {
    let variables = reader.variables(group)?;
    let len = variables.iter().find(|v| v.name == variable).map_or(1, StoredVariable::len);
    Ok(reader.read_variable(group, variable, 1)?.into_iter().skip(index).step_by(len).collect())
}

/// Contents of all files under a folder.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let name = entry.strip_prefix(path).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    found
}

#[test]
fn what_is_written_comes_back() {
    let folder = scratch();
    let path = folder.path().join("draws.zarr");
    finished(&path);
    let reader = DrawReader::open(&path).unwrap();
    assert_eq!(
        reader.groups().unwrap(),
        ["posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats"]
    );
    assert_eq!(reader.attributes()["sampling_time"], json!(0.5));
    let variables = reader.variables("posterior").unwrap();
    let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["mu", "b"], "in the order of declaration");
    assert_eq!((variables[1].n_chains, variables[1].n_draws), (3, 11));
    assert_eq!(variables[1].shape, [2, 3]);
    // Element 4 of b is number 5 of the row: 1e4 chain + 10 draw + 5.
    let expected: Vec<f64> =
        (0..3).flat_map(|c| (0..11).map(move |t| 1e4 * f64::from(c) + 10.0 * f64::from(t) + 5.0)).collect();
    assert_eq!(scalar(&reader, "posterior", "b", 4).unwrap(), expected);
    let warmup = scalar(&reader, "warmup_posterior", "mu", 0).unwrap();
    assert_eq!(warmup[..6], [1e6, 1e6 + 10.0, 1e6 + 20.0, 1e6 + 30.0, 1e6 + 40.0, 1.01e6]);
    let diverging = scalar(&reader, "sample_stats", "diverging", 0).unwrap();
    assert_eq!(diverging[..4], [1.0, 0.0, 0.0, 1.0]);
    let n_grad = scalar(&reader, "sample_stats", "n_grad", 0).unwrap();
    assert_eq!(n_grad[11..14], [7.0, 8.0, 9.0]);
    assert!(reader.verify().unwrap().is_empty());
}

#[test]
fn thinning_and_passes_agree_with_single_numbers() {
    let folder = scratch();
    finished(folder.path());
    let reader = DrawReader::open(folder.path()).unwrap();
    for thin in [1, 2, 3, 5, 20] {
        let whole = reader.read_variable("posterior", "b", thin).unwrap();
        for memory in [0, 1000, 1 << 20] {
            let mut seen = 0;
            let each = |index: usize, draws: &[f64]| {
                let all = scalar(&reader, "posterior", "b", index).unwrap();
                let kept: Vec<f64> = all.chunks(11).flat_map(|c| c.iter().step_by(thin).copied()).collect();
                assert_eq!(draws, kept, "thin {thin}, element {index}");
                let from_whole: Vec<f64> = whole.iter().skip(index).step_by(6).copied().collect();
                assert_eq!(draws, from_whole);
                seen += 1;
            };
            reader.for_each_scalar("posterior", "b", thin, memory, each).unwrap();
            assert_eq!(seen, 6);
        }
    }
}

#[test]
fn blocks_of_draws_make_the_same_files_as_single_draws() {
    let (a, b) = (scratch(), scratch());
    let expected = finished(a.path());
    let mut store = new_store(b.path());
    for (phase, n) in [(Phase::Warmup, 5), (Phase::Production, 11)] {
        let rows: Vec<_> = (0..n).map(|draw| draw_rows(phase, draw)).collect();
        let values: Vec<f64> = rows.iter().flat_map(|r| r.0.clone()).collect();
        let stats: Vec<f64> = rows.iter().flat_map(|r| r.1.clone()).collect();
        store.append(phase, n, &values, &stats).unwrap();
        assert_eq!(store.n_draws(phase), n as u64);
    }
    store.finish(Map::from_iter([("sampling_time".to_owned(), json!(0.5))])).unwrap();
    assert!(files(b.path()) == expected);
}

#[test]
fn a_kill_at_any_draw_changes_nothing() {
    let folder = scratch();
    let expected = finished(&folder.path().join("whole"));
    let run = run();
    for saved_at in 0..=run.len() {
        let moments = BTreeSet::from([saved_at, saved_at + 1, saved_at + 4, run.len()]);
        for killed_at in moments.into_iter().filter(|&moment| moment <= run.len()) {
            let path = folder.path().join("killed");
            let mut store = new_store(&path);
            run[..saved_at].iter().for_each(|&(phase, draw)| append_one(&mut store, phase, draw));
            let state = postcard::to_allocvec(&store.save().unwrap()).unwrap();
            if saved_at % 2 == 0 {
                store.sync().unwrap();
            }
            run[saved_at..killed_at].iter().for_each(|&(phase, draw)| append_one(&mut store, phase, draw));
            if killed_at % 2 == 0 {
                store.sync().unwrap();
            }
            drop(store);
            // What a kill in the middle of a write, or a run that went astray, may leave.
            std::fs::write(path.join("posterior/b/.c.0.1.0.0.tmp"), b"half a chu").unwrap();
            std::fs::write(path.join("posterior/mu/c.0.7"), b"from another time").unwrap();
            std::fs::write(path.join("posterior/zarr.json"), b"{").unwrap();
            let state = postcard::from_bytes(&state).unwrap();
            let mut later = schema(4, 4);
            later.attributes["created_at"] = json!("tomorrow");
            let mut store = DrawStore::resume(&path, later, state).unwrap();
            // At this point the store holds what the checkpoint says, for any reader.
            let reader = DrawReader::open(&path).unwrap();
            let production = saved_at.saturating_sub(5);
            assert_eq!(reader.variables("posterior").unwrap()[0].n_draws, production);
            assert!(reader.verify().unwrap().is_empty());
            run[saved_at..].iter().for_each(|&(phase, draw)| append_one(&mut store, phase, draw));
            store.finish(Map::from_iter([("sampling_time".to_owned(), json!(0.5))])).unwrap();
            let found = files(&path);
            for (name, bytes) in &expected {
                assert!(
                    found.get(name) == Some(bytes),
                    "saved {saved_at}, killed {killed_at}: {name} differs"
                );
            }
            assert_eq!(found.len(), expected.len(), "saved {saved_at}, killed {killed_at}: files too many");
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
}

#[test]
fn complete_chunks_are_not_touched_on_resume() {
    let folder = scratch();
    let mut store = new_store(folder.path());
    (0..6).for_each(|draw| append_one(&mut store, Phase::Production, draw));
    let state = store.save().unwrap();
    drop(store);
    let chunk = folder.path().join("posterior/b/c.0.0.0.0");
    let before = std::fs::metadata(&chunk).unwrap().modified().unwrap();
    let mut store = DrawStore::resume(folder.path(), schema(4, 4), state).unwrap();
    append_one(&mut store, Phase::Production, 6);
    store.finish(Map::new()).unwrap();
    assert_eq!(std::fs::metadata(&chunk).unwrap().modified().unwrap(), before);
}

#[test]
fn lost_and_damaged_chunks_are_named() {
    let folder = scratch();
    finished(folder.path());
    let chunk = folder.path().join("posterior/mu/c.0.1");
    let good = std::fs::read(&chunk).unwrap();
    let reader = DrawReader::open(folder.path()).unwrap();
    let message = || scalar(&reader, "posterior", "mu", 0).unwrap_err().to_string();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&chunk, &bad).unwrap();
        let text = message();
        assert!(text.contains("chunk 1 of `posterior/mu` (draws 4 to 7) is damaged"), "{text}");
        std::fs::write(&chunk, &good[..at]).unwrap();
        assert!(message().contains("is damaged"));
    }
    std::fs::remove_file(&chunk).unwrap();
    assert!(message().contains("(draws 4 to 7) is missing"), "{}", message());
    assert_eq!(reader.verify().unwrap().len(), 1);
    // The last chunk is short, which the message knows.
    std::fs::remove_file(folder.path().join("posterior/b/c.0.2.0.0")).unwrap();
    let e = reader.read_variable("posterior", "b", 1).unwrap_err().to_string();
    assert!(e.contains("draws 8 to 10"), "{e}");
}

#[test]
fn constant_chunks_are_written_too() {
    let folder = scratch();
    let mut store = DrawStore::create(folder.path(), schema(0, 2)).unwrap();
    let values = vec![f64::NAN; 2 * N_CHAINS * N_VALUES];
    store.append(Phase::Production, 2, &values, &[0.0; 2 * N_CHAINS * N_STATS]).unwrap();
    store.finish(Map::new()).unwrap();
    let reader = DrawReader::open(folder.path()).unwrap();
    assert!(scalar(&reader, "posterior", "mu", 0).unwrap().iter().all(|v| v.is_nan()));
    assert_eq!(scalar(&reader, "sample_stats", "diverging", 0).unwrap(), [0.0; 6]);
    assert_eq!(reader.groups().unwrap(), ["posterior", "sample_stats"]);
}

#[test]
fn odd_bits_survive() {
    let folder = scratch();
    let variables = vec![Variable::new("x", &[4])];
    let one = StoreSchema { n_chains: 1, variables, stats: vec![], ..schema(0, 1) };
    let mut store = DrawStore::create(folder.path(), one).unwrap();
    let odd = [-0.0, f64::INFINITY, f64::MIN_POSITIVE / 8.0, f64::from_bits(0x7ff8_0000_dead_beef)];
    store.append(Phase::Production, 1, &odd, &[]).unwrap();
    store.finish(Map::new()).unwrap();
    let back = DrawReader::open(folder.path()).unwrap().read_variable("posterior", "x", 1).unwrap();
    assert_eq!(back.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), odd.map(f64::to_bits));
}

/// Looking at draws after the end must not take away what `finish` wrote.
#[test]
fn a_finished_store_stays_finished() {
    let folder = scratch();
    let mut store = new_store(folder.path());
    run().into_iter().for_each(|(phase, draw)| append_one(&mut store, phase, draw));
    store.finish(Map::new()).unwrap();
    let before = files(folder.path());
    store.sync().unwrap();
    assert!(files(folder.path()) == before && before["zarr.json"].windows(12).any(|w| w == b"consolidated"));
}

#[test]
fn a_foreign_state_is_refused() {
    let (a, b) = (scratch(), scratch());
    let mut store = new_store(a.path());
    append_one(&mut store, Phase::Production, 0);
    let state = store.save().unwrap();
    let other = StoreSchema { n_chains: 5, ..schema(4, 4) };
    assert!(matches!(DrawStore::resume(b.path(), other, state.clone()), Err(IoError::State { .. })));
    assert!(matches!(DrawStore::resume(b.path(), schema(0, 4), state), Err(IoError::State { .. })));
    // A complete chunk that the state counts on has gone.
    (1..5).for_each(|draw| append_one(&mut store, Phase::Production, draw));
    let state = store.save().unwrap();
    std::fs::remove_file(a.path().join("sample_stats/lp/c.0.0")).unwrap();
    let e = DrawStore::resume(a.path(), schema(4, 4), state).err().unwrap().to_string();
    assert!(e.contains("chunk 0 of `sample_stats/lp` (draws 0 to 3) is missing"), "{e}");
}

#[test]
fn an_occupied_folder_and_unknown_names_are_refused() {
    let folder = scratch();
    finished(folder.path());
    assert!(matches!(DrawStore::create(folder.path(), schema(4, 4)), Err(IoError::AlreadyARun { .. })));
    let reader = DrawReader::open(folder.path()).unwrap();
    let e = scalar(&reader, "posterior", "nu", 0).unwrap_err().to_string();
    assert!(e.contains("variable `nu`") && e.contains("mu"), "{e}");
    assert!(scalar(&reader, "prior", "mu", 0).is_err());
    assert!(DrawReader::open(&folder.path().join("none")).is_err());
    let mut store = DrawStore::create(&folder.path().join("new"), schema(0, 4)).unwrap();
    let (values, stats) = draw_rows(Phase::Warmup, 0);
    assert!(matches!(store.append(Phase::Warmup, 1, &values, &stats), Err(IoError::Schema(_))));
}

#[test]
fn damaged_descriptions_are_refused_without_panic() {
    let folder = scratch();
    finished(folder.path());
    let path = folder.path().join("posterior/b/zarr.json");
    let good = std::fs::read(&path).unwrap();
    let reader = DrawReader::open(folder.path()).unwrap();
    let mut stream = Stream::new(1, 1);
    for _ in 0..300 {
        let mut bad = good.clone();
        let at = stream.index(bad.len());
        bad[at] = stream.index(256) as u8;
        std::fs::write(&path, &bad).unwrap();
        // Most changes are refused; harmless ones (white space, an attribute) may pass. None panics.
        let _ = reader.variables("posterior");
        let _ = reader.read_variable("posterior", "b", 1);
    }
    for huge in ["18446744073709551615", "1099511627776"] {
        let text = String::from_utf8(good.clone()).unwrap().replacen("11", huge, 1);
        std::fs::write(&path, text).unwrap();
        assert!(reader.read_variable("posterior", "b", 1).is_err());
    }
}

/// Whatever is lost, changed or exchanged after the end is named; a problem is told once and not for each claimed chunk.
#[test]
fn what_must_be_there_is_compared() {
    let (folder, other) = (scratch(), scratch());
    let mut store = new_store(folder.path());
    run().into_iter().for_each(|(phase, draw)| append_one(&mut store, phase, draw));
    store.finish(Map::new()).unwrap();
    let contents = store.contents();
    let reader = DrawReader::open(folder.path()).unwrap();
    reader.verify_contents(&contents).unwrap();
    reader.verify_written(&contents).unwrap();
    // The same shapes with other numbers.
    let mut store = new_store(other.path());
    run().into_iter().for_each(|(phase, draw)| append_one(&mut store, phase, (draw + 1) % 5));
    store.finish(Map::new()).unwrap();
    let good = files(folder.path());
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    for name in ["posterior/mu/c.0.0", "sample_stats/diverging/c.0.1", "posterior/b/c.0.2.0.0"] {
        put(name, &std::fs::read(other.path().join(name)).unwrap());
        assert!(reader.verify().unwrap().is_empty(), "sound in itself");
        let e = reader.verify_contents(&contents).unwrap_err().to_string();
        assert!(e.contains("not the one that this run wrote") && e.contains(name), "{e}");
        put(name, &good[name]);
    }
    for name in ["posterior/draw/c.0", "sample_stats/chain/c.0", "posterior/b_dim_1/c.0"] {
        put(name, &good["posterior/b_dim_0/c.0"]);
        assert!(reader.verify_contents(&contents).is_err() && !reader.verify().unwrap().is_empty(), "{name}");
        put(name, &good[name]);
    }
    for folder_name in ["posterior", "sample_stats/lp", "posterior/draw"] {
        let (there, away) = (folder.path().join(folder_name), folder.path().join("away"));
        std::fs::rename(&there, &away).unwrap();
        assert!(reader.verify_contents(&contents).is_err() && reader.verify().is_err(), "{folder_name}");
        std::fs::rename(&away, &there).unwrap();
    }
    // A shape of 2^40 draws: one array, or all, also where the store repeats it.
    let huge = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap().replace(" 11", " 1099511627776");
    for (name, bytes) in &good {
        if name.ends_with("zarr.json") {
            put(name, huge(bytes).as_bytes());
        }
    }
    assert!(reader.verify_contents(&contents).is_err());
    assert!(reader.verify().unwrap().len() <= 8);
    assert!(reader.read_variable("posterior", "b", 1).unwrap_err().to_string().contains("is missing"));
    good.iter().for_each(|(name, bytes)| put(name, bytes));
    reader.verify_contents(&contents).unwrap();
}

/// What an earlier version wrote with the crate `zarrs` and libzstd.
#[test]
fn chunks_of_earlier_versions_open() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/earlier_run/draws.zarr");
    let reader = DrawReader::open(&folder).unwrap();
    assert!(reader.verify().unwrap().is_empty());
    let variables = reader.variables("posterior").unwrap();
    assert!(!variables.is_empty());
    for v in variables {
        let values = reader.read_variable("posterior", &v.name, 1).unwrap();
        assert_eq!(values.len(), v.n_chains * v.n_draws * v.len());
        assert!(values.iter().all(|v| v.is_finite()));
    }
}
