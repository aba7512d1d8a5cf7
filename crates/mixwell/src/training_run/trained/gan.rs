//! The latents of a GAN, from the files of its networks.

use std::path::{Path, PathBuf};

use super::gan_folder::GanFolder;
use super::gan_scores::sha256;
use super::open::hash;
use crate::density::{
    DiscriminatorLoss, GanTargetConfig, LatentPrior, NetworkFiles, TargetError, TrainedLaw,
};
use crate::gan::calibrate::CalibrationFile;
use crate::gan::{GanFile, LatentTarget, Standardisation};
use crate::image::{Encoding, ImageSet, ImageShape, PixelMap};
use crate::net::Network;
use crate::net::import::{ImportError, NetworkSource};
use crate::training_run::TrainingRunError;
use crate::{Batch, Points};

/// The networks of a GAN, and what is said of them.
#[derive(Clone)]
pub(super) struct OpenNetworks {
    pub generator: Network<f32>,
    pub discriminator: Network<f32>,
    pub loss: DiscriminatorLoss,
    pub prior: LatentPrior,
    /// The unit of the data, where it is known.
    pub standardisation: Option<Standardisation>,
}

/// Reads the networks that a target of `kind = "gan"` names.
pub(super) fn open_networks(config: &GanTargetConfig) -> Result<OpenNetworks, TargetError> {
    let refused = |reason: String| TargetError::Gan { path: config.name().to_string(), reason };
    config.check_that_all_is_said()?;
    let folder = config.path.as_deref().map(|path| GanFolder::open(Path::new(path)));
    let folder = folder.transpose().map_err(|e| refused(e.to_string()))?;
    let (file, folder) = match folder {
        Some(GanFolder { file, generator, discriminator, .. }) => {
            (Some(file), Some((generator, discriminator)))
        }
        None => (None, None),
    };
    let (own_generator, own_discriminator) = folder.unzip();
    let network = |files: &Option<NetworkFiles>, own: Option<Network<f32>>, role: &str| match files {
        Some(files) => network_of(files).map_err(|e| refused(format!("its {role}: {e}"))),
        None => own.ok_or_else(|| refused(format!("there is no {role}"))),
    };
    let generator = network(&config.generator, own_generator, "generator")?;
    let discriminator = network(&config.discriminator, own_discriminator, "discriminator")?;
    // What a folder says holds for its own networks: another discriminator says itself what it is.
    let loss = loss_of(config, file.as_ref()).map_err(refused)?;
    let prior = config.prior.or(file.as_ref().map(|f| f.prior)).unwrap_or_default();
    let standardisation = file.and_then(|file| file.standardisation).filter(|_| config.generator.is_none());
    Ok(OpenNetworks { generator, discriminator, loss, prior, standardisation })
}

/// The files of generator and discriminator.
pub(super) fn network_files(config: &GanTargetConfig) -> [PathBuf; 2] {
    let file = |files: &Option<NetworkFiles>, name: &str| match files {
        Some(files) => PathBuf::from(files.weights()),
        None => Path::new(config.path.as_deref().unwrap_or_default()).join(name),
    };
    [file(&config.generator, GanFile::GENERATOR), file(&config.discriminator, GanFile::DISCRIMINATOR)]
}

/// The target that settings of `kind = "gan"` describe.
///
/// # Errors
/// When a file cannot be read, the networks do not fit each other or the settings, or the calibration was made for others.
pub fn open_gan(config: &GanTargetConfig) -> Result<LatentTarget, TargetError> {
    target_of(config, open_networks(config)?)
}

/// The same of networks that are open already.
pub(super) fn target_of(
    config: &GanTargetConfig,
    networks: OpenNetworks,
) -> Result<LatentTarget, TargetError> {
    let refused = |reason: String| TargetError::Gan { path: config.name().to_string(), reason };
    let OpenNetworks { generator, discriminator, loss, prior, standardisation } = networks;
    let target =
        LatentTarget::new(generator, &discriminator, loss, prior).map_err(|e| refused(e.to_string()))?;
    let target = match standardisation {
        Some(standardisation) => target.with_points_in(standardisation),
        None => target,
    };
    let target = match &config.calibration {
        None => target,
        Some(path) => {
            let path = Path::new(path);
            let file = CalibrationFile::read(path).map_err(|e| refused(e.to_string()))?;
            let [generator, discriminator] = network_files(config).map(|file| sha256(&file));
            let hashes =
                generator.and_then(|g| Ok((g, discriminator?))).map_err(|e| refused(e.to_string()))?;
            file.belongs_to(path, &hashes.0, &hashes.1).map_err(|e| refused(e.to_string()))?;
            target.with_calibration(file.calibrator, file.real_scores)
        }
    };
    Ok(target.with_kappa(config.kappa)?.reporting_points_up_to(config.points_up_to))
}

/// How the points of a generator become images.
///
/// # Errors
/// When they are none: too few or too many numbers.
pub fn encoding_of_gan(config: &GanTargetConfig, target: &LatentTarget) -> Result<Encoding, TargetError> {
    if let (Some(path), None) = (&config.path, &config.images) {
        let own = super::points::read_encoding(Path::new(path));
        let refused =
            |e: TrainingRunError| TargetError::Gan { path: config.name().to_string(), reason: e.to_string() };
        if let Some(own) = own.map_err(refused)? {
            return Ok(own);
        }
    }
    let images = config.images.clone().unwrap_or_default();
    let n = target.generator().n_out();
    let side = n.isqrt();
    let made = target.generator().spec().output().ok().filter(|shape| !shape.is_vector());
    let shape = match (images.shape, made) {
        (Some([channels, height, width]), _) => ImageShape::new(channels, height, width),
        (None, Some(made)) => ImageShape::new(made.channels, made.height, made.width),
        _ if side * side == n && side > 3 => ImageShape::new(1, side, side),
        _ => {
            let reason = format!(
                "its generator makes points of {n} numbers, and which images these are is not said: set `images.shape`"
            );
            return Err(TargetError::Gan { path: config.name().to_string(), reason });
        }
    };
    if shape.dim() != n {
        let reason =
            format!("its generator makes points of {n} numbers, and images of {shape} have {}", shape.dim());
        return Err(TargetError::Gan { path: config.name().to_string(), reason });
    }
    let map = PixelMap::Scale { low: images.black, high: images.white };
    Ok(Encoding { shape, map, dequantise: 0.0 })
}

/// The images that a generator makes of latents, which are rows of `z`.
///
/// # Errors
/// When its points are no images.
pub fn generated_images(config: &GanTargetConfig, z: &[f64]) -> Result<ImageSet, TrainingRunError> {
    let refused =
        |e: TargetError| TrainingRunError::Data { path: config.name().into(), reason: e.to_string() };
    let target = open_gan(config).map_err(refused)?;
    let encoding = encoding_of_gan(config, &target).map_err(refused)?;
    let dim = target.generator().dim();
    let mut sets = vec![];
    for z in z.chunks(IMAGES_AT_A_TIME * dim) {
        let mut points = Points::zeros(z.len() / dim, target.generator().n_out());
        target.generator().values(Batch::new(z, dim), points.as_batch_mut());
        sets.push(encoding.images(points.as_batch())?);
    }
    ImageSet::joined(sets)?.ok_or_else(|| TrainingRunError::Data {
        path: config.name().into(),
        reason: "it has no draws".into(),
    })
}

/// Images that are made together.
const IMAGES_AT_A_TIME: usize = 4096;

/// The same as a law with the hash of its files.
pub fn gan_law(config: &GanTargetConfig) -> Result<TrainedLaw, TargetError> {
    let target = open_gan(config)?;
    let refused = |reason: String| TargetError::Gan { path: config.name().to_string(), reason };
    let sha256 = hash(&files(config)).map_err(|e| refused(e.to_string()))?;
    Ok(TrainedLaw { target: Box::new(target), sha256 })
}

/// Every file that the law is read from.
fn files(config: &GanTargetConfig) -> Vec<PathBuf> {
    let of_folder = [GanFile::NAME, GanFile::GENERATOR, GanFile::DISCRIMINATOR];
    let mut files: Vec<PathBuf> =
        config.path.iter().flat_map(|path| of_folder.map(|name| Path::new(path).join(name))).collect();
    for network in [&config.generator, &config.discriminator].into_iter().flatten() {
        files.push(network.weights().into());
        if let NetworkFiles::Described(described) = network {
            files.extend(described.description.iter().map(PathBuf::from).filter(|path| path.is_file()));
        }
    }
    files.extend(config.calibration.iter().map(PathBuf::from));
    files
}

/// The network in some files.
///
/// # Errors
/// When a file cannot be read or used.
pub(in crate::training_run) fn network_of(files: &NetworkFiles) -> Result<Network<f32>, ImportError> {
    let source = match files {
        NetworkFiles::File(path) => NetworkSource { weights: path.into(), ..NetworkSource::default() },
        NetworkFiles::Described(files) => NetworkSource {
            weights: files.weights.clone().into(),
            description: files.description.as_deref().map(|d| Path::new(d).to_path_buf()),
            key: files.key.clone(),
            strip: files.strip.clone(),
        },
    };
    source.network()
}

/// What the discriminator was trained by.
fn loss_of(config: &GanTargetConfig, file: Option<&GanFile>) -> Result<DiscriminatorLoss, String> {
    match (config.loss, file.map(|file| file.loss)) {
        (Some(DiscriminatorLoss::Js | DiscriminatorLoss::JsSigmoid), Some(own @ (DiscriminatorLoss::Wgan | DiscriminatorLoss::Hinge)))
            if config.discriminator.is_none() =>
        {
            let own = if own == DiscriminatorLoss::Wgan { "wgan" } else { "hinge" };
            Err(format!("its discriminator was trained by `{own}`, which leaves no logarithm of a ratio: leave `loss` out"))
        }
        (Some(loss), _) => Ok(loss),
        (None, Some(own)) if config.discriminator.is_none() => Ok(own),
        _ => Err("say what the discriminator was trained by: `loss = \"js\"`, also for a ratio; `js_sigmoid`, `hinge` or `wgan`".into()),
    }
}
