//! Networks of others, read from their files, against the numbers that others computed with them. Skipped, with a word, where the
//! files are not there.

use super::data;
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
    assert!(difference(&images, &numbers(&reference["g_of_z"])) < bound, "{name}: outputs");

    let both = specs[0].clone().then(&specs[1]).unwrap();
    let mut score = Network::<T>::new(&both, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    let weights = [generator.params(), critic.params()].concat();
    score.update(|p| p.copy_from_slice(&weights));
    let (mut d, mut gradient) = (vec![0.0; z.rows()], Points::zeros(z.rows(), z.dim()));
    score.energy_and_grad(z.as_batch(), &mut d, gradient.as_batch_mut());
    assert!(difference(&d, &numbers(&reference["d_raw_of_g"])) < bound, "{name}: scores");
    let error = difference(gradient.data(), &numbers(&reference["grad_d_raw_wrt_z"]));
    assert!(error < gradient_bound, "{name}: gradients differ by {error:e}");

    let real = &reference["real"];
    let real_points = points(if real["images"].is_null() { &real["points"] } else { &real["images"] });
    let error = difference(&values(&critic, &real_points), &numbers(&real["d_raw"]));
    assert!(error < bound, "{name}: real data differ by {error:e}");
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
