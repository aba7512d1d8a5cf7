//! Integration of `dx/dt = v(x, t)` with the log-determinant `dl/dt = div v`, by the method of Dormand and Prince of order 5
//! with its error estimate of order 4, and the derivative of the result.
//!
//! Each row of a block has its own time and step, so what becomes of a row does not depend on its company. The seventh
//! stage of a step is the first of the next. Backwards in time the step is negative. The derivative is that of the discrete
//! map with its steps taken as constants: the accepted steps of every row are recorded (time, step, point), and on the
//! way back their stages are evaluated anew.
//! Shapes: one block, `dim x 64`. Reference: [dormand1980family], table 2 (RK5(4)7M).

use super::bijection::Scratch;
use super::solver::Solver;
use super::steps::{Clock, Next, Steps, decide};
use crate::net::grow;
use mixwell_vector::Real;
use mixwell_vector::block::BLOCK;

/// A velocity with its divergence, for one block of rows, each at its own time.
pub(super) trait Field<T: Real> {
    /// Number of coordinates.
    fn dim(&self) -> usize;

    /// Numbers of tape of one evaluation.
    fn tape_len(&self) -> usize;

    /// Velocity and divergence at points `x` and times `t`.
    fn eval(&self, at: (&[T], &[T]), tape: &mut [T], v: &mut [T], divergence: &mut [T], rows: usize);

    /// From the derivatives in velocity and divergence to that in the points (written) and in the parameters (added).
    fn pull(
        &self,
        tape: &[T],
        derivatives: (&[T], &[T]),
        dx: &mut [T],
        gradient: Option<&mut [T]>,
        scratch: &mut Scratch<T>,
        rows: usize,
    );
}

/// Stages of a step, and one more that is the first of the next.
const STAGES: usize = 6;
/// Times of the stages, in steps.
const C: [f64; STAGES + 1] = [0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0];
/// Weights of earlier stages in a stage; the last row is the step itself.
const A: [[f64; STAGES]; STAGES + 1] = [
    [0.0; STAGES],
    [0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0],
    [9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0.0],
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// The step of order 5 minus that of order 4.
const ERROR: [f64; STAGES + 1] =
    [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];

/// About how many evaluations of the velocity a path takes; adaptive steps are taken to be ten.
pub(super) fn evaluations(solver: &Solver) -> usize {
    match *solver {
        Solver::Fixed { n_steps } => n_steps * STAGES,
        Solver::Adaptive { .. } => 10 * STAGES,
    }
}

/// Numbers of working memory that [`integrate`] needs.
pub(super) fn work_len<T: Real>(field: &impl Field<T>) -> usize {
    ((STAGES + 2) * field.dim() + STAGES + 1) * BLOCK + field.tape_len()
}

/// Carries `x` from time 0 to 1 (or, with `backwards`, from 1 to 0) and adds the log-determinant of that map. Leaves in
/// `record` what [`pull`] needs. Rows that are not finite come out as they went in, with log-determinant NaN.
#[allow(clippy::too_many_arguments)]
pub(super) fn integrate<T: Real>(
    field: &impl Field<T>,
    solver: &Solver,
    backwards: bool,
    x: &mut [T],
    log_det: &mut [f64],
    record: &mut [T],
    work: &mut [T],
    rows: usize,
) {
    let n = field.dim() * BLOCK;
    let (ks, rest) = work.split_at_mut((STAGES + 1) * n);
    let (divs, rest) = rest.split_at_mut((STAGES + 1) * BLOCK);
    let (y, tape) = rest.split_at_mut(n);
    let mut steps = Steps { dim: field.dim(), data: record };
    let (start, end) = if backwards { (T::ONE, T::ZERO) } else { (T::ZERO, T::ONE) };
    let mut clock = Clock { t: [start; BLOCK], h: [T::ZERO; BLOCK], last: [false; BLOCK], steps: [0; BLOCK] };
    for r in 0..rows {
        if (0..field.dim()).all(|f| x[f * BLOCK + r].to_f64().is_finite()) {
            clock.plan(r, solver, end, solver.first_step());
        } else {
            log_det[r] = f64::NAN;
        }
    }
    field.eval((x, &clock.t), tape, &mut ks[..n], &mut divs[..BLOCK], rows);
    while clock.h[..rows].iter().any(|h| *h != T::ZERO) {
        for i in 1..=STAGES {
            let (before, own) = ks.split_at_mut(i * n);
            let t = stage(i, x, before, &clock.t, &clock.h, y);
            let own_div = &mut divs[i * BLOCK..(i + 1) * BLOCK];
            field.eval((y, &t), tape, &mut own[..n], own_div, rows);
        }
        for r in 0..rows {
            let h = clock.h[r];
            if h == T::ZERO {
                continue;
            }
            let next = match solver {
                Solver::Fixed { .. } => Next::Go(solver.first_step()),
                Solver::Adaptive { rtol, atol, max_steps, .. } => {
                    let floor = 20.0 * T::EPSILON.to_f64();
                    let error = error(r, h, (rtol.max(floor), atol.max(floor)), x, y, ks, divs);
                    decide(h.to_f64().abs(), error, 1.0 / *max_steps as f64)
                }
            };
            match next {
                Next::Again(shorter) => clock.plan(r, solver, end, shorter),
                Next::Go(length) => {
                    steps.put(clock.steps[r], r, clock.t[r], h, x);
                    clock.steps[r] += 1;
                    clock.t[r] += h;
                    let slope: f64 = (0..STAGES).map(|i| A[STAGES][i] * divs[i * BLOCK + r].to_f64()).sum();
                    log_det[r] += h.to_f64() * slope;
                    divs[r] = divs[STAGES * BLOCK + r];
                    for at in (r..n).step_by(BLOCK) {
                        x[at] = y[at];
                        ks[at] = ks[STAGES * n + at];
                    }
                    if !(log_det[r].is_finite() && (r..n).step_by(BLOCK).all(|at| x[at].to_f64().is_finite()))
                    {
                        log_det[r] = f64::NAN;
                        clock.h[r] = T::ZERO;
                    } else if clock.last[r] {
                        clock.h[r] = T::ZERO;
                    } else {
                        clock.plan(r, solver, end, length);
                    }
                }
            }
        }
    }
    let most = clock.steps.iter().copied().max().unwrap_or(0);
    steps.data[0] = T::from_f64(most as f64);
    for r in 0..BLOCK {
        for k in clock.steps[r]..most {
            steps.put(k, r, clock.t[r], T::ZERO, x);
        }
    }
}

/// Estimated error of a step of row `r` in units of the tolerance: root mean square over the coordinates, or that of the
/// log-determinant when it is larger.
fn error<T: Real>(r: usize, h: T, (rtol, atol): (f64, f64), x: &[T], y: &[T], ks: &[T], divs: &[T]) -> f64 {
    let n = x.len();
    let sum = |values: &[T], stride: usize, at: usize| -> f64 {
        (0..=STAGES).map(|i| ERROR[i] * values[i * stride + at].to_f64()).sum::<f64>() * h.to_f64()
    };
    let squares: f64 = (r..n)
        .step_by(BLOCK)
        .map(|at| {
            let size = x[at].to_f64().abs().max(y[at].to_f64().abs());
            (sum(ks, n, at) / (atol + rtol * size)).powi(2)
        })
        .sum();
    let points = (squares / (n / BLOCK) as f64).sqrt();
    let density = sum(divs, BLOCK, r).abs() / (atol + rtol);
    if points > density || points.is_nan() { points } else { density }
}

/// Point (to `y`) and time of stage `i` of steps that begin at `x` and `t`.
fn stage<T: Real>(i: usize, x: &[T], ks: &[T], t: &[T], h: &[T], y: &mut [T]) -> [T; BLOCK] {
    y.fill(T::ZERO);
    for (a, k) in A[i].iter().zip(ks.chunks_exact(x.len())) {
        if *a != 0.0 {
            let a = T::from_f64(*a);
            for (y, k) in y.iter_mut().zip(k) {
                *y += a * *k;
            }
        }
    }
    for (y, x) in y.chunks_exact_mut(BLOCK).zip(x.chunks_exact(BLOCK)) {
        for ((y, x), h) in y.iter_mut().zip(x).zip(h) {
            *y = *x + *h * *y;
        }
    }
    let c = T::from_f64(C[i]);
    std::array::from_fn(|r| t[r] + c * h[r])
}

/// Turns `dx`, the derivative in the end points of [`integrate`], into that in its starting points, given the derivative in
/// the log-determinant and the record; adds the derivative in the parameters to `gradient`.
pub(super) fn pull<T: Real>(
    field: &impl Field<T>,
    record: &[T],
    dx: &mut [T],
    dlog_det: &[T],
    mut gradient: Option<&mut [T]>,
    scratch: &mut Scratch<T>,
    rows: usize,
) {
    let (dim, n, tape_len) = (field.dim(), field.dim() * BLOCK, field.tape_len());
    let mut work = std::mem::take(&mut scratch.work);
    grow(&mut work, (2 * STAGES + 2) * n + BLOCK + STAGES * tape_len);
    let (ks, rest) = work.split_at_mut(STAGES * n);
    let (dks, rest) = rest.split_at_mut(STAGES * n);
    let (y, rest) = rest.split_at_mut(n);
    let (dy, rest) = rest.split_at_mut(n);
    let (ddiv, tapes) = rest.split_at_mut(BLOCK);
    for step in (0..record[0].to_f64() as usize).rev() {
        let at = (1 + step * (2 + dim)) * BLOCK;
        let (t, h) = (&record[at..at + BLOCK], &record[at + BLOCK..at + 2 * BLOCK]);
        let x = &record[at + 2 * BLOCK..at + (2 + dim) * BLOCK];
        for (i, tape) in tapes.chunks_exact_mut(tape_len).take(STAGES).enumerate() {
            let (before, own) = ks.split_at_mut(i * n);
            let t = stage(i, x, before, t, h, y);
            field.eval((y, &t), tape, &mut own[..n], ddiv, rows);
        }
        dks.fill(T::ZERO);
        for (dk, a) in dks.chunks_exact_mut(n).zip(A[STAGES]) {
            add_scaled(dk, a, h, dx);
        }
        for i in (0..STAGES).rev() {
            let (earlier, own) = dks.split_at_mut(i * n);
            let weight = T::from_f64(A[STAGES][i]);
            for ((d, dl), h) in ddiv.iter_mut().zip(dlog_det).zip(h) {
                *d = weight * *h * *dl;
            }
            let tape = &tapes[i * tape_len..(i + 1) * tape_len];
            field.pull(tape, (&own[..n], ddiv), dy, gradient.as_deref_mut(), scratch, rows);
            for (d, dy) in dx.iter_mut().zip(&*dy) {
                *d += *dy;
            }
            for (dk, a) in earlier.chunks_exact_mut(n).zip(A[i]) {
                add_scaled(dk, a, h, dy);
            }
        }
    }
    scratch.work = work;
}

/// `to += a h from`, `h` per row.
fn add_scaled<T: Real>(to: &mut [T], a: f64, h: &[T], from: &[T]) {
    let a = T::from_f64(a);
    for (to, from) in to.chunks_exact_mut(BLOCK).zip(from.chunks_exact(BLOCK)) {
        for ((to, from), h) in to.iter_mut().zip(from).zip(h) {
            *to += a * *h * *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::standard_normal_log_prob;

    /// The velocity of the straight lines from `N(0, 1)` to `N(m, s^2)`: with `V = t^2 s^2 + (1 - t)^2` and
    /// `g = (t s^2 - (1 - t)) / V`, `E[x1 - x0 | x_t = x] = m + g (x - t m)`, and the map is `x = m + s z`.
    struct ToNormal {
        mean: f64,
        sd: f64,
    }

    impl ToNormal {
        fn slope(&self, t: f64) -> f64 {
            let v = self.sd * self.sd;
            (t * v - (1.0 - t)) / (t * t * v + (1.0 - t) * (1.0 - t))
        }
    }

    impl Field<f64> for ToNormal {
        fn dim(&self) -> usize {
            2
        }

        fn tape_len(&self) -> usize {
            BLOCK
        }

        fn eval(&self, (x, t): (&[f64], &[f64]), tape: &mut [f64], v: &mut [f64], div: &mut [f64], _: usize) {
            tape.copy_from_slice(t);
            for (v, x) in v.chunks_exact_mut(BLOCK).zip(x.chunks_exact(BLOCK)) {
                for ((v, x), t) in v.iter_mut().zip(x).zip(t) {
                    *v = self.mean + self.slope(*t) * (x - t * self.mean);
                }
            }
            for (d, t) in div.iter_mut().zip(t) {
                *d = 2.0 * self.slope(*t);
            }
        }

        fn pull(
            &self,
            tape: &[f64],
            (dv, _): (&[f64], &[f64]),
            dx: &mut [f64],
            _: Option<&mut [f64]>,
            _: &mut Scratch<f64>,
            _: usize,
        ) {
            for (dx, dv) in dx.chunks_exact_mut(BLOCK).zip(dv.chunks_exact(BLOCK)) {
                for ((dx, dv), t) in dx.iter_mut().zip(dv).zip(tape) {
                    *dx = self.slope(*t) * dv;
                }
            }
        }
    }

    const FIELD: ToNormal = ToNormal { mean: 3.0, sd: 0.2 };

    fn adaptive(tolerance: f64) -> Solver {
        Solver::Adaptive { rtol: tolerance, atol: tolerance, first_step: 0.1, max_steps: 500 }
    }

    /// End points, log-determinants and record of these starting points (the same in both coordinates).
    fn solve(solver: &Solver, backwards: bool, from: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut x = vec![0.0; 2 * BLOCK];
        for (r, v) in from.iter().enumerate() {
            (x[r], x[BLOCK + r]) = (*v, *v);
        }
        let mut log_det = vec![0.0; BLOCK];
        let mut record = vec![f64::NAN; solver.record_len(2)];
        let mut work = vec![f64::NAN; work_len(&FIELD)];
        integrate(&FIELD, solver, backwards, &mut x, &mut log_det, &mut record, &mut work, from.len());
        log_det.truncate(from.len());
        (x, log_det, record)
    }

    #[test]
    fn a_gaussian_is_met_with_the_base_density_at_the_latent() {
        let x = [2.6, 3.0, 3.1, 3.5];
        for solver in [adaptive(1e-8), Solver::Fixed { n_steps: 100 }] {
            let (z, log_det, _) = solve(&solver, true, &x);
            for r in 0..4 {
                let exact = 2.0 * (standard_normal_log_prob(&[(x[r] - 3.0) / 0.2]) - 0.2f64.ln());
                assert!((z[r] - (x[r] - 3.0) / 0.2).abs() < 1e-6, "{}", z[r]);
                let found = standard_normal_log_prob(&[z[r], z[BLOCK + r]]) + log_det[r];
                assert!((found - exact).abs() < 1e-5, "{found} and {exact}");
                // The base density at the point in place of the latent is another density.
                let wrong = standard_normal_log_prob(&[x[r], x[r]]) + log_det[r];
                assert!((wrong - exact).abs() > 0.1, "{wrong} and {exact}");
            }
            let (back, forth, _) = solve(&solver, false, &z[..4]);
            for r in 0..4 {
                assert!((back[r] - x[r]).abs() < 1e-6 && (forth[r] + log_det[r]).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_error_of_equal_steps_is_of_order_five() {
        let error = |n_steps| {
            let (x, log_det, _) = solve(&Solver::Fixed { n_steps }, false, &[1.0]);
            [(x[0] - 3.2).abs(), (log_det[0] - 2.0 * 0.2f64.ln()).abs()]
        };
        for (coarse, fine) in error(40).into_iter().zip(error(80)) {
            // 2^5 = 32, up to terms of higher order.
            assert!((20.0..60.0).contains(&(coarse / fine)), "{coarse:e} and {fine:e}");
        }
    }

    #[test]
    fn tolerances_are_kept_and_rows_keep_to_themselves() {
        let z = [-3.0, 0.0, 0.1, 40.0];
        let mut last = f64::INFINITY;
        for tolerance in [1e-3, 1e-6, 1e-9] {
            let (x, log_det, record) = solve(&adaptive(tolerance), false, &z);
            let worst =
                (0..4).map(|r| (x[r] - 3.0 - 0.2 * z[r]).abs() / (1.0 + z[r].abs())).fold(0.0, f64::max);
            // Errors of some tens of steps add up.
            assert!(worst < 30.0 * tolerance && worst < last, "{tolerance:e}: {worst:e}");
            assert!((log_det[0] - 2.0 * 0.2f64.ln()).abs() < 30.0 * tolerance);
            assert!(record[0] < 200.0, "{} steps", record[0]);
            last = worst;
            for (r, z) in z.iter().enumerate() {
                let (alone, log_det_alone, _) = solve(&adaptive(tolerance), false, &[*z]);
                assert_eq!((alone[0], log_det_alone[0]), (x[r], log_det[r]));
            }
        }
    }

    #[test]
    fn rows_that_are_not_numbers_end_and_say_so() {
        let (x, log_det, _) = solve(&adaptive(1e-6), false, &[f64::NAN, 0.0]);
        assert!(x[0].is_nan() && log_det[0].is_nan() && (x[1] - 3.0).abs() < 1e-4);
    }

    #[test]
    fn the_derivative_is_that_of_the_map() {
        // x = m + s z: dx/dz = s, whatever the steps.
        let (_, _, record) = solve(&adaptive(1e-9), false, &[-3.0, 0.0, 40.0]);
        let mut dx = vec![1.0; 2 * BLOCK];
        pull(&FIELD, &record, &mut dx, &[0.0; BLOCK], None, &mut Scratch::default(), 3);
        assert!(dx[..3].iter().all(|d| (d - 0.2).abs() < 1e-6), "{:?}", &dx[..3]);
    }
}
