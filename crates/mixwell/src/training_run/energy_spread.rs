//! Mean and standard deviation of the energies of several sets of points, as results and as one line of words.

/// The energies of several sets.
#[derive(Default)]
pub(super) struct EnergySpread {
    words: Vec<String>,
}

impl EnergySpread {
    /// Tells the energies of a set, `put(name of a result, value)`. A set without points is not told of.
    pub fn add(&mut self, name: &str, energies: &[f64], mut put: impl FnMut(&str, f64)) {
        if energies.is_empty() {
            return;
        }
        let n = energies.len() as f64;
        let mean = energies.iter().sum::<f64>() / n;
        let sd = (energies.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / n).sqrt();
        put(&format!("energy_of_{name}"), mean);
        put(&format!("energy_sd_of_{name}"), sd);
        self.words.push(format!("{} {mean:.3} +- {sd:.3}", name.replace('_', " ")));
    }

    /// All of them in a line.
    pub fn line(&self) -> String {
        format!("energies (mean and standard deviation): {}", self.words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_by_hand() {
        let (mut spread, mut found) = (EnergySpread::default(), vec![]);
        spread.add("test_images", &[1.0, 3.0], |name, value| found.push((name.to_string(), value)));
        spread.add("none", &[], |_, _| panic!("an empty set has no energy"));
        assert_eq!(found, [("energy_of_test_images".into(), 2.0), ("energy_sd_of_test_images".into(), 1.0)]);
        assert_eq!(spread.line(), "energies (mean and standard deviation): test images 2.000 +- 1.000");
    }
}
