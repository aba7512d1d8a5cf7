//! A kernel of one's own, used like any other: random-walk steps whose scale is drawn anew for each proposal.
//!
//! Small steps find the narrow mode, large ones jump to the wide mode. The proposal is symmetric, so Metropolis' rule keeps
//! the target's law. Run: `cargo run --release -p mixwell --example own_kernel`

use mixwell::Batch;
use mixwell::density::TwoModesConfig;
use mixwell::kernel::{Block, Context, Kernel, Law, Leaf, Role, TallySheet, accept, usable};
use mixwell::sampler::{Sampler, Start};

struct AnyScale {
    smallest: f64,
    largest: f64,
}

impl Kernel for AnyScale {
    fn leaves(&self) -> Vec<Leaf> {
        vec![Leaf::new("any_scale", Role::Local)]
    }

    fn law(&self) -> Law {
        Law::reversible()
    }

    fn step(&self, context: &Context<'_>, block: &mut Block<'_>, mut sheet: TallySheet<'_>) {
        let (rows, dim) = (block.rows(), block.dim());
        let (mut y, mut log_prob) = (block.x().data().to_vec(), vec![0.0; rows]);
        for (row, y) in y.chunks_exact_mut(dim).enumerate() {
            let stream = block.stream(row);
            let scale = self.smallest * (self.largest / self.smallest).powf(stream.uniform());
            y.iter_mut().for_each(|v| *v += scale * stream.normal());
        }
        // One batch for all chains.
        context.target.log_prob(Batch::new(&y, dim), &mut log_prob);
        for (row, y) in y.chunks_exact(dim).enumerate() {
            let tally = sheet.tally(row);
            // A log-density of NaN is counted and rejected; `accept` counts the try.
            let log_ratio = if usable(log_prob[row], &[], tally) {
                log_prob[row] - block.log_prob()[row]
            } else {
                f64::NEG_INFINITY
            };
            if accept(log_ratio, block.stream(row), tally) {
                block.move_to(row, y, log_prob[row], None);
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Sampler::new(TwoModesConfig::default().build()?)
        .kernel(AnyScale { smallest: 0.05, largest: 5.0 }, 500)
        .start(Start::Uniform { radius: 3.0 })
        .chains(8)
        .draws(40_000)
        .seed(1)
        .run()?;
    let summary = run.summary()?;
    let weights = summary.mode_weights.as_ref().ok_or("the modes are known")?;
    let errors = summary.mode_weight_errors.as_ref().ok_or("and so are errors")?;
    println!("acceptance {:.3}", summary.acceptance["any_scale"].acceptance_rate);
    println!("weight of the first mode {:.4} +- {:.4}, exact 0.3333", weights[0], errors[0]);
    if (weights[0] - 1.0 / 3.0).abs() > 5.0 * errors[0] || errors[0] > 0.03 {
        return Err("the weights are wrong".into());
    }
    Ok(())
}
