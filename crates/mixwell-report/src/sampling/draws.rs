//! What figures need of the draws: some parameters, some statistics, and which chains are shown.

use mixwell::diagnostics::{ScalarSummary, Thresholds};
use mixwell::io::{DrawReader, IoError, RunFolder};
use mixwell::sampler::Summary;

use super::choice;

/// Bytes of draws that are looked through at once.
const MEMORY: usize = 64 << 20;
/// Chains with a curve of their own, at most.
const MOST_CHAINS: usize = 12;

/// One parameter that is looked at.
pub(super) struct Scalar {
    /// Its name.
    pub(super) name: String,
    /// Its place among all reported numbers.
    pub(super) place: usize,
    /// `chains x draws`.
    pub(super) values: Vec<f64>,
    /// Its row of the table.
    pub(super) summary: ScalarSummary,
}

/// The draws of a run, as far as they are looked at: every `thin`-th.
pub(super) struct Draws {
    reader: DrawReader,
    pub(super) chains: usize,
    /// Draws per chain that are looked at.
    pub(super) draws: usize,
    pub(super) thin: usize,
    /// The parameters that mixed worst, the worst first.
    pub(super) scalars: Vec<Scalar>,
    /// The log-density of every draw, `chains x draws`.
    pub(super) log_density: Option<Vec<f64>>,
}

impl Draws {
    /// Reads them.
    pub(super) fn read(folder: &RunFolder, summary: &Summary, bars: &Thresholds) -> Result<Self, IoError> {
        let reader = DrawReader::open(&folder.draws())?;
        let thin = summary.summary_thin.max(1);
        let table: Vec<ScalarSummary> = summary.parameters.iter().map(|p| p.summary).collect();
        let chosen = choice::worst(&table, bars);
        let mut found: Vec<Option<Vec<f64>>> = vec![None; chosen.len()];
        let mut first = 0;
        for variable in reader.variables("posterior")? {
            let len = variable.len();
            if chosen.iter().any(|place| (first..first + len).contains(place)) {
                reader.for_each_scalar("posterior", &variable.name, thin, MEMORY, |i, values| {
                    if let Some(k) = chosen.iter().position(|place| *place == first + i) {
                        found[k] = Some(values.to_vec());
                    }
                })?;
            }
            first += len;
        }
        let scalars: Vec<Scalar> = chosen
            .into_iter()
            .zip(found)
            .filter_map(|(place, values)| {
                let parameter = &summary.parameters[place];
                Some(Scalar {
                    name: parameter.name.clone(),
                    place,
                    values: values?,
                    summary: parameter.summary,
                })
            })
            .collect();
        let draws = scalars.first().map_or(0, |s| s.values.len() / summary.chains.max(1));
        let mut draws =
            Self { reader, chains: summary.chains.max(1), draws, thin, scalars, log_density: None };
        draws.log_density = draws.statistic("sample_stats", "lp")?;
        Ok(draws)
    }

    /// A statistic of every draw that is looked at, `chains x draws`; none where the run has not recorded it.
    pub(super) fn statistic(&self, group: &str, name: &str) -> Result<Option<Vec<f64>>, IoError> {
        if !self.reader.groups()?.iter().any(|g| g == group) {
            return Ok(None);
        }
        let there = self.reader.variables(group)?.iter().any(|v| v.name == name && v.n_draws > 0);
        Ok(if there { Some(self.reader.read_variable(group, name, self.thin)?) } else { None })
    }

    /// The chains that are shown: of many, those that lie farthest from the others in any parameter that is looked at.
    pub(super) fn shown(&self) -> Vec<usize> {
        let mut distances = vec![0.0f64; self.chains];
        for scalar in &self.scalars {
            let sd = if scalar.summary.sd > 0.0 { scalar.summary.sd } else { 1.0 };
            for (distance, chain) in distances.iter_mut().zip(scalar.values.chunks(self.draws.max(1))) {
                let mean = chain.iter().sum::<f64>() / chain.len().max(1) as f64;
                let far = ((mean - scalar.summary.mean) / sd).abs();
                *distance = distance.max(if far.is_nan() { f64::INFINITY } else { far });
            }
        }
        let mut chains: Vec<usize> = (0..self.chains).collect();
        chains.sort_by(|a, b| distances[*b].total_cmp(&distances[*a]));
        chains.truncate(MOST_CHAINS);
        chains.sort_unstable();
        chains
    }

    /// The numbers of one chain.
    pub(super) fn of_chain<'a>(&self, values: &'a [f64], chain: usize) -> &'a [f64] {
        &values[chain * self.draws..(chain + 1) * self.draws]
    }
}
