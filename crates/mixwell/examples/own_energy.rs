//! An energy of one's own, trained by maximum likelihood: a quartic with two wells, whose depth and tilt are learned from data.
//!
//! Run: `cargo run --release -p mixwell --example own_energy`

use std::sync::Arc;

use mixwell::ebm::{
    BankConfig, Energy, EnergyModel, Regulariser, TrainerConfig, Training, TrainingData, TrainingSettings,
    UlaTrainer,
};
use mixwell::kernel::mala;
use mixwell::net::{ArraySpec, Gradient, Model, OptimiserConfig, Params, ParamsMut};
use mixwell::proposal::{Gaussian, Scale};
use mixwell::{Batch, BatchMut, Points, Stream};

/// `E(x) = a (x^2 - 1)^2 + b x`.
struct Wells {
    params: [f64; 2],
    layout: [ArraySpec; 1],
}

impl Wells {
    fn new() -> Self {
        Self {
            params: [0.0; 2],
            layout: [ArraySpec { name: "wells".into(), shape: vec![2], offset: 0, is_statistic: false }],
        }
    }
}

// What optimisers and files need to know: the parameters.
impl Model for Wells {
    fn layout(&self) -> &[ArraySpec] {
        &self.layout
    }

    fn params(&self) -> Params<'_> {
        Params::F64(&self.params)
    }

    fn change_params(&mut self, change: &mut dyn FnMut(ParamsMut<'_>) -> bool) {
        change(ParamsMut::F64(&mut self.params));
    }
}

// What trainers need to know: the energy, its gradient in the point, and weighted sums of it with their gradient in the parameters.
impl Energy for Wells {
    fn dim(&self) -> usize {
        1
    }

    fn evaluate(&self, x: Batch<'_>, energy: &mut [f64], grad: Option<BatchMut<'_>>) {
        let [a, b] = self.params;
        for (e, x) in energy.iter_mut().zip(x.data()) {
            *e = a * (x * x - 1.0).powi(2) + b * x;
        }
        if let Some(mut grad) = grad {
            for (g, x) in grad.data_mut().iter_mut().zip(x.data()) {
                *g = 4.0 * a * x * (x * x - 1.0) + b;
            }
        }
    }

    fn weighted(&self, x: Batch<'_>, weights: &[f64], gradient: &mut Gradient) -> f64 {
        let (mut of_a, mut of_b) = (0.0, 0.0);
        for (x, w) in x.data().iter().zip(weights) {
            of_a += w * (x * x - 1.0).powi(2);
            of_b += w * x;
        }
        let slots = gradient.slice_mut::<f64>().expect("double precision");
        slots[0] += of_a;
        slots[1] += of_b;
        self.params[0] * of_a + self.params[1] * of_b
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Data of a law in the family: base N(0, 2^2), a = 1, b = .4; drawn by rejection.
    let mut stream = Stream::new(1, 0);
    let mut data = Vec::new();
    while data.len() < 4000 {
        let x = 2.0 * stream.normal();
        // The energy is at least -.5 there.
        if stream.uniform() < (-((x * x - 1.0).powi(2) + 0.4 * x) - 0.5).exp() {
            data.push(x);
        }
    }

    let base = Gaussian::new(vec![0.0], Scale::Diagonal(vec![2.0]));
    let model = EnergyModel::new(Wells::new()).with_base(Arc::new(base))?;
    // MALA keeps the law of the energy; wells this shallow are crossed. The walls of a quartic steepen as `a` grows: chains that go
    // on from update to update are felt when they get stuck there, which entries of a large bank are not.
    let (kernel, bank) = (mala(), BankConfig { size: 0, ..BankConfig::default() });
    let settings = TrainingSettings {
        trainer: TrainerConfig::Ula(UlaTrainer { kernel, bank, steps: 20, ..UlaTrainer::default() }),
        // A penalty on large energies would pull `a` to zero.
        regulariser: Regulariser { strength: 0.0, ..Regulariser::default() },
        optimiser: OptimiserConfig { learning_rate: 5e-3, ..OptimiserConfig::default() },
        ..TrainingSettings::default()
    };
    let mut training =
        Training::new(settings, model, TrainingData::new(Points::from_vec(data, 1))?, None, 2)?;
    let mut mean = [0.0; 2];
    let (updates, last) = (3000, 1000);
    for update in 0..updates {
        training.update()?;
        if update >= updates - last {
            mean.iter_mut().zip(training.model().energy().params).for_each(|(m, p)| *m += p / last as f64);
        }
    }
    println!("a {:.3} (1), b {:.3} (0.4)", mean[0], mean[1]);
    // 4000 data tell a to about .04 and b to about .03.
    if (mean[0] - 1.0).abs() > 0.2 || (mean[1] - 0.4).abs() > 0.15 {
        return Err("the energy is wrong".into());
    }
    Ok(())
}
