//! `Confusion`: how often an image of each class is taken for each.

use serde::Serialize;

/// Counts of true and found classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Confusion {
    /// A row for each true class, a column for each that was found.
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Nothing yet.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Adds an image.
    pub fn add(&mut self, truth: usize, found: usize) {
        self.counts[truth][found] += 1;
    }

    /// The share of images that are found right.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        right as f64 / self.total() as f64
    }

    /// Images.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The share of the most frequent class: what an answer without looking reaches.
    pub fn largest_share(&self) -> f64 {
        let largest = self.counts.iter().map(|row| row.iter().sum::<u64>()).max().unwrap_or(0);
        largest as f64 / self.total() as f64
    }

    /// Classes that no image was taken for, though there are some of it.
    pub fn never_found(&self) -> Vec<usize> {
        let found = |class: usize| self.counts.iter().map(|row| row[class]).sum::<u64>();
        let is_there = |class: usize| self.counts[class].iter().sum::<u64>() > 0;
        (0..self.counts.len()).filter(|c| is_there(*c) && found(*c) == 0).collect()
    }

    /// The table, for people.
    pub fn lines(&self) -> Vec<String> {
        let width = self.total().to_string().len().max(3) + 1;
        let row = |name: String, cells: &[String]| {
            format!("{name:>8}{}", cells.iter().map(|c| format!("{c:>width$}")).collect::<String>())
        };
        let classes: Vec<String> = (0..self.counts.len()).map(|c| c.to_string()).collect();
        let mut lines = vec![row("found".into(), &classes)];
        for (class, counts) in self.counts.iter().enumerate() {
            let cells: Vec<String> = counts.iter().map(|n| n.to_string()).collect();
            lines.push(row(format!("is {class}"), &cells));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_by_hand() {
        let mut confusion = Confusion::new(3);
        for (truth, found) in [(0, 0), (0, 0), (0, 2), (1, 2), (2, 2)] {
            confusion.add(truth, found);
        }
        assert_eq!((confusion.accuracy(), confusion.largest_share()), (0.6, 0.6));
        assert_eq!((confusion.never_found(), confusion.total()), (vec![1], 5));
        assert_eq!(confusion.lines()[1], "    is 0   2   0   1");
    }
}
