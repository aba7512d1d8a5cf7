//! What a run says of a kernel made in code that does not do what a kernel must.

use mixwell::Batch;
use mixwell::density::{Target, from_fn, from_fn_with_grad};
use mixwell::kernel::*;
use mixwell::sampler::{Sampler, Start, Summary};

/// Random-walk steps of size one that are accepted by a rule.
struct Walk {
    rule: fn(f64, f64, &mut mixwell::Stream, &mut Tally) -> bool,
    law: Law,
}

impl Kernel for Walk {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new("walk", Role::Local)]
    }

    fn law(&self) -> Law {
        self.law
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (rows, dim) = (block.rows(), block.dim());
        let (mut y, mut log_prob) = (block.x().data().to_vec(), vec![0.0; rows]);
        for (row, y) in y.chunks_exact_mut(dim).enumerate() {
            y.iter_mut().for_each(|v| *v += block.stream(row).normal());
        }
        context.target.log_prob(Batch::new(&y, dim), &mut log_prob);
        for (row, y) in y.chunks_exact(dim).enumerate() {
            let from = block.log_prob()[row];
            if (self.rule)(from, log_prob[row], block.stream(row), sheet.tally(row)) {
                block.move_to(row, y, log_prob[row], None);
            }
        }
    }
}

/// `NAN.min(0.0)` is 0: a log-density of NaN is accepted with probability one, and anything from there.
fn accepts_nan(from: f64, to: f64, stream: &mut mixwell::Stream, tally: &mut Tally) -> bool {
    let probability = (to - from).min(0.0).exp();
    let accepted = stream.uniform() < probability;
    tally.tries += 1;
    tally.moves += u32::from(accepted);
    tally.accept_prob += probability;
    accepted
}

fn metropolis(from: f64, to: f64, stream: &mut mixwell::Stream, tally: &mut Tally) -> bool {
    let log_ratio = if usable(to, &[], tally) { to - from } else { f64::NEG_INFINITY };
    accept(log_ratio, stream, tally)
}

fn unadjusted(_: f64, _: f64, _: &mut mixwell::Stream, tally: &mut Tally) -> bool {
    tally.tries += 1;
    tally.moves += 1;
    true
}

/// A standard normal cut at 2, whose author did not think of what lies beyond.
fn cut() -> impl Target {
    from_fn(1, |x: &[f64]| -0.5 * x[0] * x[0] + 0.0 * (2.0 - x[0]).sqrt())
}

fn run(target: impl Target + 'static, kernel: impl Kernel + 'static) -> Summary {
    let sampler = Sampler::new(target).kernel(kernel, 100).start(Start::Uniform { radius: 1.0 });
    sampler.chains(8).draws(2000).seed(1).run().unwrap().summary().unwrap().clone()
}

#[test]
fn a_kernel_that_accepts_nan_is_found_out() {
    let summary = run(cut(), Walk { rule: accepts_nan, law: Law::reversible() });
    assert!(!summary.converged && summary.stranded["kernel (walk)"] > 1000, "{:?}", summary.stranded);
    let named = "steps of the kernel kernel (walk) a chain stood at a point whose log-density is NaN";
    assert!(summary.reasons.iter().any(|r| r.contains(named)), "{:?}", summary.reasons);
}

#[test]
fn the_published_rule_rejects_nan() {
    let summary = run(cut(), Walk { rule: metropolis, law: Law::reversible() });
    assert!(summary.converged && summary.stranded.is_empty() && summary.non_finite > 0, "{summary:?}");
    // E[x | x < 2] = -phi(2) / Phi(2) = -0.0553; bulk ESS is above 2000, so the error below 0.022.
    assert!((summary.parameters[0].summary.mean + 0.0553).abs() < 5.0 * 0.022);
}

#[test]
fn draws_of_a_kernel_made_in_code_are_called_biased_where_they_are() {
    let normal = || {
        from_fn_with_grad(1, |x: &[f64], grad: &mut [f64]| {
            grad[0] = -x[0];
            -0.5 * x[0] * x[0]
        })
    };
    let biased = |summary: Summary| summary.warnings.into_iter().find(|w| w.starts_with("BIASED"));
    let ula = biased(run(normal(), UlaConfig::default().build().unwrap())).unwrap();
    assert!(ula.contains("kernel kernel (ula) does not keep"), "{ula}");
    let own = biased(run(normal(), Walk { rule: unadjusted, law: Law::biased() })).unwrap();
    assert!(own.contains("kernel kernel (walk) does not keep"), "{own}");
    let inside = Sequence::new(vec![
        mala().build(1).unwrap(),
        Box::new(Repeat::new(2, Box::new(Walk { rule: unadjusted, law: Law::biased() }))),
    ]);
    let inside = biased(run(normal(), inside)).unwrap();
    assert!(inside.contains("kernel kernel (mala, walk) does not keep"), "{inside}");
    // What settings build goes in as it is.
    assert_eq!(biased(run(normal(), mala().build(1).unwrap())), None);
}
