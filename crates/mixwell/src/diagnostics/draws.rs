//! The draws of one scalar, `n_chains x n_draws`: what every diagnostic of a parameter takes.
//!
//! Chain after chain, contiguous: draw `t` of chain `c` is `data[c * n_draws + t]`. A view, never a copy.

/// A read-only view of the draws of one scalar, `n_chains x n_draws`, chain after chain.
///
/// ```
/// use mixwell::diagnostics::Draws;
/// let draws = Draws::new(&[1.0, 2.0, 3.0, 4.0], 2);
/// assert_eq!((draws.n_draws(), draws.chain(1)), (2, &[3.0, 4.0][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws<'a> {
    data: &'a [f64],
    n_chains: usize,
}

impl<'a> Draws<'a> {
    /// Views `data` as `n_chains` chains of equal length.
    ///
    /// # Panics
    /// When `n_chains` is zero or does not divide the length, or there are more than `u32::MAX` draws: bugs of the
    /// caller, not bad user input.
    pub fn new(data: &'a [f64], n_chains: usize) -> Self {
        assert!(
            n_chains > 0 && data.len().is_multiple_of(n_chains),
            "{} draws do not form {n_chains} chains of equal length",
            data.len()
        );
        assert!(u32::try_from(data.len()).is_ok(), "more draws of one scalar than fit 32 bits");
        Self { data, n_chains }
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Draws per chain.
    pub fn n_draws(&self) -> usize {
        self.data.len() / self.n_chains
    }

    /// All draws, chain after chain.
    pub fn data(&self) -> &'a [f64] {
        self.data
    }

    /// The draws of chain `i` in the order they were made.
    pub fn chain(&self, i: usize) -> &'a [f64] {
        let n = self.n_draws();
        &self.data[i * n..(i + 1) * n]
    }

    /// The chains in order.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = &'a [f64]> {
        let draws = *self;
        (0..draws.n_chains).map(move |i| draws.chain(i))
    }

    /// Whether a diagnostic of mixing can be computed at all: at least four draws per chain, and no NaN.
    pub(super) fn usable(&self) -> bool {
        self.n_draws() >= 4 && !self.data.iter().any(|v| v.is_nan())
    }

    /// Copies the first and the last half of each chain to `out`, `2 n_chains` series of `floor(n_draws / 2)`; the
    /// middle draw of an odd chain is left out.
    pub(super) fn split_into(&self, out: &mut Vec<f64>) {
        out.clear();
        if self.n_draws().is_multiple_of(2) {
            out.extend_from_slice(self.data);
            return;
        }
        let half = self.n_draws() / 2;
        for chain in self.chains() {
            out.extend_from_slice(&chain[..half]);
            out.extend_from_slice(&chain[half + 1..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_drops_the_middle_draw_of_an_odd_chain() {
        let mut out = Vec::new();
        Draws::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2).split_into(&mut out);
        assert_eq!(out, [1.0, 3.0, 4.0, 6.0]);
        Draws::new(&[1.0, 2.0, 3.0, 4.0], 1).split_into(&mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    #[should_panic(expected = "do not form 2 chains")]
    fn ragged_chains_are_refused() {
        Draws::new(&[1.0, 2.0, 3.0], 2);
    }
}
