//! The images of a classifier, checked against its network.

use std::path::Path;

use super::config::{ClassifierConfig, Paths};
use crate::image::{ImageSet, ImageShape};
use crate::net::NetworkSpec;
use crate::training_run::TrainingRunError;
use crate::{ConfigError, Stream};

/// Images with their classes: those to learn from, and those to look at.
#[derive(Debug)]
pub(super) struct Data {
    pub train: ImageSet,
    pub test: Option<ImageSet>,
    /// Places in `train` of what is learned from, and of what is held out.
    pub learned: Vec<usize>,
    pub held_out: Vec<usize>,
}

impl Data {
    /// Reads the files, and splits off what is held out.
    pub fn open(
        config: &ClassifierConfig,
        spec: &NetworkSpec,
        stream: &mut Stream,
    ) -> Result<Self, TrainingRunError> {
        let train = read(&config.data.train, spec)?;
        let test = config.data.test.as_ref().map(|paths| read(paths, spec)).transpose()?;
        if let Some(test) = &test
            && test.class_names() != train.class_names()
        {
            let reason = format!(
                "its classes are {:?}, but those of the training images are {:?}; give both the same folders",
                test.class_names(),
                train.class_names()
            );
            return Err(refused(&config.data.test.as_ref().expect("just read").all()[0], reason));
        }
        let mut order: Vec<usize> = (0..train.len()).collect();
        let n_held_out = (config.validation * train.len() as f64).round() as usize;
        if n_held_out > 0 && config.shuffle {
            stream.shuffle(&mut order);
        }
        let held_out = order.split_off(train.len() - n_held_out);
        if config.batch > order.len() {
            let reason = format!("there are {} images to learn from; use less", order.len());
            return Err(ConfigError::new("batch", config.batch, reason).into());
        }
        Ok(Self { train, test, learned: order, held_out })
    }

    /// Bytes of all pixels.
    pub fn bytes(&self) -> u64 {
        (self.train.pixels().len() + self.test.as_ref().map_or(0, |t| t.pixels().len())) as u64
    }
}

fn refused(path: &str, reason: String) -> TrainingRunError {
    TrainingRunError::Data { path: path.into(), reason }
}

/// The images of some files as one set, which the network can take.
fn read(paths: &Paths, spec: &NetworkSpec) -> Result<ImageSet, TrainingRunError> {
    let mut sets = vec![];
    for path in paths.all() {
        let set = ImageSet::read(Path::new(path))?;
        check(path, &set, spec)?;
        sets.push(set);
    }
    let Some(all) = ImageSet::joined(sets)? else {
        return Err(ConfigError::new("data", "an empty list", "at least one file is needed").into());
    };
    Ok(all)
}

/// Refuses images that have no classes, or others than the network has outputs, or another size than it takes.
fn check(path: &str, set: &ImageSet, spec: &NetworkSpec) -> Result<(), TrainingRunError> {
    let ImageShape { channels, height, width } = set.shape();
    if set.is_empty() {
        return Err(refused(path, "it has no image".into()));
    }
    if spec.input != [channels, height, width] && spec.input != [set.shape().dim()] {
        let reason = format!(
            "its images are {}, but the network takes {:?}; change `input` of the network, or use images of its size",
            set.shape(),
            spec.input
        );
        return Err(refused(path, reason));
    }
    let classes = spec.output()?.len();
    let Some(labels) = set.labels() else {
        return Err(refused(
            path,
            "the classes of its images are not known; idx files need their labels beside them, under the same name with `labels-idx1` in place of `images-idx3`"
                .into(),
        ));
    };
    if let Some((image, label)) = labels.iter().enumerate().find(|(_, label)| **label as usize >= classes) {
        let reason = format!(
            "image {image} is of class {label}, but the network has {classes} outputs (classes 0 to {}); give it more, or other labels",
            classes - 1
        );
        return Err(refused(path, reason));
    }
    Ok(())
}
