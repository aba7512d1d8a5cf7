//! One step of a kernel, and what is looked at after it.

use super::{Block, Context, Kernel, Report};

/// Moves every chain of the block once, and counts those that stand where the log-density is not finite afterwards: a kernel that
/// moves there is wrong, and draws from there on are worth nothing.
pub(crate) fn advance(
    kernel: &dyn Kernel,
    context: &Context<'_>,
    block: &mut Block<'_>,
    mut report: Report<'_>,
) {
    kernel.step(context, block, report.part(0));
    for (row, log_prob) in block.log_prob().iter().enumerate() {
        if !log_prob.is_finite() {
            report.tally(row).stranded += 1;
        }
    }
}
