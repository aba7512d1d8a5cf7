//! What holds for every symmetry, whatever its kind.

use std::sync::Arc;

use super::*;
use crate::density::{NoData, Target, TargetConfig, WithSymmetries, catalogue, check_symmetries, from_fn};
use crate::{Points, Stream};

fn of(text: &str, dim: usize) -> Arc<dyn Symmetry> {
    toml::from_str::<SymmetryConfig>(text).unwrap().build(dim).unwrap()
}

fn all() -> Vec<(Arc<dyn Symmetry>, usize)> {
    let rotated = "kind = 'maps'\nmatrices = [[[0, -1, 0], [1, 0, 0], [0, 0, 1]]]\nshifts = [[1, 2, 3]]";
    [
        ("kind = 'sign_flip'", 3),
        ("kind = 'sign_flip'\ncoordinates = [0, 2]", 4),
        ("kind = 'permutations'", 4),
        ("kind = 'permutations'\ncount = 3\narrays = 2\nsize = 2\nfirst = 1", 14),
        ("kind = 'rotations'\nspace = 2", 6),
        ("kind = 'rotations'\nspace = 3\nreflections = true", 9),
        ("kind = 'rotations'\nspace = 5", 5),
        ("kind = 'lattice'\nshape = [3, 3]", 9),
        ("kind = 'lattice'\nshape = [2, 4, 2]", 16),
        ("kind = 'lattice'\nshape = [5]\ntranslations = false", 5),
        ("kind = 'lattice'\nshape = [3, 2]\nreflections = false\nexchanges = false", 6),
        (rotated, 3),
        ("kind = 'maps'\nmatrices = [[[1, 1], [0, 1]]]", 2),
    ]
    .into_iter()
    .map(|(text, dim)| (of(text, dim), dim))
    .collect()
}

fn point(stream: &mut Stream, dim: usize) -> Vec<f64> {
    let mut x = vec![0.0; dim];
    stream.fill_normal(&mut x);
    x
}

fn is_close(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + a.abs()))
}

/// The images of `x` under all maps.
fn images(symmetry: &dyn Symmetry, x: &[f64]) -> Vec<Vec<f64>> {
    let mut element = vec![0.0; symmetry.element_len()];
    let image = |k: u64| {
        symmetry.element(k, &mut element);
        let mut image = vec![0.0; x.len()];
        symmetry.apply(&element, x, &mut image);
        image
    };
    (0..symmetry.order().unwrap()).map(image).collect()
}

#[test]
fn number_0_is_the_identity_and_all_maps_differ() {
    for (symmetry, dim) in all() {
        let x = point(&mut Stream::new(1, 0), dim);
        let mut identity = vec![0.0; symmetry.element_len()];
        symmetry.element(0, &mut identity);
        let mut same = vec![0.0; dim];
        symmetry.apply(&identity, &x, &mut same);
        assert!(is_close(&x, &same), "{symmetry:?}");
        if symmetry.order().is_some() {
            let all = images(&*symmetry, &x);
            // A mirror of an axis of two sites is a shift: there, several numbers name the same map.
            let distinct =
                (0..all.len()).filter(|i| !all[..*i].iter().any(|b| is_close(&all[*i], b))).count();
            assert_eq!(distinct, if dim == 16 { all.len() / 4 } else { all.len() }, "{symmetry:?}");
        }
    }
}

#[test]
fn the_inverse_of_every_map_is_one() {
    for (symmetry, dim) in all().into_iter().filter(|(s, _)| s.order().is_some()) {
        let x = point(&mut Stream::new(2, 0), dim);
        for image in images(&*symmetry, &x) {
            assert!(images(&*symmetry, &image).iter().any(|back| is_close(back, &x)), "{symmetry:?}");
        }
    }
}

#[test]
fn draws_are_uniform_over_the_maps() {
    for (symmetry, dim) in all().into_iter().filter(|(s, _)| s.order().is_some()) {
        let mut stream = Stream::new(3, 0);
        let x = point(&mut stream, dim);
        let all = images(&*symmetry, &x);
        let mut counts = vec![0.0; all.len()];
        let draws = 400 * all.len();
        let (mut element, mut image) = (vec![0.0; symmetry.element_len()], vec![0.0; dim]);
        for _ in 0..draws {
            symmetry.draw(&mut stream, &mut element);
            symmetry.apply(&element, &x, &mut image);
            let twins: Vec<usize> = (0..all.len()).filter(|k| is_close(&all[*k], &image)).collect();
            assert!(!twins.is_empty(), "{symmetry:?} drew a map that it does not count");
            twins.iter().for_each(|k| counts[*k] += 1.0 / twins.len() as f64);
        }
        let expected = draws as f64 / all.len() as f64;
        let chi2: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
        assert!(crate::math::chi_square_tail(chi2, all.len() as f64) > 1e-6, "{symmetry:?}: {chi2}");
    }
}

#[test]
fn rotations_follow_the_haar_measure() {
    // Entries of a Haar matrix of n rows have mean 0 and variance 1/n, and the trace of a rotation of the plane is 2 cos of a uniform angle.
    let mut stream = Stream::new(4, 0);
    for (space, reflections) in [(2, false), (3, false), (3, true), (5, true)] {
        let rotations = RotationsConfig { space, reflections }.build(space).unwrap();
        let (n, mut element) = (20_000, vec![0.0; space * space]);
        let (mut sums, mut squares, mut mirrors) = (vec![0.0; element.len()], vec![0.0; element.len()], 0);
        for _ in 0..n {
            rotations.draw(&mut stream, &mut element);
            let matrix = nalgebra::DMatrix::from_row_slice(space, space, &element);
            assert!(
                (&matrix * matrix.transpose() - nalgebra::DMatrix::identity(space, space)).amax() < 1e-12
            );
            mirrors += usize::from(matrix.determinant() < 0.0);
            sums.iter_mut().zip(&element).for_each(|(s, e)| *s += e);
            squares.iter_mut().zip(&element).for_each(|(s, e)| *s += e * e);
        }
        let (nf, s) = (f64::from(n), space as f64);
        assert!(sums.iter().all(|v| (v / nf).abs() < 5.0 / (s * nf).sqrt()), "{space}: {sums:?}");
        // The variance of a squared entry is 2 (n - 1) / (n^2 (n + 2)).
        let sd = (2.0 * (s - 1.0) / (s * s * (s + 2.0)) / nf).sqrt();
        assert!(squares.iter().all(|v| (v / nf - 1.0 / s).abs() < 5.0 * sd), "{space}: {squares:?}");
        let share = mirrors as f64 / nf;
        if reflections {
            assert!((share - 0.5).abs() < 2.5 / nf.sqrt());
        } else {
            assert_eq!(mirrors, 0);
        }
    }
}

#[test]
fn folds_end_at_one_image_of_the_point() {
    for (symmetry, dim) in all().into_iter().filter(|(s, _)| s.folds()) {
        let x = point(&mut Stream::new(5, 0), dim);
        let all = images(&*symmetry, &x);
        let fold = |x: &[f64]| {
            let mut x = x.to_vec();
            symmetry.fold(&mut x);
            x
        };
        let folded = fold(&x);
        assert!(all.iter().any(|image| is_close(image, &folded)), "{symmetry:?}");
        // Of a list of maps that is no group, images of images may lie further out.
        if !symmetry.name().ends_with("maps") {
            assert!(all.iter().all(|image| is_close(&fold(image), &folded)), "{symmetry:?}");
        }
    }
}

#[test]
fn products_in_both_orders_are_inverses() {
    let symmetries =
        vec![of("kind = 'permutations'\nsize = 2", 6), of("kind = 'sign_flip'\ncoordinates = [0]", 6)];
    let orbit = Orbit::of_folding(&symmetries, 100).unwrap();
    assert_eq!(orbit.order(), 12);
    let x = point(&mut Stream::new(6, 0), 6);
    let (mut image, mut back) = (vec![0.0; 6], vec![0.0; 6]);
    for k in 0..12 {
        orbit.image(k, &x, &mut image);
        let found = (0..12).any(|j| {
            orbit.image_back(j, &image, &mut back);
            is_close(&back, &x)
        });
        assert!(found, "{k}");
    }
    assert!(Orbit::of_folding(&symmetries, 11).is_none());
    // What cannot be summed over stays: a flow that is not averaged over it has to learn it.
    let many = vec![of("kind = 'permutations'", 25), of("kind = 'sign_flip'\ncoordinates = [0]", 25)];
    let orbit = Orbit::of_folding(&many, 100).unwrap();
    let mut x: Vec<f64> = (0..25).map(|i| -f64::from(i) - 1.0).collect();
    orbit.fold(&mut x);
    assert_eq!((orbit.order(), x[0], x[1], x[24]), (2, 1.0, -2.0, -25.0));
}

#[test]
fn built_in_targets_state_what_holds() {
    let others = [
        "kind = 'double_well4'\ncentre_of_mass = { tethered = { strength = 2.0 } }",
        "kind = 'phi4'\nsites = 9\nb = 0.3",
        "kind = 'phi4_lattice'\nshape = [3, 4]\nfield = 0.2",
        "kind = 'tempered'\ntarget = { kind = 'phi4' }",
    ];
    let others = others.map(|text| toml::from_str::<TargetConfig>(text).unwrap());
    let mut stated = 0;
    for config in catalogue().into_iter().map(|e| e.config).chain(others) {
        let Ok(target) = config.build(&NoData) else { continue };
        stated += target.symmetries().len();
        let mut stream = Stream::new(7, 0);
        let mut x = Points::zeros(20, target.dim());
        stream.fill_normal(x.data_mut());
        x.data_mut().iter_mut().for_each(|v| *v *= 1.5);
        let broken = check_symmetries(&*target, x.as_batch(), &mut stream).unwrap();
        assert!(broken.is_none(), "{}: {}", config.kind(), broken.unwrap());
        // Gradients turn as points do.
        for symmetry in target.symmetries() {
            let (mut element, mut image) = (vec![0.0; symmetry.element_len()], x.clone());
            let (mut grad, mut theirs, mut value) = (x.clone(), x.clone(), vec![0.0; 20]);
            target.log_prob_and_grad(x.as_batch(), &mut value, grad.as_batch_mut()).unwrap();
            symmetry.draw(&mut stream, &mut element);
            (0..20).for_each(|row| symmetry.apply(&element, x.row(row), image.row_mut(row)));
            target.log_prob_and_grad(image.as_batch(), &mut value, theirs.as_batch_mut()).unwrap();
            for (row, value) in value.iter().enumerate() {
                let mut turned = vec![0.0; target.dim()];
                assert!(symmetry.apply_to_gradient(&element, grad.row(row), &mut turned));
                let close =
                    turned.iter().zip(theirs.row(row)).all(|(a, b)| (a - b).abs() < 1e-8 * (1.0 + a.abs()));
                assert!(close || !value.is_finite(), "{}: {symmetry:?}", config.kind());
            }
        }
    }
    assert!(stated >= 12, "{stated}");
}

#[test]
fn a_symmetry_that_is_none_is_told() {
    let skew = from_fn(2, |x: &[f64]| -(x[0] - 0.1).powi(2) - x[1] * x[1]);
    let claimed = WithSymmetries::new(skew, &[SymmetryConfig::SignFlip(Default::default())]).unwrap();
    let x = Points::from_rows(&[[1.0, 2.0]]);
    let broken = check_symmetries(&claimed, x.as_batch(), &mut Stream::new(1, 0)).unwrap().unwrap();
    assert!(broken.to_string().starts_with("sign flip is no symmetry of the target"), "{broken}");
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |text: &str, dim: usize| {
        toml::from_str::<SymmetryConfig>(text).unwrap().build(dim).unwrap_err().to_string()
    };
    assert!(error("kind = 'sign_flip'\ncoordinates = [3]", 3).starts_with("`coordinates` is 3"));
    assert!(error("kind = 'sign_flip'\ncoordinates = [1, 1]", 3).contains("twice"));
    assert!(error("kind = 'permutations'\nsize = 2", 5).contains("no whole number"));
    assert!(error("kind = 'permutations'\ncount = 4\nsize = 2", 7).starts_with("`count` is 4"));
    assert!(error("kind = 'rotations'\nspace = 3", 4).starts_with("`space` is 3"));
    assert!(error("kind = 'rotations'\nspace = 1", 4).starts_with("`space` is 1"));
    assert!(error("kind = 'lattice'\nshape = [2, 3]", 5).contains("6 sites"));
    assert!(error("kind = 'maps'", 2).starts_with("`matrices`"));
    assert!(error("kind = 'maps'\nmatrices = [[[2, 0], [0, 1]]]", 2).contains("determinant 2"));
    assert!(error("kind = 'maps'\nmatrices = [[[1, 0], [0, 1]]]\nshifts = [[1]]", 2).starts_with("`shifts`"));
    assert!(error("kind = 'maps'\nmatrices = [[[1, 0]]]", 2).starts_with("`matrices`"));
}
