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

/// Rows are chains and columns steps; the prior is on the left and the last states on the right.
#[test]
fn pictures_of_a_run_among_latents() {
    let folder = folder();
    let images = target(folder.path());
    let run = |name: &str, text: &str| {
        let path = write(folder.path(), &format!("{name}.toml"), text);
        let out = text_of(&folder.path().join(name));
        let o = call(&["run", &path, "--out", &out, "--quiet"]);
        assert!(matches!(code(&o), 0 | 3), "{name}: {}", stderr(&o));
        out
    };
    let picture = |path: &Path| mixwell::image::ImageSet::read(path).unwrap();

    let all = run("all", &config(&images, "kind = 'repgan'\nchain_length = 20\nkeep = 'all'", 8));
    let o = call(&["pictures", &all, "--chains", "3", "--columns", "4", "--samples", "9"]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    assert!(stdout(&o).contains("after draws 1, 3, 5, 8"), "{}", stdout(&o));
    let pictures = Path::new(&all).join("pictures");
    let way = picture(&pictures.join("trajectories.png"));
    assert_eq!((way.shape().height, way.shape().width), (2 + 3 * 6, 2 + 4 * 6));
    let both = picture(&pictures.join("before_after.png"));
    assert_eq!((both.shape().height, both.shape().width), (12 + 20 + 12, 12 + 2 * (20 + 12)));
    // The image at the end of the first row is that of the first chain's last draw.
    let kept = mixwell::training_run::images_of_run(Path::new(&all)).unwrap().unwrap();
    let last = kept.image(7);
    let shown = |y: usize, x: usize| way.pixels()[(2 + y) * way.shape().width + 2 + 3 * 6 + x];
    assert!((0..16).all(|i| shown(i / 4, i % 4) == last[i]));
    assert!((0..16).any(|i| last[i] != kept.image(0)[i]), "the chain stands still");
    // The same whatever the threads; other draws of the prior by another seed.
    let before = std::fs::read(pictures.join("before_after.png")).unwrap();
    let again = text_of(&folder.path().join("again"));
    for (seed, same) in [("1", true), ("2", false)] {
        let more = ["--chains", "3", "--samples", "9", "--threads", "1", "--seed", seed, "--out", &again];
        assert_eq!(code(&call(&[&["pictures", all.as_str()], &more[..]].concat())), 0);
        assert_eq!(std::fs::read(Path::new(&again).join("before_after.png")).unwrap() == before, same);
    }

    // The last states alone have no way; points of the plane have an SVG, two latents a landscape.
    let ends = run("ends", &config(&images, "kind = 'repgan'\nchain_length = 5", 1));
    let o = call(&["pictures", &ends]);
    assert_eq!(code(&o), 0);
    assert!(
        stdout(&o).contains("keep = \"all\"") && !Path::new(&ends).join("pictures/trajectories.png").exists()
    );
    let generator = NetworkSpec::dense(2, &[8], 2, Activation::Relu);
    let generator = network(folder.path(), "plane.safetensors", &generator, 5);
    let critic = network(
        folder.path(),
        "plane_critic.safetensors",
        &NetworkSpec::dense(2, &[8], 1, Activation::Relu),
        6,
    );
    let plane = format!(
        "[target]\nkind = 'gan'\nloss = 'js'\ngenerator = '{generator}'\ndiscriminator = '{critic}'\n"
    );
    let points = run("points", &config(&plane, "kind = 'ddls'\nchain_length = 10\nkeep = 'all'", 4));
    let o = call(&["pictures", &points]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    for (name, words) in [
        ("before_after.svg", "last states"),
        ("trajectories.svg", "Single chains"),
        ("landscape.svg", "Latents over the logarithm"),
    ] {
        let svg = std::fs::read_to_string(Path::new(&points).join("pictures").join(name)).unwrap();
        assert!(svg.contains(words), "{name}");
    }
    // A uniform prior is moved as a normal one, and has no landscape of its own coordinates.
    let mapped = plane.replace("loss = 'js'\n", "loss = 'js'\nprior = { kind = 'uniform' }\n");
    let mapped = run("mapped", &config(&mapped, "kind = 'repgan'\nchain_length = 5", 1));
    assert_eq!(code(&call(&["pictures", &mapped])), 0);
    assert!(!Path::new(&mapped).join("pictures/landscape.svg").exists());

    // What is no such run.
    let gaussian = "chains = 2\ndraws = 5\n[target]\nkind = 'standard_gaussian'\ndim = 2\n[method]\nkind = 'kernel'\nwarmup = 5\nkernel = { kind = 'mala' }\n";
    let other = run("other", gaussian);
    let nowhere = text_of(&folder.path().join("nowhere"));
    for (path, words) in [(&other, "target is a GAN"), (&nowhere, "nowhere")] {
        let o = call(&["pictures", path]);
        assert_eq!(code(&o), 2, "{}", stderr(&o));
        assert!(stderr(&o).starts_with("error: ") && stderr(&o).contains(words), "{}", stderr(&o));
    }
}
