//! NeuTra with every inner kernel, elliptical slices (TESS) among them: exact on a banana, whatever the flow has learnt.
//!
//! Banana: `u ~ N(0, 25)`, `v = y + 0.02 (u^2 - 25)`: means 0, variances 25 and 1 + 2 * 0.0004 * 625 = 1.5.

use mixwell::density::{BananaConfig, EvaluationError, Failure, GeometricPath, Guarded, PulledBack, Target};
use mixwell::flow::{Flow, FlowConfig, RealNvpConfig, RqSplineConfig};
use mixwell::kernel::*;
use mixwell::math::standard_normal_log_prob;
use mixwell::proposal::{Proposal, Transport};
use mixwell::sampler::{Method, NeutraMethod, Run, Sampler};
use mixwell::{Batch, BatchMut, Points, Stream};

use super::moments::z;

fn slices() -> KernelConfig {
    KernelConfig::EllipticalSlice(EllipticalSliceConfig::default())
}

fn inner_kernels() -> [(&'static str, KernelConfig); 4] {
    [("mala", mala().repeat(4)), ("hmc", hmc(5)), ("nuts", nuts()), ("tess", slices().repeat(2))]
}

fn run(inner: KernelConfig, epochs: usize) -> Run {
    let method = NeutraMethod {
        inner: Box::new(inner),
        training_loops: 4,
        local_steps: 60,
        epochs,
        tune: 200,
        ..NeutraMethod::default()
    };
    Sampler::new(BananaConfig { dim: 2, ..BananaConfig::default() }.build().unwrap())
        .method(Method::Neutra(method))
        .flow(FlowConfig::Realnvp(RealNvpConfig {
            n_blocks: 2,
            hidden: vec![16],
            ..RealNvpConfig::default()
        }))
        .configure(|c| c.training.learning_rate = 5e-3)
        .chains(10)
        .draws(700)
        .seed(3)
        .run()
        .unwrap()
}

#[test]
fn every_inner_kernel_is_exact_on_a_banana() {
    for (name, inner) in inner_kernels() {
        // Also with a flow that has hardly learnt.
        for epochs in [1, 20] {
            let run = run(inner.clone(), epochs);
            for (i, variance) in [25.0, 1.5].into_iter().enumerate() {
                let (first, second) = (z(&run, i, |x| x, 0.0), z(&run, i, |x| x * x, variance));
                assert!(first.abs() < 5.0 && second.abs() < 5.0, "{name}, {epochs} epochs: {first} {second}");
            }
        }
    }
}

/// The flow's own density as a target.
struct Own(Flow);

impl Target for Own {
    fn dim(&self) -> usize {
        Proposal::dim(&self.0)
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        match grad {
            None => Proposal::log_prob(&self.0, x, log_prob),
            Some(grad) => self.0.log_prob_and_grad(x, log_prob, grad),
        }
        Ok(())
    }
}

/// Flows off the identity by noise, in three dimensions.
fn flows() -> Vec<Flow> {
    let realnvp = FlowConfig::Realnvp(RealNvpConfig { hidden: vec![16], ..RealNvpConfig::default() });
    let spline = FlowConfig::RqSpline(RqSplineConfig { hidden: vec![16], ..RqSplineConfig::default() });
    let mut stream = Stream::new(6, 0);
    let disturbed = |config: FlowConfig| {
        let mut flow = Flow::new(&config, 3, &mut stream).unwrap();
        flow.map_params(|_, p| p + 0.2 * stream.normal());
        flow
    };
    [realnvp, spline].into_iter().map(disturbed).collect()
}

#[test]
fn a_target_equal_to_the_flow_is_standard_normal_in_latent_space() {
    for flow in flows() {
        let own = Own(flow.clone());
        let mut z = Points::zeros(50, 3);
        Stream::new(2, 0).fill_normal(z.data_mut());
        let (mut log_prob, mut grad) = (vec![0.0; 50], Points::zeros(50, 3));
        PulledBack::new(&own, &flow)
            .log_prob_and_grad(z.as_batch(), &mut log_prob, grad.as_batch_mut())
            .unwrap();
        for (i, p) in log_prob.into_iter().enumerate() {
            assert!((p - standard_normal_log_prob(z.row(i))).abs() < 1e-9);
            assert!(grad.row(i).iter().zip(z.row(i)).all(|(g, z)| (g + z).abs() < 1e-8));
        }
    }
}

#[test]
fn slices_weigh_the_target_against_the_base_density() {
    // With a target equal to the flow the "likelihood" log pi_z - log rho is constant: the first point of every ellipse is
    // taken. A target that is flatter by a factor is not constant, and brackets shrink.
    for flow in flows() {
        let n = 200;
        let (mut z, mut x, mut log_det) = (Points::zeros(n, 3), Points::zeros(n, 3), vec![0.0; n]);
        Stream::new(2, 0).fill_normal(z.data_mut());
        flow.forward(z.as_batch(), x.as_batch_mut(), &mut log_det);
        let own = Own(flow.clone());
        let tries = |target: &dyn Target| -> (u32, u32) {
            let kernel = neutra(slices()).build(3).unwrap();
            let mut chains = Chains::new(target, x.clone(), 1).unwrap();
            let failure = Failure::default();
            let context = Context {
                target: Guarded::new(target, &failure),
                flow: Some(&flow as &dyn Transport),
                max_rows: 4096,
            };
            chains.step_in(&kernel, &context);
            let tallies = chains.tallies();
            (tallies.iter().map(|t| t.tries).sum(), tallies.iter().map(|t| t.moves).sum())
        };
        assert_eq!(tries(&own), (n as u32, n as u32));
        let (tried, moved) = tries(&GeometricPath::tempered(&own, 3.0));
        assert!(tried > moved && moved == n as u32);
    }
}

#[test]
fn a_temperature_multiplies_the_target_once_and_the_determinant_never() {
    // log pi = log q: tempered and pulled back, beta log q(T(z)) + log_det = beta log rho(z) + (1 - beta) log_det.
    for flow in flows() {
        let own = Own(flow.clone());
        let (mut z, mut x, mut log_det) = (Points::zeros(20, 3), Points::zeros(20, 3), vec![0.0; 20]);
        Stream::new(2, 0).fill_normal(z.data_mut());
        flow.forward(z.as_batch(), x.as_batch_mut(), &mut log_det);
        let mut log_prob = vec![0.0; 20];
        PulledBack::new(&GeometricPath::tempered(&own, 0.3), &flow)
            .log_prob(z.as_batch(), &mut log_prob)
            .unwrap();
        for (i, p) in log_prob.into_iter().enumerate() {
            let expected = 0.3 * standard_normal_log_prob(z.row(i)) + 0.7 * log_det[i];
            assert!((p - expected).abs() < 1e-9, "{p} {expected}");
        }
    }
}
