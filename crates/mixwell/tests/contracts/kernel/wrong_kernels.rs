//! Negative controls: kernels with well-known mistakes must fail the test that the right ones pass.

use mixwell::kernel::*;
use mixwell::{Batch, BatchMut, Points};

use super::exactness::bias;
use super::world::World;

/// What the test-only Langevin kernel does wrong.
enum Mistake {
    None,
    /// Drifts against the gradient, but weighs proposals as if it had not.
    FlippedDrift,
    /// Keeps the gradient of the point before an i-SIR move, as the published Ex2MCMC code does.
    StaleGradient,
}

struct WrongMala {
    eta: f64,
    mistake: Mistake,
    global: Box<dyn Kernel>,
}

impl WrongMala {
    fn new(mistake: Mistake) -> Self {
        Self { eta: 0.3, mistake, global: isir(8).build(2).unwrap() }
    }

    fn log_q(&self, from: &[f64], grad: &[f64], to: &[f64]) -> f64 {
        let squares = from.iter().zip(grad).zip(to).map(|((x, g), y)| (y - x - self.eta * g).powi(2));
        -squares.sum::<f64>() / (4.0 * self.eta)
    }
}

impl Kernel for WrongMala {
    fn leaves(&self) -> Vec<Leaf> {
        self.global.leaves()
    }

    fn law(&self) -> Law {
        Law::exact()
    }

    fn needs(&self) -> Needs {
        self.global.needs()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, sheet: TallySheet<'_>) {
        let before = block.gradients(context.target).data().to_vec();
        self.global.step(context, block, sheet);
        let fresh = block.gradients(context.target).data().to_vec();
        let stale = matches!(self.mistake, Mistake::StaleGradient);
        let grad = Points::from_vec(if stale { before } else { fresh }, 2);
        for row in 0..block.rows() {
            let x = block.x().row(row).to_vec();
            let g = grad.row(row);
            let sign = if matches!(self.mistake, Mistake::FlippedDrift) { -1.0 } else { 1.0 };
            let mut y = vec![0.0; 2];
            block.stream(row).fill_normal(&mut y);
            for k in 0..2 {
                y[k] = x[k] + sign * self.eta * g[k] + (2.0 * self.eta).sqrt() * y[k];
            }
            let (mut log_prob, mut gy) = ([0.0], [0.0; 2]);
            context.target.log_prob_and_grad(Batch::new(&y, 2), &mut log_prob, BatchMut::new(&mut gy, 2));
            let ratio = log_prob[0] - block.log_prob()[row] + self.log_q(&y, &gy, &x) - self.log_q(&x, g, &y);
            if block.stream(row).uniform().ln() < ratio {
                block.move_to(row, &y, log_prob[0], Some(&gy));
            }
        }
    }
}

#[test]
fn the_test_kernel_without_a_mistake_passes() {
    let z = bias(&World::new(), &WrongMala::new(Mistake::None), 5);
    assert!(z < 5.0, "{z}");
}

#[test]
fn a_flipped_drift_is_found() {
    let z = bias(&World::new(), &WrongMala::new(Mistake::FlippedDrift), 5);
    assert!(z > 5.0, "only {z} standard errors");
}

#[test]
fn a_stale_gradient_after_a_global_move_is_found() {
    let z = bias(&World::new(), &WrongMala::new(Mistake::StaleGradient), 5);
    assert!(z > 5.0, "only {z} standard errors");
}

#[test]
fn langevin_without_correction_is_found() {
    let kernel = ula().step_size(StepSize::from_eta(0.3)).build(2).unwrap();
    let z = bias(&World::new(), &*kernel, 5);
    assert!(z > 5.0, "only {z} standard errors");
}

#[test]
fn a_flow_without_its_log_determinant_is_found() {
    let mut world = World::new();
    world.flow.forgets_log_det = true;
    for config in [independent_mh(), isir(8), neutra(mala().step_size(StepSize::from_eta(0.2)).repeat(3))] {
        let z = bias(&world, &*config.build(2).unwrap(), 5);
        assert!(z > 5.0, "{}: only {z} standard errors", config.kind());
    }
}
