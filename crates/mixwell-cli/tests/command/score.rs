//! Scores of images.

use std::path::{Path, PathBuf};

use mixwell::Stream;
use mixwell::image::ImageSet;
use mixwell::net::{Activation, Dense, Init, Network, NetworkSpec, to_safetensors};

use super::common::*;

/// A small network for 28 x 28 digits at random weights, described in its file or not.
fn network(folder: &Path, name: &str, described: bool) -> String {
    let spec = NetworkSpec::new(&[784]).with(Dense::new(6)).with(Activation::Relu).with(Dense::new(3));
    let network: Network<f32> = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
    let metadata = [("mixwell.network", serde_json::to_string(&spec).unwrap())];
    let metadata = if described { &metadata[..] } else { &[] };
    std::fs::write(folder.join(name), to_safetensors(&network, &[], metadata)).unwrap();
    text_of(&folder.join(name))
}

/// 50 digits that lie in the repository.
fn digits() -> String {
    text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/mnist50-images-idx3-ubyte.gz"))
}

#[test]
fn a_table_json_and_a_picture() {
    let folder = folder();
    let weights = network(folder.path(), "n.safetensors", true);
    let picture: PathBuf = folder.path().join("grid.png");
    let of = |more: &[&str]| {
        call(&[&["score", &digits(), &digits(), "--weights", &weights, "--splits", "5"], more].concat())
    };
    let table = of(&["--grid", &text_of(&picture)]);
    assert_eq!((code(&table), stderr(&table)), (0, String::new()));
    for words in ["class score", "Frechet distance", "sha256", "6 features behind layer 2 of 3", "      50"] {
        assert!(stdout(&table).contains(words), "`{words}` is missing in: {}", stdout(&table));
    }
    assert!(!stdout(&table).contains("FID") && stdout(&table).contains("JSD to equal"));
    assert!(ImageSet::read(&picture).unwrap().shape().height > 100);
    let json = of(&["--json", "--threads", "1"]);
    let value: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!((&value["scores"]["images"]["n"], &value["extractor"]["features"]), (&50.into(), &6.into()));
    assert_eq!(value["preprocessing"]["pixels"], serde_json::json!([0.0, 1.0]));
    assert_eq!(value["extractor"]["sha256"].as_str().unwrap().len(), 64);
    assert!(value["scores"]["frechet_distance"]["value"].as_f64().unwrap() < 1e-9);
    let score = &value["scores"]["images"]["class_score"];
    assert_eq!(score["splits"].as_array().unwrap().len(), 5);
    let balance = &value["scores"]["images"]["class_balance"];
    assert_eq!(balance["counts"].as_array().unwrap().iter().filter_map(|c| c.as_u64()).sum::<u64>(), 50);
    assert!(value["memorisation"].is_null());
    // The same numbers whatever the threads, others for another preparation.
    assert_eq!(stdout(&of(&["--json", "--threads", "3"])), stdout(&json));
    assert_ne!(stdout(&of(&["--json", "--pixels", "-1,1"])), stdout(&json));
}

#[test]
fn copies_of_training_images_are_found() {
    let folder = folder();
    let weights = network(folder.path(), "n.safetensors", true);
    let o = call(&[
        "score",
        &digits(),
        &digits(),
        "--weights",
        &weights,
        "--training",
        &digits(),
        "--splits",
        "2",
    ]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    for words in [
        "images           50        0.000",
        "image 0 and training image 0",
        "warning: the held-out images are among",
    ] {
        assert!(stdout(&o).contains(words), "`{words}` is missing in: {}", stdout(&o));
    }
}

#[test]
fn points_are_scored_beside_a_law_and_a_run_beside_its_own() {
    let folder = folder();
    let truth = write(folder.path(), "truth.toml", "[target]\nkind = \"eight_gaussians\"\n");
    // Half of the points in the mode at (1, 0), a quarter in the one opposite, a quarter far away.
    let rows = ["1.0,0.01", "0.99,0.0", "-1.0,0.02", "9.0,9.0"].map(|row| format!("{row}\n"));
    let points = write(folder.path(), "points.csv", &format!("a,b\n{}", rows.concat().repeat(5)));
    let o = call(&["score", &points, "--truth", &truth]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    for words in ["high quality", "0.7500", "2/8", "exact draws", "0.999"] {
        assert!(stdout(&o).contains(words), "`{words}` is missing in: {}", stdout(&o));
    }
    let o = call(&["score", &points, "--truth", &truth, "--deviations", "2", "--least", "6", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
    let modes = &value["scores"]["points"]["modes"];
    assert_eq!((&modes["covered"], &modes["n"]), (&1.into(), &20.into()));
    assert_eq!(value["options"]["radius"]["deviations"], 2.0);
    // A run is scored beside its own target, here as well as exact draws are.
    let config = "chains = 4\ndraws = 200\n[target]\nkind = \"eight_gaussians\"\n[method]\nkind = \"ex2\"\n";
    let config = write(folder.path(), "run.toml", config);
    let out = text_of(&folder.path().join("out"));
    assert_eq!(code(&call(&["run", &config, "--out", &out, "--quiet"])), 0);
    let o = call(&["score", &out, "--json"]);
    assert_eq!(stderr(&o), "");
    let value: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
    let modes = &value["scores"]["points"]["modes"];
    assert_eq!(modes["n"], 800);
    assert!(modes["high_quality"].as_f64().unwrap() > 0.9, "{modes}");
    // Along a curve.
    let roll = write(folder.path(), "roll.toml", "[target]\nkind = \"swiss_roll\"\n");
    let o = call(&["score", &points, "--truth", &roll]);
    assert!(stdout(&o).contains("distance") && stdout(&o).contains("99 %"), "{}", stdout(&o));
    // What cannot be scored.
    let banana = write(folder.path(), "banana.toml", "[target]\nkind = \"banana\"\n");
    for (more, words) in [
        (vec![points.as_str()], "--truth"),
        (vec![&points, "--truth", &banana], "20"),
        (vec![&points, "--truth", &points], "points.csv"),
        (vec![&points, "--truth", &truth, "--quantile", "1"], "`quantile` is 1"),
        (vec![&points, "--truth", &truth, "--deviations", "0"], "`deviations` is 0"),
        (vec![&points, "--truth", &truth, "--grid", "a.png"], "`--grid` is for images"),
        (vec![&points, &points], "--weights"),
        (vec![&points, "--weights", &points], "reference"),
        (vec![&out, "--variable", "y"], "no variable `y`"),
    ] {
        let o = call(&[&["score"], more.as_slice()].concat());
        let text = stderr(&o);
        assert_eq!((code(&o), stdout(&o)), (2, String::new()), "{more:?} {text}");
        assert!(text.starts_with("error: ") && text.contains(words), "{more:?}: {text}");
    }
}

#[test]
fn few_images_are_warned_of() {
    let folder = folder();
    let weights = network(folder.path(), "n.safetensors", true);
    let set = ImageSet::read(digits().as_ref()).unwrap();
    let pictures = folder.path().join("few");
    std::fs::create_dir(&pictures).unwrap();
    for i in 0..4 {
        mixwell::image::write_png(&pictures.join(format!("{i}.png")), &set, i).unwrap();
    }
    let o = call(&["score", &text_of(&pictures), &digits(), "--weights", &weights, "--splits", "2"]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    assert!(stdout(&o).contains("warning: 4 images for 6 features"), "{}", stdout(&o));
}

#[test]
fn what_cannot_be_scored_ends_with_status_2() {
    let folder = folder();
    let good = network(folder.path(), "n.safetensors", true);
    let bare = network(folder.path(), "bare.safetensors", false);
    let odd = write(folder.path(), "odd.bin", "no images");
    let small =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/optdigits-test-images-idx3-ubyte.gz");
    let (digits, small) = (digits(), text_of(&small));
    for (images, weights, more, words) in [
        (&digits, &bare, vec![], "--network"),
        (&digits, &bare, vec!["--network", "lenet"], "did you mean `lenet5`?"),
        (&digits, &bare, vec!["--network", "lenet5"], "bare.safetensors"),
        (&digits, &odd, vec![], "odd.bin"),
        (&odd, &good, vec![], "odd.bin"),
        (&small, &good, vec![], "the images are 1 x 8 x 8"),
        (&digits, &good, vec!["--splits", "51"], "`splits` is 51"),
        (&digits, &good, vec!["--splits", "0"], "`splits` is 0"),
        (&digits, &good, vec!["--features", "4"], "`features` is 4"),
        (&digits, &good, vec!["--pixels", "1,0"], "pixels cannot go from 1 to 0"),
        (&digits, &good, vec!["--pixels", "1"], "--pixels"),
        (&digits, &good, vec!["--mean", "0,0", "--sd", "1,1"], "1 channels"),
        (&digits, &good, vec!["--threads", "0"], "threads"),
    ] {
        let o = call(&[&["score", images, &digits, "--weights", weights], more.as_slice()].concat());
        let text = stderr(&o);
        assert_eq!((code(&o), stdout(&o)), (2, String::new()), "{more:?} {text}");
        assert!(text.starts_with("error: ") && text.contains(words), "{more:?}: {text}");
    }
}
