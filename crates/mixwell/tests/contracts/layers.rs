//! Every layer of a network: values against slow loops over pixels, gradients against finite differences, threads and company
//! without effect, and a wrong layer that must fail.

use mixwell::net::{
    ActNorm, Activation, AveragePool, BatchNorm, ChannelNorm, ConcatenatedElu, Convolution, Dense,
    DepthToSpace, Flatten, Gate, GlobalPool, Init, LayerSpec, MaxPool, Model, Network, NetworkSpec, Padding,
    Reduction, Reshape, Residual, SpaceToDepth, Subsample, TransposedConvolution, Upsample, Upsampling,
};
use mixwell::{Batch, Points, Stream};
use proptest::prelude::*;

/// An image outside a network: `channels x height x width`.
#[derive(Clone, Debug)]
struct Image {
    shape: [usize; 3],
    values: Vec<f64>,
}

impl Image {
    fn zeros(shape: [usize; 3]) -> Self {
        Self { shape, values: vec![0.0; shape.iter().product()] }
    }

    fn make(shape: [usize; 3], value: impl Fn(usize, usize, usize) -> f64) -> Self {
        let mut image = Self::zeros(shape);
        for c in 0..shape[0] {
            for i in 0..shape[1] {
                for j in 0..shape[2] {
                    image.values[(c * shape[1] + i) * shape[2] + j] = value(c, i, j);
                }
            }
        }
        image
    }

    fn at(&self, c: usize, i: usize, j: usize) -> f64 {
        self.values[(c * self.shape[1] + i) * self.shape[2] + j]
    }
}

/// Parameters in the order of the layout, taken one array after the other.
struct Arrays<'a>(&'a [f64]);

impl<'a> Arrays<'a> {
    fn take(&mut self, n: usize) -> &'a [f64] {
        let (own, rest) = self.0.split_at(n);
        self.0 = rest;
        own
    }
}

fn activate(function: Activation, u: f64) -> f64 {
    match function {
        Activation::Identity => u,
        Activation::Relu => u.max(0.0),
        Activation::LeakyRelu(slope) => {
            if u > 0.0 {
                u
            } else {
                slope * u
            }
        }
        Activation::Tanh => u.tanh(),
        Activation::Swish => u / (1.0 + (-u).exp()),
        Activation::LipSwish => u / (1.0 + (-u).exp()) / 1.1,
        Activation::Elu(scale) => {
            if u > 0.0 {
                u
            } else {
                scale * u.exp_m1()
            }
        }
        Activation::Sigmoid => 1.0 / (1.0 + (-u).exp()),
        Activation::Softplus => u.exp().ln_1p(),
        Activation::HardTanh => u.clamp(-1.0, 1.0),
        Activation::Gelu => u * (1.0 - 0.5 * libm::erfc(u / 2f64.sqrt())),
        Activation::GeluTanh => {
            u / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (u + 0.044715 * u.powi(3))).tanh())
        }
    }
}

/// One layer, straight from its definition.
fn slow(layer: &LayerSpec, x: &Image, params: &mut Arrays<'_>) -> Image {
    let [channels, height, width] = x.shape;
    let n = channels * height * width;
    match layer {
        LayerSpec::Dense(d) => {
            let w = params.take(d.units * n);
            let bias = if d.bias { params.take(d.units).to_vec() } else { vec![0.0; d.units] };
            Image::make([d.units, 1, 1], |o, _, _| {
                bias[o] + (0..n).map(|k| w[o * n + k] * x.values[k]).sum::<f64>()
            })
        }
        LayerSpec::Convolution(l) => {
            let (k, p) = (l.kernel, l.padding as isize);
            let w = params.take(l.channels * channels * k * k);
            let bias = if l.bias { params.take(l.channels).to_vec() } else { vec![0.0; l.channels] };
            let size = |n: usize| (n + 2 * l.padding - k) / l.stride + 1;
            let pixel = |c: usize, i: isize, j: isize| {
                let inside = (0..height as isize).contains(&i) && (0..width as isize).contains(&j);
                match l.padding_mode {
                    Padding::Zero if !inside => 0.0,
                    _ => x.at(
                        c,
                        i.clamp(0, height as isize - 1) as usize,
                        j.clamp(0, width as isize - 1) as usize,
                    ),
                }
            };
            Image::make([l.channels, size(height), size(width)], |o, i, j| {
                let mut sum = bias[o];
                for c in 0..channels {
                    for a in 0..k {
                        for b in 0..k {
                            let (i, j) = ((i * l.stride + a) as isize - p, (j * l.stride + b) as isize - p);
                            sum += w[((o * channels + c) * k + a) * k + b] * pixel(c, i, j);
                        }
                    }
                }
                sum
            })
        }
        LayerSpec::TransposedConvolution(l) => {
            let k = l.kernel;
            let w = params.take(channels * l.channels * k * k);
            let bias = if l.bias { params.take(l.channels).to_vec() } else { vec![0.0; l.channels] };
            let size = |n: usize| (n - 1) * l.stride + k + l.output_padding - 2 * l.padding;
            let mut y = Image::make([l.channels, size(height), size(width)], |o, _, _| bias[o]);
            // Every input pixel is stamped onto the output.
            for c in 0..channels {
                for (i, j) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                    for (a, b) in (0..k).flat_map(|a| (0..k).map(move |b| (a, b))) {
                        let place = |i: usize, a: usize| (i * l.stride + a).checked_sub(l.padding);
                        let (Some(u), Some(v)) = (place(i, a), place(j, b)) else { continue };
                        if u < y.shape[1] && v < y.shape[2] {
                            for o in 0..l.channels {
                                let weight = w[((c * l.channels + o) * k + a) * k + b];
                                y.values[(o * y.shape[1] + u) * y.shape[2] + v] += weight * x.at(c, i, j);
                            }
                        }
                    }
                }
            }
            y
        }
        LayerSpec::BatchNorm(l) => {
            let (weight, bias) = if l.affine {
                (params.take(channels).to_vec(), params.take(channels).to_vec())
            } else {
                (vec![1.0; channels], vec![0.0; channels])
            };
            let (mean, variance) = (params.take(channels), params.take(channels));
            Image::make(x.shape, |c, i, j| {
                (x.at(c, i, j) - mean[c]) / (variance[c] + l.epsilon).sqrt() * weight[c] + bias[c]
            })
        }
        LayerSpec::ChannelNorm(l) => {
            let (weight, bias) = if l.affine {
                (params.take(channels).to_vec(), params.take(channels).to_vec())
            } else {
                (vec![1.0; channels], vec![0.0; channels])
            };
            Image::make(x.shape, |c, i, j| {
                let all: Vec<f64> = (0..channels).map(|c| x.at(c, i, j)).collect();
                let mean = all.iter().sum::<f64>() / channels as f64;
                let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / channels as f64;
                (x.at(c, i, j) - mean) / (variance + l.epsilon).sqrt() * weight[c] + bias[c]
            })
        }
        LayerSpec::ActNorm(l) => {
            let (bias, log_scale) = (params.take(channels), params.take(channels));
            let scale = |c: usize| (l.log_scale_factor * log_scale[c]).exp();
            Image::make(x.shape, |c, i, j| (x.at(c, i, j) + bias[c]) * scale(c))
        }
        LayerSpec::Gate(_) => {
            let half = channels / 2;
            Image::make([half, height, width], |c, i, j| {
                x.at(c, i, j) / (1.0 + (-x.at(c + half, i, j)).exp())
            })
        }
        LayerSpec::ConcatenatedElu(_) => Image::make([2 * channels, height, width], |c, i, j| {
            let u = if c < channels { x.at(c, i, j) } else { -x.at(c - channels, i, j) };
            if u > 0.0 { u } else { u.exp_m1() }
        }),
        LayerSpec::AveragePool(l) => {
            let stride = l.stride.unwrap_or(l.size);
            let size = |n: usize| (n - l.size) / stride + 1;
            let by = if l.reduction == Reduction::Sum { 1.0 } else { (l.size * l.size) as f64 };
            Image::make([channels, size(height), size(width)], |c, i, j| {
                let window = (0..l.size).flat_map(|a| (0..l.size).map(move |b| (a, b)));
                window.map(|(a, b)| x.at(c, i * stride + a, j * stride + b)).sum::<f64>() / by
            })
        }
        LayerSpec::MaxPool(l) => {
            let stride = l.stride.unwrap_or(l.size);
            let size = |n: usize| (n - l.size) / stride + 1;
            Image::make([channels, size(height), size(width)], |c, i, j| {
                let window = (0..l.size).flat_map(|a| (0..l.size).map(move |b| (a, b)));
                window.map(|(a, b)| x.at(c, i * stride + a, j * stride + b)).fold(f64::NEG_INFINITY, f64::max)
            })
        }
        LayerSpec::GlobalPool(l) => {
            let by = if l.reduction == Reduction::Sum { 1.0 } else { (height * width) as f64 };
            Image::make([channels, 1, 1], |c, _, _| {
                (0..height * width).map(|p| x.at(c, p / width, p % width)).sum::<f64>() / by
            })
        }
        LayerSpec::Upsample(l) => {
            let f = l.factor;
            Image::make([channels, height * f, width * f], |c, i, j| {
                if l.mode == Upsampling::Nearest {
                    return x.at(c, i / f, j / f);
                }
                // Linear between the centres of pixels, constant beyond the outermost.
                let line = |k: usize, n: usize| {
                    let at = ((k as f64 + 0.5) / f as f64 - 0.5).clamp(0.0, n as f64 - 1.0);
                    (at.floor() as usize, (at.floor() as usize + 1).min(n - 1), at - at.floor())
                };
                let ((top, bottom, s), (left, right, t)) = (line(i, height), line(j, width));
                let across = |i| x.at(c, i, left) * (1.0 - t) + x.at(c, i, right) * t;
                across(top) * (1.0 - s) + across(bottom) * s
            })
        }
        LayerSpec::Subsample(l) => {
            let shape = [channels + 2 * l.padding, height.div_ceil(l.stride), width.div_ceil(l.stride)];
            Image::make(shape, |c, i, j| {
                let inside = (l.padding..l.padding + channels).contains(&c);
                if inside { x.at(c - l.padding, i * l.stride, j * l.stride) } else { 0.0 }
            })
        }
        LayerSpec::Flatten(_) => Image { shape: [n, 1, 1], values: x.values.clone() },
        LayerSpec::Reshape(l) => {
            let shape = if let [c, h, w] = l.shape[..] { [c, h, w] } else { [n, 1, 1] };
            Image { shape, values: x.values.clone() }
        }
        LayerSpec::SpaceToDepth(l) => {
            let s = l.size;
            Image::make([channels * s * s, height / s, width / s], |c, i, j| {
                x.at(c / (s * s), i * s + c % (s * s) / s, j * s + c % s)
            })
        }
        LayerSpec::DepthToSpace(l) => {
            let s = l.size;
            Image::make([channels / (s * s), height * s, width * s], |c, i, j| {
                x.at(c * s * s + i % s * s + j % s, i / s, j / s)
            })
        }
        LayerSpec::Residual(l) => {
            let mut y = l.main.iter().fold(x.clone(), |x, layer| slow(layer, &x, params));
            let around = l.skip.iter().fold(x.clone(), |x, layer| slow(layer, &x, params));
            y.values.iter_mut().zip(&around.values).for_each(|(y, a)| *y += a);
            y
        }
        LayerSpec::Activation(l) => {
            Image { shape: x.shape, values: x.values.iter().map(|u| activate(l.function, *u)).collect() }
        }
    }
}

fn slow_network(spec: &NetworkSpec, params: &[f64], x: &[f64]) -> Vec<f64> {
    let shape = if let [c, h, w] = spec.input[..] { [c, h, w] } else { [spec.input[0], 1, 1] };
    let mut arrays = Arrays(params);
    let y =
        spec.layers.iter().fold(Image { shape, values: x.to_vec() }, |x, layer| slow(layer, &x, &mut arrays));
    assert!(arrays.0.is_empty(), "parameters that no layer has taken");
    y.values
}

/// A network with parameters that do something: positive variances among them.
pub(super) fn network(spec: &NetworkSpec, stream: &mut Stream) -> Network<f64> {
    let mut network = Network::new(spec, Init::Uniform, stream).unwrap();
    let arrays = Model::layout(&network).to_vec();
    network.update(|params| {
        for array in arrays {
            let own = &mut params[array.offset..array.offset + array.n_numbers()];
            if array.name.contains("running_var") {
                own.iter_mut().for_each(|p| *p = 0.5 + stream.uniform());
            } else if array.name.contains("running_mean") || array.shape.len() == 1 {
                own.iter_mut().for_each(|p| *p += 0.3 * stream.normal());
            }
        }
    });
    network
}

pub(super) fn points(rows: usize, dim: usize, stream: &mut Stream) -> Points {
    let mut x = Points::zeros(rows, dim);
    stream.fill_normal(x.data_mut());
    x
}

pub(super) fn values(network: &Network<f64>, x: Batch<'_>) -> Points {
    let mut y = Points::zeros(x.rows(), network.n_out());
    network.values(x, y.as_batch_mut());
    y
}

/// What is wrong with a network whose layers are taken to be those of `spec`, or nothing.
fn fault(spec: &NetworkSpec, network: &Network<f64>, rows: usize, stream: &mut Stream) -> Option<String> {
    let x = points(rows, network.dim(), stream);
    let y = values(network, x.as_batch());
    for r in 0..rows {
        for (k, (want, found)) in
            slow_network(spec, network.params(), x.row(r)).iter().zip(y.row(r)).enumerate()
        {
            if (want - found).abs() > 1e-11 * (1.0 + want.abs()) {
                return Some(format!("row {r}, output {k}: {found} instead of {want}"));
            }
        }
    }
    // A row alone is the row in company.
    if values(network, x.as_batch().slice(rows - 1..rows)).row(0) != y.row(rows - 1) {
        return Some("a row depends on its neighbours".into());
    }

    let dy = points(rows, network.n_out(), stream);
    let mut dx = Points::zeros(rows, network.dim());
    network.pullback(x.as_batch(), dy.as_batch(), dx.as_batch_mut());
    let along = points(rows, network.dim(), stream);
    let h = 1e-5;
    let moved = |by: f64| {
        let mut moved = x.clone();
        moved.data_mut().iter_mut().zip(along.data()).for_each(|(x, d)| *x += by * d);
        values(network, moved.as_batch())
    };
    let (up, down, near_up, near_down) = (moved(h), moved(-h), moved(h / 2.0), moved(-h / 2.0));
    for r in 0..rows {
        let slope = |up: &Points, down: &Points, h: f64| {
            let pairs = up.row(r).iter().zip(down.row(r)).zip(dy.row(r));
            pairs.map(|((up, down), dy)| (up - down) / (2.0 * h) * dy).sum::<f64>()
        };
        let (numeric, near) = (slope(&up, &down, h), slope(&near_up, &near_down, h / 2.0));
        let exact: f64 = dx.row(r).iter().zip(along.row(r)).map(|(g, d)| g * d).sum();
        // Where both steps disagree, there is a kink between.
        let error = (near - exact).abs();
        if error > 1e-6 * (1.0 + exact.abs()) && (near - numeric).abs() < 1e-6 * (1.0 + exact.abs()) {
            return Some(format!("row {r}: derivative {exact} instead of {near}"));
        }
    }

    // Along a direction: what finite differences say, and what the way back says.
    let (mut same, mut derivatives) = (Points::zeros(rows, y.dim()), Points::zeros(rows, y.dim()));
    network.directional(x.as_batch(), along.as_batch(), same.as_batch_mut(), derivatives.as_batch_mut());
    if same.data() != y.data() {
        return Some("values along a direction are others".into());
    }
    for r in 0..rows {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (there, back) = (dot(dy.row(r), derivatives.row(r)), dot(dx.row(r), along.row(r)));
        if (there - back).abs() > 1e-9 * (1.0 + back.abs()) {
            return Some(format!("row {r}: {there} along the direction, {back} on the way back"));
        }
        for k in 0..y.dim() {
            let [coarse, fine] = [(&up, &down, h), (&near_up, &near_down, h / 2.0)]
                .map(|(u, d, h)| (u.row(r)[k] - d.row(r)[k]) / (2.0 * h));
            let (error, exact) = ((derivatives.row(r)[k] - fine).abs(), derivatives.row(r)[k].abs());
            if error > 1e-6 * (1.0 + exact) && (fine - coarse).abs() < 1e-6 * (1.0 + exact) {
                return Some(format!("row {r}, output {k}: {exact} along the direction instead of {fine}"));
            }
        }
    }

    if network.n_out() == 1 {
        let few = rows.min(4);
        let [x, along] = [&x, &along].map(|points| points.as_batch().slice(0..few));
        let (dy, ds) = (points(few, 1, stream), points(few, 1, stream));
        let mut gradient = vec![0.0; network.params().len()];
        network.directional_pullback(x, along, Some(dy.as_batch()), ds.as_batch(), &mut gradient);
        let loss = |network: &Network<f64>| {
            let (mut y, mut s) = (Points::zeros(few, 1), Points::zeros(few, 1));
            network.directional(x, along, y.as_batch_mut(), s.as_batch_mut());
            let sum = |a: &Points, b: &Points| a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum::<f64>();
            sum(&y, &dy) + sum(&s, &ds)
        };
        let fault = gradient_fault(network, &gradient, loss);
        if fault.is_some() {
            return fault.map(|f| format!("directional derivative: {f}"));
        }
        gradient.fill(0.0);
        let penalty = network.gradient_penalty(x, 0.7, &mut gradient);
        let loss = |network: &Network<f64>| {
            let (mut e, mut g) = (vec![0.0; few], Points::zeros(few, network.dim()));
            network.energy_and_grad(x, &mut e, g.as_batch_mut());
            let norms = (0..few).map(|r| g.row(r).iter().map(|g| g * g).sum::<f64>().sqrt());
            0.7 * norms.map(|norm| (norm - 1.0).powi(2)).sum::<f64>() / few as f64
        };
        if (penalty - loss(network)).abs() > 1e-12 * (1.0 + penalty) {
            return Some(format!("penalty {penalty} instead of {}", loss(network)));
        }
        let fault = gradient_fault(network, &gradient, loss);
        if fault.is_some() {
            return fault.map(|f| format!("gradient penalty: {f}"));
        }
    }

    if network.n_out() == 1 {
        let weights: Vec<f64> = (0..rows).map(|_| stream.normal()).collect();
        let mut gradient = vec![0.0; network.params().len()];
        network.weighted_energy(x.as_batch(), &weights, &mut gradient);
        return gradient_fault(network, &gradient, |network| {
            let mut e = vec![0.0; rows];
            network.energy(x.as_batch(), &mut e);
            e.iter().zip(&weights).map(|(e, w)| e * w).sum::<f64>()
        });
    }
    None
}

/// Where this is not the gradient of a loss in the parameters, or nothing. Statistics have none.
pub(super) fn gradient_fault(
    network: &Network<f64>,
    gradient: &[f64],
    loss: impl Fn(&Network<f64>) -> f64,
) -> Option<String> {
    let h = 1e-5;
    let mut other = network.clone();
    for array in Model::layout(network) {
        if array.is_statistic {
            if gradient[array.offset..array.end()].iter().any(|g| *g != 0.0) {
                return Some(format!("{} has a gradient", array.name));
            }
            continue;
        }
        for i in [0, array.n_numbers() / 2, array.n_numbers() - 1].map(|i| i + array.offset) {
            let mut at = |by: f64| {
                let before = other.params()[i];
                other.update(|p| p[i] = before + by);
                let value = loss(&other);
                other.update(|p| p[i] = before);
                value
            };
            let (numeric, near) = ((at(h) - at(-h)) / (2.0 * h), (at(h / 2.0) - at(-h / 2.0)) / h);
            // Where both steps disagree, there is a kink between.
            if (near - gradient[i]).abs() > 1e-5 * (1.0 + near.abs())
                && (near - numeric).abs() < 1e-6 * (1.0 + near.abs())
            {
                return Some(format!(
                    "{}, number {i}: gradient {} instead of {near}",
                    array.name, gradient[i]
                ));
            }
        }
    }
    None
}

/// The network on which a layer is tried: something before it and one number after it.
fn around(layer: LayerSpec, [c, h, w]: [usize; 3]) -> Option<NetworkSpec> {
    let spec = NetworkSpec::new(&[c, h, w]).with(Activation::Softplus).with(layer).with(Activation::Tanh);
    let spec = spec.with(Flatten {}).with(Dense::new(1));
    spec.output().is_ok().then_some(spec)
}

/// Any layer, with settings that fit most shapes.
fn any_layer() -> impl Strategy<Value = LayerSpec> {
    let reduction = || prop_oneof![Just(Reduction::Mean), Just(Reduction::Sum)];
    let conv = (1..20usize, 1..5usize, 1..4usize, 0..3usize, any::<bool>(), any::<bool>());
    let conv = conv.prop_map(|(channels, kernel, stride, padding, edge, bias)| {
        let padding_mode = if edge { Padding::Edge } else { Padding::Zero };
        Convolution { padding_mode, bias, ..Convolution::new(channels, kernel, stride, padding) }.into()
    });
    let transposed = (1..20usize, 1..5usize, 1..4usize, 0..3usize, 0..2usize, any::<bool>());
    let transposed = transposed.prop_map(|(channels, kernel, stride, padding, output_padding, bias)| {
        let plain = TransposedConvolution::new(channels, kernel, stride, padding);
        TransposedConvolution { output_padding, bias, ..plain }.into()
    });
    let pool = (1..4usize, proptest::option::of(1..3usize), reduction());
    let functions = vec![
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::Swish,
        Activation::LipSwish,
        Activation::Elu(0.7),
        Activation::Sigmoid,
        Activation::HardTanh,
        Activation::Gelu,
        Activation::GeluTanh,
    ];
    let simple = prop_oneof![
        conv,
        transposed,
        any::<bool>().prop_map(|affine| BatchNorm { affine, ..BatchNorm::default() }.into()),
        any::<bool>().prop_map(|affine| ChannelNorm { affine, epsilon: 0.1, name: None }.into()),
        (0.5..3.0).prop_map(|log_scale_factor| ActNorm { log_scale_factor, name: None }.into()),
        Just(Gate {}.into()),
        Just(ConcatenatedElu {}.into()),
        pool.prop_map(|(size, stride, reduction)| AveragePool { size, stride, reduction }.into()),
        (1..4usize, proptest::option::of(1..3usize))
            .prop_map(|(size, stride)| MaxPool { size, stride }.into()),
        reduction().prop_map(|reduction| GlobalPool { reduction }.into()),
        (1..4usize, any::<bool>()).prop_map(|(factor, nearest)| {
            let mode = if nearest { Upsampling::Nearest } else { Upsampling::Bilinear };
            Upsample { factor, mode }.into()
        }),
        (1..4usize, 0..3usize).prop_map(|(stride, padding)| Subsample { stride, padding }.into()),
        (1..4usize).prop_map(|size| SpaceToDepth { size }.into()),
        (1..3usize).prop_map(|size| DepthToSpace { size }.into()),
        proptest::sample::select(functions).prop_map(LayerSpec::from),
    ];
    (simple, any::<bool>(), any::<bool>()).prop_map(|(layer, residual, with_skip)| {
        if !residual {
            return layer;
        }
        let skip = if with_skip { vec![layer.clone(), Activation::LeakyRelu(0.1).into()] } else { vec![] };
        Residual { main: vec![layer], skip }.into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_agree_with_their_definition(
        layer in any_layer(),
        shape in [1..5usize, 1..8usize, 1..8usize],
        rows in proptest::sample::select(vec![1usize, 3, 17, 66]),
        seed in any::<u64>(),
    ) {
        if let Some(spec) = around(layer, shape) {
            let mut stream = Stream::new(seed, 0);
            let network = network(&spec, &mut stream);
            let fault = fault(&spec, &network, rows, &mut stream);
            prop_assert!(fault.is_none(), "{spec:?}: {}", fault.unwrap_or_default());
        }
    }
}

#[test]
fn a_wrong_layer_is_found_out() {
    let mut stream = Stream::new(3, 0);
    let shape = [4, 6, 6];
    // Taken for what they are not: another stride of the same shape, zeros for the edge, a mean for a sum, another order.
    let conv = |padding_mode| Convolution { padding_mode, ..Convolution::new(5, 3, 1, 1) };
    let pool = |reduction| AveragePool { size: 2, stride: None, reduction };
    let up = |mode| Upsample { factor: 2, mode };
    let pairs: Vec<(LayerSpec, LayerSpec)> = vec![
        (conv(Padding::Edge).into(), conv(Padding::Zero).into()),
        (pool(Reduction::Mean).into(), pool(Reduction::Sum).into()),
        (MaxPool { size: 2, stride: None }.into(), pool(Reduction::Mean).into()),
        (up(Upsampling::Nearest).into(), up(Upsampling::Bilinear).into()),
        (SpaceToDepth { size: 2 }.into(), Reshape { shape: vec![16, 3, 3] }.into()),
        (BatchNorm::default().into(), BatchNorm { epsilon: 1e-3, ..BatchNorm::default() }.into()),
        (ChannelNorm::default().into(), ActNorm::default().into()),
        (ActNorm::default().into(), ActNorm { log_scale_factor: 2.0, name: None }.into()),
        (ConcatenatedElu {}.into(), Subsample { stride: 1, padding: 2 }.into()),
        (Activation::Swish.into(), Activation::LipSwish.into()),
        (Activation::Gelu.into(), Activation::GeluTanh.into()),
    ];
    for (right, wrong) in pairs {
        let [right, wrong] = [right, wrong].map(|layer| around(layer, shape).unwrap());
        let network = network(&right, &mut stream);
        assert_eq!(fault(&right, &network, 5, &mut stream), None, "{right:?}");
        assert!(fault(&wrong, &network, 5, &mut stream).is_some(), "{wrong:?} was not told from {right:?}");
    }
}

#[test]
fn a_gradient_that_is_nearly_right_is_found_out() {
    let mut stream = Stream::new(5, 0);
    let block = Residual { main: vec![Convolution::new(8, 3, 1, 1).into(), Gate {}.into()], skip: vec![] };
    let network = network(&around(block.into(), [4, 5, 5]).unwrap(), &mut stream);
    let x = points(3, network.dim(), &mut stream);
    let penalty =
        |network: &Network<f64>, gradient: &mut [f64]| network.gradient_penalty(x.as_batch(), 1.0, gradient);
    let mut gradient = vec![0.0; network.params().len()];
    penalty(&network, &mut gradient);
    let loss = |network: &Network<f64>| penalty(network, &mut vec![0.0; network.params().len()]);
    assert_eq!(gradient_fault(&network, &gradient, loss), None);
    gradient.iter_mut().for_each(|g| *g *= 1.01);
    assert!(gradient_fault(&network, &gradient, loss).is_some());
}

#[test]
fn a_first_batch_leaves_every_channel_with_mean_0_and_deviation_1() {
    let mut stream = Stream::new(6, 0);
    let block = Residual { main: vec![ActNorm::default().into(), Activation::Relu.into()], skip: vec![] };
    let spec = NetworkSpec::new(&[2, 3, 3])
        .with(Convolution::new(4, 3, 1, 1))
        .with(block)
        .with(Convolution::new(3, 3, 1, 0))
        .with(ActNorm::default());
    let mut network = network(&spec, &mut stream);
    let x = points(150, 18, &mut stream);
    network.initialise_from_batch(x.as_batch());
    let y = values(&network, x.as_batch());
    for c in 0..3 {
        let mean = (0..150).map(|r| y.row(r)[c]).sum::<f64>() / 150.0;
        let variance = (0..150).map(|r| (y.row(r)[c] - mean).powi(2)).sum::<f64>() / 150.0;
        assert!(mean.abs() < 1e-12 && (variance.sqrt() - 1.0).abs() < 1e-4, "{mean}, {variance}");
    }
    // The one within the block saw the convolution's outputs.
    let log_scale = Model::layout(&network).iter().find(|a| a.name.contains("log_scale")).unwrap();
    assert!(network.params()[log_scale.offset] != 0.0);
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let message = |spec: NetworkSpec| spec.output().unwrap_err().to_string();
    let image = || NetworkSpec::new(&[3, 8, 8]);
    let text = message(image().with(Convolution::new(4, 3, 1, 1)).with(Dense::new(2)));
    assert!(text.contains("layers[1] (dense, input 4 x 8 x 8)") && text.contains("flatten"), "{text}");
    let text = message(image().with(Convolution::new(4, 12, 1, 1)));
    assert!(text.contains("layers[0] (convolution, input 3 x 8 x 8)") && text.contains("12"), "{text}");
    let block = Residual { main: vec![Convolution::new(5, 3, 1, 1).into()], skip: vec![] };
    let text = message(image().with(block));
    assert!(text.contains("5 x 8 x 8") && text.contains("3 x 8 x 8"), "{text}");
    let text = message(image().with(Residual { main: vec![Dense::new(1).into()], skip: vec![] }));
    assert!(text.contains("main[0] (dense"), "{text}");
    let text = message(NetworkSpec::new(&[1 << 20, 1 << 20, 1 << 20]).with(Activation::Relu));
    assert!(text.contains("numbers a row"), "{text}");
    let text = message(image().with(Upsample { factor: usize::MAX, mode: Upsampling::Nearest }));
    assert!(text.contains("numbers a row"), "{text}");
    assert!(message(image()).contains("no layer"));
    for (text, key) in [
        ("input = [2]\nlayers = [{ kind = \"dens\", units = 2 }]", "dens"),
        ("input = [2]\nlayers = [{ kind = \"dense\", unit = 2 }]", "unit"),
    ] {
        let error = toml::from_str::<NetworkSpec>(text).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn the_network_on_the_page_can_be_read() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/files.md");
    let Ok(page) = std::fs::read_to_string(page) else { return };
    let text = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let spec: NetworkSpec = toml::from_str(text).unwrap();
    assert_eq!(spec.output().unwrap().len(), 1);
}
