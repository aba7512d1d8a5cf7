//! What the diagnostics of one scalar share: one sort, one split, one set of transforms, and the memory for them.
//!
//! Each thread keeps one workspace, so that a table of a thousand scalars allocates once and plans one transform. It
//! holds about fifteen numbers per draw of the largest scalar seen. Nothing of an earlier call is ever read.

use std::cell::RefCell;

use super::Draws;
use super::autocovariance::Autocovariance;
use super::geyer::{effective_size, effective_size_of_indicator};
use super::indicator::Indicator;
use super::ranks::{Order, ScoreTable};
use super::scale_reduction::scale_reduction;
use crate::footprint::numbers;

/// Buffers and the state of the scalar being looked at.
pub(super) struct Workspace {
    autocovariance: Autocovariance,
    scores: ScoreTable,
    /// All draws in order.
    order: Order,
    /// The split draws in order, where that differs.
    split_order: Order,
    folded: Order,
    indicator: Indicator,
    /// The split draws, `2 n_chains` series.
    split: Vec<f64>,
    /// A transformed copy of the split draws.
    series: Vec<f64>,
    acov: Vec<f64>,
    n_draws: usize,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace::new());
}

/// Bytes of the workspace of one thread that has looked at a scalar of `draws` draws, all chains together.
pub(crate) fn workspace_bytes(draws: usize) -> u64 {
    numbers(&[13, draws])
}

/// Lends this thread's workspace. Must not be nested.
pub(super) fn with_workspace<R>(f: impl FnOnce(&mut Workspace) -> R) -> R {
    WORKSPACE.with_borrow_mut(f)
}

impl Workspace {
    fn new() -> Self {
        Self {
            autocovariance: Autocovariance::new(),
            scores: ScoreTable::default(),
            order: Order::default(),
            split_order: Order::default(),
            folded: Order::default(),
            indicator: Indicator::default(),
            split: Vec::new(),
            series: Vec::new(),
            acov: Vec::new(),
            n_draws: 0,
        }
    }

    /// Splits the chains of `draws`, for [`Workspace::ess_mean`] and its like.
    pub(super) fn split(&mut self, draws: Draws<'_>) {
        self.n_draws = draws.n_draws();
        draws.split_into(&mut self.split);
    }

    /// Sorts and splits `draws`, which hold no NaN, for everything that looks at ranks.
    pub(super) fn load(&mut self, draws: Draws<'_>) {
        self.split(draws);
        self.order.sort(draws.data());
        if !self.n_draws.is_multiple_of(2) {
            self.split_order.keep_halves(&self.order, self.n_draws);
        }
    }

    fn half(&self) -> usize {
        self.n_draws / 2
    }

    /// All loaded draws in order.
    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    fn order_of_halves(&self) -> &Order {
        if self.n_draws.is_multiple_of(2) { &self.order } else { &self.split_order }
    }

    /// R-hat and ESS of the rank-normalised halves; either can be left out.
    pub(super) fn bulk(&mut self, want_rhat: bool, want_ess: bool) -> (f64, f64) {
        let order = if self.n_draws.is_multiple_of(2) { &self.order } else { &self.split_order };
        order.normal_scores(&mut self.scores, &mut self.series);
        let half = self.half();
        let rhat = if want_rhat { scale_reduction(&self.series, half) } else { f64::NAN };
        let ess = if want_ess { self.ess_of_series(half) } else { f64::NAN };
        (rhat, ess)
    }

    /// R-hat of the rank-normalised distances from the median.
    pub(super) fn rhat_folded(&mut self) -> f64 {
        if !self.order_of_halves().median().is_finite() {
            return f64::NAN;
        }
        let order = if self.n_draws.is_multiple_of(2) { &self.order } else { &self.split_order };
        self.folded.fold(order);
        self.folded.normal_scores(&mut self.scores, &mut self.series);
        scale_reduction(&self.series, self.half())
    }

    /// ESS of the indicator `x <= quantile(p)`; the quantile is that of all loaded draws.
    pub(super) fn ess_quantile(&mut self, p: f64) -> f64 {
        let quantile = self.order.quantile(p);
        let half = self.half();
        let order = if self.n_draws.is_multiple_of(2) { &self.order } else { &self.split_order };
        let (below, above) = order.cut(quantile);
        if below.is_empty() || above.is_empty() {
            return self.split.len() as f64;
        }
        // Fewer ones are set sooner.
        self.indicator.set(if below.len() < above.len() { below } else { above }, half, self.split.len());
        if let Some(ess) = effective_size_of_indicator(&self.indicator, half, self.split.len()) {
            return ess;
        }
        self.series.clear();
        self.series.extend(self.split.iter().map(|v| f64::from(u8::from(*v <= quantile))));
        self.ess_of_series(half)
    }

    /// ESS of the split draws themselves.
    pub(super) fn ess_mean(&mut self) -> f64 {
        effective_size(&self.split, self.half(), &mut self.autocovariance, &mut self.acov)
    }

    /// ESS of the squared deviations of the split draws from `center`.
    pub(super) fn ess_squares(&mut self, center: f64) -> f64 {
        self.series.clear();
        self.series.extend(self.split.iter().map(|v| (v - center) * (v - center)));
        self.ess_of_series(self.half())
    }

    /// ESS of whole chains.
    pub(super) fn ess_raw(&mut self, draws: Draws<'_>) -> f64 {
        effective_size(draws.data(), draws.n_draws(), &mut self.autocovariance, &mut self.acov)
    }

    /// Autocovariance of whole chains, averaged over them, at lags `0..n_draws`.
    pub(super) fn autocovariance(&mut self, draws: Draws<'_>) -> &[f64] {
        let n = draws.n_draws();
        self.autocovariance.averaged(draws.data(), n, n, &mut self.acov);
        &self.acov
    }

    fn ess_of_series(&mut self, n: usize) -> f64 {
        effective_size(&self.series, n, &mut self.autocovariance, &mut self.acov)
    }
}
