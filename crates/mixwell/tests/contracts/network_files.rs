//! Arrays from files of each kind: small ones made by `tests/data/networks/make.py`, and, where they are, checkpoints of others.

use std::path::{Path, PathBuf};

use mixwell::net::import::{ArrayFileKind, ArrayValues, ElementType, ImportError, NamedArrays};
use mixwell::net::{
    Activation, AveragePool, BatchNorm, Convolution, Dense, Flatten, Init, LayerSpec, Network, NetworkSpec,
    Reduction, Residual, Stored, TransposedConvolution, named_network,
};
use mixwell::{Points, Stream};

use super::data::folder_with;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks").join(name)
}

fn read(name: &str) -> NamedArrays {
    NamedArrays::read(&path(name)).unwrap_or_else(|e| panic!("{e}"))
}

/// The numbers that the script gives every array.
fn values(n: usize, first: usize) -> Vec<f64> {
    (first..first + n).map(|i| ((7 * i + 3) % 11) as f64 / 4.0 - 1.25).collect()
}

fn names(arrays: &NamedArrays) -> Vec<&str> {
    arrays.iter().map(|a| a.name.as_str()).collect()
}

/// The small network, under its own names.
fn is_small(arrays: &NamedArrays) {
    assert_eq!(names(arrays), ["0.weight", "0.bias", "1.running_var", "1.num_batches_tracked"]);
    let number = |name: &str, shape: &[usize]| arrays.with_shape(name, shape).unwrap().values.clone();
    assert_eq!(number("0.weight", &[4, 1, 3, 3]).to_f64(), values(36, 0));
    assert_eq!(number("0.bias", &[4]).to_f64(), values(4, 0));
    assert_eq!(number("1.running_var", &[4]).to_f64(), values(4, 3));
    assert_eq!(number("1.num_batches_tracked", &[]), ArrayValues::I64(vec![-2]));
    assert_eq!(arrays.get("0.weight").unwrap().element, ElementType::F32);
    assert_eq!(arrays.n_parameters(), 44);
}

#[test]
fn checkpoints_of_both_layouts() {
    for (name, kind) in [
        ("state_dict.pth", ArrayFileKind::TorchZip),
        ("deflated.pth", ArrayFileKind::TorchZip),
        ("legacy.pth", ArrayFileKind::TorchLegacy),
    ] {
        let arrays = read(name);
        assert_eq!(arrays.kind(), kind, "{name}");
        is_small(&arrays);
        assert!(arrays.skipped().is_empty());
    }
    is_small(&read("legacy_v1.th").select("state_dict").unwrap());
    is_small(&read("pair.pth").select("0").unwrap());
    is_small(&read("pair_legacy.pth").select("0").unwrap());
}

#[test]
fn a_dictionary_of_more_than_weights() {
    let arrays = read("lightning.ckpt");
    is_small(&arrays.select("state_dict").unwrap().strip("module."));
    assert_eq!(arrays.get("optimizer_states.0.state.0.exp_avg").unwrap().values.to_f64(), values(4, 0));
    let skipped: Vec<(&str, &str, bool)> =
        arrays.skipped().iter().map(|s| (s.name.as_str(), s.what.as_str(), s.opaque)).collect();
    assert!(skipped.contains(&("epoch", "a number", false)), "{skipped:?}");
    assert!(skipped.contains(&("hyper_parameters", "argparse.Namespace", true)), "{skipped:?}");
    let e = arrays.select("").unwrap_err().to_string();
    assert!(e.contains("`hyper_parameters`") && e.contains("argparse.Namespace"), "{e}");
}

#[test]
fn every_type_and_every_view() {
    let arrays = read("kinds.pt");
    for (name, element) in [
        ("float", ElementType::F32),
        ("double", ElementType::F64),
        ("half", ElementType::F16),
        ("bfloat16", ElementType::BF16),
        ("long", ElementType::I64),
        ("int", ElementType::I32),
        ("short", ElementType::I16),
        ("char", ElementType::I8),
        ("byte", ElementType::U8),
        ("bool", ElementType::Bool),
    ] {
        let array = arrays.with_shape(name, &[5]).unwrap();
        assert_eq!(array.element, element);
        let whole = |shift| values(5, 0).iter().map(|v| 4.0 * v + shift).collect::<Vec<f64>>();
        let expected = match element {
            ElementType::Bool => whole(5.0).iter().map(|v| f64::from(u8::from(*v != 0.0))).collect(),
            ElementType::U8 => whole(5.0),
            other if other.is_float() => values(5, 0),
            _ => whole(0.0),
        };
        assert_eq!(array.values.to_f64(), expected, "{name}");
    }
    let all = values(12, 0);
    let view = |name: &str, shape: &[usize]| arrays.with_shape(name, shape).unwrap().values.to_f64();
    let turned: Vec<f64> = (0..12).map(|i| all[i / 4 + 3 * (i % 4)]).collect();
    assert_eq!(view("transposed", &[3, 4]), turned);
    assert_eq!(view("part", &[2, 2]), [1, 3, 5, 7].map(|i| all[i]));
    assert_eq!(view("repeated", &[3, 2]), [4, 5, 4, 5, 4, 5].map(|i| all[i]));
    assert_eq!(view("empty", &[0, 3]), [0.0; 0]);
    assert_eq!(view("parameter", &[2]), values(2, 0));
}

#[test]
fn spectral_norm_is_folded() {
    let arrays = read("spectral.pth").fold_spectral_norm(|_| false).unwrap();
    assert_eq!(names(&arrays), ["0.weight"]);
    let (w, u, v) = (values(6, 0), [-0.6f32, 0.8].map(f64::from), [-0.5, 0.5, -0.5]);
    let sigma: f64 = (0..6).map(|i| u[i / 3] * w[i] * v[i % 3]).sum();
    for (found, w) in arrays.get("0.weight").unwrap().values.to_f64().iter().zip(w) {
        assert!((found - w / sigma).abs() <= 1e-6 * (w / sigma).abs());
    }
}

#[test]
fn arrays_of_numpy() {
    for (name, kind) in [("arrays.npz", ArrayFileKind::Npz), ("arrays_deflated.npz", ArrayFileKind::Npz)] {
        let arrays = read(name);
        assert_eq!(arrays.kind(), kind);
        assert_eq!(names(&arrays), ["l0/W", "l0/b", "turned", "big", "count", "mask"]);
        let number = |name: &str, shape: &[usize]| arrays.with_shape(name, shape).unwrap().values.to_f64();
        assert_eq!(number("l0/W", &[2, 3]), values(6, 0));
        assert_eq!(number("l0/b", &[3]), values(3, 0));
        assert_eq!(number("turned", &[2, 3]), values(6, 0));
        assert_eq!(number("big", &[2]), values(2, 0));
        assert_eq!(number("count", &[]), [42.0]);
        assert_eq!(number("mask", &[2]), [1.0, 0.0]);
    }
    assert_eq!(read("matrix.npy").with_shape("arr_0", &[2, 3]).unwrap().values.to_f64(), values(6, 0));
}

#[test]
fn safetensors_with_their_metadata() {
    let arrays = read("arrays.safetensors");
    assert_eq!(names(&arrays), ["conv.weight", "conv.bias", "steps"]);
    assert_eq!(arrays.with_shape("conv.weight", &[2, 1, 3, 3]).unwrap().values.to_f64(), values(18, 0));
    assert_eq!(arrays.get("conv.bias").unwrap().values, ArrayValues::F64(values(2, 0)));
    assert_eq!(arrays.get("steps").unwrap().values, ArrayValues::I64(vec![7]));
    assert_eq!(arrays.metadata()["kind"], "critic");
}

#[test]
fn a_command_in_a_checkpoint_is_refused_by_its_name() {
    let e = NamedArrays::read(&path("command.pth")).unwrap_err();
    assert!(e.is_input());
    let text = e.to_string();
    for word in ["command.pth", "`state_dict`", "posix.system", "state_dict()"] {
        assert!(text.contains(word), "{text}");
    }
    let ImportError::InFile { error, .. } = e else { panic!("{e}") };
    assert!(matches!(*error, ImportError::Global { .. }));
}

#[test]
fn other_files_are_refused_by_what_they_are() {
    let reason = |bytes: &[u8]| NamedArrays::from_bytes(bytes).unwrap_err().to_string();
    assert!(reason(b"").contains("it is empty"));
    assert!(reason(b"\x80\x02}.").contains("bare Python pickle"));
    assert!(reason(b"\x89HDF\r\n\x1a\n").contains("HDF5"));
    assert!(reason(b"# Weights\n").contains("PyTorch checkpoints"));
    let missing = NamedArrays::read(Path::new("no/such.pth")).unwrap_err().to_string();
    assert!(missing.contains("no/such.pth") && missing.contains("check the path"), "{missing}");
}

/// A network with nested blocks, running statistics, and convolutions of both kinds.
fn described(name: bool) -> NetworkSpec {
    let block = Residual {
        main: vec![
            Convolution::new(6, 3, 2, 1).without_bias().into(),
            BatchNorm::default().into(),
            Residual { main: vec![Convolution::new(6, 1, 1, 0).into()], skip: vec![] }.into(),
            Activation::Swish.into(),
        ],
        skip: vec![
            AveragePool { size: 2, stride: None, reduction: Reduction::Mean }.into(),
            Convolution::new(6, 1, 1, 0).into(),
        ],
    };
    let mut spec = NetworkSpec::new(&[2, 4, 4])
        .with(block)
        .with(TransposedConvolution::new(3, 3, 1, 1))
        .with(Activation::LeakyRelu(0.2))
        .with(Flatten {})
        .with(Dense::new(2));
    if name && let Some(LayerSpec::Dense(dense)) = spec.layers.last_mut() {
        dense.name = Some("fc".into());
    }
    spec
}

fn random<T: Stored>(spec: &NetworkSpec) -> Network<T> {
    let mut stream = Stream::new(3, 0);
    let mut network = Network::new(spec, Init::Uniform, &mut stream).unwrap();
    // Running variances stay positive.
    network.update(|p| p.iter_mut().for_each(|p| *p += T::from_f64(0.1 * stream.uniform())));
    network
}

/// Values at some points, in full precision.
fn values_of<T: Stored>(network: &Network<T>) -> Vec<f64> {
    let mut x = Points::zeros(5, network.dim());
    Stream::new(4, 0).fill_normal(x.data_mut());
    let mut y = Points::zeros(5, network.n_out());
    network.values(x.as_batch(), y.as_batch_mut());
    y.data().to_vec()
}

#[test]
fn a_network_comes_back_from_its_file_in_either_precision() {
    for spec in [described(false), described(true), named_network("toy").unwrap()] {
        let single = random::<f32>(&spec);
        let file = single.to_safetensors();
        assert_eq!(file, single.clone().to_safetensors());
        let read = Network::<f32>::from_bytes(&file).unwrap();
        assert_eq!((read.params(), values_of(&read)), (single.params(), values_of(&single)));
        // Nothing is lost on the way to f64, and what came from f32 goes back to it.
        let wide = Network::<f64>::from_bytes(&file).unwrap();
        assert!(wide.params().iter().zip(single.params()).all(|(w, s)| *w == f64::from(*s)));
        let narrow = Network::<f32>::from_bytes(&wide.to_safetensors()).unwrap();
        assert_eq!(narrow.params(), single.params());
        let double = random::<f64>(&spec);
        let rounded = Network::<f32>::from_bytes(&double.to_safetensors()).unwrap();
        assert!(rounded.params().iter().zip(double.params()).all(|(r, d)| *r == *d as f32));
    }
}

#[test]
fn names_are_those_of_the_description_where_all_layers_have_one() {
    let mut spec = NetworkSpec::dense(2, &[3], 1, Activation::Tanh);
    let arrays = |spec: &NetworkSpec| NamedArrays::from_bytes(&random::<f32>(spec).to_safetensors()).unwrap();
    assert_eq!(names(&arrays(&spec)), ["weight.0", "bias.0", "weight.1", "bias.1"]);
    assert_eq!(arrays(&spec).network(), Some(&spec));
    for (layer, name) in [(0, "encoder.0"), (2, "fc")] {
        if let LayerSpec::Dense(dense) = &mut spec.layers[layer] {
            dense.name = Some(name.into());
        }
    }
    let named = arrays(&spec);
    assert_eq!(names(&named), ["encoder.0.weight", "encoder.0.bias", "fc.weight", "fc.bias"]);
    assert_eq!(named.network(), Some(&spec));
    // One name alone is of no use, and two arrays cannot share one.
    for (layer, name) in [(0, None), (2, Some("encoder.0".to_string()))] {
        let mut other = spec.clone();
        if let LayerSpec::Dense(dense) = &mut other.layers[layer] {
            dense.name = name;
        }
        assert_eq!(names(&arrays(&other)), ["weight.0", "bias.0", "weight.1", "bias.1"]);
    }
}

#[test]
fn a_description_that_does_not_fit_its_file_is_refused() {
    let file = random::<f32>(&NetworkSpec::dense(2, &[3], 1, Activation::Tanh)).to_safetensors();
    for (from, to, word) in [
        ("\"units\\\":3", "\"units\\\":4", "has the shape [3, 2]"),
        ("\"mixwell.format\":\"1\"", "\"mixwell.format\":\"2\"", "its format is 2"),
        ("[2]", "[3]", "has the shape [3, 2]"),
        ("tanh", "tank", "tank"),
        ("mixwell.network", "mixwell.nothing", "give a description"),
    ] {
        let mut other = file.clone();
        let at =
            file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap_or_else(|| panic!("{from}"));
        other[at..at + from.len()].copy_from_slice(to.as_bytes());
        let e = Network::<f32>::from_bytes(&other).unwrap_err();
        assert!(e.is_input() && e.to_string().contains(word), "{from}: {e}");
    }
    let e = Network::<f32>::read(&path("arrays.safetensors")).unwrap_err().to_string();
    assert!(e.contains("arrays.safetensors") && e.contains("give a description"), "{e}");
}

#[test]
fn a_short_file_cannot_ask_for_a_large_network() {
    let spec = |text: &str| toml::from_str::<NetworkSpec>(text).unwrap();
    let dense = "input = [100000]\n[[layers]]\nkind = \"dense\"\nunits = 100000000";
    let wide = "input = [1, 4000, 4000]\n[[layers]]\nkind = \"convolution\"\nchannels = 1\nkernel = 1000";
    for text in [dense, wide] {
        let (small, large) = (NetworkSpec::dense(1, &[], 1, Activation::Relu), spec(text));
        let from = serde_json::to_string(&serde_json::to_string(&small).unwrap()).unwrap();
        let to = serde_json::to_string(&serde_json::to_string(&large).unwrap()).unwrap();
        let file = random::<f32>(&small).to_safetensors();
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let text = String::from_utf8(file[8..8 + header].to_vec()).unwrap();
        // Keys of an object may stand in any order.
        let (own, other): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&from).unwrap(), serde_json::from_str(&to).unwrap());
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let place = &mut json["__metadata__"]["mixwell.network"];
        assert_eq!(
            serde_json::from_str::<NetworkSpec>(place.as_str().unwrap()).unwrap(),
            serde_json::from_str::<NetworkSpec>(own.as_str().unwrap()).unwrap()
        );
        *place = other;
        let mut text = json.to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let file = [&(text.len() as u64).to_le_bytes()[..], &text, &file[8 + header..]].concat();
        let e = Network::<f32>::from_bytes(&file).unwrap_err().to_string();
        assert!(e.contains("its network would take more than"), "{e}");
        // Nor may a description of one's own ask for more than there is.
        let e = Network::<f32>::new(&large, Init::Uniform, &mut Stream::new(0, 0)).unwrap_err().to_string();
        assert!(e.contains("are free"), "{e}");
    }
}

#[test]
fn a_file_of_anything_else_is_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("energy.safetensors");
    let network = random::<f64>(&described(true));
    network.write(&file).unwrap();
    assert_eq!(Network::<f64>::read(&file).unwrap().params(), network.params());
    let missing = Network::<f32>::read(&folder.path().join("none")).unwrap_err().to_string();
    assert!(missing.contains("check the path"), "{missing}");
}

/// Checkpoints of others: the key of the weights, how many arrays and parameters, and one of the arrays with its shape.
type Outside = (&'static str, &'static str, usize, usize, &'static str, &'static [usize]);
const OUTSIDE: [Outside; 22] = [
    (
        "classifiers/cifar10_resnet/resnet20.th",
        "state_dict.module",
        97,
        271_098,
        "layer3.2.conv2.weight",
        &[64, 64, 3, 3],
    ),
    ("classifiers/cifar10_resnet/resnet56.th", "state_dict.module", 277, 857_082, "linear.weight", &[10, 64]),
    ("ebm/mnist_deep_ebm.ckpt", "state_dict.cnn.cnn_layers", 12, 76_993, "2.weight", &[32, 16, 3, 3]),
    ("flow/mnist_flow_simple.ckpt", "state_dict.flows", 192, 562_584, "1.mask", &[1, 1, 28, 28]),
    (
        "gan/classifier_lenet5_mnist/lenet_epoch_12_test_acc_0.991.pth",
        "",
        10,
        61_706,
        "convnet.c1.weight",
        &[6, 1, 5, 5],
    ),
    ("gan/dot_25gaussians_wgan/dot_D_25gaussians.npz", "", 8, 527_361, "l1/W", &[512, 2]),
    ("gan/dot_25gaussians_wgan/dot_G_25gaussians.npz", "", 8, 132_866, "l1/W", &[256, 256]),
    ("gan/fashion_dcgan_fc/discriminator.pth", "", 11, 139_073, "fc.1.weight", &[1, 6272]),
    ("gan/fashion_dcgan_fc/generator.pth", "", 16, 790_977, "deconv.0.weight", &[128, 64, 4, 4]),
    ("gan/mnist_mlp/D--300.ckpt", "", 6, 267_009, "0.weight", &[256, 784]),
    ("gan/mnist_mlp/G--300.ckpt", "", 6, 283_920, "4.weight", &[784, 256]),
    ("gan/mnist_wgan_gp_conv/critic.pth", "", 16, 135_105, "crit.1.0.weight", &[128, 64, 4, 4]),
    ("gan/mnist_wgan_gp_conv/generator.pth", "", 23, 748_737, "gen.0.0.weight", &[64, 256, 3, 3]),
    ("gan/toy_243gaussians_5d_js/discriminator.pth", "", 8, 528_897, "layers.2.weight", &[512, 512]),
    ("gan/toy_243gaussians_5d_js/generator.pth", "", 8, 134_405, "layers.2.weight", &[256, 256]),
    ("gan/toy_25gaussians_js/discriminator.pth", "", 10, 30_701, "layers.2.weight", &[100, 100]),
    ("gan/toy_25gaussians_js/generator.pth", "", 10, 30_802, "layers.2.weight", &[100, 100]),
    ("gan/toy_25gaussians_wgan/discriminator.pth", "", 8, 132_609, "layers.2.weight", &[256, 256]),
    ("gan/toy_25gaussians_wgan/generator.pth", "", 8, 33_666, "layers.2.weight", &[128, 128]),
    ("gan/toy_swissroll_wgan/discriminator.pth", "", 8, 132_609, "layers.2.weight", &[256, 256]),
    ("gan/toy_swissroll_wgan/generator.pth", "", 8, 33_666, "layers.2.weight", &[128, 128]),
    ("gan/vae_mnist/vae_epoch_25.pth", "", 10, 652_824, "fc21.weight", &[20, 400]),
];

#[test]
fn checkpoints_of_others() {
    let mut wrong = vec![];
    for (file, key, count, parameters, name, shape) in OUTSIDE {
        let Some(folder) = folder_with(file) else { continue };
        let all = NamedArrays::read(&folder.join(file)).unwrap_or_else(|e| panic!("{e}"));
        let arrays = all.select(key).unwrap_or_else(|e| panic!("{file}: {e}"));
        if (arrays.len(), arrays.n_parameters()) != (count, parameters)
            || arrays.with_shape(name, shape).is_err()
        {
            wrong.push(format!("{file}: {} {} {:?}", arrays.len(), arrays.n_parameters(), names(&arrays)));
        }
        for array in &arrays {
            assert!(array.values.to_f64().iter().all(|v| v.is_finite()), "{file}: {}", array.name);
            assert_eq!(array.values.len(), array.shape.iter().product::<usize>());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
