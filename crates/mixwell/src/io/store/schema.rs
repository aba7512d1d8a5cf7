//! What a draw store holds: variables, statistics of the sampler, attributes, and how many draws make a chunk.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::IoError;
use crate::density::Variable;

/// Bytes of all arrays together that a chunk of draws aims at.
const CHUNK_BYTES: usize = 4 << 20;
/// Fewest draws in a chunk, unless that would take more than [`CHUNK_LIMIT`].
const CHUNK_FEWEST: usize = 40;
/// Bytes that a chunk of draws does not exceed, unless one draw does.
pub(super) const CHUNK_LIMIT: usize = 64 << 20;
/// Most numbers of one variable in one draw of all chains; a chunk holds a draw at least and is read as a whole.
pub(super) const CHUNK_NUMBERS: u64 = 1 << 27;

/// Part of a run; their draws are kept apart because only production draws come from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Step sizes, metrics or the flow still adapt.
    Warmup,
    /// Everything is frozen.
    Production,
}

impl Phase {
    /// Both, in the order in which a run goes through them.
    pub const ALL: [Self; 2] = [Self::Warmup, Self::Production];

    /// Name of the group that holds the reported values.
    pub fn values_group(self) -> &'static str {
        match self {
            Self::Warmup => "warmup_posterior",
            Self::Production => "posterior",
        }
    }

    /// Name of the group that holds the statistics.
    pub fn stats_group(self) -> &'static str {
        match self {
            Self::Warmup => "warmup_sample_stats",
            Self::Production => "sample_stats",
        }
    }
}

/// How a statistic is stored. It is handed over as `f64` in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatKind {
    /// As it is.
    Float,
    /// Rounded towards zero to 64 bits; NaN becomes 0.
    Int,
    /// True unless 0 (NaN is true).
    Bool,
}

impl StatKind {
    /// Bytes of a stored number.
    pub(super) fn bytes(self) -> usize {
        if self == Self::Bool { 1 } else { 8 }
    }
}

/// One number per chain and draw that says what the sampler did, e.g. `acceptance_rate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its name; ArviZ knows `lp`, `acceptance_rate`, `step_size`, `energy`, `diverging` and others.
    pub name: String,
    /// How it is stored.
    pub kind: StatKind,
}

impl Stat {
    /// A statistic of this name and kind.
    pub fn new(name: impl Into<String>, kind: StatKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// Everything that is known about the draws before the first one.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreSchema {
    /// Number of chains.
    pub n_chains: usize,
    /// What one draw of one chain is reported as.
    pub variables: Vec<Variable>,
    /// What is reported about the sampler, in the groups `sample_stats`.
    pub stats: Vec<Stat>,
    /// Warm-up draws planned. With 0 there are no warm-up groups and no warm-up draws can be stored.
    pub warmup_draws: usize,
    /// Production draws planned. A run may end up with fewer or more: this only bounds the size of chunks.
    pub draws: usize,
    /// Attributes of the hierarchy and of each of its groups.
    pub attributes: Map<String, Value>,
}

/// Draws in a chunk of `planned` draws of `n_chains` rows of `row` numbers.
pub(crate) fn chunk_draws(n_chains: usize, row: usize, planned: usize) -> usize {
    let row = n_chains.saturating_mul(row).saturating_mul(8).max(1);
    let fewest = CHUNK_FEWEST.min((CHUNK_LIMIT / row).max(1));
    (CHUNK_BYTES / row).max(fewest).min(planned.max(1))
}

impl StoreSchema {
    /// Numbers in one reported draw of one chain.
    pub fn n_values(&self) -> usize {
        self.variables.iter().map(Variable::len).sum()
    }

    /// Draws in a chunk of `phase`: about 4 MB over all arrays, at least 40 draws (or 64 MB), no more than planned.
    pub fn chunk_draws(&self, phase: Phase) -> usize {
        chunk_draws(self.n_chains, self.n_values() + self.stats.len(), self.planned(phase))
    }

    /// Draws planned for `phase`.
    pub fn planned(&self, phase: Phase) -> usize {
        match phase {
            Phase::Warmup => self.warmup_draws,
            Phase::Production => self.draws,
        }
    }

    /// Refuses names that cannot be folders or that would clash, and sizes of zero.
    pub fn check(&self) -> Result<(), IoError> {
        if self.n_chains == 0 {
            return Err(IoError::Schema("there must be at least one chain".into()));
        }
        let mut taken = HashSet::from(["chain".to_owned(), "draw".to_owned()]);
        for variable in &self.variables {
            if variable.is_empty() {
                return Err(IoError::Schema(format!("variable `{}` has no elements", variable.name)));
            }
            let numbers = (variable.len() as u64).saturating_mul(self.n_chains as u64);
            if numbers > CHUNK_NUMBERS {
                return Err(IoError::Schema(format!(
                    "one draw of variable `{}` has {numbers} numbers over all chains, and {CHUNK_NUMBERS} can be stored; run fewer chains, or report less",
                    variable.name
                )));
            }
            let dims = dim_names(variable);
            for name in std::iter::once(&variable.name).chain(&dims) {
                check_name(name, &mut taken)?;
            }
        }
        let mut taken = HashSet::from(["chain".to_owned(), "draw".to_owned()]);
        self.stats.iter().try_for_each(|stat| check_name(&stat.name, &mut taken))
    }
}

/// Names of the dimensions of a variable after chain and draw: `theta_dim_0`, ..
pub(super) fn dim_names(variable: &Variable) -> Vec<String> {
    (0..variable.shape.len()).map(|i| format!("{}_dim_{i}", variable.name)).collect()
}

fn check_name(name: &str, taken: &mut HashSet<String>) -> Result<(), IoError> {
    let usable = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['.', '_'])
        && !name.contains(['/', '\\', '\0', ':'])
        && name != "zarr.json";
    if !usable {
        return Err(IoError::Schema(format!(
            "`{name}` cannot be the name of a variable: it names a folder, so no slashes, colons, leading dots or underscores"
        )));
    }
    if !taken.insert(name.to_owned()) {
        return Err(IoError::Schema(format!(
            "the name `{name}` is used twice (or is one of `chain`, `draw`)"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(n_chains: usize, dim: usize, draws: usize) -> StoreSchema {
        let variables = vec![Variable::new("x", &[dim])];
        StoreSchema { n_chains, variables, stats: vec![], warmup_draws: 0, draws, attributes: Map::new() }
    }

    #[test]
    fn chunks_are_about_four_megabytes() {
        // 64 chains x 8 numbers x 8 bytes = 4096 bytes a draw, and 4 MiB / 4096 = 1024.
        assert_eq!(schema(64, 8, 1_000_000).chunk_draws(Phase::Production), 1024);
        // Never more than planned, never none.
        assert_eq!(schema(64, 8, 1000).chunk_draws(Phase::Production), 1000);
        assert_eq!(schema(64, 8, 1000).chunk_draws(Phase::Warmup), 1);
        // 64 chains x 1024 numbers = 512 KiB a draw: 8 draws would do, 40 are 20 MiB and allowed.
        assert_eq!(schema(64, 1024, 1000).chunk_draws(Phase::Production), 40);
        // 1024 chains x 16 384 numbers = 128 MiB a draw: one at a time.
        assert_eq!(schema(1024, 16_384, 1000).chunk_draws(Phase::Production), 1);
    }

    #[test]
    fn bad_names_are_refused() {
        let with = |names: &[&str]| {
            let variables = names.iter().map(|n| Variable::new(*n, &[2])).collect();
            StoreSchema { variables, ..schema(2, 1, 10) }.check()
        };
        assert!(with(&["theta", "tau"]).is_ok());
        for bad in [&["a/b"][..], &[""], &["draw"], &["a", "a"], &["a", "a_dim_0"], &[".."], &["__x"]] {
            assert!(matches!(with(bad), Err(IoError::Schema(_))), "{bad:?}");
        }
        assert!(schema(2, 0, 10).check().is_err());
        assert!(schema(0, 1, 10).check().is_err());
        let stats = vec![Stat::new("lp", StatKind::Float), Stat::new("lp", StatKind::Bool)];
        assert!(StoreSchema { stats, ..schema(2, 1, 10) }.check().is_err());
    }
}
