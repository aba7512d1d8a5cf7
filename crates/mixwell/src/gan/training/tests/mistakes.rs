//! What does not fit together is one sentence that names it.

use super::super::*;
use crate::gan::{GanLoss, JsLoss};
use crate::net::{Activation, BatchNorm, Dense, Init, NetworkSpec};

fn network(spec: &NetworkSpec) -> Network<f32> {
    Network::new(spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap()
}

fn dense(n_in: usize, n_out: usize) -> NetworkSpec {
    NetworkSpec::dense(n_in, &[4], n_out, Activation::Relu)
}

#[test]
fn what_does_not_fit_is_named() {
    let data = || TrainingData::new(Points::from_rows(&[[0.0, 1.0], [2.0, 3.0], [1.0, 1.0]])).unwrap();
    let error = |settings: GanSettings, generator: &NetworkSpec, discriminator: &NetworkSpec| {
        let (generator, discriminator) = (network(generator), network(discriminator));
        GanTraining::new(settings, generator, discriminator, data(), 1).err().unwrap().to_string()
    };
    let small = || GanSettings { batch: 2, ..GanSettings::default() };
    let (generator, discriminator) = (dense(5, 2), dense(2, 1));
    assert_eq!(
        error(small(), &dense(5, 3), &discriminator),
        "`generator` is of 3 outputs, but the discriminator takes 2 numbers"
    );
    assert_eq!(
        error(small(), &dense(5, 3), &dense(3, 1)),
        "`generator` is of 3 outputs, but the data have 2 coordinates"
    );
    assert_eq!(
        error(small(), &generator, &dense(2, 2)),
        "`discriminator` is of 2 outputs, but it has one output, the score"
    );
    let large = GanSettings { batch: 4, ..GanSettings::default() };
    assert!(error(large, &generator, &discriminator).contains("the 3 rows of data"));
    let penalised = GanSettings { loss: GanLoss::Js(JsLoss { penalty: 1.0 }), ..small() };
    let mixing = NetworkSpec::new(&[2]).with(Dense::new(3)).with(BatchNorm::default()).with(Dense::new(1));
    assert!(error(penalised, &generator, &mixing).contains("batch normalisation mixes points"));
    let unbounded = GanSettings { loss: GanLoss::Wgan(WganLoss { penalty: 0.0, clip: 0.0 }), ..small() };
    assert!(error(unbounded, &generator, &discriminator).starts_with("`loss.penalty` is 0"));
    let none = GanSettings { discriminator_steps: 0, ..small() };
    assert!(error(none, &generator, &discriminator).starts_with("`discriminator_steps` is 0"));
    let nan =
        TrainingData::samples(Points::from_rows(&[[0.0, f64::NAN], [0.0, 1.0]])).unwrap_err().to_string();
    assert_eq!(nan, "`data` is NaN in row 0, column 1, but every number must be finite");
}
