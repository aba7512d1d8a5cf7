//! An experiment as it is written down, and as it is after a preset has been laid over it.
//!
//! `[run]` holds settings of a run ([`mixwell::sampler::RunConfig`]) that all methods share, `[training_run]` those of a training
//! ([`mixwell::training_run::TrainConfig`]); `[method.NAME]` lays its own `run` or `training_run` over them; placeholders `${column}` take the values of the sweep's present point. `[preset.NAME]` is laid over the whole file.

use std::collections::BTreeMap;

use mixwell::training_run::TrainConfig;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::fill::fill;
use crate::merge::lay_over;
use crate::sweep::{self, Point, label_of};
use crate::work::Work;
use crate::{Figure, ImageScorer, KnownLaw, MetricEntry, Quadrature, ReproduceError, Rule};

/// A published experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its name on the command line.
    pub id: String,
    /// What it is about, in a few words.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// What differs from the publication, and what to look at.
    #[serde(default)]
    pub about: String,
    /// Environment variables that name where its data lie. `mixwell reproduce all` leaves it out, with a word, where one is not set.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Seed of the first repetition; the others count up from it.
    #[serde(default = "one_u64")]
    pub seed: u64,
    /// How often every method is run at every point.
    #[serde(default = "one_usize")]
    pub repetitions: usize,
    /// The columns of the sweep that tell its points apart; the first is what figures are drawn against.
    #[serde(default)]
    pub axes: Vec<String>,
    /// The points that are run, by their labels; all when empty.
    #[serde(default)]
    pub points: Vec<Value>,
    /// The methods that are run, in the order of the tables.
    pub methods: Vec<String>,
    /// The metrics that are computed, in the order of the tables.
    pub metrics: Vec<String>,
    /// Columns of equal length; each row is a point.
    #[serde(default)]
    pub sweep: BTreeMap<String, Vec<Value>>,
    /// Settings that all methods share, as in a config of `mixwell run`.
    #[serde(default)]
    pub run: Table,
    /// Settings that all trainings share, as in a config of `mixwell train`.
    #[serde(default)]
    pub training_run: Table,
    /// The methods by name.
    #[serde(default)]
    pub method: BTreeMap<String, MethodEntry>,
    /// The metrics by name, see [`MetricEntry`].
    #[serde(default)]
    pub metric: BTreeMap<String, Table>,
    /// The law that the points of a GAN should follow.
    #[serde(default)]
    pub known_law: Option<KnownLaw>,
    /// Exact draws of targets in the plane that have no sampler of their own: by quadrature.
    #[serde(default)]
    pub quadrature: Option<Quadrature>,
    /// The classifier by which images are scored.
    #[serde(default)]
    pub images: Option<ImageScorer>,
    /// What was published.
    #[serde(default)]
    pub published: Vec<Published>,
    /// What must hold.
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// What is drawn.
    #[serde(default)]
    pub figure: Vec<Figure>,
}

fn one_u64() -> u64 {
    1
}

fn one_usize() -> usize {
    1
}

/// One of the methods that are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodEntry {
    /// Its name in tables.
    pub title: String,
    /// Exact independent draws instead of a run: the floor of every distance.
    #[serde(default)]
    pub exact: bool,
    /// Start from the flow that this other method has trained at the same point in the same repetition.
    #[serde(default)]
    pub flow_from: Option<String>,
    /// Sample the GAN that this other method, a training, has left at the same point in the same repetition: it becomes the `path` of the
    /// target. A training that is run at one point only serves all.
    #[serde(default)]
    pub gan_from: Option<String>,
    /// Its networks as they were after so many updates, which the training must keep (`keep_every`, `keep_at`); as they were left when absent.
    #[serde(default)]
    pub gan_at: Option<Value>,
    /// The metrics that are computed for it; all of the experiment's when absent.
    #[serde(default)]
    pub metrics: Option<Vec<String>>,
    /// Points it is run at, by their labels; all when empty.
    #[serde(default)]
    pub points: Vec<Value>,
    /// Its settings, laid over the shared ones.
    #[serde(default)]
    pub run: Table,
    /// The settings of a method that is a training, laid over the shared ones.
    #[serde(default)]
    pub training_run: Option<Table>,
}

/// Published values of one metric and method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The metric.
    pub metric: String,
    /// The method.
    pub method: String,
    /// Where it stands, and how precisely it can be read.
    pub source: String,
    /// Values by the label of the point; a value for all points has the label `all`.
    pub values: BTreeMap<String, f64>,
}

/// A method at a point: what a cell runs.
pub(crate) struct Plan {
    pub work: Work,
    pub metrics: BTreeMap<String, MetricEntry>,
    /// The updates of the GAN's training after which its networks are taken.
    pub gan_at: Option<u64>,
}

impl Experiment {
    /// Reads an experiment and lays a preset over it.
    ///
    /// # Errors
    /// When the text is no experiment, has no such preset, or names something it does not define.
    pub fn parse(text: &str, name: &str, preset: &str) -> Result<Self, ReproduceError> {
        let refuse = |message: String| ReproduceError::File { experiment: name.into(), message };
        let mut table: Table = toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |s| 1 + text[..s.start].matches('\n').count());
            refuse(format!("line {line}: {}", e.message()))
        })?;
        let presets = match table.remove("preset") {
            Some(Value::Table(presets)) => presets,
            Some(_) => return Err(refuse("`preset` must be a table of presets".into())),
            None => Table::new(),
        };
        match presets.get(preset) {
            Some(Value::Table(upper)) => lay_over(&mut table, upper),
            _ if preset == "full" && !presets.contains_key("full") => {}
            _ => {
                let known: Vec<&str> = presets.keys().map(String::as_str).collect();
                return Err(refuse(format!("it has no preset `{preset}`; there are {}", known.join(", "))));
            }
        }
        let experiment: Self = table.try_into().map_err(|e: toml::de::Error| refuse(e.message().into()))?;
        experiment.check().map_err(refuse)?;
        Ok(experiment)
    }

    /// Checks names, and the settings of every method at every point, before anything runs.
    fn check(&self) -> Result<(), String> {
        let missing = |what: &str, name: &str, known: Vec<&String>| {
            let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
            Err(format!("there is no {what} `{name}`; there are {}", known.join(", ")))
        };
        if self.id.is_empty() || !self.id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            return Err(format!("the id `{}` names a folder: use letters, digits, - and _", self.id));
        }
        if self.repetitions == 0 || self.methods.is_empty() {
            return Err("an experiment needs at least one method and one repetition".into());
        }
        for (i, name) in self.methods.iter().enumerate() {
            let Some(method) = self.method.get(name) else {
                return missing("method", name, self.method.keys().collect());
            };
            if self.methods[..i].contains(name) {
                return Err(format!("the method `{name}` is listed twice"));
            }
            for (what, from) in [("flow", &method.flow_from), ("GAN", &method.gan_from)] {
                if let Some(from) = from
                    && !self.methods[..i].contains(from)
                {
                    return Err(format!(
                        "`{name}` needs the {what} of `{from}`, which must come before it in `methods`"
                    ));
                }
            }
            if method.gan_at.is_some() && method.gan_from.is_none() {
                return Err(format!("`{name}` has `gan_at`, and no `gan_from` whose GAN that is"));
            }
            if let Some(from) = &method.gan_from
                && self.method.get(from).is_some_and(|m| m.training_run.is_none())
            {
                return Err(format!("`{name}` needs the GAN of `{from}`, which is no training"));
            }
            let begins_elsewhere = method.flow_from.is_some() || method.gan_from.is_some();
            if method.training_run.is_some() && (method.exact || begins_elsewhere || !method.run.is_empty()) {
                return Err(format!(
                    "`{name}` is a training: it has no `run`, `exact`, `flow_from` or `gan_from`"
                ));
            }
            for metric in method.metrics.iter().flatten().chain(&self.metrics) {
                if !self.metric.contains_key(metric) {
                    return missing("metric", metric, self.metric.keys().collect());
                }
            }
        }
        for rule in &self.rule {
            for name in rule.methods.iter().map(String::as_str).chain(rule.other_method()) {
                if !self.method.contains_key(name) {
                    return missing("method", name, self.method.keys().collect());
                }
            }
            if !self.metric.contains_key(&rule.metric) {
                return missing("metric", &rule.metric, self.metric.keys().collect());
            }
            self.check_labels(&rule.points)?;
        }
        for published in &self.published {
            if !self.method.contains_key(&published.method) {
                return missing("method", &published.method, self.method.keys().collect());
            }
            if !self.metric.contains_key(&published.metric) {
                return missing("metric", &published.metric, self.metric.keys().collect());
            }
            let labels: Vec<Value> = published.values.keys().cloned().map(Value::String).collect();
            self.check_labels(&labels)?;
        }
        for figure in &self.figure {
            if figure.name.is_empty()
                || !figure.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            {
                return Err(format!(
                    "the figure `{}` names a file: use letters, digits, - and _",
                    figure.name
                ));
            }
            let (methods, point, metrics) = figure.show.names();
            if let Some(name) = methods.into_iter().find(|m| !self.method.contains_key(*m)) {
                return missing("method", name, self.method.keys().collect());
            }
            if let Some(name) = metrics.into_iter().find(|m| !self.metric.contains_key(*m)) {
                return missing("metric", name, self.metric.keys().collect());
            }
            if !point.is_empty() {
                self.check_labels(&[Value::String(point.into())])?;
            }
        }
        self.check_labels(&self.points)?;
        for point in self.points()? {
            for name in self.methods_at(&point) {
                self.plan(name, &point)?;
            }
        }
        Ok(())
    }

    fn check_labels(&self, labels: &[Value]) -> Result<(), String> {
        let all = sweep::points(&self.axes, &self.sweep)?;
        for label in labels.iter().map(label_of) {
            if label != "all" && !all.iter().any(|p| p.label == label) {
                let known: Vec<&str> = all.iter().map(|p| p.label.as_str()).collect();
                return Err(format!("there is no point `{label}`; there are {}", known.join("; ")));
            }
        }
        Ok(())
    }

    /// The points that are run.
    pub(crate) fn points(&self) -> Result<Vec<Point>, String> {
        let mut points = sweep::points(&self.axes, &self.sweep)?;
        points.retain(|p| is_among(&self.points, p));
        Ok(points)
    }

    /// The methods that are run at a point, in order.
    pub(crate) fn methods_at(&self, point: &Point) -> impl Iterator<Item = &String> {
        self.methods.iter().filter(move |m| is_among(&self.method[*m].points, point))
    }

    /// The first environment variable that it needs and that is not set.
    pub fn missing(&self) -> Option<&str> {
        self.needs.iter().map(String::as_str).find(|name| std::env::var_os(name).is_none())
    }

    /// The label of the point at which a method has trained the GAN for this point.
    pub(crate) fn gan_trained_at(&self, method: &str, point: &Point) -> String {
        match &self.method[method].points[..] {
            [only] => label_of(only),
            _ => point.label.clone(),
        }
    }

    /// Whether another method starts from this one's flow.
    pub(crate) fn gives_flow(&self, method: &str) -> bool {
        self.methods.iter().any(|m| self.method[m].flow_from.as_deref() == Some(method))
    }

    /// The coordinates of which figures need draws of this method at this point; `None` when they need none.
    pub(crate) fn sketched(&self, method: &str, label: &str) -> Option<Vec<usize>> {
        let mut coordinates = Vec::new();
        let mut needed = false;
        for (methods, point, wanted) in self.figure.iter().filter_map(|f| f.show.needs()) {
            if point == label && methods.iter().any(|m| m == method) {
                needed = true;
                coordinates.extend(wanted);
            }
        }
        coordinates.sort_unstable();
        coordinates.dedup();
        needed.then_some(coordinates)
    }

    /// The settings of a method at a point.
    pub(crate) fn plan(&self, method: &str, point: &Point) -> Result<Plan, String> {
        let at = if point.label.is_empty() { String::new() } else { format!(" at {}", point.label) };
        let unknown = |name: String| {
            format!("`{method}`{at} has the placeholder ${{{name}}}, but [sweep] has no such column")
        };
        let entry = &self.method[method];
        let table = match &entry.training_run {
            Some(own) => Work::training_table(&self.training_run, own),
            None => Work::run_table(&self.run, &entry.run),
        };
        let mut table = Value::Table(table);
        fill(&mut table, &point.row).map_err(unknown)?;
        let text = toml::to_string(&table).map_err(|e| e.to_string())?;
        let work = if entry.training_run.is_some() {
            Work::of_training(&text, self.missing().is_none())
        } else {
            Work::of_run(&text)
        };
        let work = work.map_err(|e| format!("`{method}`{at}: {e}"))?;
        let mut metrics = BTreeMap::new();
        for name in entry.metrics.as_ref().unwrap_or(&self.metrics) {
            let mut table = Value::Table(self.metric[name].clone());
            fill(&mut table, &point.row).map_err(unknown)?;
            let mut metric: MetricEntry = table
                .try_into()
                .map_err(|e: toml::de::Error| format!("[metric.{name}]: {}", e.message().trim_end()))?;
            metric.score_by(self.images.as_ref(), self.known_law.as_ref());
            if metric.lacks_a_scorer() {
                return Err(format!("[metric.{name}] scores images: say by which classifier, in [images]"));
            }
            metrics.insert(name.clone(), metric);
        }
        let gan_at = entry.gan_at.clone().map(|mut at_updates| {
            fill(&mut at_updates, &point.row).map_err(unknown)?;
            let updates = at_updates.as_integer().and_then(|n| u64::try_from(n).ok());
            updates
                .ok_or_else(|| format!("`{method}`{at}: `gan_at` is {at_updates}, not a number of updates"))
        });
        let gan_at = gan_at.transpose()?;
        if let (Some(_), Some(from)) = (gan_at, &entry.gan_from)
            && let Work::Training(TrainConfig::Gan(trained)) = self.plan(from, point)?.work
            && trained.standardise
        {
            return Err(format!(
                "`{method}`{at} has `gan_at`, and `{from}` standardises its data: snapshots do not say in which unit their points are"
            ));
        }
        Ok(Plan { work, metrics, gan_at })
    }

    /// What was published of a metric and a method at a point.
    pub fn published(&self, metric: &str, method: &str, label: &str) -> Option<f64> {
        let of = self.published.iter().filter(|p| p.metric == metric && p.method == method);
        of.flat_map(|p| p.values.get(label).or_else(|| p.values.get("all"))).next().copied()
    }

    /// The title of a metric.
    pub(crate) fn metric_title(&self, metric: &str) -> String {
        match self.metric.get(metric).and_then(|m| m.get("title")) {
            Some(Value::String(title)) => title.clone(),
            _ => metric.to_string(),
        }
    }
}

/// Whether a list of labels, empty for all, holds a point.
pub(crate) fn is_among(labels: &[Value], point: &Point) -> bool {
    labels.is_empty() || labels.iter().any(|l| label_of(l) == point.label)
}
