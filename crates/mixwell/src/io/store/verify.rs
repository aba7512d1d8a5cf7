//! Checks that a store holds everything it must. Stops after a few problems, since a description may claim any number of chunks.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::{IoError, open};
use super::chunk;
use super::contents::{ArrayContents, ChunkHash, StoreContents};
use super::description::{ArrayDescription, METADATA, read_metadata};
use super::reader::DrawReader;
use super::schema::{CHUNK_LIMIT, Phase, StatKind};
use super::stored_array::{StoredArray, StoredVariable};

/// Problems after which nothing more is looked at.
const MOST_PROBLEMS: usize = 8;

/// How many draws an array may have on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Draws {
    Exactly,
    AtLeast,
}

impl DrawReader {
    /// Reads every chunk of every group and returns the errors found (the first eight), none for a sound store.
    ///
    /// Arrays that are gone are noticed, because groups list their arrays.
    /// What was exchanged for something of the same shape is noticed by [`DrawReader::verify_contents`] only.
    pub fn verify(&self) -> Result<Vec<IoError>, IoError> {
        let mut problems = vec![];
        self.check_consolidated()?;
        self.check_groups()?;
        for group in self.groups()? {
            for variable in self.variables(&group)? {
                let Some(array) = StoredArray::open(&self.path().join(&group), &group, &variable.name)?
                else {
                    continue;
                };
                problems
                    .extend(coordinates(&self.path().join(&group), &group, &variable, Draws::Exactly).err());
                for index in 0..array.n_chunks() {
                    problems.extend(array.read_chunk(index).err());
                    if problems.len() >= MOST_PROBLEMS {
                        return Ok(problems);
                    }
                }
            }
        }
        Ok(problems)
    }

    /// Compares a finished store with what it must hold: arrays, shapes, coordinates, and the hash of every chunk. The first
    /// difference is an error.
    pub fn verify_contents(&self, contents: &StoreContents) -> Result<(), IoError> {
        self.check_consolidated()?;
        self.check_all(contents, Draws::Exactly)
    }

    /// The same for a run under way, of which later draws may be there already, and the last chunks be changing.
    pub fn verify_written(&self, contents: &StoreContents) -> Result<(), IoError> {
        self.check_all(&contents.whole_chunks(), Draws::AtLeast)
    }

    /// Every array, and the description of its group.
    fn check_all(&self, contents: &StoreContents, draws: Draws) -> Result<(), IoError> {
        for group in contents.arrays.iter().map(|array| &array.group).collect::<BTreeSet<_>>() {
            self.listed(group)?;
        }
        contents.arrays.iter().try_for_each(|array| self.check_array(array, draws))
    }

    fn check_array(&self, expected: &ArrayContents, draws: Draws) -> Result<(), IoError> {
        let (group, name) = (&expected.group, &expected.name);
        let folder = self.path().join(group);
        open::no_link(&folder)?;
        open::no_link(&folder.join(name))?;
        let differs =
            |what: String| IoError::Metadata { path: folder.join(name).join(METADATA), reason: what };
        let Some(array) = StoredArray::open(&folder, group, name)? else {
            return Err(differs("it is not an array of chains and draws".into()));
        };
        if array.kind != expected.kind || array.chunk_shape() != expected.chunk {
            return Err(differs(format!(
                "{:?} in chunks of {:?}, where {:?} in chunks of {:?} were written",
                array.kind,
                array.chunk_shape(),
                expected.kind,
                expected.chunk
            )));
        }
        let found = array.variable.n_draws as u64;
        if found < expected.n_draws || (draws == Draws::Exactly && found > expected.n_draws) {
            return Err(differs(format!("it has {found} draws and must have {}", expected.n_draws)));
        }
        let variable = StoredVariable { n_draws: expected.n_draws as usize, ..array.variable.clone() };
        coordinates(&folder, group, &variable, draws)?;
        expected.chunks.iter().enumerate().try_for_each(|(index, hash)| {
            let file = array.read_file(index)?;
            if ChunkHash::of(&file) == *hash {
                return Ok(());
            }
            array.read_chunk(index)?;
            Err(array.problem(index, "is sound, but not the one that this run wrote".into()))
        })
    }

    /// What a store must hold by its own account: both groups of a phase, the variables that a group lists, and as many
    /// draws in all of them.
    fn check_groups(&self) -> Result<(), IoError> {
        let warmup = self.path().join(Phase::Warmup.values_group()).exists()
            || self.path().join(Phase::Warmup.stats_group()).exists();
        let phases = Phase::ALL.into_iter().filter(|phase| *phase == Phase::Production || warmup);
        for phase in phases {
            let mut sizes = None;
            for group in [phase.values_group(), phase.stats_group()] {
                let (variables, listed) = (self.variables(group)?, self.listed(group)?);
                let folder = self.path().join(group);
                if let Some(lost) = listed.iter().find(|name| variables.iter().all(|v| v.name != **name)) {
                    let has = variables.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ");
                    return Err(IoError::Missing { what: format!("variable `{lost}`"), path: folder, has });
                }
                for variable in variables {
                    let size = (variable.n_chains, variable.n_draws);
                    if *sizes.get_or_insert(size) != size {
                        let path = folder.join(&variable.name).join(METADATA);
                        let reason = format!("{} chains of {} draws, and others have not", size.0, size.1);
                        return Err(IoError::Metadata { path, reason });
                    }
                }
            }
        }
        Ok(())
    }

    /// Everything that the description of a finished store repeats must be there, and be the same.
    fn check_consolidated(&self) -> Result<(), IoError> {
        let root = read_metadata(self.path())?;
        let Some(all) = root.pointer("/consolidated_metadata/metadata").and_then(Value::as_object) else {
            return Ok(());
        };
        for (name, expected) in all {
            let inside = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
            let folder = self.path().join(name);
            if !inside || read_metadata(&folder)? != *expected {
                let reason = format!("it differs from what {METADATA} of the store says of it");
                return Err(IoError::Metadata { path: folder.join(METADATA), reason });
            }
        }
        Ok(())
    }
}

/// Checks the coordinates of a variable: chains, draws and its own dimensions count from 0.
fn coordinates(folder: &Path, group: &str, variable: &StoredVariable, draws: Draws) -> Result<(), IoError> {
    coordinate(folder, group, "chain", variable.n_chains as u64, Draws::Exactly)?;
    coordinate(folder, group, "draw", variable.n_draws as u64, draws)?;
    variable.shape.iter().enumerate().try_for_each(|(i, &n)| {
        coordinate(folder, group, &format!("{}_dim_{i}", variable.name), n as u64, Draws::Exactly)
    })
}

fn coordinate(folder: &Path, group: &str, name: &str, n: u64, draws: Draws) -> Result<(), IoError> {
    let folder = folder.join(name);
    open::no_link(&folder)?;
    let differs = |reason: String| IoError::Metadata { path: folder.join(METADATA), reason };
    let found = ArrayDescription::from_json(&read_metadata(&folder)?).map_err(differs)?;
    let fits = |size: u64| size == n || (draws == Draws::AtLeast && size > n);
    if found.kind != StatKind::Int
        || found.dims != [name]
        || !fits(found.shape[0])
        || found.chunk[0] > (CHUNK_LIMIT / 8) as u64
    {
        return Err(differs(format!("it is not the coordinate `{name}` from 0 to {n}")));
    }
    let len = found.chunk[0];
    for index in 0..n.div_ceil(len) {
        let path = folder.join(found.chunk_name(Some(0), index));
        let (first, last) = (index * len, n.min((index + 1) * len));
        let problem = |reason: String| IoError::Chunk {
            array: format!("{group}/{name}"),
            chunk: index,
            first,
            last: last - 1,
            path: path.clone(),
            reason,
        };
        let file =
            open::read(&path, chunk::most_bytes(StatKind::Int, len as usize)).map_err(|e| match e {
                IoError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                    problem("is missing".into())
                }
                other => other,
            })?;
        let values = chunk::decode(&file, StatKind::Int, len as usize)
            .map_err(|e| problem(format!("is damaged ({e})")))?;
        if !(first..last).zip(values).all(|(expected, value)| value == expected as f64) {
            return Err(problem(format!("does not count from {first}")));
        }
    }
    Ok(())
}
