//! Any built-in target as a config table: `kind` names it, the other keys are its settings.
//!
//! To add a target: one row in the list below.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::inference_gym::{self, InferenceGymConfig};
use super::posteriordb::{self, PosteriordbConfig};
use super::{
    BananaConfig, CheckerboardConfig, DataLoader, DoubleWell4Config, DualMoonConfig, EightGaussiansConfig,
    EightSchoolsConfig, EnergyTargetConfig, FlexMixtureConfig, FourCornersConfig, FourOnALineConfig,
    Funnel101Config, FunnelConfig, GanTargetConfig, GaussianConfig, GaussianMixtureConfig, Grid25Config,
    GridMixtureConfig, IllConditionedGaussianConfig, LennardJones13Config, LogisticRegressionConfig,
    MixtureConfig, Phi4Config, Phi4LatticeConfig, PinwheelConfig, Pointwise, ProductConfig, RingsConfig,
    StandardGaussianConfig, SwissRollConfig, Target, TargetError, TemperedConfig, ThreeModesConfig,
    TwoModesConfig, TwoMoonsConfig, TwoSpiralsConfig,
};
use crate::ConfigError;

/// Writes the enum, and every `match` over it, from one list of variants.
///
/// A row is: variant, config, the `kind` in config files, one line for `list targets`, and how a built target is boxed.
macro_rules! targets {
    ($($variant:ident($config:ty) = $kind:literal, $summary:literal, |$c:ident, $data:ident| $build:expr;)*) => {
        /// A built-in target and its settings.
        ///
        /// ```
        /// use mixwell::density::{NoData, Target, TargetConfig};
        /// let config: TargetConfig = serde_json::from_str(r#"{"kind": "banana", "dim": 4}"#)?;
        /// assert_eq!(config.build(&NoData)?.dim(), 4);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        #[non_exhaustive]
        pub enum TargetConfig {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($config),)*
        }

        impl TargetConfig {
            /// Checks every range that can be checked without data.
            pub fn check(&self) -> Result<(), ConfigError> {
                match self {
                    $(Self::$variant(c) => c.check(),)*
                }
            }

            /// Makes the target; `data` finds the files that some targets learn from.
            pub fn build(&self, data: &dyn DataLoader) -> Result<Box<dyn Target>, TargetError> {
                match self {
                    $(Self::$variant($c) => {
                        let $data = data;
                        Ok($build)
                    })*
                }
            }

            /// One line on what the target is.
            pub fn summary(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $summary,)*
                }
            }
        }

        impl TargetConfig {
            /// The `[target]` of a config's text; none where there is none that can be read.
            pub fn in_text(text: &str) -> Option<Self> {
                text.parse::<toml::Table>().ok()?.get("target")?.clone().try_into().ok()
            }

            /// The name written after `kind`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }
        }

        /// Every built-in target with its defaults.
        pub fn catalogue() -> Vec<TargetEntry> {
            vec![$(TargetEntry::of(TargetConfig::$variant(<$config>::default())),)*]
        }
    };
}

targets! {
    StandardGaussian(StandardGaussianConfig) = "standard_gaussian", "independent Gaussian coordinates of one mean and scale",
        |c, _data| Box::new(c.build()?);
    IllConditionedGaussian(IllConditionedGaussianConfig) = "ill_conditioned_gaussian", "Gaussian with scales over several decades, rotated if wanted",
        |c, _data| Box::new(c.build()?);
    Gaussian(GaussianConfig) = "gaussian", "Gaussian with any mean and covariance",
        |c, _data| Box::new(c.build()?);
    GaussianMixture(GaussianMixtureConfig) = "gaussian_mixture", "mixture of any Gaussians",
        |c, _data| Box::new(c.build()?);
    TwoModes(TwoModesConfig) = "two_modes", "two Gaussian modes of different width and weight",
        |c, _data| Box::new(c.build()?);
    ThreeModes(ThreeModesConfig) = "three_modes", "three equal modes at the corners of a triangle",
        |c, _data| Box::new(c.build()?);
    FourOnALine(FourOnALineConfig) = "four_on_a_line", "four modes of weights 1 to 4 on a line in the plane",
        |c, _data| Box::new(c.build()?);
    FourCorners(FourCornersConfig) = "four_corners", "four equal modes at the corners of a rectangle in many dimensions",
        |c, _data| Box::new(c.build()?);
    EightGaussians(EightGaussiansConfig) = "eight_gaussians", "eight equal modes on a circle",
        |c, _data| Box::new(c.build()?);
    Grid25(Grid25Config) = "grid25", "25 narrow modes on a grid",
        |c, _data| Box::new(c.build()?);
    GridMixture(GridMixtureConfig) = "grid_mixture", "equal modes at every point of a grid, 243 in five dimensions",
        |c, _data| Box::new(c.build()?);
    FlexMixture(FlexMixtureConfig) = "flex_mixture", "two modes of weights 1 and 3 in 100 dimensions",
        |c, _data| Box::new(c.build()?);
    Banana(BananaConfig) = "banana", "curved pairs of coordinates",
        |c, _data| Box::new(c.build()?);
    Funnel(FunnelConfig) = "funnel", "Neal's funnel, centred or not",
        |c, _data| Box::new(c.build()?);
    Funnel101(Funnel101Config) = "funnel_101", "the funnel of nutpie's page: 100 children of variance exp(v), v standard normal",
        |c, _data| Box::new(c.build()?);
    DualMoon(DualMoonConfig) = "dual_moon", "a thin shell cut into four caps",
        |c, _data| Box::new(c.build()?);
    Rings(RingsConfig) = "rings", "concentric rings in the plane",
        |c, _data| Box::new(c.build()?);
    TwoMoons(TwoMoonsConfig) = "two_moons", "two half circles that reach into each other, blurred",
        |c, _data| Box::new(c.build()?);
    Pinwheel(PinwheelConfig) = "pinwheel", "bent blades around the origin",
        |c, _data| Box::new(c.build()?);
    Checkerboard(CheckerboardConfig) = "checkerboard", "the dark squares of a board: uniform, with edges",
        |c, _data| Box::new(c.build()?);
    TwoSpirals(TwoSpiralsConfig) = "two_spirals", "two spirals turned by half a circle, blurred",
        |c, _data| Box::new(c.build()?);
    SwissRoll(SwissRollConfig) = "swiss_roll", "the Swiss roll in the plane, blurred",
        |c, _data| Box::new(c.build()?);
    Phi4(Phi4Config) = "phi4", "phi^4 field on a line: two wells that act together",
        |c, _data| Box::new(c.build()?);
    Phi4Lattice(Phi4LatticeConfig) = "phi4_lattice", "phi^4 field on a periodic lattice: ordered or not, of either sign",
        |c, _data| Box::new(c.build()?);
    DoubleWell4(DoubleWell4Config) = "double_well4", "DW4: four particles in the plane with a double-well pair energy",
        |c, _data| Box::new(c.build()?);
    LennardJones13(LennardJones13Config) = "lennard_jones13", "LJ13: thirteen Lennard-Jones particles in space",
        |c, _data| Box::new(c.build()?);
    EightSchools(EightSchoolsConfig) = "eight_schools", "the eight-schools posterior, centred or not",
        |c, _data| Box::new(Pointwise::new(c.build()?));
    LogisticRegression(LogisticRegressionConfig) = "logistic_regression", "Bayesian logistic regression on a table of yours",
        |c, data| Box::new(c.build(data)?);
    Posteriordb(PosteriordbConfig) = "posteriordb", "a posterior of the posteriordb collection, from its data file",
        |c, data| c.build(data)?;
    InferenceGym(InferenceGymConfig) = "inference_gym", "a posterior of the inference gym, whose exact moments are known well",
        |c, data| c.build(data)?;
    Energy(EnergyTargetConfig) = "energy", "an energy that `mixwell train` has trained, from its folder",
        |c, data| c.build(data)?;
    Gan(Box<GanTargetConfig>) = "gan", "the latents of a GAN, weighted by what its discriminator says of the points",
        |c, data| c.build(data)?;
    Tempered(TemperedConfig) = "tempered", "another target at another temperature",
        |c, data| Box::new(c.build(data)?);
    Product(ProductConfig) = "product", "a product of other targets, each raised to a power",
        |c, data| Box::new(c.build(data)?);
    Mixture(MixtureConfig) = "mixture", "a mixture of other targets",
        |c, data| Box::new(c.build(data)?);
}

/// A built-in target as `list targets` and `init` show it.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetEntry {
    /// The name to write after `kind`.
    pub kind: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// Every setting at its default.
    pub config: TargetConfig,
    /// The values of the setting `posterior`, for collections of posteriors.
    pub posteriors: &'static [&'static str],
}

impl TargetEntry {
    fn of(config: TargetConfig) -> Self {
        let posteriors: &[&str] = match config {
            TargetConfig::Posteriordb(_) => &posteriordb::NAMES,
            TargetConfig::InferenceGym(_) => &inference_gym::NAMES,
            _ => &[],
        };
        Self { kind: config.kind(), summary: config.summary(), config, posteriors }
    }
}

impl TargetConfig {
    /// Puts the paths of data files under `base`, the folder of the config file; absolute paths stay.
    pub fn resolve_paths(&mut self, base: &Path) {
        let path = match self {
            Self::LogisticRegression(c) => &mut c.data,
            Self::Posteriordb(c) => &mut c.data,
            Self::InferenceGym(c) => &mut c.data,
            Self::Energy(c) => &mut c.path,
            Self::Gan(c) => return c.resolve_paths(base),
            _ => return self.parts_mut().into_iter().for_each(|part| part.resolve_paths(base)),
        };
        *path = base.join(&path).to_string_lossy().into_owned();
    }

    /// Writes the hashes of the trained energies that it reads into it, so that it names these and no later ones.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn pin(&mut self, data: &dyn DataLoader) -> Result<(), TargetError> {
        match self {
            Self::Energy(c) => c.pin(data),
            Self::Gan(c) => c.pin(data),
            _ => self.parts_mut().into_iter().try_for_each(|part| part.pin(data)),
        }
    }

    /// The trained energies that it reads: itself, or those that it is made of.
    pub fn energies(&self) -> Vec<&EnergyTargetConfig> {
        match self {
            Self::Energy(c) => vec![c],
            Self::Tempered(c) => c.target.energies(),
            Self::Product(c) => c.factors.iter().flat_map(|f| f.target.energies()).collect(),
            Self::Mixture(c) => c.components.iter().flat_map(|c| c.target.energies()).collect(),
            _ => vec![],
        }
    }

    /// The targets that this one is made of.
    fn parts_mut(&mut self) -> Vec<&mut TargetConfig> {
        match self {
            Self::Tempered(c) => vec![&mut c.target],
            Self::Product(c) => c.factors.iter_mut().map(|f| &mut f.target).collect(),
            Self::Mixture(c) => c.components.iter_mut().map(|c| &mut c.target).collect(),
            _ => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::density::NoData;

    #[test]
    fn every_entry_survives_toml_and_builds_unless_it_needs_data() {
        for entry in catalogue() {
            let text = toml::to_string(&entry.config).unwrap();
            assert!(text.contains(&format!("kind = \"{}\"", entry.kind)), "{text}");
            assert_eq!(toml::from_str::<TargetConfig>(&text).unwrap(), entry.config, "{text}");
            // The kind alone gives the defaults.
            let bare: TargetConfig = toml::from_str(&format!("kind = '{}'", entry.kind)).unwrap();
            assert_eq!(bare, entry.config);
            entry.config.check().unwrap();
            let needs_data = ["logistic_regression", "posteriordb", "energy", "gan"].contains(&entry.kind);
            match entry.config.build(&NoData) {
                Ok(t) => {
                    let reported: usize = t.variables().iter().map(super::super::Variable::len).sum();
                    t.report(&vec![0.1; t.dim()], &mut vec![0.0; reported]);
                    assert!(!needs_data);
                }
                Err(e) => assert!(needs_data && matches!(e, TargetError::Read { .. }), "{e}"),
            }
        }
    }

    #[test]
    fn kinds_are_unique_snake_case_names() {
        let kinds: Vec<&str> = catalogue().into_iter().map(|e| e.kind).collect();
        let mut sorted = kinds.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), kinds.len());
        for kind in ["grid25", "funnel_101", "phi4", "double_well4", "lennard_jones13", "eight_gaussians"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
    }

    #[test]
    fn paths_and_hashes_are_found_in_the_parts_of_a_target() {
        struct Laws;
        impl DataLoader for Laws {
            fn table(&self, path: &str, _: Option<bool>) -> Result<crate::density::Table, TargetError> {
                NoData.table(path, None)
            }

            fn law(&self, path: &str) -> Result<crate::density::TrainedLaw, TargetError> {
                let target = crate::density::from_fn(2, |x: &[f64]| -x[0] * x[0]);
                Ok(crate::density::TrainedLaw { target: Box::new(target), sha256: format!("hash of {path}") })
            }
        }
        let text = "kind = 'mixture'\n[[components]]\n[components.target]\nkind = 'tempered'\ntarget = { kind = 'energy', path = 'a' }\n\
                    [[components]]\n[components.target]\nkind = 'product'\nfactors = [{ target = { kind = 'energy', path = '/other' } }]";
        let mut config: TargetConfig = toml::from_str(text).unwrap();
        config.resolve_paths(Path::new("/base"));
        config.pin(&Laws).unwrap();
        let written = toml::to_string(&config).unwrap();
        assert!(written.contains("hash of /base/a") && written.contains("hash of /other"), "{written}");
        let paths: Vec<&str> = config.energies().iter().map(|energy| &*energy.path).collect();
        assert_eq!(paths, ["/base/a", "/other"]);
        assert_eq!(config.build(&Laws).unwrap().dim(), 2);
        let other = written.replace("hash of /other", "another hash");
        let error = toml::from_str::<TargetConfig>(&other).unwrap().build(&Laws).err().unwrap().to_string();
        assert!(error.contains("`/other` have changed") && error.contains("another hash"), "{error}");
    }

    #[test]
    fn unknown_kinds_and_keys_are_refused() {
        let error = |text: &str| toml::from_str::<TargetConfig>(text).unwrap_err().to_string();
        assert!(error("kind = 'bananna'").contains("bananna"));
        assert!(error("kind = 'banana'\nsigma = 1.0").contains("sigma"));
        let e =
            toml::from_str::<TargetConfig>("kind = 'banana'\ndim = 3").unwrap().build(&NoData).err().unwrap();
        assert!(e.to_string().starts_with("`dim` is 3"), "{e}");
    }
}
