//! Networks of others, read from their files, against the numbers that others computed with them. Skipped, with a word, where the
//! files are not there.

use super::data;
use mixwell::image::ImageSet;
use mixwell::net::import::NamedArrays;
use mixwell::net::{Activation, Init, Network, NetworkSpec, Stored, named_network};
use mixwell::{Points, Stream};
use serde_json::Value;

fn load<T: Stored>(spec: &NetworkSpec, file: &std::path::Path, key: &str) -> Network<T> {
    let arrays = NamedArrays::read(file).unwrap().select(key).unwrap().strip("module.");
    let mut network = Network::new(spec, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    let unused = network.load(&arrays).unwrap();
    assert!(unused.is_empty(), "{unused:?}");
    network
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn points(value: &Value) -> Points {
    let rows = value.as_array().unwrap().len();
    let values = numbers(value);
    let dim = values.len() / rows;
    Points::from_vec(values, dim)
}

fn values<T: Stored>(network: &Network<T>, x: &Points) -> Vec<f64> {
    let mut y = Points::zeros(x.rows(), network.n_out());
    network.values(x.as_batch(), y.as_batch_mut());
    y.data().to_vec()
}

/// The largest difference, relative to the largest number.
fn difference(found: &[f64], want: &[f64]) -> f64 {
    assert_eq!(found.len(), want.len());
    let scale = want.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
    found.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale
}

/// Outputs, scores and latent gradients of a generator and its critic.
fn compare<T: Stored>(
    name: &str,
    specs: &[NetworkSpec; 2],
    files: [&str; 2],
    bound: f64,
    gradient_bound: f64,
) {
    let part = format!("gan/{name}");
    let Some(folder) = data::folder_with(&part).map(|f| f.join(part)) else { return };
    let text = std::fs::read_to_string(folder.join("reference_io.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let [generator, critic] = [0, 1].map(|i| load::<T>(&specs[i], &folder.join(files[i]), ""));
    let z = points(&reference["z"]);
    let images = values(&generator, &z);
    let want = numbers(&reference["g_of_z"]);
    // These are printed with ten digits: half a unit of the last is no difference.
    let printed = |(found, want): (&f64, &f64)| {
        want + (found - want).signum() * (found - want).abs().min(5e-10 * want.abs())
    };
    let rounded: Vec<f64> = images.iter().zip(&want).map(printed).collect();
    let error = difference(&images, &rounded);
    assert!(error < bound, "{name}: outputs differ by {error:e}");

    let both = specs[0].clone().then(&specs[1]).unwrap();
    let mut score = Network::<T>::new(&both, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    let weights = [generator.params(), critic.params()].concat();
    score.update(|p| p.copy_from_slice(&weights));
    let (mut d, mut gradient) = (vec![0.0; z.rows()], Points::zeros(z.rows(), z.dim()));
    score.energy_and_grad(z.as_batch(), &mut d, gradient.as_batch_mut());
    let error = difference(&d, &numbers(&reference["d_raw_of_g"]));
    assert!(error < bound, "{name}: scores differ by {error:e}");
    let error = difference(gradient.data(), &numbers(&reference["grad_d_raw_wrt_z"]));
    assert!(error < gradient_bound, "{name}: gradients differ by {error:e}");

    let real = &reference["real"];
    let pixels = if name.starts_with("fashion") { FASHION } else { MNIST };
    let real_points = if real["points"].is_null() {
        images_of(pixels, 4, [-1.0, 1.0])
    } else {
        Some(points(&real["points"]))
    };
    if let Some(x) = real_points {
        let error = difference(&values(&critic, &x), &numbers(&real["d_raw"]));
        assert!(error < bound, "{name}: real data differ by {error:e}");
    }
}

const MNIST: &str = "images/mnist/t10k-images-idx3-ubyte.gz";
const FASHION: &str = "images/fashion_mnist/t10k-first6978-images-idx3-ubyte.gz";

/// The first images of a data set.
fn images_of(part: &str, n: usize, range: [f64; 2]) -> Option<Points> {
    let path = data::folder_with(part)?.join(part);
    Some(ImageSet::read(&path).unwrap().points(0..n, range).unwrap())
}

/// In both precisions. The gradients of the reference are differences of step 1e-5, good to 1e-6.
fn compare_both(name: &str, specs: [NetworkSpec; 2], files: [&str; 2]) {
    compare::<f32>(name, &specs, files, 1e-5, 2e-5);
    compare::<f64>(name, &specs, files, 1e-10, 2e-6);
}

fn named(name: &str) -> NetworkSpec {
    named_network(name).unwrap()
}

#[test]
fn generators_and_critics_give_the_reference() {
    let mlp = |sizes: &[usize]| {
        NetworkSpec::dense(sizes[0], &sizes[1..sizes.len() - 1], sizes[sizes.len() - 1], Activation::Relu)
    };
    compare_both(
        "mnist_mlp",
        [named("mnist_mlp_generator"), named("mnist_mlp_critic")],
        ["G--300.ckpt", "D--300.ckpt"],
    );
    let files = ["generator.pth", "critic.pth"];
    compare_both("mnist_wgan_gp_conv", [named("wgan_28_generator"), named("wgan_28_critic")], files);
    let files = ["generator.pth", "discriminator.pth"];
    compare_both("fashion_dcgan_fc", [named("dcgan_28_generator"), named("dcgan_28_critic")], files);
    compare_both(
        "toy_25gaussians_js",
        [mlp(&[2, 100, 100, 100, 100, 2]), mlp(&[2, 100, 100, 100, 100, 1])],
        files,
    );
    compare_both("toy_25gaussians_wgan", [mlp(&[2, 128, 128, 128, 2]), mlp(&[2, 256, 256, 256, 1])], files);
    compare_both("toy_swissroll_wgan", [mlp(&[2, 128, 128, 128, 2]), mlp(&[2, 256, 256, 256, 1])], files);
    compare_both("toy_243gaussians_5d_js", [mlp(&[5, 256, 256, 256, 5]), mlp(&[5, 512, 512, 512, 1])], files);
}

#[test]
fn an_energy_of_digits_knows_digits() {
    let part = "ebm/mnist_deep_ebm.ckpt";
    let Some(folder) = data::folder_with(part) else { return };
    let arrays = NamedArrays::read(&folder.join(part)).unwrap().select("state_dict").unwrap();
    let mut network =
        Network::<f32>::new(&named("mnist_energy"), Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    network.load(&arrays).unwrap();
    let mean = |x: &Points| values(&network, x).iter().sum::<f64>() / x.rows() as f64;
    let Some(digits) = images_of(MNIST, 1000, [-1.0, 1.0]) else { return };
    assert!(mean(&digits).abs() < 0.01, "digits: {}", mean(&digits));
    if let Some(clothes) = images_of(FASHION, 1000, [-1.0, 1.0]) {
        assert!((mean(&clothes) + 2.85).abs() < 0.2, "clothes: {}", mean(&clothes));
    }
    let mut noise = Points::zeros(500, 784);
    let mut stream = Stream::new(1, 0);
    noise.data_mut().iter_mut().for_each(|x| *x = 2.0 * stream.uniform() - 1.0);
    assert!((mean(&noise) + 17.9).abs() < 0.5, "noise: {}", mean(&noise));
    let blank = Points::from_vec(vec![-1.0; 784], 784);
    assert!((mean(&blank) - 0.031).abs() < 0.001, "blank: {}", mean(&blank));
}

#[test]
fn a_classifier_of_digits_gives_the_reference() {
    let part = "gan/classifier_lenet5_mnist";
    let Some(folder) = data::folder_with(part).map(|f| f.join(part)) else { return };
    let text = std::fs::read_to_string(folder.join("reference_io.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let network = load::<f64>(&named("lenet5"), &folder.join("lenet_epoch_12_test_acc_0.991.pth"), "");
    let Some(small) = images_of(MNIST, 4, [0.0, 1.0]) else { return };
    // Two pixels of zeros around.
    let mut x = Points::zeros(4, 1024);
    for r in 0..4 {
        for (p, v) in small.row(r).iter().enumerate() {
            x.row_mut(r)[(p / 28 + 2) * 32 + p % 28 + 2] = *v;
        }
    }
    let logits = values(&network, &x);
    let log_probs = logits.chunks(10).flat_map(|row| {
        let total = row.iter().map(|v| v.exp()).sum::<f64>().ln();
        row.iter().map(move |v| v - total)
    });
    let error = difference(&log_probs.collect::<Vec<_>>(), &numbers(&reference["log_probs"]));
    // The reference is printed with ten digits.
    assert!(error < 2e-10, "{error:e}");
}

#[test]
fn an_autoencoder_of_digits_gives_the_reference() {
    let part = "gan/vae_mnist";
    let Some(folder) = data::folder_with(part).map(|f| f.join(part)) else { return };
    let text = std::fs::read_to_string(folder.join("reference_io.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let Some(x) = images_of(MNIST, 4, [0.0, 1.0]) else { return };
    let arrays = NamedArrays::read(&folder.join("vae_epoch_25.pth")).unwrap();
    let run = |name: &str, x: &Points| {
        let mut network = Network::<f64>::new(&named(name), Init::Uniform, &mut Stream::new(0, 0)).unwrap();
        // The other half of the autoencoder is in the same file.
        let unused = network.load(&arrays).unwrap();
        assert_eq!(unused.len(), 6, "{unused:?}");
        values(&network, x)
    };
    // The reference is printed with ten digits.
    let mean = run("mnist_vae_mean", &x);
    for (name, found) in [("mu", &mean), ("logvar", &run("mnist_vae_log_variance", &x))] {
        let error = difference(found, &numbers(&reference[name]));
        assert!(error < 5e-10, "{name}: {error:e}");
    }
    let pictures = run("mnist_vae_decoder", &Points::from_vec(mean, 20));
    let error = difference(&pictures, &numbers(&reference["decode_of_mu"]));
    assert!(error < 2e-9, "pictures: {error:e}");
}

#[test]
fn classifiers_of_photographs_are_as_good_as_they_were() {
    let (pictures, weights) =
        ("images/cifar10_full/test_batch_first5000.bin.xz", "classifiers/cifar10_resnet");
    let (Some(folder), Some(_)) = (data::folder_with(weights), data::folder_with(pictures)) else { return };
    let set = ImageSet::read(&folder.join(pictures)).unwrap();
    assert_eq!(set.len(), 5000);
    let set = set.slice(0..1000).unwrap();
    let mut x = set.points(0..1000, [0.0, 1.0]).unwrap();
    let (mean, sd) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    for (i, v) in x.data_mut().iter_mut().enumerate() {
        let c = i % 3072 / 1024;
        *v = (*v - mean[c]) / sd[c];
    }
    for (name, right) in [("resnet20", 915), ("resnet56", 926)] {
        let file = folder.join(weights).join(format!("{name}.th"));
        let network = load::<f32>(&named(name), &file, "state_dict");
        let scores = values(&network, &x);
        let best = |row: &[f64]| (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u32;
        let found =
            scores.chunks(10).zip(set.labels().unwrap()).filter(|(row, label)| best(row) == **label).count();
        assert_eq!(found, right, "{name}");
    }
}

#[test]
fn numpy_files_of_a_generator_and_its_critic_run() {
    let part = "gan/dot_25gaussians_wgan";
    let Some(folder) = data::folder_with(part).map(|f| f.join(part)) else { return };
    let generator =
        load::<f32>(&named("dot_25gaussians_generator"), &folder.join("dot_G_25gaussians.npz"), "");
    let critic = load::<f32>(&named("dot_25gaussians_critic"), &folder.join("dot_D_25gaussians.npz"), "");
    let mut z = Points::zeros(5000, 2);
    let mut stream = Stream::new(1, 0);
    z.data_mut().iter_mut().for_each(|z| *z = 2.0 * stream.uniform() - 1.0);
    let x: Vec<f64> = values(&generator, &z);
    let near = x.chunks(2).filter(|p| {
        let off = |v: f64| v * 2.0025f64.sqrt() - (v * 2.0025f64.sqrt()).round().clamp(-2.0, 2.0);
        off(p[0]).hypot(off(p[1])) < 0.2
    });
    let share = near.count() as f64 / 5000.0;
    assert!((share - 0.61).abs() < 0.03, "{share}");
    assert!(values(&critic, &Points::from_vec(x, 2)).iter().all(|v| v.is_finite()));
}
