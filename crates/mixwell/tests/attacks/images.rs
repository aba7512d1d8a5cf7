//! Mutated files of images: idx, CIFAR, PNG, plain, gzip and xz. What comes back is a set whose pixels fit its shape, or an error of a few words;
//! never a panic, and never more memory than the bound that was asked for, and the file.
//!
//! All 200 000: `cargo test -p mixwell --test attacks -- --ignored mutated_images`.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use allocation_counter::measure;
use mixwell::Stream;
use mixwell::image::ImageSet;

use super::mutate::{below, bytes};

/// Most bytes of pixels.
const MOST: u64 = 1 << 16;
/// Held beside them, whatever the file: state of the decompressor, the least that the PNG decoder asks for.
const FIXED: u64 = 2 << 20;

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = 1 << 16;
    let mut encoder = lzma_rust2::XzWriter::new(vec![], options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn png(color: png::ColorType, side: u32, samples: usize) -> Vec<u8> {
    let mut out = vec![];
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    if color == png::ColorType::Indexed {
        encoder.set_palette((0..=255u8).flat_map(|i| [i, 0, 255 - i]).collect::<Vec<u8>>());
    }
    let data: Vec<u8> = (0..side as usize * side as usize * samples).map(|i| (i * 3) as u8).collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    out
}

fn corpus() -> Vec<Vec<u8>> {
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5][..], &[7; 60]].concat();
    let cifar: Vec<u8> = (0..2 * 3073).map(|i| (i % 10) as u8).collect();
    vec![
        gzip(&idx),
        xz(&idx),
        idx,
        gzip(&cifar),
        cifar,
        png(png::ColorType::Grayscale, 9, 1),
        png(png::ColorType::Rgb, 7, 3),
        png(png::ColorType::Rgba, 5, 4),
        png(png::ColorType::Indexed, 6, 1),
        // Bombs.
        gzip(&vec![0; 1 << 20]),
        xz(&vec![0; 1 << 20]),
        png(png::ColorType::Grayscale, 1024, 1),
    ]
}

/// Mends the checksums of a PNG's chunks, so that what was changed in them is read.
fn mend(data: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = data.get(at..at + 4).map(|b| u32::from_be_bytes(b.try_into().unwrap()) as usize)
    {
        let end = (at + 8).saturating_add(length);
        if end.checked_add(4).is_none_or(|end| end > data.len()) {
            return;
        }
        let mut crc = flate2::Crc::new();
        crc.update(&data[at + 4..end]);
        data[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
}

fn attack(data: &[u8]) -> bool {
    let mut result = None;
    let used = measure(|| result = Some(ImageSet::from_bytes(Path::new("m.file"), data, MOST)));
    assert!(used.bytes_max < 6 * MOST + FIXED, "{} bytes for a file of {}", used.bytes_max, data.len());
    match result.unwrap() {
        Ok(set) => {
            assert_eq!(set.pixels().len(), set.len() * set.shape().dim());
            assert!(set.labels().is_none_or(|labels| labels.len() == set.len()));
            true
        }
        Err(e) => {
            let text = e.to_string();
            assert!(text.len() < 1000 && text.contains("m.file") && e.is_input(), "{text}");
            false
        }
    }
}

fn mutants(seeds: std::ops::Range<u64>) {
    let corpus = corpus();
    let (mut accepted, tried) = (0, seeds.end - seeds.start);
    for seed in seeds {
        let mut s = Stream::new(seed, 3);
        let mut mutant = corpus[seed as usize % corpus.len()].clone();
        for _ in 0..=below(&mut s, 2) {
            // Headers are where most is decided.
            let near = mutant.len().min(if below(&mut s, 2) == 0 { 64 } else { usize::MAX });
            let at = below(&mut s, near);
            match (below(&mut s, 4), mutant.is_empty()) {
                (_, true) => {}
                (0, _) => bytes(&mut s, &mut mutant),
                (1, _) => mutant[at] = below(&mut s, 256) as u8,
                (2, _) => mutant[at] ^= 1 << below(&mut s, 8),
                _ => {
                    let end = (at + 4).min(mutant.len());
                    mutant[at..end].fill([0, 0x7f, 0xff][below(&mut s, 3)]);
                }
            }
        }
        if below(&mut s, 3) > 0 {
            mend(&mut mutant);
        }
        let Ok(good) = catch_unwind(AssertUnwindSafe(|| attack(&mutant))) else {
            panic!("mutant {seed}: {}", mutant[..mutant.len().min(500)].escape_ascii())
        };
        accepted += u64::from(good);
    }
    eprintln!("{accepted} of {tried} were read");
    assert!(accepted > tried / 20, "{accepted} of {tried} were read");
}

#[test]
fn mutated_images_end_in_an_error_or_in_pixels_that_fit() {
    mutants(0..20_000);
}

#[test]
#[ignore = "minutes"]
fn mutated_images_200_000() {
    mutants(0..200_000);
}
