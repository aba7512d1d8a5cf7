//! A network that gives features and probabilities: its layers up to a cut, and those behind.
//!
//! Both are evaluated in single precision, features are kept in double: cutting a network changes no output.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ScoreError;
use crate::io::IoError;
use crate::net::import::{ImportLimits, NamedArrays};
use crate::net::{Init, Network, NetworkSpec};
use crate::{Batch, BatchMut, ConfigError, Points, Stream};

/// Most features of an image: a covariance of them takes 128 MiB.
pub const MOST_FEATURES: usize = 4096;

/// A network with its weights, cut behind a layer.
#[derive(Debug)]
pub struct Extractor {
    spec: NetworkSpec,
    weights: PathBuf,
    sha256: String,
    layers: usize,
    features: Network<f32>,
    /// What comes behind the features; `None` where nothing does.
    head: Option<Network<f32>>,
    unused: Vec<String>,
}

impl Extractor {
    /// Reads the weights of a network. Without a description the file must hold its own, as those of `mixwell train` do. Features are what
    /// comes out of the first `layers` layers; `None` takes all but the last.
    ///
    /// # Errors
    /// When the file cannot be read, there is no description or the weights do not fit it, when there are fewer than two
    /// classes, no such layer, or more features than [`MOST_FEATURES`].
    pub fn open(
        weights: &Path,
        described: Option<NetworkSpec>,
        layers: Option<usize>,
    ) -> Result<Self, ScoreError> {
        let refused = |reason: String| ScoreError::Network { path: weights.into(), reason };
        let unfit = |error| ScoreError::Weights { path: weights.into(), error };
        let bytes = read(weights)?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let arrays = NamedArrays::from_bytes(&bytes).map_err(unfit)?;
        let spec = described.or_else(|| arrays.network().cloned()).ok_or_else(|| {
            refused("it holds weights but no description of the network; give one (--network)".into())
        })?;
        let classes = spec.output()?.len();
        if classes < 2 {
            let reason =
                "the network has one output; a score needs a classifier, with an output for each class";
            return Err(refused(reason.into()));
        }
        let n_layers = spec.layers.len();
        let layers = layers.unwrap_or(n_layers.saturating_sub(1).max(1));
        let body = spec.until(layers).map_err(|e| ConfigError { key: "features".into(), ..e })?;
        let shape = body.output()?;
        if shape.len() > MOST_FEATURES {
            return Err(refused(format!(
                "layer {layers} has {} outputs, and at most {MOST_FEATURES} are used as features; take a later layer of the {n_layers} (--features)",
                shape.len()
            )));
        }
        let (whole, unused) = Network::<f32>::with_arrays(&spec, &arrays).map_err(unfit)?;
        let mut features = new(&body)?;
        let cut = features.params().len();
        features.update(|params| params.copy_from_slice(&whole.params()[..cut]));
        let head = if layers < n_layers {
            let input = if shape.is_vector() {
                vec![shape.len()]
            } else {
                vec![shape.channels, shape.height, shape.width]
            };
            let mut head = new(&NetworkSpec { input, layers: spec.layers[layers..].to_vec() })?;
            head.update(|params| params.copy_from_slice(&whole.params()[cut..]));
            Some(head)
        } else {
            None
        };
        Ok(Self { spec, weights: weights.into(), sha256, layers, features, head, unused })
    }

    /// The whole network.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// The file of its weights.
    pub fn weights(&self) -> &Path {
        &self.weights
    }

    /// The SHA-256 of that file in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Behind how many layers features are taken.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Features of an image.
    pub fn n_features(&self) -> usize {
        self.features.n_out()
    }

    /// Classes.
    pub fn n_classes(&self) -> usize {
        self.head.as_ref().map_or(self.n_features(), Network::n_out)
    }

    /// Arrays of the file that the network did not ask for.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    /// Writes features, `rows x n_features`, and probabilities (softmax of the outputs), `rows x n_classes`.
    ///
    /// # Panics
    /// When a number of rows or columns is another.
    pub fn evaluate(&self, x: Batch<'_>, features: BatchMut<'_>, mut probabilities: BatchMut<'_>) {
        let mut found = Points::zeros(x.rows(), self.n_features());
        self.features.values(x, found.as_batch_mut());
        match &self.head {
            Some(head) => head.values(found.as_batch(), probabilities.reborrow()),
            None => probabilities.data_mut().copy_from_slice(found.data()),
        }
        features.into_data().copy_from_slice(found.data());
        probabilities.iter_mut().for_each(softmax);
    }
}

fn new(spec: &NetworkSpec) -> Result<Network<f32>, ScoreError> {
    Ok(Network::new(spec, Init::Uniform, &mut Stream::new(0, 0))?)
}

/// A file whole; one that is too large is cut, and refused as such where it is read.
fn read(path: &Path) -> Result<Vec<u8>, IoError> {
    use std::io::Read;
    let mut bytes = vec![];
    let file = std::fs::File::open(path).map_err(IoError::file("read", path))?;
    file.take(ImportLimits::for_file(0).file + 1)
        .read_to_end(&mut bytes)
        .map_err(IoError::file("read", path))?;
    Ok(bytes)
}

fn softmax(row: &mut [f64]) {
    let most = row.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    row.iter_mut().for_each(|v| *v = (*v - most).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|v| *v /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Model, named_network, to_safetensors};

    /// LeNet at random weights, stored with its description or without.
    fn stored(folder: &Path, described: bool) -> (Network<f32>, PathBuf) {
        let spec = named_network("lenet5").unwrap();
        let network = Network::new(&spec, Init::Uniform, &mut Stream::new(4, 0)).unwrap();
        let metadata = [("mixwell.network", serde_json::to_string(&spec).unwrap())];
        let path = folder.join("network.safetensors");
        let metadata = if described { &metadata[..] } else { &[] };
        std::fs::write(&path, to_safetensors(&network, &[], metadata)).unwrap();
        (network, path)
    }

    #[test]
    fn a_cut_network_gives_what_the_whole_one_gives() {
        let folder = tempfile::tempdir().unwrap();
        let (network, path) = stored(folder.path(), true);
        let mut x = Points::zeros(70, 1024);
        Stream::new(1, 0).fill_normal(x.data_mut());
        let mut logits = Points::zeros(70, 10);
        network.values(x.as_batch(), logits.as_batch_mut());
        logits.as_batch_mut().iter_mut().for_each(softmax);
        for layers in 1..=network.spec().layers.len() {
            let found = Extractor::open(&path, None, Some(layers));
            if layers == 1 {
                // 6 x 28 x 28 numbers are too many.
                assert!(found.unwrap_err().to_string().contains("--features"));
                continue;
            }
            let Ok(extractor) = found else { continue };
            let mut features = Points::zeros(70, extractor.n_features());
            let mut probabilities = Points::zeros(70, 10);
            extractor.evaluate(x.as_batch(), features.as_batch_mut(), probabilities.as_batch_mut());
            let error = |a: &Points, b: &Points| {
                a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            };
            assert!(error(&probabilities, &logits) < 1e-6, "{layers}");
        }
        let extractor = Extractor::open(&path, None, None).unwrap();
        assert_eq!((extractor.layers(), extractor.n_features(), extractor.n_classes()), (11, 84, 10));
        let sum: String =
            Sha256::digest(std::fs::read(&path).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(extractor.sha256(), sum);
        assert_eq!(network.layout().len(), 10);
    }

    #[test]
    fn what_makes_no_extractor_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (_, path) = stored(folder.path(), false);
        let refused = |described: Option<&str>, layers| {
            let spec = described.map(|name| named_network(name).unwrap());
            let error = Extractor::open(&path, spec, layers).unwrap_err();
            assert!(error.is_input());
            error.to_string()
        };
        assert!(refused(None, None).contains("--network"));
        assert!(refused(Some("mnist_mlp_critic"), None).contains("one output"));
        assert!(refused(Some("resnet20"), None).contains("network.safetensors"));
        assert!(refused(Some("lenet5"), Some(0)).contains("`features` is 0"));
        assert!(refused(Some("lenet5"), Some(13)).contains("12 layers"));
        assert!(Extractor::open(&path, named_network("lenet5"), None).is_ok());
        let missing = Extractor::open(Path::new("/no/where.pth"), None, None).unwrap_err();
        assert!(missing.to_string().contains("/no/where.pth"));
    }
}
