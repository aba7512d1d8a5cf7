//! Mutated files that describe a network, ONNX and our own: whatever they hold, what comes back is a network that can be built and
//! evaluated, or an error of a few words; never a panic, and never more memory than the file and the limits allow.
//!
//! A part of the mutants is tried every time. All 200 000: `cargo test -p mixwell --test attacks -- --ignored mutated_network_files`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use allocation_counter::measure;
use mixwell::net::import::{ImportLimits, NamedArrays};
use mixwell::net::{
    Activation, BatchNorm, Convolution, Dense, Flatten, Init, Network, NetworkSpec, Residual, Upsample,
    Upsampling, named_networks,
};
use mixwell::{Points, Stream};

use super::mutate::{below, bytes, one};

/// Bytes that one of a file may take while it is read, and what else is held for any file, however small.
const STEP: u64 = 256;
const FIXED: u64 = 1 << 18;

/// What arrays may take here, and networks.
const ARRAYS: u64 = 1 << 19;

fn image_network() -> NetworkSpec {
    let block = Residual {
        main: vec![
            Convolution::new(4, 3, 1, 1).into(),
            BatchNorm::default().into(),
            Activation::Swish.into(),
        ],
        skip: vec![Convolution::new(4, 1, 1, 0).into()],
    };
    NetworkSpec::new(&[2, 4, 4])
        .with(block)
        .with(Upsample { factor: 2, mode: Upsampling::Bilinear })
        .with(Convolution::new(1, 2, 2, 0))
        .with(Activation::Elu(0.5))
        .with(Flatten {})
        .with(Dense::new(2))
}

fn ours() -> Vec<Vec<u8>> {
    let dense = NetworkSpec::dense(2, &[4, 3], 1, Activation::LeakyRelu(0.05));
    let stream = &mut Stream::new(1, 0);
    vec![
        Network::<f32>::new(&dense, Init::Uniform, stream).unwrap().to_safetensors(),
        Network::<f64>::new(&image_network(), Init::Uniform, stream).unwrap().to_safetensors(),
    ]
}

fn onnx() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks/onnx");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "onnx"));
    paths.sort();
    assert!(paths.len() >= 10, "{paths:?}");
    let mut files: Vec<Vec<u8>> = paths.iter().map(|p| std::fs::read(p).unwrap()).collect();
    let written = Network::<f32>::new(&image_network(), Init::Uniform, &mut Stream::new(2, 0)).unwrap();
    files.push(written.to_onnx().unwrap());
    files
}

/// A field of a protobuf message: its tag, a whole number or bytes.
#[derive(Clone)]
enum Field {
    Number(u64, u64),
    Bytes(u64, Vec<u8>),
    Fixed(u64, Vec<u8>),
}

fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in 0..10 {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 127) << (7 * shift).min(63);
        if *byte < 128 {
            return Some(value);
        }
    }
    None
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

fn parse(mut data: &[u8]) -> Option<Vec<Field>> {
    let mut fields = vec![];
    while !data.is_empty() {
        let tag = varint(&mut data)?;
        fields.push(match tag & 7 {
            0 => Field::Number(tag, varint(&mut data)?),
            2 => {
                let n = varint(&mut data)? as usize;
                let (own, rest) = data.split_at_checked(n)?;
                data = rest;
                Field::Bytes(tag, own.to_vec())
            }
            kind @ (1 | 5) => {
                let (own, rest) = data.split_at_checked(if kind == 1 { 8 } else { 4 })?;
                data = rest;
                Field::Fixed(tag, own.to_vec())
            }
            _ => return None,
        });
    }
    Some(fields)
}

fn write(fields: &[Field]) -> Vec<u8> {
    let mut out = vec![];
    for field in fields {
        match field {
            Field::Number(tag, value) => {
                put(&mut out, *tag);
                put(&mut out, *value);
            }
            Field::Bytes(tag, own) => {
                put(&mut out, *tag);
                put(&mut out, own.len() as u64);
                out.extend(own);
            }
            Field::Fixed(tag, own) => {
                put(&mut out, *tag);
                out.extend(own);
            }
        }
    }
    out
}

const OPERATORS: [&[u8]; 24] = [
    b"Add",
    b"Mul",
    b"Sigmoid",
    b"Identity",
    b"Reshape",
    b"Transpose",
    b"Slice",
    b"Pad",
    b"Conv",
    b"ConvTranspose",
    b"Gemm",
    b"MatMul",
    b"BatchNormalization",
    b"ReduceSum",
    b"Resize",
    b"Shape",
    b"Gather",
    b"Concat",
    b"Constant",
    b"ConstantOfShape",
    b"Where",
    b"DepthToSpace",
    b"Loop",
    b"Unsqueeze",
];

/// Changes one thing somewhere in a message or in one inside of it; lengths fit again afterwards.
fn message(s: &mut Stream, data: &[u8], depth: usize) -> Vec<u8> {
    let Some(mut fields) = parse(data).filter(|f| !f.is_empty()) else {
        let mut other = data.to_vec();
        bytes(s, &mut other);
        return other;
    };
    let at = below(s, fields.len());
    let from = below(s, fields.len());
    // Most often deeper, where the nodes and arrays are.
    if let Field::Bytes(_, own) = &mut fields[at]
        && depth < 6
        && below(s, 8) > 0
    {
        *own = message(s, &own.clone(), depth + 1);
        return write(&fields);
    }
    match below(s, 7) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(at, fields[from].clone()),
        2 => fields.swap(at, from),
        3 => {
            let (value, other) = (fields[from].clone(), &mut fields[at]);
            if let (Field::Bytes(_, own), Field::Bytes(_, new)) = (other, value) {
                *own = new;
            }
        }
        _ => match &mut fields[at] {
            Field::Number(_, value) => {
                let extremes =
                    [0, 1, 2, 7, u64::MAX, 1 << 20, 1 << 31, 1 << 40, i64::MAX as u64, i64::MIN as u64];
                *value = extremes[below(s, extremes.len())];
            }
            Field::Bytes(_, own) if below(s, 2) == 0 => *own = one(s, &OPERATORS).to_vec(),
            Field::Bytes(_, own) => bytes(s, own),
            Field::Fixed(_, own) => own[3] ^= 1 << below(s, 8),
        },
    }
    write(&fields)
}

const WORDS: [(&str, &str); 16] = [
    ("\\\"units\\\":4", "\\\"units\\\":9"),
    ("\\\"units\\\":3", "\\\"units\\\":99999999"),
    ("\\\"kernel\\\":3", "\\\"kernel\\\":1023"),
    ("\\\"kernel\\\":1", "\\\"kernel\\\":0"),
    ("\\\"factor\\\":2", "\\\"factor\\\":20000"),
    ("\\\"channels\\\":4", "\\\"channels\\\":-4"),
    ("\\\"padding\\\":1", "\\\"padding\\\":999"),
    ("\\\"stride\\\":1", "\\\"stride\\\":0"),
    ("\\\"kind\\\":\\\"flatten\\\"", "\\\"kind\\\":\\\"residual\\\",\\\"main\\\":[],\\\"skip\\\":[]"),
    ("\\\"layers\\\":[", "\\\"layers\\\":[{\\\"kind\\\":\\\"flatten\\\"},"),
    ("\\\"main\\\":[", "\\\"main\\\":[{\\\"kind\\\":\\\"residual\\\",\\\"main\\\":["),
    ("\\\"input\\\":[2", "\\\"input\\\":[9999,9999"),
    ("\\\"input\\\":[2", "\\\"input\\\":[0"),
    ("F32", "F64"),
    ("mixwell.format", "mixwell.fromat"),
    ("elu", "swish"),
];

fn words(s: &mut Stream, data: &mut Vec<u8>) {
    let (from, to) = WORDS[below(s, WORDS.len())];
    let places: Vec<usize> = (0..data.len().saturating_sub(from.len()))
        .filter(|at| data[*at..].starts_with(from.as_bytes()))
        .collect();
    if places.is_empty() {
        return bytes(s, data);
    }
    let at = places[below(s, places.len())];
    data.splice(at..at + from.len(), to.bytes());
    // The header says how long it is.
    let Some(length) = data.first_chunk::<8>().map(|b| u64::from_le_bytes(*b)) else { return };
    let length = length.wrapping_add(to.len() as u64).wrapping_sub(from.len() as u64);
    data[..8].copy_from_slice(&length.to_le_bytes());
}

/// Whether a network was read.
fn attack(data: &[u8], evaluate: bool) -> bool {
    let mut limits = ImportLimits::for_file(data.len() as u64);
    limits.arrays = ARRAYS;
    let mut result = None;
    let used = measure(|| result = Some(Network::<f32>::from_bytes_within(data, &limits)));
    let most = 6 * ARRAYS + STEP * data.len() as u64 + FIXED;
    assert!(used.bytes_max < most, "{} bytes for a file of {}", used.bytes_max, data.len());
    match result.unwrap() {
        Ok(network) => {
            assert!(network.params().iter().all(|p| p.is_finite()));
            assert!(network.spec().bytes().unwrap() <= ARRAYS);
            if evaluate {
                let x = Points::from_vec(vec![0.5; 2 * network.dim()], network.dim());
                let mut y = Points::zeros(2, network.n_out());
                network.values(x.as_batch(), y.as_batch_mut());
                // Bit for bit, as a negative variance makes NaN.
                let bits = |row: usize| y.row(row).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(0), bits(1), "rows differ");
            }
            true
        }
        Err(e) => {
            let text = e.to_string();
            assert!(text.len() < 1200 && e.is_input(), "an error of {} bytes: {text}", text.len());
            false
        }
    }
}

fn mutants(seeds: std::ops::Range<u64>) {
    let (ours, onnx) = (ours(), onnx());
    let tried = seeds.end - seeds.start;
    let mut accepted = [0; 2];
    for seed in seeds {
        let mut s = Stream::new(seed, 3);
        let kind = seed as usize % 3 / 2;
        let mut mutant = if kind == 0 { one_of(&mut s, &onnx) } else { one_of(&mut s, &ours) };
        for _ in 0..=below(&mut s, 2) {
            match (kind, below(&mut s, 4)) {
                (0, 1..) => mutant = message(&mut s, &mutant, 0),
                (1, 2..) => words(&mut s, &mut mutant),
                _ => bytes(&mut s, &mut mutant),
            }
        }
        let evaluate = seed % 16 < 2;
        let Ok(good) = catch_unwind(AssertUnwindSafe(|| attack(&mutant, evaluate))) else {
            panic!("mutant {seed}: {}", mutant.escape_ascii())
        };
        accepted[kind] += u64::from(good);
    }
    eprintln!("of {tried} mutants {} of ONNX and {} of ours were read", accepted[0], accepted[1]);
    // Mutations must not all be so coarse that the container alone is tried. Most of ours hit the header, which must be whole.
    assert!(accepted[0] > tried / 20 && accepted[1] > tried / 250, "{accepted:?} of {tried} were read");
}

fn one_of(s: &mut Stream, files: &[Vec<u8>]) -> Vec<u8> {
    files[below(s, files.len())].clone()
}

#[test]
fn mutated_network_files_end_in_an_error_or_in_a_network() {
    mutants(0..20_000);
}

#[test]
#[ignore = "minutes"]
fn mutated_network_files_200_000() {
    mutants(0..200_000);
}

#[test]
fn beginnings_of_a_file_are_refused() {
    for file in ours().iter().chain(&onnx()) {
        let whole = NamedArrays::from_bytes(file).unwrap();
        assert!(whole.network().is_some());
        // All short ones, and one in 31 of the rest.
        for end in (0..file.len().min(2000)).chain((2000..file.len()).step_by(31)) {
            let Err(e) = NamedArrays::from_bytes(&file[..end]) else {
                panic!("{end} of {} bytes", file.len())
            };
            assert!(e.to_string().len() < 1000 && e.is_input());
        }
    }
}

#[test]
fn graphs_that_grow_end_in_an_error() {
    let field = |number: u64, own: &[u8]| write(&[Field::Bytes(number << 3 | 2, own.to_vec())]);
    let number = |number: u64, value: u64| write(&[Field::Number(number << 3, value)]);
    let node = |operator: &str, inputs: &[&str], output: &str| {
        let inputs: Vec<u8> = inputs.iter().flat_map(|i| field(1, i.as_bytes())).collect();
        field(1, &[inputs, field(2, output.as_bytes()), field(4, operator.as_bytes())].concat())
    };
    let value = |name: &str| {
        let sizes = [field(1, &number(1, 4)), field(1, &number(1, 3))].concat();
        let tensor = [number(1, 1), field(2, &sizes)].concat();
        [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
    };
    let model = |nodes: &[Vec<u8>], output: &str| {
        let graph = [nodes.concat(), field(11, &value("x0")), field(12, &value(output))].concat();
        let operators = [field(1, b""), number(2, 13)].concat();
        [number(1, 8), field(2, b"us"), field(7, &graph), field(8, &operators)].concat()
    };
    let name = |i: usize| format!("x{i}");
    // A chain of 20 000 layers, more than a network has.
    let chain: Vec<Vec<u8>> = (0..20_000).map(|i| node("Tanh", &[&name(i)], &name(i + 1))).collect();
    // Blocks around blocks around blocks, and blocks after blocks.
    let nested: Vec<Vec<u8>> = (0..200)
        .map(|i| node("Tanh", &[&name(i)], &name(i + 1)))
        .chain((0..200).map(|i| {
            let before = if i == 0 { name(200) } else { format!("y{i}") };
            node("Add", &[&before, &name(199 - i)], &format!("y{}", i + 1))
        }))
        .collect();
    let doubled: Vec<Vec<u8>> = (0..60).map(|i| node("Add", &[&name(i), &name(i)], &name(i + 1))).collect();
    let crossed: Vec<Vec<u8>> = (0..60)
        .flat_map(|i| {
            let (a, b) = (format!("a{i}"), format!("b{i}"));
            [node("Tanh", &[&name(i)], &a), node("Relu", &[&a], &b), node("Add", &[&a, &b], &name(i + 1))]
        })
        .collect();
    let circle = vec![node("Add", &["x0", "x2"], "x1"), node("Tanh", &["x1"], "x2")];
    for (nodes, output, word) in [
        (&chain, "x20000", "layers"),
        (&nested, "y200", "deep"),
        (&doubled, "x60", "adds a value to itself"),
        (&circle, "x2", "made by no node before it"),
    ] {
        let file = model(nodes, output);
        let mut text = String::new();
        let used = measure(|| text = NamedArrays::from_bytes(&file).unwrap_err().to_string());
        assert!(text.contains(word) && text.len() < 1000, "{word}: {text}");
        assert!(used.bytes_max < (16 << 20) + STEP * file.len() as u64, "{} bytes: {text}", used.bytes_max);
    }
    // Blocks one after the other are fine.
    let network = NamedArrays::from_bytes(&model(&crossed, "x60")).unwrap();
    assert_eq!(network.network().unwrap().layers.len(), 120);
}

#[test]
fn a_network_holds_no_more_than_it_says() {
    let mut tried = 0;
    for named in named_networks() {
        let spec = named.spec();
        let bytes = spec.bytes().unwrap();
        // The large ones take long; their layers are those of the others.
        if bytes > 100 << 20 {
            continue;
        }
        tried += 1;
        let used =
            measure(|| drop(Network::<f64>::new(&spec, Init::ZeroLast, &mut Stream::new(0, 0)).unwrap()));
        let layers = 4096 * spec.layers.len() as u64;
        assert!(used.bytes_max <= bytes + layers, "{}: {} bytes, not {bytes}", named.name, used.bytes_max);
        assert!(
            used.bytes_max * 12 > bytes,
            "{}: {} bytes, far less than {bytes}",
            named.name,
            used.bytes_max
        );
    }
    assert!(tried > 5, "{tried}");
}
