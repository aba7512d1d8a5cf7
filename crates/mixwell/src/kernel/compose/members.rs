//! Several kernels as parts of one: what a mixture and a sequence share.

use crate::ConfigError;
use crate::kernel::{
    Ensemble, Kernel, KernelConfig, KernelState, Law, Leaf, Needs, StateError, Tallies, Warmup,
};

/// The parts of a kernel, and the place of each one's first leaf among all leaves.
pub(super) struct Members {
    kernels: Vec<Box<dyn Kernel>>,
    offsets: Vec<usize>,
}

impl Members {
    pub(super) fn new(kernels: Vec<Box<dyn Kernel>>) -> Self {
        let mut offsets = Vec::with_capacity(kernels.len());
        let mut next = 0;
        for kernel in &kernels {
            offsets.push(next);
            next += kernel.leaves().len();
        }
        Self { kernels, offsets }
    }

    pub(super) fn len(&self) -> usize {
        self.kernels.len()
    }

    /// Every kernel with the place of its first leaf.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&dyn Kernel, usize)> {
        self.kernels.iter().map(|kernel| &**kernel).zip(self.offsets.iter().copied())
    }

    pub(super) fn laws(&self) -> impl Iterator<Item = Law> {
        self.kernels.iter().map(|kernel| kernel.law())
    }

    pub(super) fn leaves(&self) -> Vec<Leaf> {
        self.kernels.iter().flat_map(|kernel| kernel.leaves()).collect()
    }

    pub(super) fn needs(&self) -> Needs {
        self.kernels.iter().fold(Needs::default(), |needs, kernel| needs.and(kernel.needs()))
    }

    pub(super) fn adapt(&mut self, warmup: Warmup, chains: &Ensemble, tallies: Tallies<'_>) {
        for (kernel, &offset) in self.kernels.iter_mut().zip(&self.offsets) {
            kernel.adapt(warmup, chains, tallies.part(offset));
        }
    }

    pub(super) fn freeze(&mut self) {
        self.kernels.iter_mut().for_each(|kernel| kernel.freeze());
    }

    pub(super) fn save(&self, name: &str) -> KernelState {
        KernelState::of_parts(name, self.kernels.iter().map(|kernel| kernel.save()).collect())
    }

    pub(super) fn load(&mut self, name: &str, state: &KernelState) -> Result<(), StateError> {
        let states = state.parts_of(name, self.kernels.len())?;
        self.kernels.iter_mut().zip(states).try_for_each(|(kernel, state)| kernel.load(state))
    }
}

/// Refuses an empty list, and parts that cannot be used, by their place in it.
pub(super) fn check(parts: &[KernelConfig], reason: &str) -> Result<(), ConfigError> {
    if parts.is_empty() {
        return Err(ConfigError::new("parts", "empty", reason));
    }
    for (i, part) in parts.iter().enumerate() {
        part.check().map_err(|e| e.under(&format!("parts[{i}]")))?;
    }
    Ok(())
}

/// The parts in `dim` dimensions.
pub(super) fn build(parts: &[KernelConfig], dim: usize) -> Result<Vec<Box<dyn Kernel>>, ConfigError> {
    let build =
        |(i, part): (usize, &KernelConfig)| part.build(dim).map_err(|e| e.under(&format!("parts[{i}]")));
    parts.iter().enumerate().map(build).collect()
}

/// What several kernels hold that adapt one after the other.
pub(super) fn adaptation_bytes(parts: &[KernelConfig], chains: usize, dim: usize) -> (u64, u64) {
    parts
        .iter()
        .map(|p| p.adaptation_bytes(chains, dim))
        .fold((0u64, 0u64), |(held, moment), (h, m)| (held.saturating_add(h), moment.max(m)))
}
