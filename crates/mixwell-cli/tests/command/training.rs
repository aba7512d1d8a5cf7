//! `train` and what follows: it learns, its bits do not depend on threads or kills, bad input is one sentence.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::common::*;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data")
}

/// A small classifier of 8 x 8 digits with everything that has a state: momentum, average, shifts, validation.
fn config(extra: &str) -> String {
    let data = data();
    let data = data.display();
    format!(
        r#"kind = "classifier"
epochs = 12
batch = 32
validation = 0.1
average = 0.9
shift = 1
{extra}
[data]
train = "{data}/optdigits-train-images-idx3-ubyte.gz"
test = "{data}/optdigits-test-images-idx3-ubyte.gz"
[optimiser]
learning_rate = 1e-2
schedule = {{ kind = "cosine", floor = 0.1 }}
[network]
input = [1, 8, 8]
[[network.layers]]
kind = "convolution"
channels = 8
kernel = 3
padding = 1
[[network.layers]]
kind = "activation"
function = "relu"
[[network.layers]]
kind = "max_pool"
size = 2
[[network.layers]]
kind = "flatten"
[[network.layers]]
kind = "dense"
units = 10
"#
    )
}

fn weights(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("network.safetensors")).unwrap()
}

#[test]
fn a_small_classifier_learns_and_tells_it() {
    let folder = folder();
    let config = write(folder.path(), "digits.toml", &config(""));
    let out = text_of(&folder.path().join("run"));
    let o = call(&["train", &config, "--out", &out]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(stdout(&o).contains("training went well"), "{}", stdout(&o));
    let summary = summary(Path::new(&out));
    let accuracy = summary["results"]["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.85, "{accuracy}");
    assert_eq!(summary["results"]["confusion"]["counts"].as_array().unwrap().len(), 10);
    for file in ["config.toml", "curve.csv", "curve.svg", "network.safetensors", "manifest.json", "log.txt"] {
        assert!(Path::new(&out).join(file).exists(), "{file}");
    }
    // Shown again; going on with what is finished changes nothing; what was changed is told.
    let again = call(&["summary", &out]);
    assert_eq!((code(&again), stdout(&again)), (0, stdout(&o)));
    let before = files(Path::new(&out));
    assert_eq!(code(&call(&["resume", &out, "--quiet"])), 0);
    assert_eq!(before.keys().collect::<Vec<_>>(), files(Path::new(&out)).keys().collect::<Vec<_>>());
    assert_eq!(weights(Path::new(&out)), before[Path::new("network.safetensors")]);
    let mut bytes = weights(Path::new(&out));
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(Path::new(&out).join("network.safetensors"), bytes).unwrap();
    let o = call(&["summary", &out]);
    assert!(code(&o) == 2 && stderr(&o).contains("network.safetensors"), "{}", stderr(&o));
    let o = call(&["train", &config, "--out", &out]);
    assert!(code(&o) == 2 && stderr(&o).contains("mixwell resume"), "{}", stderr(&o));
}

#[test]
fn kills_and_threads_change_no_bit() {
    let folder = folder();
    let every = "[output]\ncheckpoint_seconds = 0\ncurve_every = 3\n";
    let config = write(folder.path(), "c.toml", &(config("") + every));
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let begun = Instant::now();
    let o = call(&["train", &config, "--out", &text_of(&whole), "--quiet", "--threads", "1"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let length = begun.elapsed();
    // Moments that nobody chose, from the first instant to past the end.
    let stretches = (0..30u32).map(|kill| length.mul_f64(f64::from(kill * 7 % 30) / 30.0 * 0.4));
    let kills = train_with_kills(&config, &killed, stretches);
    assert!(kills > 3, "only {kills} kills");
    assert!(weights(&whole) == weights(&killed), "weights differ");
    assert_eq!(curve(&whole), curve(&killed));
    let [a, b] = [&whole, &killed].map(|run| summary(run));
    assert_eq!(a, b);
    // Another seed is another training.
    let other = folder.path().join("other");
    let o = call(&["train", &config, "--out", &text_of(&other), "--quiet", "--seed", "2"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert_ne!(curve(&whole), curve(&other));
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_resume_ends_with_the_same_weights() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", &config("").replace("epochs = 12", "epochs = 30"));
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    assert_eq!(code(&call(&["train", &config, "--out", &text_of(&whole), "--quiet"])), 0);
    let mut child = start(&["train", &config, "--out", &text_of(&stopped), "--quiet"]);
    wait_until("curve", || {
        std::fs::read_to_string(stopped.join("curve.csv")).is_ok_and(|t| t.lines().count() > 2)
    });
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert!(status.code() == Some(1) || status.success(), "{status}");
    let o = call(&["summary", &text_of(&stopped)]);
    if status.code() == Some(1) {
        assert!(code(&o) == 2 && stderr(&o).contains("not finished"), "{}", stderr(&o));
    }
    assert_eq!(code(&call(&["resume", &text_of(&stopped), "--quiet"])), 0);
    assert_eq!(weights(&whole), weights(&stopped));
    assert_eq!(curve(&whole), curve(&stopped));
}

#[test]
fn bad_input_is_one_sentence_and_leaves_no_folder() {
    let folder = folder();
    let good = config("");
    let labels = write_labels(folder.path(), 12);
    let cases = [
        (good.replace("epochs = 12", "epoch = 12"), "did you mean `epochs`?"),
        (good.replace("kind = \"classifier\"", "kind = \"classifer\""), "did you mean `classifier`?"),
        (good.replace("kind = \"classifier\"\n", ""), "the file has no `kind`"),
        (good.replace("batch = 32", "batch = 901"), "there are 900 images to learn from"),
        (good.replace("batch = 32", "batch = 0"), "`batch` is 0"),
        (good.replace("[1, 8, 8]", "[1, 9, 9]"), "its images are 1 x 8 x 8"),
        (good.replace("units = 10", "units = 7"), "the network has 7 outputs"),
        (good.replace("learning_rate = 1e-2", "learning_rate = nan"), "`optimiser.learning_rate` is NaN"),
        (good.replace("average = 0.9", "average = 1.0"), "`average` is 1"),
        (good.replace("optdigits-train-images", "none-images"), "none-images-idx3-ubyte.gz"),
        (good.replace("train = \"", "train = \"${NO_SUCH_VARIABLE}"), "NO_SUCH_VARIABLE is not set"),
        (good.replace("size = 2", "size = 20"), "network.layers"),
        (good.replace("kind = \"max_pool\"", "kind = \"maxpool\""), "did you mean `max_pool`?"),
        (
            good.replace(&format!("{}/optdigits-train-images-idx3-ubyte.gz", data().display()), &labels),
            "image 1 is of class 12",
        ),
        (config("weights = 'nothing.pth'"), "nothing.pth"),
        (
            config("network = 'lenet5'").split("[network]").next().unwrap().to_string(),
            "the network takes [1, 32, 32]",
        ),
        (
            config("network = 'lenett5'").split("[network]").next().unwrap().to_string(),
            "did you mean `lenet5`?",
        ),
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

/// Two images of 8 x 8 with classes 3 and `class`; the path of the images.
fn write_labels(folder: &Path, class: u8) -> String {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8];
    images.extend([7; 128]);
    std::fs::write(folder.join("x-images-idx3-ubyte"), images).unwrap();
    std::fs::write(folder.join("x-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 3, class]).unwrap();
    text_of(&folder.join("x-images-idx3-ubyte"))
}

#[test]
fn what_goes_badly_is_said_with_its_number() {
    let folder = folder();
    // A learning rate at which nothing can be learned.
    let text = config("").replace("learning_rate = 1e-2", "learning_rate = 1e6\nclip_norm = 0.0");
    let text = text.replace("average = 0.9", "average = 0.0").replace("validation = 0.1", "validation = 0.0");
    let config = write(folder.path(), "bad.toml", &text);
    let out = text_of(&folder.path().join("run"));
    let o = call(&["train", &config, "--out", &out, "--strict"]);
    assert_eq!(code(&o), 3, "{}", stderr(&o));
    assert!(stdout(&o).contains("training went badly"), "{}", stdout(&o));
}

/// A small energy with everything that has a state: flow, bank, average, two looks at the chains.
fn energy(trainer: &str) -> String {
    format!(
        r#"kind = "energy"
updates = 60
[data]
law = {{ kind = "two_modes" }}
rows = 600
[pretraining]
steps = 30
[training]
batch = 32
average = 0.9
watch = {{ every = 25 }}
[training.trainer]
{trainer}
[output]
checkpoint_seconds = 0
curve_every = 7
"#
    )
}

#[test]
fn energies_learn_and_kills_change_no_bit() {
    let folder = folder();
    for (name, trainer) in [
        ("flowmc", "kind = 'flowmc'\nparticles = 4\nlocal_after = 3\nsteps = 4\nbank = { size = 100 }"),
        ("nt", "kind = 'nt'\nsteps = 4"),
        ("jarzynski", "kind = 'jarzynski'\nwalkers = 64"),
        ("nce", "kind = 'nce'\noppose = true"),
    ] {
        let config = write(folder.path(), &format!("{name}.toml"), &energy(trainer));
        let (whole, killed) = (folder.path().join(name), folder.path().join(format!("{name}-killed")));
        let begun = Instant::now();
        let o = call(&["train", &config, "--out", &text_of(&whole), "--threads", "1"]);
        assert_eq!(code(&o), 0, "{name}: {}", stderr(&o));
        assert!(stdout(&o).contains("log Z"), "{}", stdout(&o));
        let length = begun.elapsed();
        let stretches = (0..6u32).map(|kill| length.mul_f64(f64::from(kill * 7 % 6) / 6.0 * 0.6));
        let kills = train_with_kills(&config, &killed, stretches);
        assert!(kills > 0, "{name}: no kill");
        for file in ["energy.safetensors", "law.json"] {
            assert!(
                std::fs::read(whole.join(file)).unwrap() == std::fs::read(killed.join(file)).unwrap(),
                "{name}"
            );
        }
        assert_eq!(curve(&whole), curve(&killed), "{name}");
    }
}

#[test]
fn bad_input_to_an_energy_is_a_sentence() {
    let folder = folder();
    let error = |text: &str| {
        let config = write(folder.path(), "bad.toml", text);
        let o = call(&["train", &config, "--out", &text_of(&folder.path().join("bad"))]);
        assert_eq!(code(&o), 2, "{}", stderr(&o));
        stderr(&o)
    };
    let law = "kind = 'energy'\n[data]\nlaw = { kind = 'rings' }\nrows = 100\n";
    assert!(error("kind = 'energy'\n").contains("`law` or a `table`"));
    assert!(error(&format!("{law}[training]\nbatch = 101")).contains("101"));
    assert!(error("kind = 'energy'\n[data]\nlaw = { kind = 'phi4' }").contains("cannot be drawn from"));
    assert!(error(&format!("{law}[energy]\nnetwork = 'lenet5'")).contains("one output"));
    let table = write(folder.path(), "t.csv", "1,2\n1,3\n1,4\n");
    assert!(error(&format!("kind = 'energy'\n[data]\ntable = '{table}'")).contains("column 0"));
    let nt = "[energy]\nbase = { kind = 'none' }\n[training]\nbatch = 10\ntrainer = { kind = 'nt' }";
    assert!(error(&format!("{law}{nt}")).contains("need that flow as the base"));
}
