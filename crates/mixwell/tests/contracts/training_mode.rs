//! Networks in training: batch normalisation with the statistics of the batch and spectral normalisation, against PyTorch and against
//! finite differences; the same bits for any number of threads.

use super::layers::{gradient_fault, network, points, values};
use mixwell::net::import::NamedArrays;
use mixwell::net::{
    Activation, BatchNorm, Convolution, Dense, Flatten, Gate, Init, LayerSpec, Model, Network, NetworkSpec,
    Residual, TransposedConvolution,
};
use mixwell::{Points, Stream};
use serde_json::Value;

/// `sum c y` in training, and its gradient.
fn pass(network: &Network<f64>, x: &Points, c: &Points, gradient: &mut [f64]) -> f64 {
    let loss = |y: mixwell::Batch<'_>, mut dy: mixwell::BatchMut<'_>| {
        dy.data_mut().copy_from_slice(c.data());
        y.data().iter().zip(c.data()).map(|(y, c)| y * c).sum()
    };
    network.training_pass(x.as_batch(), loss, gradient)
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn compare(name: &str, spec: &NetworkSpec) {
    let reference: Value = serde_json::from_str(include_str!("../data/networks/training.json")).unwrap();
    let reference = &reference[name];
    let mut network = Network::<f64>::new(spec, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    let params = numbers(&reference["params"]);
    network.update(|p| p.copy_from_slice(&params));
    let x = Points::from_vec(numbers(&reference["x"]), network.dim());
    let c = Points::from_vec(numbers(&reference["c"]), network.n_out());
    let mut gradient = vec![0.0; params.len()];
    let loss = pass(&network, &x, &c, &mut gradient);
    let want = reference["loss"].as_f64().unwrap();
    assert!((loss - want).abs() < 1e-11, "{name}: {loss} instead of {want}");
    for array in Model::layout(&network) {
        let (found, want) = (&gradient[array.offset..array.end()], numbers(&reference["gradient"]));
        for (found, want) in found.iter().zip(&want[array.offset..array.end()]) {
            assert!((found - want).abs() < 1e-10, "{name}, {}: {found} instead of {want}", array.name);
        }
    }
}

#[test]
fn training_gives_the_numbers_of_pytorch() {
    let statistics = BatchNorm { epsilon: 1e-3, momentum: 0.3, ..BatchNorm::default() };
    let spec = NetworkSpec::new(&[2, 5, 5])
        .with(Convolution::new(3, 3, 1, 1))
        .with(BatchNorm::default())
        .with(Activation::Relu)
        .with(Convolution::new(4, 3, 2, 0))
        .with(statistics)
        .with(Activation::LeakyRelu(0.2))
        .with(Flatten {})
        .with(Dense::new(3));
    compare("batch_norm", &spec);
    let spec = NetworkSpec::new(&[2, 5, 5])
        .with(Convolution { spectral_norm: true, ..Convolution::new(3, 3, 1, 1) })
        .with(Activation::Tanh)
        .with(TransposedConvolution { spectral_norm: true, ..TransposedConvolution::new(2, 3, 2, 0) })
        .with(Activation::Tanh)
        .with(Flatten {})
        .with(Dense { spectral_norm: true, ..Dense::new(2) });
    compare("spectral_norm", &spec);
}

#[test]
fn spectral_normalisation_takes_the_arrays_of_others() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks/spectral.pth");
    let arrays = NamedArrays::read(&file).unwrap();
    let layer = Dense { bias: false, spectral_norm: true, name: Some("0".into()), ..Dense::new(2) };
    let spec = NetworkSpec::new(&[3]).with(layer);
    let mut network = Network::<f64>::new(&spec, Init::Uniform, &mut Stream::new(0, 0)).unwrap();
    assert_eq!(network.load(&arrays).unwrap(), ["0.weight_v"]);
    let [w, u] = [("0.weight_orig", vec![2, 3]), ("0.weight_u", vec![2])]
        .map(|(name, shape)| arrays.with_shape(name, &shape).unwrap().values.to_f64());
    assert_eq!(network.params(), [w.clone(), u.clone()].concat());
    // One step of the power iteration by hand.
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let v: Vec<f64> = (0..3).map(|j| u[0] * w[j] + u[1] * w[3 + j]).collect();
    let v: Vec<f64> = v.iter().map(|x| x / norm(&v)).collect();
    let sigma = norm(&[0, 1].map(|i| (0..3).map(|j| w[3 * i + j] * v[j]).sum::<f64>()));
    let y = values(&network, Points::from_rows(&[[1.0, 0.0, 0.0]]).as_batch());
    for (found, w) in y.row(0).iter().zip([w[0], w[3]]) {
        assert!((found - w / sigma).abs() < 1e-14, "{found} instead of {}", w / sigma);
    }
}

/// Layers of every kind, some of them within others.
fn mixed() -> NetworkSpec {
    let norm = || LayerSpec::from(BatchNorm::default());
    let block = Residual {
        main: vec![norm(), Activation::Swish.into(), Convolution::new(8, 3, 1, 1).into(), Gate {}.into()],
        skip: vec![Convolution::new(4, 1, 1, 0).into(), norm()],
    };
    NetworkSpec::new(&[3, 4, 5])
        .with(Convolution { spectral_norm: true, ..Convolution::new(4, 3, 1, 1) })
        .with(block)
        .with(BatchNorm { affine: false, ..BatchNorm::default() })
        .with(Activation::Tanh)
        .with(Flatten {})
        .with(Dense { spectral_norm: true, ..Dense::new(2) })
}

#[test]
fn gradients_count_that_statistics_follow_the_batch() {
    let mut stream = Stream::new(8, 0);
    for rows in [2, 7, 70] {
        let mut network = network(&mixed(), &mut stream);
        let (x, c) = (points(rows, network.dim(), &mut stream), points(rows, 2, &mut stream));
        // Where the power iteration stands still, sigma is the largest singular value, and its derivative that with u and v fixed.
        let us: Vec<_> =
            Model::layout(&network).iter().filter(|a| a.name.contains("weight_u")).cloned().collect();
        for _ in 0..400 {
            let mut away = vec![0.0; network.params().len()];
            pass(&network, &x, &c, &mut away);
            network.update(|p| us.iter().flat_map(|u| u.offset..u.end()).for_each(|i| p[i] -= away[i]));
        }
        let mut gradient = vec![0.0; network.params().len()];
        pass(&network, &x, &c, &mut gradient);
        // What the running statistics of the first layer within are to lose is not their derivative, which is zero.
        let statistics: Vec<_> = Model::layout(&network).iter().filter(|a| a.is_statistic).collect();
        assert_eq!(statistics.len(), 2 + 3 * 2);
        for array in &statistics {
            let own = &mut gradient[array.offset..array.end()];
            assert!(array.name.contains("weight_u") || own.iter().any(|g| *g != 0.0), "{}", array.name);
            own.fill(0.0);
        }
        let loss = |network: &Network<f64>| pass(network, &x, &c, &mut vec![0.0; network.params().len()]);
        let fault = gradient_fault(&network, &gradient, loss);
        assert_eq!(fault, None, "{rows} rows");
        // In evaluation the same numbers are wrong.
        let y = values(&network, x.as_batch());
        let evaluated: f64 = y.data().iter().zip(c.data()).map(|(y, c)| y * c).sum();
        assert!((evaluated - loss(&network)).abs() > 1e-3);
    }
}

#[test]
fn a_network_without_statistics_gives_evaluation_and_no_bit_depends_on_threads() {
    let mut stream = Stream::new(9, 0);
    let dense = NetworkSpec::dense(6, &[70, 80], 3, Activation::Relu);
    let normed = NetworkSpec::new(&[3, 8, 8])
        .with(Convolution::new(40, 3, 1, 1))
        .with(BatchNorm::default())
        .with(Activation::Relu)
        .with(Convolution::new(4, 3, 1, 0));
    for spec in [dense, normed] {
        let network = network(&spec, &mut stream);
        let rows = 700;
        let (x, c) = (points(rows, network.dim(), &mut stream), points(rows, network.n_out(), &mut stream));
        let under = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut gradient = vec![0.0; network.params().len()];
            let loss = pool.install(|| pass(&network, &x, &c, &mut gradient));
            (loss, gradient)
        };
        let one = under(1);
        assert!(one == under(3));
        if !Model::layout(&network).iter().any(|a| a.is_statistic) {
            let mut gradient = vec![0.0; network.params().len()];
            network.parameter_pullback(x.as_batch(), c.as_batch(), &mut gradient);
            assert!(gradient == one.1);
        }
    }
}
