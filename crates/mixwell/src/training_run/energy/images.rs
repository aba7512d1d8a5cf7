//! Images that an energy is trained on: files, and how they become points.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::data::Checked;
use crate::config::resolved_path;
use crate::flow::FlowConfig;
use crate::image::{Encoding, ImageSet, ImageShape, PixelMap};
use crate::net::NetworkSpec;
use crate::rng::DATA_STREAM;
use crate::train::TrainingData;
use crate::training_run::classifier::Paths;
use crate::training_run::{TrainingRunError, WeightsOf};
use crate::{Batch, ConfigError, Points, Stream, range};

/// Images of a picture of many.
const SHOWN: usize = 64;
/// Test images that are looked at.
const MOST_TESTED: usize = 2000;

/// Images as data. They become points once, before training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagesConfig {
    /// Images to learn from: idx (as of MNIST), CIFAR's binary, optdigits, plain or gzip, or a folder of PNG pictures. Several files are one
    /// set. A path may begin with an environment variable, `${NAME}/train-images-idx3-ubyte.gz`.
    pub path: Paths,
    /// Images that are only looked at when all is done, the first 2000 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Paths>,
    /// No more than so many of the images to learn from; the first ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
    /// Classes to learn from; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<u32>>,
    /// Height and width of a black frame around the images, `[32, 32]`; their own size without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<[usize; 2]>,
    /// Whether mirror images are learned from, too.
    #[serde(default)]
    pub mirror: bool,
    /// Grey values over which every pixel is spread evenly, since bytes have no density: 1, or as many as lie between those that the
    /// files use; 0 for none.
    #[serde(default = "one")]
    pub dequantise: f64,
    /// Where pixels go.
    #[serde(default)]
    pub map: PixelMap,
}

fn one() -> f64 {
    1.0
}

/// Images that are open.
pub(in crate::training_run) struct OpenImages {
    pub encoding: Encoding,
    /// Mean of [`Encoding::log_det`] over the data.
    pub log_det: f64,
    /// Test images as points, where there are some.
    pub test: Option<Points>,
}

impl ImagesConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(most) = self.most {
            range::at_least("most", most, 2)?;
        }
        if self.path.all().is_empty() {
            return Err(ConfigError::new("path", "an empty list", "at least one file is needed"));
        }
        range::within("dequantise", self.dequantise, 0.0, 255.0)?;
        self.map
            .build()
            .map(|_| ())
            .map_err(|e| ConfigError::new("map", format!("{:?}", self.map), e.to_string()))
    }

    pub(super) fn resolve(&mut self, base: &Path) -> Result<(), TrainingRunError> {
        for path in self.path.all_mut() {
            *path = resolved_path("data.images.path", path, base)?;
        }
        for path in self.test.iter_mut().flat_map(Paths::all_mut) {
            *path = resolved_path("data.images.test", path, base)?;
        }
        Ok(())
    }

    /// The data, dequantised by a stream of this seed.
    pub(super) fn open(
        &self,
        seed: u64,
        checked: Checked,
    ) -> Result<(TrainingData, OpenImages), TrainingRunError> {
        let mut set = read(&self.path)?;
        if let Some(classes) = &self.classes {
            set = set.of_classes(classes)?;
        }
        if let Some(most) = self.most {
            set = set.slice(0..most.min(set.len()))?;
        }
        if self.mirror {
            set = set.with_mirrored();
        }
        let own = set.shape();
        let [height, width] = self.pad.unwrap_or([own.height, own.width]);
        let encoding = Encoding {
            shape: ImageShape::new(own.channels, height, width),
            map: self.map,
            dequantise: self.dequantise,
        };
        let mut stream = Stream::new(seed, DATA_STREAM);
        let points = encoding.points(&set, &mut stream)?;
        let log_det = encoding.log_det(points.as_batch())?;
        let data = checked(points).map_err(|e| {
            let more = "; images have a density where they are dequantised (`data.images.dequantise`)";
            ConfigError {
                reason: format!("{}{}", e.reason, if self.dequantise > 0.0 { "" } else { more }),
                ..e
            }
        })?;
        let test = self.test.as_ref().map(|paths| self.test_points(paths, encoding, own, &mut stream));
        let log_det = log_det.iter().sum::<f64>() / log_det.len() as f64;
        Ok((data, OpenImages { encoding, log_det, test: test.transpose()? }))
    }

    fn test_points(
        &self,
        paths: &Paths,
        encoding: Encoding,
        own: ImageShape,
        stream: &mut Stream,
    ) -> Result<Points, TrainingRunError> {
        let mut set = read(paths)?;
        if set.shape() != own {
            let reason = format!("its images are {}, but those to learn from are {own}", set.shape());
            return Err(TrainingRunError::Data { path: (&*paths.all()[0]).into(), reason });
        }
        if let Some(classes) = &self.classes {
            set = set.of_classes(classes)?;
        }
        Ok(encoding.points(&set.slice(0..set.len().min(MOST_TESTED))?, stream)?)
    }
}

fn read(paths: &Paths) -> Result<ImageSet, TrainingRunError> {
    let sets: Result<Vec<ImageSet>, _> = paths.all().iter().map(|p| ImageSet::read(Path::new(p))).collect();
    let all = ImageSet::joined(sets?)?.filter(|set| !set.is_empty());
    all.ok_or_else(|| TrainingRunError::Data {
        path: paths.all().first().map_or_else(String::new, Clone::clone).into(),
        reason: "it has no image".into(),
    })
}

impl OpenImages {
    /// Refuses a network, which stands under this key, of images of another shape.
    pub fn check_network(&self, key: &str, network: &NetworkSpec) -> Result<(), ConfigError> {
        if network.input == [self.encoding.shape.dim()] {
            return Ok(());
        }
        self.check(&format!("{key}.input"), &network.input)
    }

    /// Refuses a flow of images of another shape.
    pub fn check_flow(&self, flow: &FlowConfig) -> Result<(), ConfigError> {
        flow.image_shape().map_or(Ok(()), |shape| self.check("flow.shape", shape))
    }

    fn check(&self, key: &str, found: &[usize]) -> Result<(), ConfigError> {
        let ImageShape { channels, height, width } = self.encoding.shape;
        let own = [channels, height, width];
        if found == own {
            return Ok(());
        }
        let reason = format!("the images are {own:?} (channels, height, width); pad them, or change it");
        Err(ConfigError::new(key, format!("{found:?}"), reason))
    }

    /// Bits per dimension that go with a mean log-density of data, in the space of points.
    pub fn bits(&self, log_q: f64) -> f64 {
        -(log_q + self.log_det) / (self.encoding.shape.dim() as f64 * std::f64::consts::LN_2)
    }

    /// The first points as a picture.
    pub fn picture(&self, file: &'static str, points: Batch<'_>) -> Result<WeightsOf, TrainingRunError> {
        let images = self.encoding.images(points.slice(0..points.rows().min(SHOWN)))?;
        Ok(WeightsOf { file: file.into(), bytes: crate::image::Grid::default().png(&images)? })
    }

    /// How points become images, as a file beside the law.
    pub fn description(&self) -> WeightsOf {
        let text = serde_json::to_string_pretty(&self.encoding).expect("an encoding is plain data");
        WeightsOf { file: Encoding::NAME.into(), bytes: text.into_bytes() }
    }
}
