//! GANs: a small one learns and leaves what it should, kills and threads change no bit, bad input is one sentence.

use std::path::Path;
use std::time::Instant;

use mixwell::density::DiscriminatorLoss;
use mixwell::gan::GanFile;
use mixwell::image::ImageSet;

use super::common::*;

/// Two Gaussians, standardised, with a penalty, two steps of the discriminator, an average and snapshots.
fn config(extra: &str) -> String {
    format!(
        r#"kind = "gan"
updates = 400
standardise = true
keep_every = 150
keep_at = [7]
samples = 2000
{extra}
[data]
law = {{ kind = "two_modes" }}
rows = 2000
[generator]
input = [3]
layers = [{{ kind = "dense", units = 16 }}, {{ kind = "batch_norm" }}, {{ kind = "activation", function = "relu" }}, {{ kind = "dense", units = 2 }}]
[discriminator]
input = [2]
layers = [{{ kind = "dense", units = 24 }}, {{ kind = "activation", function = {{ leaky_relu = 0.2 }} }}, {{ kind = "dense", units = 1 }}]
[training]
batch = 32
discriminator_steps = 2
average = 0.9
loss = {{ kind = "js", penalty = 0.1 }}
generator_optimiser = {{ rule = {{ kind = "adam", beta1 = 0.5, beta2 = 0.9 }}, learning_rate = 2e-3, schedule = {{ kind = "linear", floor = 0.1 }} }}
discriminator_optimiser = {{ rule = {{ kind = "adam", beta1 = 0.5, beta2 = 0.9 }}, learning_rate = 2e-3 }}
"#
    )
}

const FILES: [&str; 4] = ["generator.safetensors", "discriminator.safetensors", "gan.json", "samples.npy"];
const SNAPSHOTS: [&str; 3] =
    ["generator-0007.safetensors", "generator-0150.safetensors", "discriminator-0300.safetensors"];

fn left(run: &Path) -> Vec<Vec<u8>> {
    FILES.iter().chain(&SNAPSHOTS).map(|file| std::fs::read(run.join(file)).expect(file)).collect()
}

#[test]
fn a_small_gan_learns_and_kills_and_threads_change_no_bit() {
    let folder = folder();
    let config = write(folder.path(), "g.toml", &(config("") + "[output]\ncheckpoint_seconds = 0\n"));
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let begun = Instant::now();
    let o = call(&["train", &config, "--out", &text_of(&whole), "--threads", "1"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let length = begun.elapsed();
    assert!(stdout(&o).contains("training went well"), "{}", stdout(&o));
    let results = summary(&whole)["results"].clone();
    assert_eq!((&results["modes"], &results["modes_found"]), (&2.into(), &2.into()), "{results}");
    let share = results["variance_share"].as_f64().unwrap();
    assert!(share > 0.5 && share < 2.0, "{results}");
    let (gan, generator, discriminator) = GanFile::read(&whole).unwrap();
    assert_eq!(
        (gan.latent, gan.loss, generator.n_out(), discriminator.dim()),
        (3, DiscriminatorLoss::Js, 2, 2)
    );
    assert!(gan.standardisation.is_some());
    let o = call(&["summary", &text_of(&whole)]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));

    let stretches = (0..20u32).map(|kill| length.mul_f64(f64::from(kill * 7 % 20) / 20.0 * 0.4));
    let kills = train_with_kills(&config, &killed, stretches);
    assert!(kills > 2, "only {kills} kills");
    assert!(left(&whole) == left(&killed), "what is left differs");
    assert_eq!(curve(&whole), curve(&killed));
    assert_eq!(summary(&whole), summary(&killed));
    let other = folder.path().join("other");
    let o = call(&["train", &config, "--out", &text_of(&other), "--quiet", "--seed", "2"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert_ne!(curve(&whole), curve(&other));
    // A snapshot that was changed is told like any other file.
    std::fs::write(whole.join(SNAPSHOTS[0]), b"other").unwrap();
    let o = call(&["summary", &text_of(&whole)]);
    assert!(code(&o) == 2 && stderr(&o).contains(SNAPSHOTS[0]), "{}", stderr(&o));
}

#[test]
fn images_leave_a_picture_and_their_encoding() {
    let folder = folder();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let text = format!(
        "kind = 'gan'\nupdates = 3\nlatent = 5\n[data.images]\npath = '{}/optdigits-train-images-idx3-ubyte.gz'\nmost = 200\ndequantise = 0.0\n",
        data.display()
    );
    let config = write(folder.path(), "i.toml", &text);
    let run = folder.path().join("run");
    let o = call(&["train", &config, "--out", &text_of(&run), "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(ImageSet::read(&run.join("samples.png")).unwrap().shape().height > 64);
    assert!(run.join("images.json").is_file() && !run.join("samples.npy").exists());
}

#[test]
fn bad_input_is_one_sentence_and_leaves_no_folder() {
    let folder = folder();
    let good = config("");
    let table = |name: &str, text: &str| {
        let path = write(folder.path(), name, text);
        good.replace("law = { kind = \"two_modes\" }\nrows = 2000", &format!("table = '{path}'"))
    };
    let cases = [
        (good.replace("updates = 400", "update = 400"), "did you mean `updates`?"),
        (
            good.replace("units = 2 }]", "units = 5 }]"),
            "`generator` is of outputs 5, but the discriminator takes 2",
        ),
        (
            good.replace("units = 1 }]", "units = 2 }]"),
            "`discriminator` is of 2 outputs, but it has one output",
        ),
        (
            good.replace("units = 1 }]", "units = 1 }, { kind = \"activation\", function = \"sigmoid\" }]"),
            "leave the last layer out",
        ),
        (config("latent = 4"), "`latent` is 4, but the generator takes 3 numbers"),
        (good.replace("batch = 32", "batch = 3000"), "`training.batch` is 3000"),
        (good.replace("kind = \"js\"", "kind = \"jsd\""), "did you mean `js`?"),
        (
            good.replace("kind = \"js\", penalty = 0.1", "kind = \"wgan\", penalty = 0.0"),
            "`training.loss.penalty` is 0",
        ),
        (
            good.replace("learning_rate = 2e-3 }\n", "learning_rate = nan }\n"),
            "`training.discriminator_optimiser.learning_rate` is NaN",
        ),
        (good.replace("keep_at = [7]", "keep_at = [700]"), "`keep_at` is 700"),
        (good.replace("[generator]\ninput = [3]", "[generator]\ninput = [0]"), "generator.input"),
        (good.replace("kind = \"batch_norm\"", "kind = \"batchnorm\""), "did you mean `batch_norm`?"),
        (table("points.csv", "1,2\n3,nan\n5,6\n"), "points.csv"),
        (
            table("flat.csv", "1,2\n1,3\n1,4\n").replace("batch = 32", "batch = 2"),
            "column 0 of the data does not vary",
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

#[test]
fn a_collapsed_generator_is_told_with_its_number() {
    let folder = folder();
    let text = config("").replace("learning_rate = 2e-3, schedule", "learning_rate = 1e-9, schedule");
    let text = text.replace("units = 16", "units = 1");
    let config = write(folder.path(), "bad.toml", &text);
    let out = text_of(&folder.path().join("run"));
    let o = call(&["train", &config, "--out", &out, "--strict"]);
    assert_eq!(code(&o), 3, "{} {}", stdout(&o), stderr(&o));
    assert!(stdout(&o).contains("training went badly"), "{}", stdout(&o));
}

/// A ratio against the generator in this folder.
fn ratio_config(gan: &str, extra: &str) -> String {
    format!(
        r#"kind = "ratio"
updates = 300
{extra}
[gan]
{gan}
[training]
batch = 64
penalty = 0.1
look_every = 25
patience = 8
optimiser = {{ learning_rate = 3e-3 }}
[network]
input = [2]
layers = [{{ kind = "dense", units = 32 }}, {{ kind = "activation", function = "tanh" }}, {{ kind = "dense", units = 1 }}]
"#
    )
}

#[test]
fn a_ratio_is_better_than_the_discriminator_and_kills_change_no_bit() {
    let folder = folder();
    let gan = text_of(&folder.path().join("gan"));
    let gan_config = write(folder.path(), "g.toml", &config("").replace("updates = 400", "updates = 301"));
    let o = call(&["train", &gan_config, "--out", &gan, "--quiet"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let text = ratio_config(&format!("path = '{gan}'"), "") + "[output]\ncheckpoint_seconds = 0\n";
    let config = write(folder.path(), "r.toml", &text);
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let begun = Instant::now();
    let o = call(&["train", &config, "--out", &text_of(&whole), "--threads", "1"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let length = begun.elapsed();
    let results = summary(&whole)["results"].clone();
    let of = |key: &str| results[key].as_f64().unwrap();
    assert!(of("log_loss") < of("discriminator_log_loss"), "{results}");
    assert!((of("mean_ratio") - 1.0).abs() < 0.3, "{results}");
    assert!(stdout(&o).contains("after logistic repair"), "{}", stdout(&o));
    let stretches = (0..20u32).map(|kill| length.mul_f64(f64::from(kill * 7 % 20) / 20.0 * 0.4));
    let kills = train_with_kills(&config, &killed, stretches);
    assert!(kills > 2, "only {kills} kills");
    let left = |run: &Path| std::fs::read(run.join("ratio.safetensors")).unwrap();
    assert!(left(&whole) == left(&killed), "weights differ");
    assert_eq!(curve(&whole), curve(&killed));
    assert_eq!(summary(&whole), summary(&killed));

    // The same from files of networks, whose data must be said; what does not fit is one sentence.
    let files = format!("generator = {{ weights = '{gan}/generator.safetensors' }}");
    let data = "data = { law = { kind = 'two_modes' }, rows = 500 }";
    let cases = [
        (ratio_config(&files, data), ""),
        (ratio_config(&files, ""), "`data` is missing"),
        (
            ratio_config(&files, "data = { law = { kind = 'funnel', dim = 3 }, rows = 500 }"),
            "`data` is of 3 numbers",
        ),
        (ratio_config("", data), "`gan.path` is missing"),
        (ratio_config(&format!("path = '{gan}'\n{files}"), data), "give the folder or the networks"),
        (ratio_config(&format!("path = '{}'", text_of(&whole)), data), "that of a GAN is needed"),
        (ratio_config(&files, data).replace("input = [2]", "input = [5]"), "`network` is of 5 numbers"),
        (ratio_config(&files, data).replace("generator.safetensors", "none.safetensors"), "none.safetensors"),
        (ratio_config(&files, data).replace("penalty = 0.1", "penalty = -1.0"), "`training.penalty` is -1"),
    ];
    for (i, (text, wanted)) in cases.into_iter().enumerate() {
        let config = write(folder.path(), "bad.toml", &text);
        let out = folder.path().join(format!("run{i}"));
        let o = call(&["train", &config, "--out", &text_of(&out)]);
        if wanted.is_empty() {
            assert_eq!(code(&o), 0, "{}", stderr(&o));
            continue;
        }
        let told = stderr(&o);
        assert!(code(&o) == 2 && told.contains(wanted), "{wanted}: {} {told}", code(&o));
        assert!(told.starts_with("error: ") && told.trim_end().lines().count() == 1, "{told}");
        assert!(!out.exists(), "{wanted}");
    }
}
