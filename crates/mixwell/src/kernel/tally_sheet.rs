//! Tallies of all chains and leaves: written during a step, read by adaptation.

use super::Tally;

/// Where the leaves of a kernel write their tallies: `rows x n_leaves`, chain after chain.
pub struct TallySheet<'a> {
    tallies: &'a mut [Tally],
    n_leaves: usize,
    leaf: usize,
}

impl<'a> TallySheet<'a> {
    /// A sheet over `rows x n_leaves` tallies.
    pub fn new(tallies: &'a mut [Tally], n_leaves: usize) -> Self {
        assert!(
            n_leaves > 0 && tallies.len().is_multiple_of(n_leaves),
            "tallies do not form rows of {n_leaves}"
        );
        Self { tallies, n_leaves, leaf: 0 }
    }

    /// The tally of this leaf for row `row` of the block.
    pub fn tally(&mut self, row: usize) -> &mut Tally {
        &mut self.tallies[row * self.n_leaves + self.leaf]
    }

    /// The sheet of the rows of `range`.
    pub fn rows(&mut self, range: std::ops::Range<usize>) -> TallySheet<'_> {
        let tallies = &mut self.tallies[range.start * self.n_leaves..range.end * self.n_leaves];
        TallySheet { tallies, n_leaves: self.n_leaves, leaf: self.leaf }
    }

    /// Exchanges the tallies of two rows.
    pub(crate) fn swap_rows(&mut self, i: usize, j: usize) {
        for leaf in 0..self.n_leaves {
            self.tallies.swap(i * self.n_leaves + leaf, j * self.n_leaves + leaf);
        }
    }

    /// The place of this leaf among all leaves of the run: the name under which a kernel keeps replicas.
    pub(crate) fn leaf(&self) -> usize {
        self.leaf
    }

    /// The sheet of a part whose first leaf is `offset` places after this one's.
    pub fn part(&mut self, offset: usize) -> TallySheet<'_> {
        TallySheet { tallies: self.tallies, n_leaves: self.n_leaves, leaf: self.leaf + offset }
    }
}

/// The tallies of all chains after a step, for adaptation.
#[derive(Clone, Copy)]
pub struct Tallies<'a> {
    tallies: &'a [Tally],
    n_leaves: usize,
    leaf: usize,
}

impl<'a> Tallies<'a> {
    /// A view of `chains x n_leaves` tallies.
    pub fn new(tallies: &'a [Tally], n_leaves: usize) -> Self {
        assert!(
            n_leaves > 0 && tallies.len().is_multiple_of(n_leaves),
            "tallies do not form rows of {n_leaves}"
        );
        Self { tallies, n_leaves, leaf: 0 }
    }

    /// This leaf's tally of every chain, in the order of the chains.
    pub fn iter(&self) -> impl Iterator<Item = &'a Tally> + use<'a> {
        self.tallies.iter().skip(self.leaf).step_by(self.n_leaves)
    }

    /// The tallies of every chain and leaf, chain after chain.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Tally> + use<'a> {
        self.tallies.iter()
    }

    /// The tallies of a part whose first leaf is `offset` places after this one's.
    pub fn part(&self, offset: usize) -> Tallies<'a> {
        Tallies { leaf: self.leaf + offset, ..*self }
    }

    /// See [`TallySheet::leaf`].
    pub(crate) fn leaf(&self) -> usize {
        self.leaf
    }

    /// Mean acceptance probability over all tries of this leaf; `None` when it made none.
    pub fn mean_accept_prob(&self) -> Option<f64> {
        let (mut sum, mut tries) = (0.0, 0u64);
        for t in self.iter() {
            sum += t.accept_prob;
            tries += u64::from(t.tries);
        }
        (tries > 0).then(|| sum / tries as f64)
    }
}
