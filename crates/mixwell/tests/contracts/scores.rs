//! Scores of real images with a published classifier of digits. Skipped, with a word, where the files are not there.

use super::data;
use mixwell::image::ImageSet;
use mixwell::net::named_network;
use mixwell::score::{Extractor, ImageScores, Preprocessing, ScoreOptions};

#[test]
fn digits_are_near_digits_and_clothes_are_far() {
    let (part, file) = ("gan/classifier_lenet5_mnist", "lenet_epoch_12_test_acc_0.991.pth");
    let Some(folder) = data::folder_with(part) else { return };
    let read = |name: &str| ImageSet::read(&folder.join("images").join(name));
    let (Ok(train), Ok(test), Ok(clothes)) = (
        read("mnist/train-images-idx3-ubyte.gz"),
        read("mnist/t10k-images-idx3-ubyte.gz"),
        read("fashion_mnist/t10k-first6978-images-idx3-ubyte.gz"),
    ) else {
        eprintln!("skipped: no images beside {part}");
        return;
    };
    let lenet = Extractor::open(&folder.join(part).join(file), named_network("lenet5"), None).unwrap();
    assert_eq!(lenet.sha256(), "7b3591ba5a63752a7e728d7f7e511266556a2ec66844810da9f475e07019b85e");
    assert_eq!(lenet.n_features(), 84);
    let how = Preprocessing { pad: true, ..Preprocessing::default() };
    let train = train.slice(0..20_000).unwrap();
    let score = |set| ImageScores::of(&lenet, &how, set, &train, ScoreOptions::default()).unwrap();
    let (digits, clothes) = (score(&test), score(&clothes));
    let (near, far) = (digits.frechet_distance, clothes.frechet_distance);
    println!("{near:?} {far:?} {} {}", digits.images.class_score.all, clothes.images.class_score.all);
    assert!(far.value > 20.0 * near.value, "{near:?} {far:?}");
    assert!(far.corrected() - near.corrected() > 20.0 * far.standard_error, "{near:?} {far:?}");
    // Ten digits, and a classifier that is sure of nearly all of them.
    let sure = digits.images.class_score.all;
    assert!((9.0..10.0).contains(&sure), "{sure}");
    assert!(clothes.images.class_score.all < sure - 2.0);
    assert!(digits.warnings.is_empty() && clothes.warnings.is_empty());
}
