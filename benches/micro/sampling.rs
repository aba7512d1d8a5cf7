//! One step of every kernel, 64 chains on the two modes in the plane.

use criterion::{Criterion, criterion_group, criterion_main};
use mixwell::density::{BaseLaw, EvaluationError, Failure, Guarded, Target, TwoModesConfig};
use mixwell::flow::{Flow, FlowConfig};
use mixwell::kernel::{Chains, Context, catalogue};
use mixwell::proposal::{Gaussian, GaussianProposalConfig, Transport};
use mixwell::{Batch, BatchMut, Points, Stream};

const CHAINS: usize = 64;

/// A target that states a base, as some kernels need one.
struct OnABase<T> {
    target: T,
    base: Gaussian,
}

impl<T: Target> Target for OnABase<T> {
    fn dim(&self) -> usize {
        self.target.dim()
    }

    fn evaluate(
        &self,
        x: Batch<'_>,
        log_prob: &mut [f64],
        grad: Option<BatchMut<'_>>,
    ) -> Result<(), EvaluationError> {
        self.target.evaluate(x, log_prob, grad)
    }

    fn base(&self) -> Option<BaseLaw<'_>> {
        Some(BaseLaw::new(&self.base))
    }
}

fn kernels(c: &mut Criterion) {
    let target = OnABase {
        target: TwoModesConfig::default().build().expect("sound settings"),
        base: GaussianProposalConfig::default().build(2).expect("sound settings"),
    };
    let flow = Flow::new(&FlowConfig::default(), 2, &mut Stream::new(0, 0)).expect("sound settings");
    let mut group = c.benchmark_group("step");
    for entry in catalogue() {
        let kernel = entry.default.build(target.dim()).expect("sound settings");
        let mut x = Points::zeros(CHAINS, 2);
        Stream::new(2, 0).fill_normal(x.data_mut());
        let mut chains = Chains::new(&target, x, 1).expect("it cannot fail").in_blocks_of(CHAINS);
        let failure = Failure::default();
        let context = Context {
            target: Guarded::new(&target, &failure),
            flow: Some(&flow as &dyn Transport),
            max_rows: 16_384,
        };
        group.bench_function(entry.name, |b| b.iter(|| chains.step_in(&kernel, &context)));
    }
}

criterion_group!(sampling, kernels);
criterion_main!(sampling);
