//! Each layer as the nodes that do the same.

use std::collections::HashSet;

use super::graph::{Graph, Rows, Setting};
use crate::ConfigError;
use crate::net::layer::{LayerSpec, Reduction, Shape, Upsampling};
use crate::net::values::Params;
use crate::net::{Activation, NetworkSpec, Padding};

/// Arrays in the order of the layout.
type Arrays<'a> = std::slice::Iter<'a, (&'a [usize], Params<'a>)>;

/// Writes all layers; gives what comes out.
pub(super) fn write(
    graph: &mut Graph,
    spec: &NetworkSpec,
    arrays: &[(&[usize], Params<'_>)],
) -> Result<Rows, ConfigError> {
    let rows = Rows { name: "x".into(), sizes: spec.input.clone() };
    let mut writer = Writer { graph, arrays: arrays.iter(), names: HashSet::new() };
    writer
        .list("layers", &spec.layers, rows, spec.input_shape()?)
        .map(|(rows, _)| rows)
        .map_err(|(place, why)| ConfigError::new("layers", place, why))
}

struct Writer<'g, 'a> {
    graph: &'g mut Graph,
    arrays: Arrays<'a>,
    /// Names of layers that are in use.
    names: HashSet<String>,
}

/// The first operators with GELU among them.
const GELU_OPSET: i64 = 20;

/// Where it failed, and why.
type Refused = (String, String);

fn all(value: usize) -> [i64; 2] {
    [value as i64; 2]
}

fn edges(value: usize) -> [i64; 4] {
    [value as i64; 4]
}

impl Writer<'_, '_> {
    /// Layers one after the other.
    fn list(
        &mut self,
        key: &str,
        layers: &[LayerSpec],
        rows: Rows,
        shape: Shape,
    ) -> Result<(Rows, Shape), Refused> {
        layers.iter().enumerate().try_fold((rows, shape), |(rows, shape), (i, layer)| {
            let place = format!("{key}.{i}");
            let output = layer.output(shape).map_err(|why| (place.clone(), why))?;
            let rows = self.layer(&place, layer, rows, shape, output)?;
            Ok((rows, output))
        })
    }

    /// One layer.
    fn layer(
        &mut self,
        place: &str,
        layer: &LayerSpec,
        rows: Rows,
        shape: Shape,
        output: Shape,
    ) -> Result<Rows, Refused> {
        use Setting::{Float, Number, Numbers, Text};
        let image = |s: Shape| vec![s.channels, s.height, s.width];
        // As others name what they load, where the description does.
        let given = layer.name().filter(|name| self.names.insert((*name).to_owned()));
        let owner = given.unwrap_or(place).to_owned();
        let name = |array: &str| format!("{owner}.{array}");
        let named = |this: &mut Self, array: &str| {
            let (shape, values) = this.arrays.next().expect("as many arrays as the layers have");
            this.graph.parameters(&name(array), shape, *values)
        };
        if layer.arrays().contains(&"weight_u") {
            let why =
                format!("a layer `{}` with spectral normalisation is not written to ONNX", layer.kind());
            return Err((place.to_owned(), why));
        }
        Ok(match layer {
            LayerSpec::Activation(a) => return self.activation(place, a.function, rows),
            LayerSpec::Dense(l) => {
                let rows = self.as_vector(place, rows);
                let weights = match &l.mask {
                    None => named(self, "weight"),
                    Some(mask) => {
                        let (shape, values) = self.arrays.next().expect("as many arrays as the layers have");
                        let values: Vec<f64> = (0..values.len())
                            .map(|i| if mask[i] { values.to_values().get(i) } else { 0.0 })
                            .collect();
                        self.graph.floats(&name("weight"), shape, &values)
                    }
                };
                let mut inputs = vec![rows.name.clone(), weights];
                if l.bias {
                    inputs.push(named(self, "bias"));
                }
                self.step(place, "Gemm", &inputs, &[("transB", Number(1))], vec![l.units])
            }
            LayerSpec::Convolution(l) => {
                let mut rows = self.as_image(place, rows, shape);
                let is_edge = l.padding_mode == Padding::Edge && l.padding > 0;
                if is_edge {
                    let p = l.padding as i64;
                    let pads = self.graph.numbers(&format!("{place}.pads"), &[0, 0, p, p, 0, 0, p, p]);
                    let sizes =
                        vec![shape.channels, shape.height + 2 * l.padding, shape.width + 2 * l.padding];
                    rows = self.step(place, "Pad", &[rows.name, pads], &[("mode", Text("edge"))], sizes);
                }
                let mut inputs = vec![rows.name, named(self, "weight")];
                if l.bias {
                    inputs.push(named(self, "bias"));
                }
                let (kernel, strides) = (all(l.kernel), all(l.stride));
                let pads = edges(if is_edge { 0 } else { l.padding });
                let settings = [
                    ("kernel_shape", Numbers(&kernel)),
                    ("strides", Numbers(&strides)),
                    ("pads", Numbers(&pads)),
                ];
                self.step(place, "Conv", &inputs, &settings, image(output))
            }
            LayerSpec::TransposedConvolution(l) => {
                let rows = self.as_image(place, rows, shape);
                let mut inputs = vec![rows.name, named(self, "weight")];
                if l.bias {
                    inputs.push(named(self, "bias"));
                }
                let (kernel, strides, more) = (all(l.kernel), all(l.stride), all(l.output_padding));
                let pads = edges(l.padding);
                let settings = [
                    ("kernel_shape", Numbers(&kernel)),
                    ("strides", Numbers(&strides)),
                    ("pads", Numbers(&pads)),
                    ("output_padding", Numbers(&more)),
                ];
                self.step(place, "ConvTranspose", &inputs, &settings, image(output))
            }
            LayerSpec::BatchNorm(l) => {
                let n = shape.channels;
                let mut inputs = vec![rows.name];
                for (array, value) in [("weight", 1.0), ("bias", 0.0)] {
                    inputs.push(if l.affine {
                        named(self, array)
                    } else {
                        self.graph.floats(&name(array), &[n], &vec![value; n])
                    });
                }
                inputs.extend([named(self, "running_mean"), named(self, "running_var")]);
                self.step(place, "BatchNormalization", &inputs, &[("epsilon", Float(l.epsilon))], rows.sizes)
            }
            LayerSpec::MaxPool(l) => {
                let rows = self.as_image(place, rows, shape);
                let (size, strides) = (all(l.size), all(l.stride.unwrap_or(l.size)));
                let settings = [("kernel_shape", Numbers(&size)), ("strides", Numbers(&strides))];
                self.step(place, "MaxPool", &[rows.name], &settings, image(output))
            }
            LayerSpec::AveragePool(l) => {
                let rows = self.as_image(place, rows, shape);
                let (size, strides) = (all(l.size), all(l.stride.unwrap_or(l.size)));
                let settings = [("kernel_shape", Numbers(&size)), ("strides", Numbers(&strides))];
                let rows = self.step(place, "AveragePool", &[rows.name], &settings, image(output));
                if l.reduction == Reduction::Mean {
                    return Ok(rows);
                }
                let n = self.graph.floats(&format!("{place}.pixels"), &[1], &[(l.size * l.size) as f64]);
                self.step(&format!("{place}.sum"), "Mul", &[rows.name, n], &[], rows.sizes)
            }
            LayerSpec::GlobalPool(l) => {
                let rows = self.as_image(place, rows, shape);
                if l.reduction == Reduction::Mean {
                    let rows =
                        self.step(place, "GlobalAveragePool", &[rows.name], &[], vec![shape.channels, 1, 1]);
                    self.as_vector(place, rows)
                } else {
                    let axes = self.graph.numbers(&format!("{place}.axes"), &[2, 3]);
                    let settings = [("keepdims", Number(0))];
                    self.step(place, "ReduceSum", &[rows.name, axes], &settings, vec![shape.channels])
                }
            }
            LayerSpec::Upsample(l) => {
                let rows = self.as_image(place, rows, shape);
                let factor = l.factor as f32;
                let scales = self.graph.scales(&format!("{place}.scales"), &[1.0, 1.0, factor, factor]);
                let (mode, places) = match l.mode {
                    Upsampling::Nearest => ("nearest", "asymmetric"),
                    Upsampling::Bilinear => ("linear", "half_pixel"),
                };
                let settings = [
                    ("mode", Text(mode)),
                    ("coordinate_transformation_mode", Text(places)),
                    ("nearest_mode", Text("floor")),
                ];
                self.step(place, "Resize", &[rows.name, String::new(), scales], &settings, image(output))
            }
            LayerSpec::Subsample(l) => {
                let mut rows = self.as_image(place, rows, shape);
                if l.stride > 1 {
                    let ends = [shape.height as i64, shape.width as i64];
                    let lists =
                        [("starts", [0, 0]), ("ends", ends), ("axes", [2, 3]), ("steps", all(l.stride))];
                    let mut inputs = vec![rows.name];
                    inputs.extend(
                        lists.map(|(list, numbers)| self.graph.numbers(&format!("{place}.{list}"), &numbers)),
                    );
                    rows = self.step(
                        place,
                        "Slice",
                        &inputs,
                        &[],
                        vec![shape.channels, output.height, output.width],
                    );
                }
                if l.padding > 0 {
                    let p = l.padding as i64;
                    let pads = self.graph.numbers(&format!("{place}.pads"), &[0, p, 0, 0, 0, p, 0, 0]);
                    rows = self.step(place, "Pad", &[rows.name, pads], &[], image(output));
                }
                rows
            }
            LayerSpec::Flatten(_) => self.as_vector(place, rows),
            LayerSpec::Reshape(l) => self.reshape(place, rows, &l.shape),
            LayerSpec::SpaceToDepth(l) => {
                let rows = self.as_image(place, rows, shape);
                let (s, c, h, w) = (l.size, shape.channels, output.height, output.width);
                let rows = self.reshape(&format!("{place}.squares"), rows, &[c, h, s, w, s]);
                let turned = [("perm", Numbers(&[0, 1, 3, 5, 2, 4][..]))];
                let rows = self.step(place, "Transpose", &[rows.name], &turned, vec![c, s, s, h, w]);
                self.reshape(&format!("{place}.channels"), rows, &image(output))
            }
            LayerSpec::DepthToSpace(l) => {
                let rows = self.as_image(place, rows, shape);
                let settings = [("blocksize", Number(l.size as i64)), ("mode", Text("CRD"))];
                self.step(place, "DepthToSpace", &[rows.name], &settings, image(output))
            }
            LayerSpec::Residual(block) => {
                let (main, _) = self.list(&format!("{place}.main"), &block.main, rows.clone(), shape)?;
                let (skip, _) = self.list(&format!("{place}.skip"), &block.skip, rows, shape)?;
                let skip = if main.sizes.len() == 1 {
                    self.as_vector(place, skip)
                } else {
                    self.as_image(place, skip, output)
                };
                self.step(place, "Add", &[main.name, skip.name], &[], main.sizes)
            }
            LayerSpec::ConcatenatedElu(_) => {
                let sizes = if rows.sizes.len() == 1 { vec![output.channels] } else { image(output) };
                let negative = self.step(place, "Neg", std::slice::from_ref(&rows.name), &[], rows.sizes);
                let both =
                    self.step(place, "Concat", &[rows.name, negative.name], &[("axis", Number(1))], sizes);
                self.step(place, "Elu", &[both.name], &[("alpha", Float(1.0))], both.sizes)
            }
            other => {
                let why = format!("a layer `{}` is not written to ONNX", other.kind());
                return Err((place.to_owned(), why));
            }
        })
    }

    fn step(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[String],
        settings: &[(&str, Setting<'_>)],
        sizes: Vec<usize>,
    ) -> Rows {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Rows { name: self.graph.node(name, operator, &inputs, settings), sizes }
    }

    fn activation(&mut self, place: &str, function: Activation, rows: Rows) -> Result<Rows, Refused> {
        use Setting::Float;
        let one = |this: &mut Self, operator: &str, settings: &[(&str, Setting<'_>)]| {
            this.step(place, operator, std::slice::from_ref(&rows.name), settings, rows.sizes.clone())
        };
        Ok(match function {
            Activation::Identity => one(self, "Identity", &[]),
            Activation::Relu => one(self, "Relu", &[]),
            Activation::LeakyRelu(slope) => one(self, "LeakyRelu", &[("alpha", Float(slope))]),
            Activation::Elu(scale) => one(self, "Elu", &[("alpha", Float(scale))]),
            Activation::Tanh => one(self, "Tanh", &[]),
            Activation::Sigmoid => one(self, "Sigmoid", &[]),
            Activation::Softplus => one(self, "Softplus", &[]),
            Activation::Gelu => {
                self.graph.needs(GELU_OPSET);
                one(self, "Gelu", &[])
            }
            Activation::GeluTanh => {
                self.graph.needs(GELU_OPSET);
                one(self, "Gelu", &[("approximate", Setting::Text("tanh"))])
            }
            Activation::HardTanh => {
                let [low, high] = [("low", -1.0), ("high", 1.0)]
                    .map(|(name, limit)| self.graph.floats(&format!("{place}.{name}"), &[], &[limit]));
                self.step(place, "Clip", &[rows.name, low, high], &[], rows.sizes)
            }
            Activation::Swish | Activation::LipSwish => {
                let gate = one(self, "Sigmoid", &[]);
                let product = self.step(place, "Mul", &[rows.name, gate.name], &[], gate.sizes);
                if function == Activation::Swish {
                    return Ok(product);
                }
                let factor = self.graph.floats(&format!("{place}.factor"), &[], &[1.0 / 1.1]);
                self.step(&format!("{place}.scaled"), "Mul", &[product.name, factor], &[], product.sizes)
            }
        })
    }

    fn reshape(&mut self, place: &str, rows: Rows, sizes: &[usize]) -> Rows {
        if rows.sizes == sizes {
            return rows;
        }
        // Zero keeps the number of rows.
        let shape: Vec<i64> = std::iter::once(0).chain(sizes.iter().map(|n| *n as i64)).collect();
        let shape = self.graph.numbers(&format!("{place}.shape.{}", sizes.len()), &shape);
        self.step(&format!("{place}.{}", sizes.len()), "Reshape", &[rows.name, shape], &[], sizes.to_vec())
    }

    fn as_vector(&mut self, place: &str, rows: Rows) -> Rows {
        let n = rows.sizes.iter().product();
        self.reshape(place, rows, &[n])
    }

    fn as_image(&mut self, place: &str, rows: Rows, shape: Shape) -> Rows {
        self.reshape(place, rows, &[shape.channels, shape.height, shape.width])
    }
}
