//! A description guessed from names and shapes of arrays: the layers that have weights, one after the other as the file has them.
//! What no array says (activations, strides, padding, the size of images) is left as a comment, to be filled in.

use std::fmt::Write;

use super::array::{NamedArray, NamedArrays};
use crate::net::network_spec::NetworkSpec;

/// Arrays that belong to one layer.
struct Group<'a> {
    name: &'a str,
    arrays: Vec<(&'a str, &'a NamedArray)>,
}

impl Group<'_> {
    /// The shape of its array of one of these names.
    fn shape(&self, names: &[&str]) -> Option<&[usize]> {
        let found = self.arrays.iter().find(|(array, _)| names.contains(array));
        found.map(|(_, array)| array.shape.as_slice())
    }
}

/// What is known of the rows before a layer.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Vector(usize),
    Image(usize),
}

impl NamedArrays {
    /// A description of the network that these may be the parameters of, as TOML to be edited: that of the file, where it has one,
    /// else one guessed from names and shapes, in the order of the file. Comments say what cannot be known.
    pub fn guess_description(&self) -> String {
        match self.network() {
            Some(network) => network.to_toml(),
            None => guess(self),
        }
    }
}

impl NetworkSpec {
    /// The description as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a description is plain data")
    }
}

fn guess(arrays: &NamedArrays) -> String {
    let mut groups: Vec<Group<'_>> = vec![];
    for array in arrays.iter().filter(|a| a.element.is_float()) {
        let (name, own) = array.name.rsplit_once(['.', '/']).unwrap_or(("", &array.name));
        match groups.last_mut().filter(|g| g.name == name) {
            Some(group) => group.arrays.push((own, array)),
            None => groups.push(Group { name, arrays: vec![(own, array)] }),
        }
    }
    let mut text = String::new();
    let mut before = Before::Nothing;
    for group in &groups {
        before = layer(group, before, &mut text);
    }
    let input = match first_input(&groups) {
        Before::Vector(n) => format!("input = [{n}]\n"),
        Before::Image(channels) => format!("input = [{channels}, 32, 32] # TODO: height and width\n"),
        Before::Nothing => "input = [1] # TODO: no layer was found\n".into(),
    };
    format!(
        "# Guessed from names and shapes. Layers are in the order of the file; check it, and every TODO.\n{input}{text}"
    )
}

/// What goes into the first layer with weights.
fn first_input(groups: &[Group<'_>]) -> Before {
    let input = |g: &Group<'_>| match *g.shape(&WEIGHTS)? {
        [_, n] => Some(Before::Vector(n)),
        [a, b, _, _] => Some(Before::Image(if is_transposed(g, Before::Nothing) { a } else { b })),
        _ => None,
    };
    groups.iter().find_map(input).unwrap_or(Before::Nothing)
}

const WEIGHTS: [&str; 3] = ["weight", "W", "weight_orig"];

/// Whether weights `a x b x k x k` go from `a` to `b` channels: so say the biases, or what comes before.
fn is_transposed(group: &Group<'_>, before: Before) -> bool {
    let Some([a, b, _, _]) = group.shape(&WEIGHTS) else { return false };
    match group.shape(&["bias", "b"]) {
        Some([n]) if a != b => n == b,
        _ => a != b && before == Before::Image(*a),
    }
}

/// Adds a layer; gives what comes out of it.
fn layer(group: &Group<'_>, before: Before, text: &mut String) -> Before {
    let mut line = |s: std::fmt::Arguments<'_>| text.write_fmt(format_args!("{s}\n")).expect("text has room");
    let name = toml::Value::String(group.name.into());
    let bias = if group.shape(&["bias", "b"]).is_some() { "" } else { "bias = false\n" };
    let todo = "# TODO: an activation, if there is one: kind = \"activation\", function = \"relu\"";
    match group.shape(&WEIGHTS) {
        Some(&[units, n]) => {
            match before {
                Before::Image(_) => line(format_args!(
                    "\n# TODO: is this how images become vectors?\n[[layers]]\nkind = \"flatten\""
                )),
                Before::Vector(m) if m != n => {
                    line(format_args!(
                        "\n# TODO: what comes before has {m} numbers, this layer takes {n}; is it the next one?"
                    ));
                }
                _ => {}
            }
            line(format_args!(
                "\n[[layers]]\nkind = \"dense\"\nunits = {units}\n{bias}name = {name}\n{todo}"
            ));
            Before::Vector(units)
        }
        Some(&[a, b, k, l]) => {
            let (kind, n_in, channels) = if is_transposed(group, before) {
                ("transposed_convolution", a, b)
            } else {
                ("convolution", b, a)
            };
            if let Before::Image(m) = before
                && m != n_in
            {
                line(format_args!(
                    "\n# TODO: what comes before has {m} channels, this layer takes {n_in}; is it the next one?"
                ));
            }
            if let Before::Vector(n) = before {
                line(format_args!(
                    "\n# TODO: how {n} numbers become an image: kind = \"reshape\", shape = [{n_in}, height, width]"
                ));
            }
            if k != l {
                line(format_args!(
                    "# TODO: its kernel has {k} x {l} taps; only square ones can be described"
                ));
            }
            line(format_args!("\n[[layers]]\nkind = \"{kind}\"\nchannels = {channels}\nkernel = {k}"));
            line(format_args!(
                "stride = 1 # TODO\npadding = {} # TODO\n{bias}name = {name}\n{todo}",
                (k - k.min(1)) / 2
            ));
            Before::Image(channels)
        }
        _ if group.shape(&["running_mean"]).is_some() => {
            let affine = if group.shape(&["weight"]).is_some() { "" } else { "affine = false\n" };
            line(format_args!("\n[[layers]]\nkind = \"batch_norm\"\n{affine}name = {name}\n{todo}"));
            before
        }
        _ => {
            for (array, found) in &group.arrays {
                let full = toml::Value::String(format!("{}.{array}", group.name));
                line(format_args!(
                    "\n# TODO: an array of no layer that is known by its shape: {full} {:?}",
                    found.shape
                ));
            }
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::import::{ArrayFileKind, ArrayValues, ElementType};
    use crate::net::{LayerSpec, TransposedConvolution};

    fn arrays(shapes: &[(&str, &[usize])]) -> NamedArrays {
        let array = |(name, shape): &(&str, &[usize])| NamedArray {
            name: (*name).into(),
            shape: shape.to_vec(),
            element: ElementType::F32,
            values: ArrayValues::F32(vec![0.0; shape.iter().product()]),
        };
        NamedArrays::new(ArrayFileKind::TorchZip, shapes.iter().map(array).collect(), vec![]).unwrap()
    }

    #[test]
    fn layers_come_in_the_order_of_the_file() {
        let text = arrays(&[
            ("0.weight", &[8, 3, 4, 4]),
            ("1.weight", &[8]),
            ("1.bias", &[8]),
            ("1.running_mean", &[8]),
            ("1.running_var", &[8]),
            ("up.weight", &[8, 2, 2, 2]),
            ("up.bias", &[2]),
            ("odd \"name\".scale", &[2, 1, 1]),
            ("fc.weight", &[5, 2048]),
            ("fc.bias", &[5]),
        ])
        .guess_description();
        let spec: NetworkSpec = toml::from_str(&text).unwrap_or_else(|e| panic!("{text}\n{e}"));
        let kinds: Vec<&str> = spec.layers.iter().map(LayerSpec::kind).collect();
        assert_eq!(
            kinds,
            ["convolution", "batch_norm", "transposed_convolution", "flatten", "dense"],
            "{text}"
        );
        assert_eq!(spec.input, [3, 32, 32]);
        let LayerSpec::TransposedConvolution(TransposedConvolution {
            channels: 2,
            kernel: 2,
            name: Some(name),
            ..
        }) = &spec.layers[2]
        else {
            panic!("{text}")
        };
        assert_eq!(name, "up");
        assert!(text.contains("height and width") && text.contains("no layer that is known"), "{text}");
        assert!(text.contains("padding = 1 # TODO") && text.contains("bias = false"), "{text}");
    }

    #[test]
    fn a_dense_network_is_guessed_whole() {
        let text = arrays(&[("l0/W", &[4, 2]), ("l0/b", &[4]), ("l1/W", &[1, 4]), ("l1/b", &[1])])
            .guess_description();
        let spec: NetworkSpec = toml::from_str(&text).unwrap();
        assert_eq!((spec.input.clone(), spec.output().unwrap().len()), (vec![2], 1), "{text}");
        assert!(arrays(&[]).guess_description().contains("no layer was found"));
    }
}
