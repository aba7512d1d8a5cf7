//! Figures of an experiment: which, of what, and how they are drawn from results and sketches.
//!
//! An experiment lists its figures as data; each becomes one SVG in the output folder. A figure of draws needs a [`Sketch`] of
//! each of its cells (first repetition): a part of the draws that is kept with the cell's result.

use mixwell::density::{Failure, Guarded, Target};
use mixwell::{Batch, Points};
use mixwell_figures::{
    Axis, Curve, Curves, CurvesPanel, DensityMaps, Lines, LinesPanel, MapPanel, Point as Place, Scatter,
    ScatterPanel, Series, Surface, Traces, TracesPanel,
};
use serde::{Deserialize, Serialize};

use crate::sketch::Sketch;
use crate::{Experiment, Report, Trained};

/// A figure of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Name of its file, without ending.
    pub name: String,
    /// What stands above it.
    pub title: String,
    /// What it shows.
    pub show: Show,
}

/// What a figure shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Show {
    /// Metrics against the first axis of the sweep, one panel each: measured with standard deviations, and published.
    Metrics {
        /// The metrics.
        metrics: Vec<String>,
        /// Logarithmic values.
        #[serde(default)]
        log: bool,
        /// Logarithmic axis of the sweep.
        #[serde(default)]
        log_axis: bool,
        /// A panel for each value of the second axis instead of for each metric; the first metric only.
        #[serde(default)]
        by_second_axis: bool,
    },
    /// Draws of some methods over the contours of the target (where it has two coordinates).
    Samples {
        /// The methods, a panel each.
        methods: Vec<String>,
        /// The label of the point.
        #[serde(default)]
        point: String,
        /// The two coordinates.
        coordinates: [usize; 2],
        /// From where to where, along both; from the draws when absent.
        #[serde(default)]
        window: Option<[[f64; 2]; 2]>,
        /// Contours of `[known_law]` in place of the target's: for the points of a GAN, whose target is the law of latents.
        #[serde(default)]
        known_law: bool,
    },
    /// One coordinate of some chains against the iteration.
    Traces {
        /// The methods, a panel each.
        methods: Vec<String>,
        /// The label of the point.
        #[serde(default)]
        point: String,
        /// The coordinate.
        coordinate: usize,
    },
    /// Weights of the modes over all chains up to each iteration.
    ModeWeights {
        /// The methods, a panel each.
        methods: Vec<String>,
        /// The label of the point.
        #[serde(default)]
        point: String,
    },
    /// Columns of the curves of trainings, e.g. the weights of modes.
    Curves {
        /// The methods, a panel each.
        methods: Vec<String>,
        /// The label of the point.
        #[serde(default)]
        point: String,
        /// The columns, a line each.
        columns: Vec<String>,
        /// What they should be, where that is known.
        #[serde(default)]
        exact: Vec<f64>,
        /// From where to where.
        #[serde(default)]
        range: Option<[f64; 2]>,
    },
    /// The density of a trained flow beside the target's, for targets of two coordinates.
    FlowDensity {
        /// The method that trained the flow, and that another method starts from.
        method: String,
        /// The label of the point.
        #[serde(default)]
        point: String,
        /// From where to where, along both.
        window: [[f64; 2]; 2],
    },
}

/// Something of a method at a point, where there is any.
type At<'a, T> = dyn Fn(&str, &str) -> Option<T> + 'a;

/// What a figure can be drawn from.
pub(crate) struct Material<'a> {
    pub experiment: &'a Experiment,
    pub report: &'a Report,
    /// The sketch of a method at a point.
    pub sketch: &'a At<'a, Sketch>,
    /// The target of a method at a point.
    pub target: &'a At<'a, Box<dyn Target>>,
    /// The flow of a method at a point.
    pub flow: &'a At<'a, mixwell::flow::Flow>,
    /// What the training of a method at a point has left.
    pub trained: &'a At<'a, Trained>,
}

/// Places along each direction of a density map.
const GRID: usize = 121;

impl Show {
    /// Methods, point and coordinates whose draws it needs.
    pub(crate) fn needs(&self) -> Option<(&[String], &str, Vec<usize>)> {
        match self {
            Self::Samples { methods, point, coordinates, .. } => Some((methods, point, coordinates.to_vec())),
            Self::Traces { methods, point, coordinate } => Some((methods, point, vec![*coordinate])),
            Self::ModeWeights { methods, point } => Some((methods, point, Vec::new())),
            Self::Metrics { .. } | Self::Curves { .. } | Self::FlowDensity { .. } => None,
        }
    }

    /// Methods and point it names at all.
    pub(crate) fn names(&self) -> (Vec<&String>, &str, Vec<&String>) {
        match self {
            Self::Metrics { metrics, .. } => (Vec::new(), "", metrics.iter().collect()),
            Self::FlowDensity { method, point, .. } => (vec![method], point, Vec::new()),
            Self::Samples { methods, point, .. }
            | Self::Traces { methods, point, .. }
            | Self::Curves { methods, point, .. }
            | Self::ModeWeights { methods, point } => (methods.iter().collect(), point, Vec::new()),
        }
    }
}

impl Figure {
    /// The figure as SVG; `None` when this preset leaves out all it would show.
    pub(crate) fn svg(&self, from: &Material<'_>) -> Option<String> {
        let title = self.title.clone();
        match &self.show {
            Show::Metrics { metrics, log, log_axis, by_second_axis } => {
                let panels = if *by_second_axis {
                    from.panels_by_second_axis(metrics.first()?, *log, *log_axis)
                } else {
                    metrics.iter().filter_map(|m| from.panel(m, None, *log, *log_axis)).collect()
                };
                (!panels.is_empty()).then(|| Lines { title, panels }.svg())
            }
            Show::Samples { methods, point, coordinates, window, known_law } => {
                let panels: Vec<ScatterPanel> = from
                    .sketches(methods, point)
                    .map(|(title, sketch)| ScatterPanel { title, points: sketch.pairs(*coordinates) })
                    .collect();
                // Contours are those of the target's own coordinates.
                let own = (*coordinates == [0, 1]).then_some(*window).flatten();
                let target = match (known_law, window) {
                    (true, Some(window)) => from.known_surface(*window),
                    _ => own.and_then(|w| from.surface(methods.first()?, point, w)),
                };
                let axis = |k: usize| {
                    let axis = Axis::new(format!("x[{}]", coordinates[k]));
                    window.map_or(axis.clone(), |w| axis.range(w[k][0], w[k][1]))
                };
                (!panels.is_empty()).then(|| Scatter { title, x: axis(0), y: axis(1), target, panels }.svg())
            }
            Show::Traces { methods, point, coordinate } => {
                let panels: Vec<TracesPanel> = from
                    .sketches(methods, point)
                    .map(|(title, sketch)| TracesPanel {
                        title,
                        chains: sketch.series(*coordinate, 4),
                        every: sketch.every,
                    })
                    .collect();
                let (x, y) = (Axis::new("iteration"), Axis::new(format!("x[{coordinate}]")));
                (!panels.is_empty()).then(|| Traces { title, x, y, panels }.svg())
            }
            Show::ModeWeights { methods, point } => {
                let exact = from.exact_weights(methods.first()?, point);
                let panels: Vec<CurvesPanel> = from
                    .sketches(methods, point)
                    .map(|(title, sketch)| CurvesPanel { title, curves: weight_curves(&sketch, &exact) })
                    .collect();
                let (x, y) = (Axis::new("iteration"), Axis::new("weight").range(0.0, 1.0));
                (!panels.is_empty()).then(|| Curves { title, x, y, panels }.svg())
            }
            Show::Curves { methods, point, columns, exact, range } => {
                let curves = |trained: Trained| {
                    let of = |(k, column): (usize, &String)| {
                        let (x, y) = trained.curve(column);
                        let (exact, name) = (exact.get(k).copied(), column.replace('_', " "));
                        (!x.is_empty()).then_some(Curve { name, x, y, error: Vec::new(), exact })
                    };
                    columns.iter().enumerate().filter_map(of).collect::<Vec<_>>()
                };
                let panels: Vec<CurvesPanel> = methods
                    .iter()
                    .filter_map(|m| {
                        let title = from.report.methods.get(m)?.clone();
                        Some(CurvesPanel { title, curves: curves((from.trained)(m, point)?) })
                    })
                    .filter(|panel| !panel.curves.is_empty())
                    .collect();
                let y = Axis::new("");
                let y = range.map_or(y.clone(), |[low, high]| y.range(low, high));
                (!panels.is_empty()).then(|| Curves { title, x: Axis::new("update"), y, panels }.svg())
            }
            Show::FlowDensity { method, point, window } => {
                let flow = (from.flow)(method, point)?;
                let target = from.surface(method, point, *window)?.normalised();
                let learnt = evaluate(*window, |x, out| mixwell::proposal::Proposal::log_prob(&flow, x, out));
                let panel = |title: &str, log_density| MapPanel { title: title.into(), log_density };
                let panels = vec![panel("target", target), panel("flow", learnt.normalised())];
                Some(DensityMaps { title, x: Axis::new("x[0]"), y: Axis::new("x[1]"), panels }.svg())
            }
        }
    }
}

/// Values of a log-density on the grid of a window.
fn evaluate(window: [[f64; 2]; 2], log_prob: impl Fn(Batch<'_>, &mut [f64])) -> Surface {
    let mut surface = Surface::from_fn(window[0], window[1], GRID, GRID, |_, _| 0.0);
    let places = Points::from_rows(&surface.places());
    log_prob(places.as_batch(), &mut surface.values);
    surface
}

/// A curve for every mode.
fn weight_curves(sketch: &Sketch, exact: &[f64]) -> Vec<Curve> {
    let modes = sketch.weights.first().map_or(0, Vec::len);
    let curve = |k: usize| Curve {
        name: format!("mode {}", k + 1),
        x: sketch.times.iter().map(|t| *t as f64).collect(),
        y: sketch.weights.iter().map(|w| w[k]).collect(),
        error: Vec::new(),
        exact: exact.get(k).copied(),
    };
    (0..modes).map(curve).collect()
}

impl Material<'_> {
    /// Titles and sketches of the methods that this preset runs.
    fn sketches<'s>(
        &'s self,
        methods: &'s [String],
        point: &'s str,
    ) -> impl Iterator<Item = (String, Sketch)> + 's {
        methods
            .iter()
            .filter_map(move |m| Some((self.report.methods.get(m)?.clone(), (self.sketch)(m, point)?)))
    }

    fn surface(&self, method: &str, point: &str, window: [[f64; 2]; 2]) -> Option<Surface> {
        let target = (self.target)(method, point)?;
        let failure = Failure::default();
        let guarded = Guarded::new(&*target, &failure);
        let surface = (target.dim() == 2).then(|| evaluate(window, |x, out| guarded.log_prob(x, out)));
        surface.filter(|_| !failure.is_set())
    }

    /// The log-density of the law that generated points should follow, in their unit.
    fn known_surface(&self, window: [[f64; 2]; 2]) -> Option<Surface> {
        let known = self.experiment.known_law.as_ref()?;
        let target = known.target().filter(|target| target.dim() == 2)?;
        let failure = Failure::default();
        let guarded = Guarded::new(&*target, &failure);
        Some(evaluate(window, |x, out| guarded.log_prob(known.scaled(x).as_batch(), out)))
    }

    fn exact_weights(&self, method: &str, point: &str) -> Vec<f64> {
        let target = (self.target)(method, point);
        target.and_then(|t| t.facts().modes?.weights).unwrap_or_default()
    }

    /// A panel of one metric; at points with this value of the second axis, or at all.
    fn panel(&self, metric: &str, second: Option<&str>, log: bool, log_axis: bool) -> Option<LinesPanel> {
        let points = self.experiment.points().ok()?;
        let at = |label: &str| {
            let point = points.iter().find(|p| p.label == label)?;
            let fits = second.is_none_or(|s| label.ends_with(&format!(", {s}")));
            if fits { point.x(&self.experiment.axes) } else { None }
        };
        let (mut series, rows) = (Vec::new(), || self.report.results.iter().filter(|r| r.metric == metric));
        for method in &self.experiment.methods {
            let of = || rows().filter(|r| r.method == *method);
            let measured: Vec<Place> = of()
                .filter_map(|r| {
                    let place = Place::new(at(&r.point)?, r.measured.mean);
                    Some(if r.measured.sd.is_finite() { place.with_error(r.measured.sd) } else { place })
                })
                .collect();
            let published: Vec<Place> =
                of().filter_map(|r| Some(Place::new(at(&r.point)?, r.published?))).collect();
            if !measured.is_empty() {
                let line = Series::new(&self.report.methods[method], measured).published(published);
                series.push(if self.experiment.method[method].exact { line.dashed() } else { line });
            }
        }
        let axis = |label: String, log: bool| if log { Axis::log(label) } else { Axis::new(label) };
        let title = self.experiment.metric_title(metric);
        let title = second.map_or(title.clone(), |s| format!("{} = {s}", self.experiment.axes[1]));
        (!series.is_empty()).then(|| LinesPanel {
            title,
            x: axis(self.experiment.axes.first().cloned().unwrap_or_default(), log_axis),
            y: axis(String::new(), log),
            series,
        })
    }

    fn panels_by_second_axis(&self, metric: &str, log: bool, log_axis: bool) -> Vec<LinesPanel> {
        let mut seconds: Vec<String> = Vec::new();
        for row in &self.report.results {
            if let Some((_, second)) = row.point.split_once(", ")
                && !seconds.iter().any(|s| s == second)
            {
                seconds.push(second.into());
            }
        }
        seconds.iter().filter_map(|s| self.panel(metric, Some(s), log, log_axis)).collect()
    }
}
