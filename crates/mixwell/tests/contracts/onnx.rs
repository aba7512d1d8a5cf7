//! ONNX files: those that PyTorch exported (`tests/data/networks/onnx/make.py`) give PyTorch's values and gradients, those that we
//! write come back as they were, and what is not understood is refused by its name.

use std::path::{Path, PathBuf};

use mixwell::net::import::{ArrayFileKind, ImportError, NamedArrays};
use mixwell::net::{
    Activation, AveragePool, BatchNorm, ChannelNorm, ConcatenatedElu, Convolution, Dense, DepthToSpace,
    Flatten, GlobalPool, Init, LayerSpec, MaxPool, Network, NetworkSpec, Padding, Reduction, Reshape,
    Residual, SpaceToDepth, Stored, Subsample, TransposedConvolution, Upsample, Upsampling, named_network,
};
use mixwell::{Points, Stream};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks/onnx").join(name)
}

/// An array with its rows.
fn points(arrays: &NamedArrays, name: &str) -> Points {
    let array = arrays.get(name).unwrap();
    let dim = array.shape[1..].iter().product();
    Points::from_vec(array.values.to_f64(), dim)
}

/// The largest difference, relative to the largest number.
fn difference(found: &[f64], want: &[f64]) -> f64 {
    assert_eq!(found.len(), want.len());
    let scale = want.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
    found.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale
}

/// Differences of values and gradients from PyTorch's.
fn errors<T: Stored>(file: &str, reference: &NamedArrays) -> [f64; 2] {
    let network = Network::<T>::read(&path(file)).unwrap_or_else(|e| panic!("{e}"));
    let [x, c] = ["x", "c"].map(|name| points(reference, name));
    let (mut y, mut dx) = (c.clone(), x.clone());
    network.values(x.as_batch(), y.as_batch_mut());
    network.pullback(x.as_batch(), c.as_batch(), dx.as_batch_mut());
    [
        difference(y.data(), &reference.get("y").unwrap().values.to_f64()),
        difference(dx.data(), &reference.get("gradient").unwrap().values.to_f64()),
    ]
}

#[test]
fn networks_of_pytorch_give_its_values_and_gradients() {
    for name in ["dense", "shared", "convolutional", "residual", "generator"] {
        let reference = NamedArrays::read(&path(&format!("{name}.npz"))).unwrap();
        for file in [format!("{name}.onnx"), format!("{name}_dynamo.onnx")] {
            let (single, double) = (errors::<f32>(&file, &reference), errors::<f64>(&file, &reference));
            assert!(single.iter().all(|e| *e < 1e-5), "{file}: {single:?}");
            // Weights were rounded to single precision where PyTorch has folded a batch norm into them, and nowhere else.
            assert!(double.iter().all(|e| *e < 1e-6), "{file}: {double:?}");
        }
    }
}

#[test]
fn what_was_read_keeps_names_and_blocks() {
    let arrays = NamedArrays::read(&path("residual.onnx")).unwrap();
    assert_eq!(arrays.kind(), ArrayFileKind::Onnx);
    assert_eq!(arrays.metadata()["producer"], "pytorch");
    assert_eq!(arrays.get("blocks.0.around.weight").unwrap().shape, [4, 2, 1, 1]);
    let spec = arrays.network().unwrap();
    assert_eq!(spec.input, [2, 8, 8]);
    let blocks: Vec<&Residual> = spec
        .layers
        .iter()
        .filter_map(|l| if let LayerSpec::Residual(b) = l { Some(b) } else { None })
        .collect();
    assert_eq!(blocks.len(), 4, "{spec:?}");
    assert!(blocks[0].skip.len() == 2 && blocks[1].skip.is_empty());
    assert!(matches!(&blocks[2].main[..], [.., LayerSpec::Residual(_)]), "{:?}", blocks[2]);
    assert!(
        matches!(&blocks[3].skip[..], [LayerSpec::Subsample(_), LayerSpec::Subsample(_)]),
        "{:?}",
        blocks[3]
    );
    let dense = NamedArrays::read(&path("dense.onnx")).unwrap();
    assert!(dense.network().unwrap().layers.contains(&Activation::Swish.into()));
    assert!(dense.network().unwrap().layers.contains(&Activation::LeakyRelu(0.2).into()));
    assert!(dense.network().unwrap().layers.contains(&Activation::Gelu.into()));
    assert!(spec.layers.contains(&ConcatenatedElu {}.into()));
    assert_eq!(dense.get("first.3.running_mean").unwrap().shape, [16]);
}

/// Every layer that ONNX knows.
fn every_layer() -> Vec<NetworkSpec> {
    let image = |layers: &[LayerSpec]| {
        let mut spec = NetworkSpec::new(&[4, 6, 6]);
        spec.layers = layers.to_vec();
        spec
    };
    let convolution = Convolution::new(4, 3, 1, 1);
    let edge = Convolution { padding_mode: Padding::Edge, ..Convolution::new(3, 5, 2, 2) };
    let transposed = TransposedConvolution { output_padding: 1, ..TransposedConvolution::new(3, 3, 2, 1) };
    let block = Residual {
        main: vec![convolution.clone().into(), Activation::Relu.into(), BatchNorm::default().into()],
        skip: vec![],
    };
    let pooled = Residual {
        main: vec![
            block.clone().into(),
            AveragePool { size: 2, stride: None, reduction: Reduction::Sum }.into(),
        ],
        skip: vec![
            MaxPool { size: 2, stride: None }.into(),
            Convolution::new(4, 1, 1, 0).without_bias().into(),
        ],
    };
    let mut all = vec![
        image(&[convolution.clone().without_bias().into(), Activation::Identity.into()]),
        image(&[edge.into(), BatchNorm { epsilon: 0.01, affine: false, ..BatchNorm::default() }.into()]),
        image(&[transposed.clone().into(), transposed.without_bias().into()]),
        image(&[
            block.into(),
            pooled.into(),
            GlobalPool { reduction: Reduction::Mean }.into(),
            Dense::new(2).into(),
        ]),
        image(&[GlobalPool { reduction: Reduction::Sum }.into(), BatchNorm::default().into()]),
        image(&[
            MaxPool { size: 3, stride: Some(2) }.into(),
            AveragePool { size: 2, stride: Some(1), reduction: Reduction::Mean }.into(),
        ]),
        image(&[
            Upsample { factor: 3, mode: Upsampling::Nearest }.into(),
            Upsample { factor: 2, mode: Upsampling::Bilinear }.into(),
        ]),
        image(&[
            SpaceToDepth { size: 2 }.into(),
            DepthToSpace { size: 4 }.into(),
            Subsample { stride: 5, padding: 2 }.into(),
        ]),
        image(&[
            Reshape { shape: vec![9, 4, 4] }.into(),
            Flatten {}.into(),
            Reshape { shape: vec![1, 12, 12] }.into(),
        ]),
        image(&[
            ConcatenatedElu {}.into(),
            Convolution::new(1, 3, 1, 0).into(),
            Flatten {}.into(),
            ConcatenatedElu {}.into(),
        ]),
        NetworkSpec::dense(3, &[5], 8, Activation::Tanh)
            .with(Reshape { shape: vec![8, 1, 1] })
            .with(TransposedConvolution::new(2, 4, 1, 0)),
        NetworkSpec::dense(2, &[3], 1, Activation::Relu)
            .with_masks(vec![vec![true, false, true, true, false, false], vec![true, true, false]]),
        NetworkSpec::new(&[3]).with(Residual {
            main: vec![Dense::new(3).into()],
            skip: vec![Dense { bias: false, ..Dense::new(3) }.into()],
        }),
    ];
    let functions = [
        Activation::Relu,
        Activation::LeakyRelu(0.3),
        Activation::Tanh,
        Activation::Swish,
        Activation::LipSwish,
        Activation::Elu(1.3),
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::HardTanh,
        Activation::Gelu,
        Activation::GeluTanh,
    ];
    all.extend(functions.map(|f| NetworkSpec::dense(3, &[4], 2, f).with(f)));
    all.extend(["toy", "nt_ebm_32", "sngan_32_critic"].map(|name| named_network(name).unwrap()));
    all
}

fn random<T: Stored>(spec: &NetworkSpec) -> Network<T> {
    let mut stream = Stream::new(3, 0);
    let mut network = Network::new(spec, Init::Uniform, &mut stream).unwrap();
    // Running statistics and scales that are not 0 and 1; variances stay positive.
    network.update(|p| p.iter_mut().for_each(|p| *p += T::from_f64(0.2 * stream.uniform())));
    network
}

fn values<T: Stored>(network: &Network<T>) -> Vec<f64> {
    let mut x = Points::zeros(3, network.dim());
    Stream::new(4, 0).fill_normal(x.data_mut());
    let mut y = Points::zeros(3, network.n_out());
    network.values(x.as_batch(), y.as_batch_mut());
    y.data().to_vec()
}

#[test]
fn every_layer_comes_back_from_onnx() {
    for spec in every_layer() {
        let single = random::<f32>(&spec);
        let file = single.to_onnx().unwrap_or_else(|e| panic!("{e}"));
        let read = Network::<f32>::from_bytes(&file).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
        let error = difference(&values(&read), &values(&single));
        assert!(error < 1e-6, "{spec:?}: {error:e}");
        let double = random::<f64>(&spec);
        let read = Network::<f64>::from_bytes(&double.to_onnx().unwrap()).unwrap();
        let error = difference(&values(&read), &values(&double));
        // Settings of nodes are of single precision.
        assert!(error < 1e-7, "{spec:?}: {error:e}");
        // A description that was read is written again as it is, and read as it is.
        let again = Network::<f64>::from_bytes(&read.to_onnx().unwrap()).unwrap();
        assert_eq!(again.spec(), read.spec());
        assert_eq!(Network::<f64>::from_bytes(&read.to_safetensors()).unwrap().params(), read.params());
    }
}

#[test]
fn lists_of_layers_come_back_as_they_were() {
    for spec in [
        NetworkSpec::dense(3, &[4, 5], 2, Activation::Swish).with(Activation::LipSwish),
        NetworkSpec::new(&[2, 8, 8])
            .with(Convolution::new(4, 3, 2, 1))
            .with(BatchNorm::default())
            .with(Activation::LeakyRelu(0.1))
            .with(Residual { main: vec![Convolution::new(4, 1, 1, 0).into()], skip: vec![] })
            .with(SpaceToDepth { size: 2 })
            .with(Flatten {})
            .with(Dense::new(1)),
    ] {
        let read = NamedArrays::from_bytes(&random::<f32>(&spec).to_onnx().unwrap()).unwrap();
        let mut json = serde_json::to_value(read.network().unwrap()).unwrap();
        fn unname(value: &mut serde_json::Value) {
            if let Some(object) = value.as_object_mut() {
                object.remove("name");
                object.values_mut().for_each(unname);
            } else if let Some(list) = value.as_array_mut() {
                list.iter_mut().for_each(unname);
            }
        }
        unname(&mut json);
        assert_eq!(serde_json::from_value::<NetworkSpec>(json).unwrap(), spec);
    }
}

/// The file with one text in place of another of the same length.
fn changed(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut other = file.to_vec();
    let mut found = false;
    for at in 0..=file.len() - from.len() {
        if &file[at..at + from.len()] == from {
            other[at..at + from.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found, "{}", from.escape_ascii());
    other
}

#[test]
fn what_is_not_understood_is_refused_by_operator_and_node() {
    let file = std::fs::read(path("convolutional.onnx")).unwrap();
    let refused = |data: &[u8], words: &[&str]| {
        let e = NamedArrays::from_bytes(data).unwrap_err();
        let text = e.to_string();
        assert!(e.is_input() && words.iter().all(|w| text.contains(w)), "{text}");
        e
    };
    let e = refused(
        &changed(&file, b"\x22\x04Relu", b"\x22\x04Mish"),
        &["`Mish`", "`/body/body.2/Relu`", "no layer"],
    );
    assert!(matches!(e, ImportError::Operator { .. }));
    refused(&changed(&file, b"\x0a\x05alpha", b"\x0a\x05omega"), &["`LeakyRelu`", "`omega` is not known"]);
    refused(&changed(&file, b"\x0a\x05group\x18\x01", b"\x0a\x05group\x18\x02"), &["`Conv`", "`group` is 2"]);
    refused(
        &changed(&file, b"\x0a\x04pads@\x01@\x01@\x01@\x01", b"\x0a\x04pads@\x01@\x01@\x02@\x01"),
        &["`pads` is [1, 1, 2, 1]"],
    );
    refused(&changed(&file, b"\x22\x04Relu", b"\x22\x04Loop"), &["`Loop`"]);
    let e = refused(&file[..file.len() - 7], &[]);
    assert!(e.to_string().len() < 300, "{e}");
}

#[test]
fn a_layer_that_is_not_written_is_named() {
    let block = Residual { main: vec![Dense::new(3).into(), ChannelNorm::default().into()], skip: vec![] };
    let spec = NetworkSpec::new(&[3]).with(Activation::Tanh).with(block);
    let e = random::<f32>(&spec).to_onnx().unwrap_err().to_string();
    assert!(e.contains("layers.1.main.1") && e.contains("`channel_norm`"), "{e}");
}
