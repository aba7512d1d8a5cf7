//! Once buffers have grown to size, the engine and the kernels allocate nothing.
//!
//! Counted on one thread with batches below the size at which work is spread over threads.

use allocation_counter::measure;
use mixwell::density::LatentPrior;
use mixwell::density::{
    Failure, Guarded, Intercept, LogisticRegression, LogisticRegressionOptions, Target, TwoModesConfig,
};
use mixwell::flow::{
    Flow, FlowConfig, FlowMatchingConfig, MafConfig, Optimiser, OptimiserConfig, Precision, RealNvpConfig,
    RqSplineConfig,
};
use mixwell::gan::{GanLoss, GanSettings, GanTraining, JsLoss, RatioSettings, RatioTraining, WganLoss};
use mixwell::kernel::{
    Context, Ensemble, KernelConfig, Tally, TallySheet, hmc, independent_mh, isir, mala, nuts,
};
use mixwell::net::{Activation, Init, Network, NetworkSpec};
use mixwell::proposal::{Proposal, Transport};
use mixwell::train::TrainingData;
use mixwell::{Points, Stream};

/// Allocations of the tenth call.
fn steady(mut work: impl FnMut()) -> u64 {
    for _ in 0..9 {
        work();
    }
    measure(work).count_total
}

fn normal(rows: usize, dim: usize) -> Points {
    let mut points = Points::zeros(rows, dim);
    Stream::new(3, 0).fill_normal(points.data_mut());
    points
}

#[test]
fn the_counter_counts() {
    assert_eq!(steady(|| drop(std::hint::black_box(vec![1.0; 100]))), 1);
}

#[test]
fn networks_allocate_nothing() {
    let net = Network::<f32>::toy(2, Init::Uniform, &mut Stream::new(1, 0));
    let (x, mut energy, mut grad) = (normal(100, 2), vec![0.0; 100], normal(100, 2));
    let weights = vec![0.01; 100];
    let mut gradient = vec![0.0f32; net.params().len()];
    assert_eq!(steady(|| net.energy_and_grad(x.as_batch(), &mut energy, grad.as_batch_mut())), 0);
    let sum = || {
        net.weighted_energy(x.as_batch(), &weights, &mut gradient);
    };
    assert_eq!(steady(sum), 0);
}

#[test]
fn flows_allocate_nothing() {
    for config in [
        FlowConfig::Realnvp(RealNvpConfig { precision: Precision::F32, ..RealNvpConfig::default() }),
        FlowConfig::Realnvp(RealNvpConfig::default()),
        FlowConfig::RqSpline(RqSplineConfig::default()),
        FlowConfig::Maf(MafConfig::default()),
        FlowConfig::FlowMatching(FlowMatchingConfig { hidden: vec![16], ..FlowMatchingConfig::default() }),
    ] {
        let mut flow = Flow::new(&config, 4, &mut Stream::new(1, 0)).unwrap();
        let (x, mut y, mut log_q) = (normal(60, 4), normal(60, 4), vec![0.0; 60]);
        let name = config.name();
        assert_eq!(steady(|| flow.log_prob(x.as_batch(), &mut log_q)), 0, "{name}");
        assert_eq!(steady(|| flow.push(x.as_batch(), y.as_batch_mut(), &mut log_q)), 0, "{name}");
        let gradient = || flow.log_prob_and_grad(x.as_batch(), &mut log_q, y.as_batch_mut());
        assert_eq!(steady(gradient), 0, "{name}");
        let weights = vec![1.0 / 60.0; 60];
        let mut gradient = flow.zero_gradient();
        let mut optimiser = Optimiser::new(&OptimiserConfig::default(), &flow).unwrap();
        let step = || {
            gradient.clear();
            flow.forward_kl(x.as_batch(), &weights, &mut gradient);
            optimiser.step(&mut flow, &gradient);
        };
        // Lists of the rows and of the slices of a batch; nothing of the size of a layer.
        let count = steady(step);
        assert!(count <= 12, "{name}: {count}");
    }
}

#[test]
fn updates_of_gans_allocate_nothing() {
    let network = |n_out| -> Network<f32> {
        let spec = NetworkSpec::dense(2, &[16, 16], n_out, Activation::LeakyRelu(0.2));
        Network::new(&spec, Init::Uniform, &mut Stream::new(1, 0)).unwrap()
    };
    let data = TrainingData::new(normal(1000, 2)).unwrap();
    for loss in [GanLoss::Js(JsLoss { penalty: 0.1 }), GanLoss::Wgan(WganLoss { penalty: 0.0, clip: 0.1 })] {
        let settings = GanSettings { loss, average: 0.9, ..GanSettings::default() };
        let mut training = GanTraining::new(settings, network(2), network(1), data.clone(), 1).unwrap();
        let update = || {
            training.update();
        };
        assert_eq!(steady(update), 0);
    }
    let settings = RatioSettings { penalty: 0.1, ..RatioSettings::default() };
    let mut training =
        RatioTraining::new(settings, network(2), LatentPrior::Normal, vec![network(1)], &data, 1).unwrap();
    let update = || {
        training.update();
    };
    assert_eq!(steady(update), 0);
}

#[test]
fn kernels_allocate_nothing() {
    let target = TwoModesConfig::default().build().unwrap();
    let flow = Flow::new(&FlowConfig::default(), 2, &mut Stream::new(1, 0)).unwrap();
    let random_walk = KernelConfig::RandomWalk(Default::default());
    for config in [random_walk, mala(), hmc(5), nuts(), independent_mh(), isir(8)] {
        let kernel = config.build(2).unwrap();
        let mut ensemble = Ensemble::new(&target, normal(12, 2), Stream::for_chains(1, 12)).unwrap();
        let leaves = kernel.leaves().len();
        let mut tallies = vec![Tally::default(); 12 * leaves];
        let failure = Failure::default();
        let context = Context {
            target: Guarded::new(&target, &failure),
            flow: Some(&flow as &dyn Transport),
            max_rows: 4096,
        };
        let mut block = ensemble.whole();
        let count = steady(|| {
            tallies.fill(Tally::default());
            kernel.step(&context, &mut block, TallySheet::new(&mut tallies, leaves));
        });
        assert_eq!(count, 0, "{}", config.kind());
    }
}

#[test]
fn targets_allocate_nothing() {
    let x = normal(200, 5);
    let labels: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
    let options = LogisticRegressionOptions { intercept: Intercept::None, ..Default::default() };
    let regression = LogisticRegression::new(x.as_batch(), &labels, &options).unwrap();
    for rows in [1, 30] {
        let (w, mut value, mut grad) = (normal(rows, 5), vec![0.0; rows], normal(rows, 5));
        let count =
            steady(|| regression.log_prob_and_grad(w.as_batch(), &mut value, grad.as_batch_mut()).unwrap());
        assert_eq!(count, 0, "{rows} points");
    }
}
