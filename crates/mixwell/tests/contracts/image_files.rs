//! Images from files of each kind: made here, and, where they are, those of MNIST, Fashion-MNIST and CIFAR-10.

use std::io::Write;
use std::path::Path;

use mixwell::image::{Grid, ImageError, ImageSet, ImageShape, read_labels, write_png};

use super::data::folder_with;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = dictionary;
    let mut encoder = lzma_rust2::XzWriter::new(vec![], options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(lengths: &[u32], data: &[u8]) -> Vec<u8> {
    let lengths: Vec<u8> = lengths.iter().flat_map(|n| n.to_be_bytes()).collect();
    [&[0, 0, 8, (lengths.len() / 4) as u8], lengths.as_slice(), data].concat()
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 37 % 256) as u8).collect()
}

fn reason(file: &[u8]) -> String {
    let e = ImageSet::from_bytes(Path::new("a.file"), file, 1 << 20).unwrap_err();
    assert!(e.is_input());
    let text = e.to_string();
    assert!(text.contains("`a.file`"), "{text}");
    text
}

#[test]
fn idx_files_with_the_labels_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["", ".gz", ".xz"] {
        let packed = |bytes: Vec<u8>| match ending {
            ".gz" => gzip(&bytes),
            ".xz" => xz(&bytes, 1 << 20),
            _ => bytes,
        };
        let path = folder.path().join(format!("x-images-idx3-ubyte{ending}"));
        std::fs::write(&path, packed(idx(&[3, 2, 5], &bytes(30)))).unwrap();
        let set = ImageSet::read(&path).unwrap();
        assert_eq!((set.shape(), set.len()), (ImageShape::new(1, 2, 5), 3));
        assert_eq!((set.pixels(), set.labels()), (bytes(30).as_slice(), None));
        let labels = folder.path().join(format!("x-labels-idx1-ubyte{ending}"));
        std::fs::write(&labels, packed(idx(&[3], &[7, 0, 7]))).unwrap();
        assert_eq!(read_labels(&labels).unwrap(), [7, 0, 7]);
        assert_eq!(ImageSet::read(&path).unwrap().labels().unwrap(), [7, 0, 7]);
        std::fs::write(&labels, packed(idx(&[2], &[7, 0]))).unwrap();
        assert!(matches!(ImageSet::read(&path), Err(ImageError::Labels { labels: 2, images: 3 })));
        assert!(ImageSet::read(&labels).unwrap_err().to_string().contains("file of labels"));
        assert!(read_labels(&path).unwrap_err().to_string().contains("labels have one"));
    }
}

#[test]
fn cifar_files_of_both_numbers_of_classes() {
    let record = |classes: &[u8], first: usize| [classes, &bytes(3072 + first)[first..]].concat();
    let ten = [record(&[3], 0), record(&[9], 1)].concat();
    for file in [ten.clone(), gzip(&ten), xz(&ten, 1 << 16)] {
        let set = ImageSet::from_bytes(Path::new("a.bin"), &file, 1 << 20).unwrap();
        assert_eq!((set.shape(), set.labels().unwrap()), (ImageShape::new(3, 32, 32), [3, 9].as_slice()));
        assert_eq!(set.image(1), &bytes(3073)[1..]);
    }
    let hundred = [record(&[19, 99], 0), record(&[0, 42], 1)].concat();
    let set = ImageSet::from_bytes(Path::new("a.bin"), &hundred, 1 << 20).unwrap();
    assert_eq!((set.labels().unwrap(), set.image(0)), ([99, 42].as_slice(), bytes(3072).as_slice()));
    assert!(reason(&ten[..6000]).contains("CIFAR"));
    assert!(reason(&record(&[10], 0)).contains("CIFAR"));
}

/// A PNG file of any kind.
fn png(color: png::ColorType, depth: png::BitDepth, (width, height): (u32, u32), data: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette([[9u8, 8, 7], [1, 2, 3]].concat());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

#[test]
fn pictures_of_every_kind_are_read_or_refused() {
    use png::{BitDepth, ColorType};
    let read = |file: &[u8]| ImageSet::from_bytes(Path::new("a.png"), file, 1 << 20).unwrap();
    let grey = read(&png(ColorType::Grayscale, BitDepth::Eight, (3, 2), &bytes(6)));
    assert_eq!((grey.shape(), grey.pixels()), (ImageShape::new(1, 2, 3), bytes(6).as_slice()));
    let rgb = read(&png(ColorType::Rgb, BitDepth::Eight, (1, 2), &[1, 2, 3, 4, 5, 6]));
    assert_eq!((rgb.shape(), rgb.pixels()), (ImageShape::new(3, 2, 1), [1, 4, 2, 5, 3, 6].as_slice()));
    let bits = read(&png(ColorType::Grayscale, BitDepth::One, (2, 1), &[0b0100_0000]));
    assert_eq!(bits.pixels(), [0, 255]);
    let palette = read(&png(ColorType::Indexed, BitDepth::Eight, (2, 1), &[1, 0]));
    assert_eq!(
        (palette.shape(), palette.pixels()),
        (ImageShape::new(3, 1, 2), [1, 9, 2, 8, 3, 7].as_slice())
    );
    let opaque = read(&png(ColorType::Rgba, BitDepth::Eight, (1, 1), &[1, 2, 3, 255]));
    assert_eq!(opaque.pixels(), [1, 2, 3]);
    let clear = png(ColorType::Rgba, BitDepth::Eight, (1, 1), &[1, 2, 3, 254]);
    assert!(reason(&clear).contains("transparent"));
    let clear = png(ColorType::GrayscaleAlpha, BitDepth::Eight, (1, 1), &[1, 0]);
    assert!(reason(&clear).contains("transparent"));
    assert!(reason(&png(ColorType::Rgb, BitDepth::Sixteen, (1, 1), &[0; 6])).contains("16 bits"));
    let whole = png(ColorType::Rgb, BitDepth::Eight, (1, 2), &[1, 2, 3, 4, 5, 6]);
    assert!((8..whole.len() - 12).all(|end| !reason(&whole[..end]).is_empty()));
    // One that would be large.
    let large = png(ColorType::Grayscale, BitDepth::Eight, (2048, 2048), &vec![0; 1 << 22]);
    assert!(large.len() < 1 << 16 && reason(&large).contains("at most 1048576"));
}

#[test]
fn a_folder_of_pictures_has_its_classes_from_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    let set = ImageSet::new(ImageShape::new(3, 2, 2), bytes(48), None).unwrap();
    for (class, images) in [("cat", &[0, 2][..]), ("ant", &[1]), ("bee", &[3])] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        for i in images {
            write_png(&folder.path().join(format!("{class}/{i}.png")), &set, *i).unwrap();
        }
    }
    std::fs::write(folder.path().join("README.txt"), "about").unwrap();
    let read = ImageSet::read(folder.path()).unwrap();
    assert_eq!(read.class_names(), ["ant", "bee", "cat"]);
    assert_eq!(read.labels().unwrap(), [0, 1, 2, 2]);
    for (i, from) in [1, 3, 0, 2].into_iter().enumerate() {
        assert_eq!(read.image(i), set.image(from));
    }
    assert_eq!(read.of_classes(&[2]).unwrap().len(), 2);
    let plain = ImageSet::read(&folder.path().join("cat")).unwrap();
    assert_eq!((plain.len(), plain.labels()), (2, None));

    let refused = |word: &str| {
        let text = ImageSet::read(folder.path()).unwrap_err().to_string();
        assert!(text.contains(word), "{text}");
    };
    let odd = folder.path().join("cat/3.png");
    write_png(&odd, &Grid::default().arrange(&set).unwrap(), 0).unwrap();
    refused("one size");
    std::fs::write(&odd, "no picture").unwrap();
    refused("3.png");
    std::fs::remove_file(&odd).unwrap();
    write_png(&folder.path().join("a.png"), &set, 0).unwrap();
    refused("both pictures and folders");
    let empty = tempfile::tempdir().unwrap();
    assert!(ImageSet::read(empty.path()).unwrap_err().to_string().contains("without a PNG"));
    let missing = ImageSet::read(&empty.path().join("no")).unwrap_err().to_string();
    assert!(missing.contains("check the path"), "{missing}");
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn other_files_are_refused_by_what_they_are() {
    assert!(reason(b"").contains("empty"));
    assert!(reason(b"\xff\xd8\xff").contains("JPEG"));
    assert!(reason(b"PK\x03\x04").contains("zip"));
    assert!(reason(&[0, 0, 13, 1, 0, 0, 0, 0]).contains("floats"));
    assert!(reason(&idx(&[2, 3], &bytes(6))).contains("2 axes"));
    assert!(reason(&idx(&[2, 0, 3], &[])).contains("no pixels"));
    assert!(reason(&idx(&[u32::MAX, u32::MAX, u32::MAX], &[])).contains("byte 16"));
    assert!(reason(&idx(&[2, 3, 3], &bytes(17))).contains("17 bytes"));
    assert!(reason(&gzip(&vec![0; 2 << 20])).contains("at most 1048576"));
    assert!(reason(&gzip(&bytes(100))[..30]).contains("decompressed"));
    // What becomes too much, what is cut off, what is changed, and a header that asks for a gigabyte of memory.
    assert!(reason(&xz(&vec![0; 2 << 20], 1 << 20)).contains("at most 1048576"));
    let whole = xz(&idx(&[2, 3, 3], &bytes(18)), 1 << 20);
    assert!(ImageSet::from_bytes(Path::new("a.file"), &whole, 1 << 20).is_ok());
    assert!(reason(&whole[..30]).contains("decompressed"));
    assert!(reason(&whole[..6]).contains("decompressed"));
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    assert!(reason(&changed).contains("decompressed"));
    let mut greedy = whole;
    // The dictionary's size is a byte of the first block's header, 2^30 is 36; the check sum of the header follows it.
    assert_eq!(greedy[16], 16);
    greedy[16] = 36;
    let sum = crc32(&greedy[12..20]);
    greedy[20..24].copy_from_slice(&sum.to_le_bytes());
    assert!(reason(&greedy).contains("emory"), "{}", reason(&greedy));
}

#[test]
fn sets_of_others() {
    if let Some(data) = folder_with("images/mnist") {
        let train = ImageSet::read(&data.join("images/mnist/train-images-idx3-ubyte.gz")).unwrap();
        let test = ImageSet::read(&data.join("images/mnist/t10k-images-idx3-ubyte.gz")).unwrap();
        assert_eq!((train.len(), test.len(), train.shape()), (60_000, 10_000, ImageShape::new(1, 28, 28)));
        assert_eq!(train.labels().unwrap()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(test.labels().unwrap()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
        // The numbers by which everybody standardises MNIST.
        let n = train.pixels().len() as f64 * 255.0;
        let mean = train.pixels().iter().map(|v| u64::from(*v)).sum::<u64>() as f64 / n;
        let square = train.pixels().iter().map(|v| u64::from(*v).pow(2)).sum::<u64>() as f64 / (n * 255.0);
        assert!((mean - 0.1307).abs() < 5e-5 && ((square - mean * mean).sqrt() - 0.3081).abs() < 5e-5);
        assert_eq!(test.of_classes(&[0]).unwrap().len(), 980);
    }
    if let Some(data) = folder_with("images/fashion_mnist") {
        let set =
            ImageSet::read(&data.join("images/fashion_mnist/t10k-first6978-images-idx3-ubyte.gz")).unwrap();
        assert_eq!(
            (set.len(), set.of_classes(&[0]).unwrap().len(), set.of_classes(&[9]).unwrap().len()),
            (6978, 688, 683)
        );
    }
    if let Some(data) = folder_with("images/cifar10_full") {
        let set = ImageSet::read(&data.join("images/cifar10_full/test_batch_first5000.bin.xz")).unwrap();
        assert_eq!((set.len(), set.shape()), (5000, ImageShape::new(3, 32, 32)));
    }
    if let Some(data) = folder_with("images/cifar10") {
        for (file, n) in [("data_batch_4_first1112", 1112), ("jpeg_test_0000_0099_per_class", 1000)] {
            let set = ImageSet::read(&data.join(format!("images/cifar10/{file}.bin.gz"))).unwrap();
            assert_eq!((set.len(), set.shape()), (n, ImageShape::new(3, 32, 32)));
            if n == 1000 {
                assert!((0..10).all(|class| set.of_classes(&[class]).unwrap().len() == 100));
            }
        }
    }
}
