//! Mutated files of networks: whatever they hold, what comes back is arrays that fit their shapes, or an error of a few words that
//! names the place; never a panic, and never more memory than the file and the limits allow.
//!
//! A part of the mutants is tried every time. All 200 000: `cargo test -p mixwell --test attacks -- --ignored mutated_networks`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use allocation_counter::measure;
use mixwell::Stream;
use mixwell::net::import::{ImportLimits, NamedArrays};

use super::mutate::{below, bytes, one};

/// Bytes a pickle's step may take, and what else is held for any file, however small.
const STEP: u64 = 256;
const FIXED: u64 = 1 << 18;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.is_file() && p.extension().is_none_or(|e| e != "py"));
    paths.sort();
    assert!(paths.len() >= 14, "{paths:?}");
    paths.iter().map(|p| std::fs::read(p).unwrap()).collect()
}

/// Pieces of pickles, archives and headers that mean something.
const PIECES: [&[u8]; 30] = [
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"c__main__\nNet\n)\x81}b",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nHalfStorage\n",
    b"ccollections\nOrderedDict\n)R",
    b"(",
    b"t",
    b"]",
    b"}",
    b"R",
    b"\x81",
    b"b",
    b"Q",
    b"K\xff",
    b"J\xff\xff\xff\xff",
    b"J\xff\xff\xff\x7f",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\xff",
    b"M\xff\xff",
    b"h\x00",
    b"h\x01h\x02h\x03",
    b"q\x01",
    b"2222222222222222",
    b"(h\x01h\x01h\x01h\x01tq\x01",
    b"h\x04h\x05\x86h\x04s",
    b"0",
    b"1",
    b".",
    b"PK\x05\x06",
];

const WORDS: [(&str, &str); 14] = [
    ("FloatStorage", "DoubleStorage"),
    ("FloatStorage", "UntypedStorage"),
    ("LongStorage", "ByteStorage"),
    ("collections\nOrderedDict", "os\nsystem\n((((((((("),
    ("<f4", ">f8"),
    ("<f8", "|O8"),
    ("False", "True, "),
    ("(2, 3, )", "(-1,-6,)"),
    ("(2, 3, )", "(9999999"),
    ("F32", "F64"),
    ("[2, 1, 3, 3]", "[2, 1, 3, 9]"),
    ("[0, 72]", "[9, 72]"),
    ("[0, 72]", "[72, 0]"),
    ("data/1", "data/0"),
];

fn replace(data: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    if let Some(at) = data.windows(from.len()).position(|w| w == from) {
        data.splice(at..at + from.len(), to.iter().copied());
    }
}

fn mutate(s: &mut Stream, data: &mut Vec<u8>, other: &[u8]) {
    if data.is_empty() {
        return;
    }
    let at = below(s, data.len());
    match below(s, 9) {
        0 | 1 => bytes(s, data),
        2 => {
            let piece = one(s, &PIECES);
            data.splice(at..at, piece.iter().copied());
        }
        3 => {
            // In place, so that what counts bytes still fits.
            let piece = one(s, &PIECES);
            let end = (at + piece.len()).min(data.len());
            data[at..end].copy_from_slice(&piece[..end - at]);
        }
        4 => {
            let (from, to) = WORDS[below(s, WORDS.len())];
            replace(data, from.as_bytes(), to.as_bytes());
        }
        5 => {
            // A number of two, four or eight bytes becomes an extreme one.
            let size = [2, 4, 8][below(s, 3)];
            let value = [0u64, 1, u64::MAX, i64::MAX as u64, u64::from(u32::MAX), 1 << 31][below(s, 6)];
            let end = (at + size).min(data.len());
            data[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        }
        6 => data[at] = below(s, 256) as u8,
        7 => {
            let from = below(s, other.len());
            let end = (from + 1 + below(s, 200)).min(other.len());
            data.splice(at..at, other[from..end].iter().copied());
        }
        _ => {
            let end = (at + 8).min(data.len());
            data[at..end].fill(0xff);
        }
    }
}

/// Mends the checksums of the entries of an archive, so that what was changed in them is read.
fn mend(data: &mut [u8]) {
    let number =
        |data: &[u8], at: usize| data.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
    let mut at = 0;
    while at + 46 <= data.len() {
        if number(data, at) == Some(0x0201_4b50) && data[at + 10..at + 12] == [0, 0] {
            let (size, local) = (number(data, at + 20).unwrap(), number(data, at + 42).unwrap());
            let lengths = data.get(local as usize + 26..local as usize + 30);
            if let Some(&[a, b, c, d]) = lengths {
                let start = local as usize + 30 + usize::from(u16::from_le_bytes([a, b]));
                let start = start + usize::from(u16::from_le_bytes([c, d]));
                if let Some(own) = data.get(start..start.saturating_add(size as usize)) {
                    let crc = checksum(own);
                    data[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
                }
            }
        }
        at += 1;
    }
}

fn checksum(data: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    };
    !data.iter().fold(u32::MAX, step)
}

/// Whether it was read.
fn attack(data: &[u8]) -> bool {
    let mut limits = ImportLimits::for_file(data.len() as u64);
    (limits.inflated, limits.arrays) = (1 << 16, 1 << 16);
    let mut result = None;
    let used = measure(|| result = Some(NamedArrays::from_bytes_within(data, &limits)));
    let most = limits.inflated * 2 + limits.arrays * 2 + STEP * data.len() as u64 + FIXED;
    assert!(used.bytes_max < most, "{} bytes for a file of {}", used.bytes_max, data.len());
    match result.unwrap() {
        Ok(arrays) => {
            assert!(!arrays.is_empty() || data.starts_with(b"PK") || data.get(8) == Some(&b'{'));
            for array in &arrays {
                assert_eq!(array.values.len(), array.shape.iter().product::<usize>(), "{}", array.name);
                assert!(std::ptr::eq(arrays.get(&array.name).unwrap(), array));
            }
            if let Err(e) = arrays.select("") {
                assert!(e.to_string().len() < 1000, "{e}");
            }
            if let Err(e) = arrays.fold_spectral_norm(|_| false) {
                assert!(e.to_string().len() < 2000, "{e}");
            }
            true
        }
        Err(e) => {
            let text = e.to_string();
            assert!(text.len() < 1000 && e.is_input(), "an error of {} bytes: {text}", text.len());
            false
        }
    }
}

fn mutants(seeds: std::ops::Range<u64>) {
    let corpus = corpus();
    let (mut accepted, tried) = (0, seeds.end - seeds.start);
    for seed in seeds {
        let mut s = Stream::new(seed, 2);
        let mut mutant = corpus[seed as usize % corpus.len()].clone();
        for _ in 0..=below(&mut s, 3) {
            let other = below(&mut s, corpus.len());
            mutate(&mut s, &mut mutant, &corpus[other]);
        }
        if mutant.starts_with(b"PK") && below(&mut s, 4) > 0 {
            mend(&mut mutant);
        }
        let Ok(good) = catch_unwind(AssertUnwindSafe(|| attack(&mutant))) else {
            panic!("mutant {seed}: {}", mutant.escape_ascii())
        };
        accepted += u64::from(good);
    }
    eprintln!("{accepted} of {tried} were read");
    // Mutations must not all be so coarse that the container alone is tried.
    assert!(accepted > tried / 20, "{accepted} of {tried} were read");
}

#[test]
fn mutated_networks_end_in_an_error_or_in_arrays_that_fit() {
    mutants(0..50_000);
}

#[test]
#[ignore = "minutes"]
fn mutated_networks_200_000() {
    mutants(0..200_000);
}

#[test]
fn every_beginning_of_a_file_is_refused() {
    for file in corpus() {
        let whole = NamedArrays::from_bytes(&file).is_ok();
        for end in 0..file.len() {
            let Err(e) = NamedArrays::from_bytes(&file[..end]) else {
                panic!("{end} of {} bytes", file.len())
            };
            assert!(e.to_string().len() < 1000 && (whole || e.is_input()));
        }
    }
}

/// A legacy checkpoint with this pickle as its object.
fn legacy(object: &[u8]) -> Vec<u8> {
    let begin: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
    [begin, object, b".\x80\x02]."].concat()
}

fn refused(data: &[u8], word: &str) {
    let mut limits = ImportLimits::for_file(data.len() as u64);
    (limits.inflated, limits.arrays) = (1 << 20, 1 << 20);
    let mut text = String::new();
    let used = measure(|| {
        text = NamedArrays::from_bytes_within(data, &limits).map(|a| a.len()).unwrap_err().to_string();
    });
    assert!(text.contains(word), "{text}");
    assert!(used.bytes_max < (16 << 20) + STEP * data.len() as u64, "{} bytes: {text}", used.bytes_max);
}

#[test]
fn nesting_sharing_and_recursion_end_in_an_error() {
    refused(&legacy(&b"]".repeat(1 << 16)), "");
    let deep = [b"}".repeat(1 << 12), b"X\x01\x00\x00\x00ah\x00s".to_vec()].concat();
    refused(&legacy(&deep), "");
    // Lists within lists, each of which has the one before twice: 2^60 paths lead to the innermost.
    let doubling = [b"}q\x00".to_vec(), b"h\x00h\x00\x86q\x00".repeat(60)].concat();
    refused(&legacy(&doubling), "nested values");
    // A dictionary in itself.
    refused(&legacy(b"}q\x00X\x01\x00\x00\x00ah\x00s"), "depth");
    refused(&legacy(b"]q\x00h\x00a"), "depth");
    // Names that grow.
    let key = [b"X\x00\x02\x00\x00".to_vec(), vec![b'k'; 512]].concat();
    let names = [b"}q\x00".to_vec(), [key.as_slice(), b"q\x01h\x00s"].concat()].concat();
    refused(&legacy(&names), "its name");
    // More steps than are followed.
    refused(&legacy(&b"N0".repeat(1 << 21)), "steps");
}

#[test]
fn forbidden_names_are_refused_wherever_they_stand() {
    for call in [
        &b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R"[..],
        b"cbuiltins\neval\nX\x02\x00\x00\x00()\x85R",
        b"csubprocess\nPopen\n)\x81",
        b"(ios\nsystem\n",
        b"(cos\nsystem\no",
        b"c__builtin__\nexec\n)}\x92",
    ] {
        refused(&legacy(call), "is a Python object");
        let inside = [&b"}X\x0a\x00\x00\x00state_dict"[..], call, b"s"].concat();
        refused(&legacy(&inside), "`state_dict` is a Python object");
    }
}
