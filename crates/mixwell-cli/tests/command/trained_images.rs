//! Energies of images after training: their draws and banks are scored, their files read as points.

use std::path::Path;

use mixwell::Stream;
use mixwell::image::ImageSet;
use mixwell::net::{Activation, Dense, Init, Network, NetworkSpec, to_safetensors};

use super::common::*;

/// A file of 8 x 8 digits of the repository.
fn digits(which: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    text_of(&data.join(format!("optdigits-{which}-images-idx3-ubyte.gz")))
}

/// A network for them with random weights.
fn scorer(folder: &Path) -> String {
    let spec = NetworkSpec::new(&[64]).with(Dense::new(6)).with(Activation::Relu).with(Dense::new(3));
    let network: Network<f32> = Network::new(&spec, Init::Uniform, &mut Stream::new(2, 0)).unwrap();
    let metadata = [("mixwell.network", serde_json::to_string(&spec).unwrap())];
    let path = folder.join("scorer.safetensors");
    std::fs::write(&path, to_safetensors(&network, &[], &metadata)).unwrap();
    text_of(&path)
}

#[test]
fn banks_and_draws_of_images_are_scored_and_images_are_points() {
    let folder = folder();
    let config = format!(
        "kind = 'energy'\nupdates = 4\n[data.images]\npath = '{}'\nmost = 300\n[energy]\nbase = {{ kind = 'moments' }}\n\
         [training]\nbatch = 32\n[training.trainer]\nkind = 'ula'\nsteps = 2\nbank = {{ size = 60 }}\n",
        digits("train")
    );
    let config = write(folder.path(), "digits.toml", &config);
    let law = text_of(&folder.path().join("digits"));
    let o = call(&["train", &config, "--out", &law, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let run = format!(
        "chains = 4\ndraws = 15\n[target]\nkind = 'tempered'\ntemperature = 1.5\ntarget = {{ kind = 'energy', path = '{law}' }}\n\
         [start]\nkind = 'gaussian'\nscale = 0.5\n[method]\nkind = 'kernel'\nwarmup = 20\nkernel = {{ kind = 'mala' }}\n"
    );
    let run = write(folder.path(), "run.toml", &run);
    let drawn = text_of(&folder.path().join("drawn"));
    let o = call(&["run", &run, "--out", &drawn, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let weights = scorer(folder.path());
    for made in [&law, &drawn] {
        let picture = folder.path().join("made.png");
        let o = call(&[
            "score",
            made,
            &digits("test"),
            "--weights",
            &weights,
            "--json",
            "--grid",
            &text_of(&picture),
        ]);
        assert_eq!(code(&o), 0, "{made}: {}", stderr(&o));
        let json: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
        // The bank has 60 points, and so has the run draws.
        assert_eq!(json["scores"]["images"]["n"], 60, "{made}");
        assert!(ImageSet::read(&picture).unwrap().shape().height > 50);
    }
    // Images of any file are points of the law: others than it has learned from, and the mirror of a walk between two.
    let out = folder.path().join("looked");
    let args = [
        "density",
        &law,
        "--out",
        &text_of(&out),
        "--others",
        &digits("test"),
        "--walk",
        "0,1",
        "--draws",
        "100",
    ];
    let o = call(&args);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let found: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("density.json")).unwrap()).unwrap();
    let others =
        found["energies"].as_object().unwrap().iter().find(|(name, _)| name.contains("test")).unwrap().1;
    // The same kind of digits: hardly to be told apart.
    let area = others["auroc"]["value"].as_f64().unwrap();
    assert!((area - 0.5).abs() < 0.1, "{found}");
    assert_eq!(found["energies"]["bank"]["n"], 60);
    assert!(out.join("walk.png").exists() && found["estimates"]["annealed"].is_object());

    // What has no images is said to have none.
    let plain = text_of(&folder.path().join("plain"));
    assert_eq!(code(&call(&["run", &write(folder.path(), "q.toml", QUICK), "--out", &plain, "--quiet"])), 0);
    let o = call(&["score", &plain, &digits("test"), "--weights", &weights]);
    assert!(code(&o) == 2 && stderr(&o).contains("no trained energy"), "{}", stderr(&o));
    std::fs::remove_file(Path::new(&law).join("images.json")).unwrap();
    let o = call(&["score", &law, &digits("test"), "--weights", &weights]);
    assert!(code(&o) == 2 && stderr(&o).contains("images.json"), "{}", stderr(&o));
}
