//! The draws of one variable by its name, from memory or from a run folder alike.

use super::run::{Kept, Run};
use crate::density::Variable;
use crate::io::{DrawReader, Phase as Group};
use crate::sampler::RunError;

/// All draws of one reported variable: `chains x draws x shape`.
///
/// ```
/// use mixwell::density::StandardGaussianConfig;
/// use mixwell::kernel::mala;
/// use mixwell::sampler::Sampler;
/// let target = StandardGaussianConfig { dim: 3, ..Default::default() }.build()?;
/// let run = Sampler::new(target).method(mala().warmup(50)).chains(2).draws(10).run()?;
/// let x = run.array("x")?;
/// assert_eq!((x.chains(), x.draws(), x.shape()), (2, 10, &[3][..]));
/// assert_eq!(x.draw(1, 9), x.iter().last().unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DrawArray {
    variable: Variable,
    chains: usize,
    values: Vec<f64>,
}

impl DrawArray {
    /// The variable's name.
    pub fn name(&self) -> &str {
        &self.variable.name
    }

    /// The shape of one draw; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.variable.shape
    }

    /// Number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// Draws per chain.
    pub fn draws(&self) -> usize {
        self.values.len() / (self.chains * self.variable.len()).max(1)
    }

    /// One draw of one chain, its numbers row after row.
    ///
    /// # Panics
    /// When there is no such chain or draw.
    pub fn draw(&self, chain: usize, draw: usize) -> &[f64] {
        let (len, draws) = (self.variable.len(), self.draws());
        assert!(
            chain < self.chains && draw < draws,
            "draw {draw} of chain {chain}: {} x {draws}",
            self.chains
        );
        let first = (chain * draws + draw) * len;
        &self.values[first..first + len]
    }

    /// Every draw in turn, chain after chain.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.variable.len().max(1))
    }

    /// All numbers, `chains x draws x shape`, the last index fastest.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Gives up the array for the vector under it.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

impl Run {
    /// What the draws hold: name and shape of every variable.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The production draws of the variable `name`, whether they lie in memory or in the run folder.
    ///
    /// # Errors
    /// When there is no such variable, or the folder's draws cannot be read.
    pub fn array(&self, name: &str) -> Result<DrawArray, RunError> {
        let Some(place) = self.variables.iter().position(|v| v.name == name) else {
            let known: Vec<&str> = self.variables.iter().map(|v| v.name.as_str()).collect();
            return Err(RunError::NoVariable { name: name.into(), known: known.join(", ") });
        };
        let variable = self.variables[place].clone();
        let values = match &self.kept {
            Kept::Memory(memory) => {
                let first: usize = self.variables[..place].iter().map(Variable::len).sum();
                let width: usize = self.variables.iter().map(Variable::len).sum();
                let all = memory.values(Group::Production);
                let of_chain = |chain: usize| {
                    all.chunks_exact((self.chains * width).max(1)).flat_map(move |draw| {
                        &draw[chain * width + first..chain * width + first + self.variables[place].len()]
                    })
                };
                (0..self.chains).flat_map(of_chain).copied().collect()
            }
            Kept::Folder(folder) => {
                let reader = DrawReader::open(&crate::io::RunFolder::view(folder)?.draws())?;
                reader.read_variable(Group::Production.values_group(), name, 1)?
            }
        };
        Ok(DrawArray { variable, chains: self.chains, values })
    }
}

#[cfg(test)]
mod tests {
    use crate::density::EightSchoolsConfig;
    use crate::density::Pointwise;
    use crate::kernel::nuts;
    use crate::sampler::Sampler;

    #[test]
    fn memory_and_folder_hold_the_same_arrays() {
        let folder = tempfile::tempdir().unwrap();
        let sampler = || {
            let target = Pointwise::new(EightSchoolsConfig::default().build().unwrap());
            Sampler::new(target).method(nuts().warmup(20)).chains(3).draws(7)
        };
        let memory = sampler().run().unwrap();
        let stored = sampler().folder(folder.path().join("run")).run().unwrap();
        assert!(memory.variables().len() > 1 && memory.variables() == stored.variables());
        for variable in memory.variables() {
            let (a, b) = (memory.array(&variable.name).unwrap(), stored.array(&variable.name).unwrap());
            assert_eq!(a, b);
            assert_eq!((a.chains(), a.draws(), a.shape()), (3, 7, &variable.shape[..]));
            assert_eq!(a.iter().count(), 21);
            assert_eq!(a.draw(2, 6), a.iter().last().unwrap());
        }
        let error = memory.array("nonsense").unwrap_err().to_string();
        assert!(error.contains("nonsense") && error.contains("theta"), "{error}");
    }
}
