//! Which parameters are looked at: those that mixed worst.

use mixwell::diagnostics::{ScalarSummary, Thresholds};

/// Parameters that are looked at, at most.
pub(super) const MOST: usize = 6;

/// Places of the parameters that are looked at, the worst first.
pub(super) fn worst(parameters: &[ScalarSummary], bars: &Thresholds) -> Vec<usize> {
    let mut places = by_badness(parameters, bars);
    places.truncate(MOST);
    places
}

/// Places of all parameters, the one that mixed worst first.
pub(super) fn by_badness(parameters: &[ScalarSummary], bars: &Thresholds) -> Vec<usize> {
    let mut places: Vec<usize> = (0..parameters.len()).collect();
    // Equals stay in their order.
    places.sort_by(|a, b| badness(&parameters[*b], bars).total_cmp(&badness(&parameters[*a], bars)));
    places
}

/// How near a parameter comes to a bar of the verdict: above one where it fails. What is no number fails; a parameter that never changes has nothing to show.
fn badness(of: &ScalarSummary, bars: &Thresholds) -> f64 {
    if of.sd == 0.0 {
        return -1.0;
    }
    let all = [(of.rhat - 1.0) / (bars.rhat - 1.0), bars.ess / of.ess_bulk, bars.ess / of.ess_tail];
    if all.iter().any(|v| v.is_nan()) { f64::INFINITY } else { all.into_iter().fold(0.0, f64::max) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mixwell::diagnostics::Draws;

    #[test]
    fn the_worst_come_first() {
        let row = |rhat: f64, ess: f64| {
            let base = ScalarSummary::compute(Draws::new(&[1.0, 2.0, 4.0, 3.0, 2.0, 1.0, 3.0, 4.0], 2));
            ScalarSummary { rhat, ess_bulk: ess, ess_tail: ess, ..base }
        };
        let constant = ScalarSummary { sd: 0.0, ..row(f64::NAN, f64::NAN) };
        let rows = [constant, row(1.0, 9000.0), row(1.3, 9000.0), row(f64::NAN, 9000.0), row(1.0, 30.0)];
        assert_eq!(worst(&rows, &Thresholds::default()), [3, 2, 4, 1, 0]);
    }
}
