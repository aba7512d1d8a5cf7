//! A GAN from its files: sampled by every preset, resumed, looked at as images, and refused where files do not fit.

use std::path::Path;

use mixwell::Stream;
use mixwell::net::{Activation, Init, Network, NetworkSpec};

use super::common::*;

fn network(folder: &Path, name: &str, spec: &NetworkSpec, seed: u64) -> String {
    let network = Network::<f32>::new(spec, Init::Uniform, &mut Stream::new(seed, 0)).unwrap();
    let path = folder.join(name);
    network.write(&path).unwrap();
    text_of(&path)
}

fn critic() -> NetworkSpec {
    NetworkSpec::new(&[1, 4, 4])
        .with(mixwell::net::Flatten {})
        .with(mixwell::net::Dense::new(6))
        .with(Activation::LeakyRelu(0.2))
        .with(mixwell::net::Dense::new(1))
}

/// The `[target]` of a small GAN of 4 x 4 images.
pub fn target(folder: &Path) -> String {
    let generator = NetworkSpec::dense(3, &[8], 16, Activation::Relu).with(Activation::Tanh);
    let generator = network(folder, "generator.safetensors", &generator, 1);
    let discriminator = network(folder, "discriminator.safetensors", &critic(), 2);
    format!(
        "[target]\nkind = 'gan'\nloss = 'js'\ngenerator = '{generator}'\ndiscriminator = '{discriminator}'\n"
    )
}

pub fn config(target: &str, method: &str, draws: usize) -> String {
    format!(
        "chains = 12\ndraws = {draws}\nseed = 3\nstart = {{ kind = 'base' }}\n{target}[method]\n{method}\n"
    )
}

#[test]
fn every_preset_samples_a_gan_and_its_draws_are_images() {
    let folder = folder();
    let target = target(folder.path());
    for (name, method) in [
        ("repgan", "kind = 'repgan'\nchain_length = 20"),
        ("ddls", "kind = 'ddls'\nchain_length = 20\nkeep = 'all'"),
        ("mh_gan", "kind = 'mh_gan'\nchain_length = 30"),
        ("rejection", "kind = 'discriminator_rejection'\npilot = 3"),
        ("ex2", "kind = 'ex2'\nwarmup = 20\nlocal_steps = 2\nglobal = { proposal = { kind = 'base' } }"),
    ] {
        let path = write(folder.path(), &format!("{name}.toml"), &config(&target, method, 8));
        let out = folder.path().join(name);
        let o = call(&["run", &path, "--out", &text_of(&out), "--quiet"]);
        assert!(matches!(code(&o), 0 | 3), "{name}: {}", stderr(&o));
        let set = mixwell::training_run::images_of_run(&out).unwrap().unwrap();
        assert_eq!((set.len(), set.shape().dim()), (12 * 8, 16), "{name}");
        // What was written down knows its files.
        let kept = std::fs::read_to_string(out.join("config.toml")).unwrap();
        assert!(kept.contains("sha256 = "), "{kept}");
    }
    // Other files in the place of the old ones are not resumed from.
    let other = NetworkSpec::dense(3, &[8], 16, Activation::Relu).with(Activation::Tanh);
    network(folder.path(), "generator.safetensors", &other, 9);
    let o = call(&["resume", &text_of(&folder.path().join("repgan")), "--quiet"]);
    assert_eq!(code(&o), 2, "{}", stderr(&o));
    assert!(stderr(&o).contains("have changed"), "{}", stderr(&o));
}

#[test]
fn files_that_do_not_fit_are_one_sentence_and_status_2() {
    let folder = folder();
    let good = target(folder.path());
    let wide =
        network(folder.path(), "wide.safetensors", &NetworkSpec::dense(9, &[4], 1, Activation::Relu), 3);
    let high = {
        // A critic that scores everything around 5.
        let spec = critic();
        let mut network = Network::<f32>::new(&spec, Init::ZeroLast, &mut Stream::new(4, 0)).unwrap();
        network.update(|p| *p.last_mut().unwrap() = 5.0);
        let path = folder.path().join("high.safetensors");
        network.write(&path).unwrap();
        text_of(&path)
    };
    let bad = write(folder.path(), "bad.safetensors", "no weights");
    let discriminator = text_of(&folder.path().join("discriminator.safetensors"));
    let with = |file: &str| good.replace(&discriminator, file);
    for (target, words) in [
        (with(&wide), ["points of 9", "points of 16"]),
        (with(&high), ["median score of 5.00", "`wgan`"]),
        (with(&bad), ["bad.safetensors", "discriminator"]),
        (with("/nowhere/d.safetensors"), ["/nowhere/d.safetensors", "check the path"]),
        (good.replace("loss = 'js'", "loss = 'js_sigmoid'"), ["sigmoid", "use `js`"]),
        (good.replace("loss = 'js'\n", ""), ["target.loss", "`wgan`"]),
        (format!("{good}calibration = '/nowhere/c.json'\n"), ["/nowhere/c.json", "read"]),
        (format!("{good}kappa = -1.0\n"), ["target.kappa", "-1"]),
        (format!("{good}prior = {{ kind = 'uniform', low = 1.0 }}\n"), ["prior.high", "1"]),
    ] {
        let path = write(folder.path(), "run.toml", &config(&target, "kind = 'repgan'", 2));
        let out = folder.path().join("out");
        let o = call(&["run", &path, "--out", &text_of(&out), "--quiet"]);
        let text = stderr(&o);
        assert_eq!(code(&o), 2, "{text}");
        assert!(
            text.starts_with("error: ") && words.iter().all(|w| text.contains(w)),
            "{words:?} in: {text}"
        );
        assert!(!out.exists(), "{text}");
    }
}

/// A training of a GAN, then the ratio of its points, then draws of its latents by either: points are in the unit of the data.
#[test]
fn the_folder_of_a_training_is_a_target() {
    let folder = folder();
    let training = "kind = 'gan'\nupdates = 300\nstandardise = true\nsamples = 100\n[data]\nlaw = { kind = 'two_modes' }\nrows = 500\n\
                    [training]\nbatch = 32\n";
    let path = write(folder.path(), "train.toml", training);
    let trained = text_of(&folder.path().join("trained"));
    let o = call(&["train", &path, "--out", &trained, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let ratio = write(
        folder.path(),
        "ratio.toml",
        &format!("kind = 'ratio'\nupdates = 50\n[gan]\npath = '{trained}'\n"),
    );
    let o = call(&["train", &ratio, "--out", &text_of(&folder.path().join("ratio")), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let target = format!("[target]\nkind = 'gan'\npath = '{trained}'\n");
    let ratio = text_of(&folder.path().join("ratio").join("ratio.safetensors"));
    for (name, more) in
        [("own", String::new()), ("ratio", format!("discriminator = '{ratio}'\nloss = 'js'\n"))]
    {
        let text =
            config(&format!("{target}{more}"), "kind = 'repgan'\nchain_length = 20\nkeep = 'all'", 100);
        let path = write(folder.path(), "run.toml", &text);
        let out = folder.path().join(format!("run-{name}"));
        let o = call(&["run", &path, "--out", &text_of(&out), "--quiet"]);
        assert!(matches!(code(&o), 0 | 3), "{name}: {}", stderr(&o));
        let reader = mixwell::io::DrawReader::open(&out.join("draws.zarr")).unwrap();
        let x = reader.read_variable("posterior", "x", 1).unwrap();
        // The modes lie some units apart; standardised points would not reach so far.
        let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(largest > 2.5 && x.iter().all(|v| v.is_finite()), "{name}: {largest}");
    }
    for (more, words) in [
        (format!("discriminator = '{ratio}'\n"), "`loss = \"js\"`"),
        ("loss = 'js_sigmoid'\n".into(), "sigmoid"),
    ] {
        let path =
            write(folder.path(), "bad.toml", &config(&format!("{target}{more}"), "kind = 'repgan'", 1));
        let o = call(&["run", &path, "--out", &text_of(&folder.path().join("bad")), "--quiet"]);
        assert_eq!(code(&o), 2, "{}", stderr(&o));
        assert!(stderr(&o).contains(words), "{}", stderr(&o));
    }
}
