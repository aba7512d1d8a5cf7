//! The experiments that come with Mixwell, and how a name on the command line finds one.
//!
//! To add one: a file in `experiments/`, a line here, a row in `experiments/README.md`.

use std::path::Path;

use crate::{Experiment, ReproduceError};

/// Id and text of every experiment.
const ALL: &[(&str, &str)] = &[
    ("e01", include_str!("../../../experiments/e01_toyish_gaussian.toml")),
    ("e02a", include_str!("../../../experiments/e02a_three_modes.toml")),
    ("e02b", include_str!("../../../experiments/e02b_flex_mixture.toml")),
    ("e03", include_str!("../../../experiments/e03_banana.toml")),
    ("e04a", include_str!("../../../experiments/e04a_funnel_centred.toml")),
    ("e04b", include_str!("../../../experiments/e04b_funnel_non_centred.toml")),
    ("e05", include_str!("../../../experiments/e05_ill_conditioned_gaussian.toml")),
    ("e06a", include_str!("../../../experiments/e06a_two_modes.toml")),
    ("e06b", include_str!("../../../experiments/e06b_four_modes.toml")),
    ("e07", include_str!("../../../experiments/e07_phi4.toml")),
    ("e08", include_str!("../../../experiments/e08_latent_chains.toml")),
    ("e09", include_str!("../../../experiments/e09_two_mode_weights.toml")),
    ("e10", include_str!("../../../experiments/e10_four_on_a_line.toml")),
    ("e11", include_str!("../../../experiments/e11_four_corners.toml")),
    ("e12", include_str!("../../../experiments/e12_rings.toml")),
    ("e15a", include_str!("../../../experiments/e15a_grid_gan.toml")),
    ("e15b", include_str!("../../../experiments/e15b_swiss_roll_gan.toml")),
    ("e15c", include_str!("../../../experiments/e15c_five_dimensions_gan.toml")),
    ("e15d", include_str!("../../../experiments/e15d_published_toys.toml")),
    ("e16", include_str!("../../../experiments/e16_two_latents.toml")),
    ("e17", include_str!("../../../experiments/e17_cifar_dcgan.toml")),
    ("e18", include_str!("../../../experiments/e18_cifar_wgan.toml")),
    ("e19", include_str!("../../../experiments/e19_dual_moon.toml")),
    ("e20", include_str!("../../../experiments/e20_digits_gan.toml")),
    ("e20b", include_str!("../../../experiments/e20b_convolutional_digits.toml")),
    ("e20c", include_str!("../../../experiments/e20c_fashion_gan.toml")),
    ("e21", include_str!("../../../experiments/e21_weighted_walkers.toml")),
    ("e22", include_str!("../../../experiments/e22_unknown_modes.toml")),
];

/// The ids of all experiments, in order.
pub fn ids() -> Vec<&'static str> {
    ALL.iter().map(|(id, _)| *id).collect()
}

/// The experiments that a name stands for: `all`, one id, a number with parts (`e02` for `e02a` and `e02b`), or a file.
///
/// # Errors
/// When there is no such experiment or file, or it cannot be used with this preset.
pub fn find(name: &str, preset: &str) -> Result<Vec<Experiment>, ReproduceError> {
    let is_one = ALL.iter().any(|(id, _)| *id == name);
    let part_of = |id: &str| {
        let part = !is_one && name.len() >= 3 && id.len() == name.len() + 1 && id.starts_with(name);
        name == "all" || id == name || part
    };
    let found: Vec<&(&str, &str)> = ALL.iter().filter(|(id, _)| part_of(id)).collect();
    if !found.is_empty() {
        return found.iter().map(|(id, text)| Experiment::parse(text, id, preset)).collect();
    }
    if name.ends_with(".toml") || name.contains(std::path::MAIN_SEPARATOR) {
        let text = mixwell::io::read_text(Path::new(name), mixwell::io::CONFIG_BYTES).map_err(|source| {
            ReproduceError::Folder { operation: "read the experiment", path: name.into(), source }
        })?;
        return Ok(vec![Experiment::parse(&text, name, preset)?]);
    }
    Err(unknown(name))
}

fn unknown(name: &str) -> ReproduceError {
    let near = ids()
        .into_iter()
        .map(|id| (strsim::jaro_winkler(name, id), id))
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, id)| format!("; did you mean `{id}`?"));
    ReproduceError::Unknown {
        id: name.into(),
        hint,
        known: format!("{}, all, or a .toml file", ids().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experiment_can_be_read_with_both_presets() {
        for (id, text) in ALL {
            for preset in ["quick", "full"] {
                let experiment = Experiment::parse(text, id, preset).unwrap();
                assert_eq!(experiment.id, *id);
                assert!(!experiment.rule.is_empty(), "{id} judges nothing");
            }
        }
    }

    #[test]
    fn names_stand_for_one_or_several() {
        let found =
            |name: &str| -> Vec<String> { find(name, "quick").unwrap().into_iter().map(|e| e.id).collect() };
        assert_eq!(found("e02"), ["e02a", "e02b"]);
        assert_eq!(found("e02b"), ["e02b"]);
        assert_eq!(found("e20"), ["e20"]);
        assert_eq!(found("e15"), ["e15a", "e15b", "e15c", "e15d"]);
        assert_eq!(found("all").len(), ALL.len());
        let e = find("e2a", "quick").unwrap_err().to_string();
        assert!(e.contains("no experiment is called `e2a`; did you mean `e02a`?"), "{e}");
        assert!(find("e01", "middle").unwrap_err().to_string().contains("no preset `middle`"));
        assert!(find("nowhere.toml", "quick").unwrap_err().to_string().contains("nowhere.toml"));
    }
}
