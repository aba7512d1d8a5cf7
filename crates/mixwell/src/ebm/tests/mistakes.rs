//! Trainers with a mistake, each of which must miss the check that right ones pass.

use super::Quadratic;
use super::oracles::{ROWS, mala, quantiles, small_bank, training, two_points, z};
use crate::Points;
use crate::ebm::*;

fn chains(steps: usize, memory: Memory) -> TrainerConfig {
    let bank = BankConfig { memory, ..small_bank() };
    TrainerConfig::Ula(UlaTrainer { kernel: mala(0.3), steps, bank, ..UlaTrainer::default() })
}

#[test]
fn an_energy_that_climbs_is_found() {
    for (trainer, data) in [
        (chains(5, Memory::Persistent), two_points()),
        (TrainerConfig::Nce(NceTrainer::default()), quantiles()),
    ] {
        let mut wrong = training(trainer, data, None);
        wrong.climbs = true;
        for _ in 0..300 {
            if wrong.update().is_err() {
                return;
            }
        }
        // It has gone the other way: no longer a density, or far from one.
        assert!(wrong.model().energy().theta() < -0.3, "{}", wrong.model().energy().theta());
    }
}

/// Whether every chain's cached log-density is that of the energy it last moved under.
fn is_coherent(training: &mut Training<Quadratic>) -> bool {
    (0..50).all(|_| {
        let theta = training.model().energy().theta();
        training.update().unwrap();
        let bank = training.bank().unwrap();
        let norm = 0.5 * std::f64::consts::TAU.ln();
        bank.points()
            .data()
            .iter()
            .zip(bank.cached())
            .all(|(x, log_prob)| (log_prob + 0.5 * (1.0 + theta) * x * x + norm).abs() < 1e-12)
    })
}

#[test]
fn values_of_an_older_energy_are_found() {
    // One step an update with many rejections: a chain that stays must be evaluated anew all the same.
    let trainer = |eta| {
        let kernel = mala(eta);
        TrainerConfig::Ula(UlaTrainer { kernel, steps: 1, bank: small_bank(), ..UlaTrainer::default() })
    };
    let mut right = training(trainer(2.0), two_points(), None);
    assert!(is_coherent(&mut right));
    let mut wrong = training(trainer(2.0), two_points(), None);
    wrong.make_forgetful();
    assert!(!is_coherent(&mut wrong));
}

#[test]
fn negatives_that_feel_the_data_are_found() {
    // From two points, one short step does not reach the tails of the law: the variance of the negatives stays too near the data's.
    let short = |memory| {
        let bank = BankConfig { memory, ..small_bank() };
        TrainerConfig::Ula(UlaTrainer { kernel: mala(0.3), steps: 1, bank, ..UlaTrainer::default() })
    };
    let right = z(&mut training(short(Memory::Persistent), two_points(), None), 1.0);
    assert!(right.abs() < 5.0, "{right}");
    let wrong = z(&mut training(short(Memory::Data), two_points(), None), 1.0);
    assert!(wrong.abs() > 10.0, "{wrong}");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let error = |trainer: TrainerConfig, batch: usize| {
        let settings = TrainingSettings { trainer, batch, ..TrainingSettings::default() };
        let model = EnergyModel::new(Quadratic::new(0.0));
        Training::new(settings, model, two_points(), None, 1).err().unwrap().to_string()
    };
    assert_eq!(
        error(chains(5, Memory::Persistent), ROWS + 1),
        "`batch` is 513, but it must lie between 1 and the 512 rows of data"
    );
    assert!(error(TrainerConfig::default(), 16).starts_with("`flow` is missing"));
    assert!(error(TrainerConfig::Nce(NceTrainer::default()), 16).starts_with("`flow` is missing"));
    assert!(
        error(TrainerConfig::Jarzynski(JarzynskiTrainer::default()), 16).starts_with("`base` is missing")
    );
    let latent = error(TrainerConfig::Nt(NtTrainer::default()), 16);
    assert!(latent.starts_with("`base` is another"), "{latent}");
    let wide = TrainingData::new(Points::from_vec(vec![0.0, 1.0, 2.0, 3.0], 2)).unwrap();
    let model = EnergyModel::new(Quadratic::new(0.0));
    let settings = TrainingSettings { trainer: chains(5, Memory::Data), ..TrainingSettings::default() };
    let error = Training::new(settings, model, wide, None, 1).err().unwrap().to_string();
    assert_eq!(error, "`data` is of 2 coordinates, but the energy has 1");
}
