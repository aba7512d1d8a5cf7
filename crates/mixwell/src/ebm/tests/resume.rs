//! A saved training goes on with the same bits, whatever the threads; one that diverges goes back and slows down.

use super::Quadratic;
use super::oracles::{mala, small_bank, training, two_points};
use crate::Stream;
use crate::ebm::*;
use crate::flow::{Flow, FlowConfig, MafConfig, WhiteningMode};
use crate::net::Model;
use crate::on_threads;

fn trainers() -> Vec<(TrainerConfig, bool)> {
    let large = BankConfig { size: 700, restart: 0.1, ..BankConfig::default() };
    let flowmc = FlowMcTrainer {
        particles: 4,
        local: mala(0.3),
        local_after: 2,
        steps: 3,
        bank: large.clone(),
        ..FlowMcTrainer::default()
    };
    vec![
        (TrainerConfig::Ula(UlaTrainer { steps: 3, bank: large, ..UlaTrainer::default() }), false),
        (TrainerConfig::Ula(UlaTrainer { steps: 2, bank: small_bank(), ..UlaTrainer::default() }), false),
        (TrainerConfig::FlowMc(flowmc), true),
        (TrainerConfig::CoopFlow(CoopFlowTrainer { steps: 4, ..CoopFlowTrainer::default() }), true),
        (TrainerConfig::Nt(NtTrainer { steps: 2, ..NtTrainer::default() }), true),
        (TrainerConfig::Nce(NceTrainer::default()), true),
        (TrainerConfig::Jarzynski(JarzynskiTrainer { walkers: 100, ..JarzynskiTrainer::default() }), false),
        (TrainerConfig::Score(ScoreTrainer::default()), false),
    ]
}

/// A flow that learns where its trainer lets it.
fn learner() -> Flow {
    let config =
        MafConfig { n_layers: 1, hidden: vec![4], whitening: WhiteningMode::None, ..MafConfig::default() };
    Flow::new(&FlowConfig::Maf(config), 1, &mut Stream::new(3, 0)).unwrap()
}

/// Everything that a run leaves behind.
fn bits(training: &Training<Quadratic>) -> Vec<u8> {
    postcard::to_allocvec(&training.save()).unwrap()
}

fn go(training: &mut Training<Quadratic>, updates: usize) {
    for _ in 0..updates {
        training.update().unwrap();
    }
}

#[test]
fn a_saved_training_goes_on_with_the_same_bits() {
    for (trainer, with_flow) in trainers() {
        let make = || training(trainer.clone(), two_points(), with_flow.then(learner));
        let mut whole = make();
        go(&mut whole, 107);
        for stop in [0, 13, 99, 100, 101] {
            let mut first = make();
            go(&mut first, stop);
            let saved: TrainingState = postcard::from_bytes(&bits(&first)).unwrap();
            let mut second = make();
            second.load(&saved).unwrap();
            go(&mut second, 107 - stop);
            assert!(bits(&second) == bits(&whole), "{} stopped at {stop}", trainer.kind());
        }
    }
}

#[test]
fn threads_change_nothing() {
    for (trainer, with_flow) in trainers() {
        let run = |threads: usize| {
            on_threads(Some(threads), || {
                let mut training = training(trainer.clone(), two_points(), with_flow.then(learner));
                go(&mut training, 20);
                bits(&training)
            })
            .unwrap()
        };
        assert!(run(1) == run(3), "{}", trainer.kind());
    }
}

#[test]
fn an_average_is_kept_and_taken() {
    let make = || {
        let (trainer, _) = trainers().swap_remove(1);
        let plain = training(trainer, two_points(), None);
        let settings = TrainingSettings { average: 0.9, ..plain.settings().clone() };
        Training::new(settings, plain.into_model(), two_points(), None, 5).unwrap()
    };
    let mut kept = make();
    // The average by hand: weights .9^(t - s), which sum to one.
    let (mut sum, mut total) = (0.0, 0.0);
    for _ in 0..30 {
        kept.update().unwrap();
        sum = 0.9 * sum + kept.model().energy().theta();
        total = 0.9 * total + 1.0;
    }
    let mut resumed = make();
    resumed.load(&kept.save()).unwrap();
    assert!(bits(&resumed) == bits(&kept));
    resumed.take_average();
    assert!((resumed.model().energy().theta() - sum / total).abs() < 1e-12);
}

#[test]
fn a_state_of_another_training_is_refused() {
    let mut trainings: Vec<_> = trainers()
        .into_iter()
        .map(|(trainer, with_flow)| training(trainer, two_points(), with_flow.then(learner)))
        .collect();
    let saved = trainings[5].save();
    assert!(trainings[0].load(&saved).is_err() && trainings[7].load(&saved).is_err());
}

#[test]
fn a_training_that_diverges_goes_back_slows_down_and_says_so() {
    let trainer = UlaTrainer { kernel: mala(0.3), steps: 5, bank: small_bank(), ..UlaTrainer::default() };
    let mut settings = training(TrainerConfig::Ula(trainer), two_points(), None).settings().clone();
    settings.optimiser.learning_rate = 1e5;
    settings.watch.slow_down = 0.01;
    let make = |settings: &TrainingSettings| {
        let model = EnergyModel::new(Quadratic::new(0.0));
        Training::new(settings.clone(), model, two_points(), None, 5).unwrap()
    };
    let mut training = make(&settings);
    go(&mut training, 400);
    let events = training.events();
    assert!(!events.is_empty() && events[0].what.contains("went back to update 0"), "{events:?}");
    assert!(training.model().params().to_values().is_finite());
    // Saved and loaded, it goes on as it would have.
    let mut second = make(&settings);
    second.load(&training.save()).unwrap();
    go(&mut training, 5);
    go(&mut second, 5);
    assert!(bits(&training) == bits(&second));

    settings.watch.max_returns = 0;
    let mut given_up = make(&settings);
    let error = (0..400).find_map(|_| given_up.update().err()).expect("it diverges");
    assert!(matches!(error, TrainingError::Diverged { returns: 0, .. }), "{error}");
}
