//! The project's small scorer of digits (`examples/data/digits_classifier.safetensors`, trained by
//! `mixwell train examples/digits_classifier.toml`) does what is said of it.

use std::path::{Path, PathBuf};

use mixwell::Points;
use mixwell::image::ImageSet;
use mixwell::net::Network;

use crate::data::folder_with;

/// What is said of it: 9944 of the 10 000 images; another processor may round a few of them to the other side.
const RIGHT: usize = 9940;

fn beside(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data").join(name);
    if !path.exists() {
        eprintln!("skipped: this copy of the crate comes without examples/data");
        return None;
    }
    Some(path)
}

/// Images that it finds right; `flip`: of pictures turned upside down.
fn right(network: &Network<f32>, images: &ImageSet, flip: bool) -> usize {
    let mut x = images.points(0..images.len(), [0.0, 1.0]).unwrap();
    if flip {
        (0..x.rows()).for_each(|row| x.row_mut(row).reverse());
    }
    let mut logits = Points::zeros(images.len(), network.n_out());
    network.values(x.as_batch(), logits.as_batch_mut());
    let best = |row: &[f64]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let labels = images.labels().unwrap();
    labels.iter().enumerate().filter(|(i, label)| best(logits.row(*i)) == **label as usize).count()
}

#[test]
fn it_knows_a_handful_of_digits() {
    let Some(path) = beside("digits_classifier.safetensors") else { return };
    let network = Network::<f32>::read(&path).unwrap();
    let images = ImageSet::read(&beside("mnist50-images-idx3-ubyte.gz").unwrap()).unwrap();
    assert_eq!(images.len(), 50);
    assert!(right(&network, &images, false) >= 49);
    assert!(right(&network, &images, true) < 35, "upside down they are others");
}

#[test]
fn it_knows_the_digits_of_the_test_set() {
    let Some(path) = beside("digits_classifier.safetensors") else { return };
    let Some(data) = folder_with("images/mnist") else { return };
    let images = ImageSet::read(&data.join("images/mnist/t10k-images-idx3-ubyte.gz")).unwrap();
    let found = right(&Network::read(&path).unwrap(), &images, false);
    assert!(found >= RIGHT, "{found} of {}", images.len());
}
