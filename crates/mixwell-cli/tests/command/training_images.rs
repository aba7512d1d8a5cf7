//! Energies of images: what a training leaves, that kills change no bit, bad input.

use std::path::Path;
use std::time::Instant;

use super::common::*;

/// A small energy of 8 x 8 digits on a small flow of images, with everything that has a state.
fn config(trainer: &str) -> String {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let data = data.display();
    format!(
        r#"kind = "energy"
updates = 12
[data.images]
path = "{data}/optdigits-train-images-idx3-ubyte.gz"
test = "{data}/optdigits-test-images-idx3-ubyte.gz"
most = 300
dequantise = 16.0
[energy.network]
input = [1, 8, 8]
[[energy.network.layers]]
kind = "convolution"
channels = 4
kernel = 4
stride = 2
padding = 1
[[energy.network.layers]]
kind = "activation"
function = "swish"
[[energy.network.layers]]
kind = "flatten"
[[energy.network.layers]]
kind = "dense"
units = 1
[flow]
kind = "glow"
shape = [1, 8, 8]
n_levels = 2
depth = 1
width = 8
[pretraining]
steps = 20
batch = 50
average = 0.9
optimiser = {{ learning_rate = 5e-3 }}
[training]
batch = 32
average = 0.9
watch = {{ every = 5 }}
[training.trainer]
{trainer}
[output]
checkpoint_seconds = 0
curve_every = 4
"#
    )
}

const NT: &str = "kind = 'nt'\nchains = 8\nsteps = 4";
const FLOWMC: &str = "kind = 'flowmc'\nparticles = 4\nlocal_after = 2\nsteps = 3\nbank = { size = 40 }";

#[test]
fn energies_of_images_learn_and_kills_change_no_bit() {
    let folder = folder();
    for (name, trainer) in [("nt", NT), ("flowmc", FLOWMC)] {
        let config = write(folder.path(), &format!("{name}.toml"), &config(trainer));
        let (whole, killed) = (folder.path().join(name), folder.path().join(format!("{name}-killed")));
        let begun = Instant::now();
        let o = call(&["train", &config, "--out", &text_of(&whole), "--threads", "1"]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
        let told = stdout(&o);
        assert!(told.contains("bits per dimension on test images") && told.contains("bank"), "{told}");
        let length = begun.elapsed();
        let stretches = (0..5u32).map(|kill| length.mul_f64(f64::from(kill) / 5.0 * 0.8));
        let kills = train_with_kills(&config, &killed, stretches);
        assert!(kills > 0, "{name}: no kill");
        let files = ["energy.safetensors", "base.safetensors", "law.json", "images.json", "bank.npy"];
        for file in files.into_iter().chain(["data.png", "flow.png", "bank.png", "test.png"]) {
            let (a, b) = (std::fs::read(whole.join(file)), std::fs::read(killed.join(file)));
            if name == "flowmc" && file == "base.safetensors" {
                // Its base is the Gaussian of the data's moments.
                assert!(a.is_err() && b.is_err());
                continue;
            }
            assert!(a.unwrap() == b.unwrap(), "{name}: {file}");
        }
        assert_eq!(curve(&whole), curve(&killed), "{name}");
        // The fit of the flow is in the curve: its bits fall.
        let curve = curve(&whole);
        let mut lines = curve.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap();
        let at = names.iter().position(|n| *n == "bits_per_dimension").unwrap();
        let bits: Vec<f64> = lines.filter_map(|row| row[at].parse().ok()).collect();
        assert!(bits.len() >= 5 && bits[4] < bits[0] - 0.05, "{bits:?}");
    }
}

/// A law of images without a flow is trained in a moment.
fn without_flow() -> String {
    config("kind = 'ula'\nsteps = 2\nbank = { size = 40 }")
        .replace("[flow]\nkind = \"glow\"\nshape = [1, 8, 8]\nn_levels = 2\ndepth = 1\nwidth = 8\n", "")
}

#[test]
fn long_chains_under_a_trained_energy() {
    let folder = folder();
    let law = folder.path().join("law");
    let trained = write(folder.path(), "law.toml", &config(NT));
    let o = call(&["train", &trained, "--out", &text_of(&law), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let images = text_of(&data.join("optdigits-test-images-idx3-ubyte.gz"));
    let chains = |space: &str, kernel: &str, begin: &str| {
        format!(
            "kind = 'long_chains'\nlaw = 'law'\nspace = '{space}'\nchains = 4\nwarmup = 10\nsteps = 40\nkeep_every = 5\nbeside = '{images}'\n\
             start = {begin}\n[kernel]\n{kernel}\n[output]\ncheckpoint_seconds = 0\ncurve_every = 7\n"
        )
    };
    let from_images = format!("{{ kind = 'images', path = '{images}' }}");
    for (name, space, kernel, begin) in [
        ("latent", "latent", "kind = 'hmc'\nn_leapfrog = 3", "{ kind = 'base' }"),
        ("points", "points", "kind = 'mala'", &*from_images),
        ("jumps", "points", "kind = 'isir'\nn_particles = 4", "{ kind = 'base' }"),
    ] {
        let config = write(folder.path(), &format!("{name}.toml"), &chains(space, kernel, begin));
        let (whole, killed) = (folder.path().join(name), folder.path().join(format!("{name}-killed")));
        let o = call(&["train", &config, "--out", &text_of(&whole), "--threads", "1"]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
        let told = stdout(&o);
        assert!(told.contains("R-hat of whole chains over 64 coordinates"), "{told}");
        assert!(told.contains("autocorrelation") && told.contains("beside"), "{told}");
        let mut child = start(&["train", &config, "--out", &text_of(&killed), "--quiet"]);
        wait_until("a checkpoint", || killed.join("checkpoint/state.bin").exists());
        let _ = child.kill();
        let _ = child.wait();
        let o = call(&["resume", &text_of(&killed), "--quiet", "--threads", "2"]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
        for file in ["kept.npy", "energies.csv", "autocorrelation.csv", "ends.png", "one_chain.png"] {
            let (a, b) = (std::fs::read(whole.join(file)), std::fs::read(killed.join(file)));
            assert!(a.unwrap() == b.unwrap(), "{name}: {file}");
        }
        assert_eq!(curve(&whole), curve(&killed), "{name}");
    }
    let alone = folder.path().join("alone");
    let trained = write(folder.path(), "alone.toml", &without_flow());
    let o = call(&["train", &trained, "--out", &text_of(&alone), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let good = chains("points", "kind = 'ula'", "{ kind = 'noise', low = -1.0, high = 1.0 }");
    let network = good.replace("'law'", "'alone/energy.safetensors'");
    let config = write(folder.path(), "network.toml", &network);
    let o = call(&["train", &config, "--out", &text_of(&folder.path().join("network"))]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    for (i, (text, wanted)) in [
        (good.replace("'law'", "'nothing'"), "nothing"),
        (good.replace("law = 'law'\n", ""), "`law` is missing"),
        (network.replace("space = 'points'", "space = 'latent'"), "base of the energy is a flow"),
        (
            network.replace("{ kind = 'noise', low = -1.0, high = 1.0 }", "{ kind = 'base' }"),
            "the energy has none",
        ),
        (
            good.replace("chains = 4", "chains = 600")
                .replace("{ kind = 'noise', low = -1.0, high = 1.0 }", &from_images),
            "there are 500 images",
        ),
        (good.replace("keep_every = 5", "keep_every = 41"), "`keep_every` is 41"),
        (good.replace("high = 1.0", "high = -1.0"), "`start.high`"),
        (network.replace("kind = 'ula'", "kind = 'isir'"), "jumps by a flow"),
    ]
    .into_iter()
    .enumerate()
    {
        let config = write(folder.path(), "bad.toml", &text);
        let out = folder.path().join(format!("bad{i}"));
        let o = call(&["train", &config, "--out", &text_of(&out)]);
        assert!(code(&o) == 2 && stderr(&o).contains(wanted), "{wanted}: {} {}", code(&o), stderr(&o));
        assert!(!out.exists(), "{wanted}");
    }
}

#[test]
fn bad_images_for_an_energy_are_one_sentence() {
    let folder = folder();
    let good = config(NT);
    let cases = [
        (good.replace("optdigits-train-images", "none-images"), "none-images-idx3-ubyte.gz"),
        (good.replace("optdigits-test-images", "none-images"), "none-images-idx3-ubyte.gz"),
        (good.replace("path = \"", "path = \"${NO_SUCH_VARIABLE}"), "NO_SUCH_VARIABLE is not set"),
        (good.replace("input = [1, 8, 8]", "input = [1, 4, 16]"), "`energy.network.input` is [1, 4, 16]"),
        (good.replace("shape = [1, 8, 8]", "shape = [1, 4, 16]"), "`flow.shape` is [1, 4, 16]"),
        (good.replace("shape = [1, 8, 8]", "shape = [1, 16, 16]"), "the images are [1, 8, 8]"),
        (good.replace("batch = 32", "batch = 301"), "`training.batch` is 301"),
        (good.replace("most = 300", "pad = [4, 4]"), "cannot be padded to 4 x 4"),
        (good.replace("most = 300", "pad = [16, 16]"), "the images are [1, 16, 16]"),
        (good.replace("most = 300", "classes = [3, 77]"), "class 77"),
        (good.replace("dequantise = 16.0", "dequantise = -1.0"), "`data.images.dequantise` is -1"),
        (good.replace("dequantise = 16.0", "dequantise = 0.0"), "data.images.dequantise"),
        (good.replace("most = 300", "map = { kind = 'logit', alpha = 1.5 }"), "alpha of the logit is 1.5"),
        (good.replace("[data.images]", "[data]\ntable = 'x.csv'\n[data.images]"), "or `images`"),
    ];
    for (i, (text, wanted)) in cases.into_iter().enumerate() {
        let config = write(folder.path(), "bad.toml", &text);
        let out = folder.path().join(format!("run{i}"));
        let o = call(&["train", &config, "--out", &text_of(&out)]);
        let told = stderr(&o);
        assert!(code(&o) == 2 && told.contains(wanted), "{wanted}: {} {told}", code(&o));
        assert!(told.starts_with("error: ") && told.trim_end().lines().count() == 1, "{told}");
        assert!(!out.exists(), "{wanted}");
    }
}
