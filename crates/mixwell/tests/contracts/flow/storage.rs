//! Flows in files.

use safetensors::SafeTensors;

use super::*;

#[test]
fn versions_count_changes_and_survive_storage() {
    for (name, config) in trainable() {
        for config in [config.clone(), single(&config)] {
            let dim = one(&config, 3);
            let mut f = flow(&config, dim, true);
            let x = normals(18, 40, dim);
            let before = (f.version(), f.save_state(), log_prob(&f, &x));
            assert!(before.0 > 0);
            let snapshot = f.snapshot();
            let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &f).unwrap();
            let mut gradient = f.zero_gradient();
            f.forward_kl(x.as_batch(), &[1.0; 40], &mut gradient);
            assert!(optimiser.step(&mut f, &gradient).applied);
            assert_eq!(f.version(), before.0 + 1, "{name}");
            assert_ne!(log_prob(&f, &x), before.2, "{name}");
            f.restore(&snapshot);
            assert_eq!((f.version(), log_prob(&f, &x)), (before.0 + 2, before.2.clone()), "{name}");
            assert!(f.set_whitening_from(x.as_batch(), None));
            assert_eq!(f.version(), before.0 + 3, "{name}");

            let bytes = postcard::to_allocvec(&before.1).unwrap();
            let mut other = Flow::new(&config, dim, &mut Stream::new(99, 0)).unwrap();
            other.load_state(&postcard::from_bytes(&bytes).unwrap()).unwrap();
            assert_eq!((other.version(), log_prob(&other, &x)), (before.0, before.2.clone()), "{name}");

            let file = other.to_safetensors();
            let read = Flow::from_safetensors(&file).unwrap();
            assert_eq!((read.version(), log_prob(&read, &x)), (before.0, before.2.clone()), "{name}");
            assert_eq!(read.config(), &config);
        }
    }
}

#[test]
fn damaged_files_are_errors_not_panics() {
    let config = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![4], n_blocks: 1, ..Default::default() });
    let file = flow(&config, 2, true).to_safetensors();
    for end in (0..file.len()).step_by(7) {
        assert!(Flow::from_safetensors(&file[..end]).is_err(), "cut at {end}");
    }
    let mut stream = Stream::new(20, 0);
    for _ in 0..2000 {
        let mut broken = file.clone();
        for _ in 0..=stream.index(3) {
            let at = stream.index(broken.len().min(900));
            broken[at] = stream.index(256) as u8;
        }
        let _ = Flow::from_safetensors(&broken);
    }
    let mut nan = flow(&config, 2, false);
    nan.map_params(|i, p| if i == 3 { f64::NAN } else { p });
    assert!(matches!(Flow::from_safetensors(&nan.to_safetensors()), Err(WeightsError::NotFinite { .. })));
    let text = String::from_utf8_lossy(&file).into_owned();
    for (from, to) in
        [("\\\"hidden\\\":[4]", "\\\"hidden\\\":[9]"), ("\\\"n_blocks\\\":1", "\\\"n_blocks\\\":9")]
    {
        assert!(text.contains(from), "{from} is not in the header");
        let at = file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut other = file.clone();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        assert!(Flow::from_safetensors(&other).is_err(), "{to}");
    }
}

#[test]
fn axes_that_are_no_rotation_are_refused() {
    let config = FlowConfig::Gaussian(GaussianFlowConfig { whitening: WhiteningMode::Principal });
    let good = flow(&config, 3, true);
    let mut file = good.to_safetensors();
    assert_eq!(Flow::from_safetensors(&file).unwrap().whitening(), good.whitening());
    let (header, metadata) = SafeTensors::read_metadata(&file).unwrap();
    let at = 8 + header + metadata.info("whitening.axes").unwrap().data_offsets.0;
    file[at..at + 8].copy_from_slice(&2f64.to_le_bytes());
    assert!(matches!(Flow::from_safetensors(&file), Err(WeightsError::NotFinite { .. })));
}
