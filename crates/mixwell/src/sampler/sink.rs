//! Where draws go: into memory, or streaming into the store of a run folder.

use serde_json::Map;

use super::RunError;
use crate::io::{DrawReader, DrawStore, Phase as Group, Stat, StoreState};

/// Memory for reading draws back.
pub(super) const READ_BYTES: usize = 40 << 20;

/// Where a run puts its draws.
pub(super) enum Sink {
    Memory(MemoryDraws),
    Store(Box<DrawStore>),
}

/// Draws made so far, to be read back.
pub(super) enum Made<'a> {
    Memory(&'a MemoryDraws),
    Stored(DrawReader),
}

/// Draws kept in memory: two groups, draw after draw, chain after chain.
#[derive(Clone, Debug, Default)]
pub struct MemoryDraws {
    n_chains: usize,
    n_values: usize,
    stats: Vec<Stat>,
    warmup: (Vec<f64>, Vec<f64>),
    production: (Vec<f64>, Vec<f64>),
}

impl MemoryDraws {
    pub(super) fn new(n_chains: usize, n_values: usize, stats: Vec<Stat>) -> Self {
        Self { n_chains, n_values, stats, ..Self::default() }
    }

    fn group(&self, group: Group) -> &(Vec<f64>, Vec<f64>) {
        match group {
            Group::Warmup => &self.warmup,
            Group::Production => &self.production,
        }
    }

    /// Reported values per draw and chain.
    pub fn n_values(&self) -> usize {
        self.n_values
    }

    /// All values of a group: draw after draw, chain after chain, `n_values` each.
    pub fn values(&self, group: Group) -> &[f64] {
        &self.group(group).0
    }

    /// Draws per chain in a group.
    pub fn n_draws(&self, group: Group) -> usize {
        self.values(group).len() / (self.n_chains * self.n_values)
    }

    /// One reported value, chain after chain (`n_chains x n_draws / thin`); every `thin`-th draw.
    pub fn scalar(&self, group: Group, index: usize, thin: usize) -> Vec<f64> {
        column(self.values(group), self.n_chains, self.n_values, index, thin)
    }

    /// One sample statistic by name, laid out like [`MemoryDraws::scalar`]; `None` when there is none of this name.
    pub fn stat(&self, group: Group, name: &str, thin: usize) -> Option<Vec<f64>> {
        let index = self.stats.iter().position(|s| s.name == name)?;
        Some(column(&self.group(group).1, self.n_chains, self.stats.len(), index, thin))
    }

    /// The sample statistics that there are, in the order of a row.
    pub fn stats(&self) -> &[Stat] {
        &self.stats
    }

    /// Gives up a group without a copy: its values (`draws x chains x n_values`) and statistics (`draws x chains x n_stats`).
    /// Nothing is left of it here.
    pub fn take(&mut self, group: Group) -> (Vec<f64>, Vec<f64>) {
        std::mem::take(match group {
            Group::Warmup => &mut self.warmup,
            Group::Production => &mut self.production,
        })
    }
}

/// Column `index` of draws of `n_chains` rows of `width` numbers, chain after chain.
fn column(draws: &[f64], n_chains: usize, width: usize, index: usize, thin: usize) -> Vec<f64> {
    let draw = n_chains * width;
    let mut out = Vec::with_capacity(draws.len() / width / thin + n_chains);
    for chain in 0..n_chains {
        out.extend(draws.chunks_exact(draw).step_by(thin).map(|d| d[chain * width + index]));
    }
    out
}

impl Sink {
    pub fn append(
        &mut self,
        group: Group,
        draws: usize,
        values: &[f64],
        stats: &[f64],
    ) -> Result<(), RunError> {
        match self {
            Sink::Memory(memory) => {
                let (all_values, all_stats) = match group {
                    Group::Warmup => &mut memory.warmup,
                    Group::Production => &mut memory.production,
                };
                all_values.extend_from_slice(values);
                all_stats.extend_from_slice(stats);
            }
            Sink::Store(store) => store.append(group, draws, values, stats)?,
        }
        Ok(())
    }

    /// Everything a checkpoint needs about the draws; `None` for draws in memory, which no checkpoint outlives.
    pub fn save(&mut self) -> Result<Option<StoreState>, RunError> {
        match self {
            Sink::Memory(_) => Ok(None),
            Sink::Store(store) => {
                // Whoever looks at the run meanwhile finds the draws up to its last checkpoint.
                store.sync()?;
                Ok(Some(store.save()?))
            }
        }
    }

    /// Writes everything for good.
    pub fn finish(&mut self, sampling_seconds: f64) -> Result<(), RunError> {
        if let Sink::Store(store) = self {
            let mut attributes = Map::new();
            attributes.insert("sampling_time".into(), sampling_seconds.into());
            store.finish(attributes)?;
        }
        Ok(())
    }

    /// Makes all draws so far readable.
    pub fn sync(&mut self) -> Result<(), RunError> {
        if let Sink::Store(store) = self {
            store.sync()?;
        }
        Ok(())
    }

    /// All draws until [`Sink::sync`] or [`Sink::finish`].
    pub fn made(&self) -> Result<Made<'_>, RunError> {
        Ok(match self {
            Sink::Memory(memory) => Made::Memory(memory),
            Sink::Store(store) => Made::Stored(DrawReader::open(store.path())?),
        })
    }
}

impl Made<'_> {
    /// One sample statistic of a group, chain after chain; `None` when there is none of this name.
    pub fn stat(&self, group: Group, name: &str, thin: usize) -> Result<Option<Vec<f64>>, RunError> {
        match self {
            Made::Memory(memory) => Ok(memory.stat(group, name, thin)),
            Made::Stored(reader) => {
                let group = group.stats_group();
                let known = reader.variables(group)?.iter().any(|v| v.name == name);
                Ok(if known { Some(reader.read_variable(group, name, thin)?) } else { None })
            }
        }
    }

    /// Calls `f` with the index and the draws (`chains x draws / thin`) of every reported value of a group in turn.
    pub fn for_each_scalar(
        &self,
        group: Group,
        thin: usize,
        mut f: impl FnMut(usize, &[f64]),
    ) -> Result<(), RunError> {
        match self {
            Made::Memory(memory) => {
                (0..memory.n_values).for_each(|index| f(index, &memory.scalar(group, index, thin)));
            }
            Made::Stored(reader) => {
                let (group, mut first) = (group.values_group(), 0);
                for variable in reader.variables(group)? {
                    let each = |i: usize, draws: &[f64]| f(first + i, draws);
                    reader.for_each_scalar(group, &variable.name, thin, READ_BYTES, each)?;
                    first += variable.len();
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::StatKind;

    #[test]
    fn a_group_is_given_up_whole_and_once() {
        let stats = vec![Stat::new("lp", StatKind::Float)];
        let mut sink = Sink::Memory(MemoryDraws::new(2, 1, stats));
        sink.append(Group::Production, 2, &[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]).unwrap();
        let Sink::Memory(mut draws) = sink else { unreachable!() };
        assert_eq!(draws.stats()[0].name, "lp");
        assert_eq!(draws.scalar(Group::Production, 0, 1), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(draws.stat(Group::Production, "lp", 1).unwrap(), [5.0, 7.0, 6.0, 8.0]);
        let (values, stats) = draws.take(Group::Production);
        assert_eq!((values, stats), (vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0]));
        assert_eq!(draws.n_draws(Group::Production), 0);
    }
}
