//! The arguments of every subcommand; the doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mixwell::gan::calibrate::CalibratorKind;

/// TOML, in which a run folder keeps the seed, has no larger whole number.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Sample distributions that ordinary MCMC gets stuck in.
///
/// Exit status: 0 finished, 2 bad input, 1 any other failure (also: interrupted, and a published value that was not
/// reproduced), 3 finished but not converged when --strict is given.
#[derive(Debug, Parser)]
#[command(name = "mixwell", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sample the target of a config file into a new run folder.
    Run(RunArgs),
    /// Train what a config file describes (a classifier of images) into a new run folder.
    Train(TrainArgs),
    /// Look whether the target of a config file keeps what it promises, before hours are spent on it: finite starts, gradient, derived quantities.
    Check(TargetCheckArgs),
    /// Go on with an interrupted run or training: draws and weights are those of one that was never interrupted.
    Resume(ResumeArgs),
    /// Show means, errors, diagnostics and the verdict of a run, or what came out of a training.
    Summary(SummaryArgs),
    /// Write a finished run as one HTML page: the verdict, a table that sorts, figures, every setting. Nothing in it is fetched from elsewhere.
    Report(ReportArgs),
    /// Estimate the normalising constant of the target of a config file, by one estimator or several side by side.
    Evidence(EvidenceArgs),
    /// Look at a trained law: its log Z in several ways, its density on a grid, energies of data sets, distance from the truth.
    Density(DensityArgs),
    /// Write a config for a target, with every default and a comment on each, to standard output.
    Init(InitArgs),
    /// List what there is, with parameters and defaults.
    List(ListArgs),
    /// Run a published experiment and set what comes out beside what was published.
    Reproduce(ReproduceArgs),
    /// Score images beside reference images by what a network sees in them (class score, Frechet distance), or points beside a law.
    Score(ScoreArgs),
    /// Pictures of a run among the latents of a GAN: single chains along their way, before and after, two latents over their density.
    Pictures(PicturesArgs),
    /// Make the scores of a GAN's discriminator log-ratios of densities, by real points that it was not trained on.
    Calibrate(CalibrateArgs),
    /// Look into files of networks.
    Network(NetworkArgs),
    /// Write completions for a shell to standard output.
    Completions(CompletionsArgs),
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The config file (TOML); `mixwell init` writes one.
    pub config: PathBuf,
    /// The run folder to create [default: runs/NAME, from the config file's name].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed, instead of the one in the config.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: Option<u64>,
    /// Also write the report of the run, report.html in its folder.
    #[arg(long)]
    pub report: bool,
    #[command(flatten)]
    pub session: SessionArgs,
}

/// Options of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The config file (TOML), with the `kind` of training.
    pub config: PathBuf,
    /// The run folder to create [default: runs/NAME, from the config file's name].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed, instead of the one in the config.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub session: SessionArgs,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run folder.
    pub dir: PathBuf,
    #[command(flatten)]
    pub session: SessionArgs,
}

/// What `run`, `train` and `resume` share.
#[derive(Debug, Args)]
pub struct SessionArgs {
    /// Number of threads [default: all cores]. Draws and weights do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print neither progress nor summary, only warnings and errors.
    #[arg(long, short)]
    pub quiet: bool,
    /// End with status 3 when the draws do not pass the verdict, or training went badly.
    #[arg(long)]
    pub strict: bool,
}

/// Options of `summary`.
#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// The run folder.
    pub dir: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run folder.
    pub dir: PathBuf,
    /// The file to write [default: report.html in the run folder].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of `evidence`.
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// The config file (TOML); `mixwell init TARGET --evidence` writes one.
    pub config: PathBuf,
    /// The JSON file to create [default: runs/NAME-evidence.json, from the config file's name].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Seed, instead of the one in the config.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: Option<u64>,
    /// Number of threads [default: all cores]. Estimates do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print neither progress nor table, only errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `density`.
#[derive(Debug, Args)]
pub struct DensityArgs {
    /// The folder of a training of an energy, a folder with a law.json, or a network of one output (.safetensors).
    pub law: PathBuf,
    /// The folder to write to [default: runs/NAME-density, from the law's name].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A TOML file with the [target] that the law should be [default: the law that its data are drawn from].
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Data whose energies are looked at, a table or .npy with a point in every row [default: those that it was trained on].
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Other data, to be told from these by their energies (AUROC); may be given several times.
    #[arg(long, value_name = "FILE")]
    pub others: Vec<PathBuf>,
    /// Points whose log-density is written to points.csv.
    #[arg(long, value_name = "FILE")]
    pub points: Option<PathBuf>,
    /// Walk from one row of --points, or else of the data, to another (the first is 0).
    #[arg(long, value_name = "FROM,TO", value_delimiter = ',')]
    pub walk: Option<Vec<usize>>,
    /// Cells on a side of the grid, for laws in the plane.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub cells: usize,
    /// Lower corner of the grid [default: a box twice as wide as the data].
    #[arg(long, value_name = "X,Y", value_delimiter = ',', allow_hyphen_values = true, requires = "high")]
    pub low: Option<Vec<f64>>,
    /// Upper corner of the grid.
    #[arg(long, value_name = "X,Y", value_delimiter = ',', allow_hyphen_values = true, requires = "low")]
    pub high: Option<Vec<f64>>,
    /// Weighted draws of an estimate of log Z; chains and particles follow from it.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = draws_parser())]
    pub draws: usize,
    /// Seed of every estimate.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: u64,
    /// Number of threads [default: all cores]. Numbers do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print neither progress nor table, only errors.
    #[arg(long, short)]
    pub quiet: bool,
    /// End with status 3 when something keeps the numbers from being believed, such as estimates that disagree.
    #[arg(long)]
    pub strict: bool,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct TargetCheckArgs {
    /// The config file of a run (TOML).
    pub config: PathBuf,
    /// Points that are looked at, drawn as the chains' starts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub points: u16,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The target's kind; `mixwell list targets` shows them.
    pub target: String,
    /// The method; `mixwell list methods` shows them.
    #[arg(long, default_value = "auto")]
    pub method: String,
    /// Write a config for `mixwell evidence`, with all estimators, instead of one for `mixwell run`.
    #[arg(long, conflicts_with = "method")]
    pub evidence: bool,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list.
    pub what: Catalogue,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Catalogue {
    /// Named ways to sample: kernels and a schedule.
    Methods,
    /// How chains move.
    Kernels,
    /// What can be sampled.
    Targets,
    /// What can be trained to propose global moves.
    Flows,
    /// Networks of the sources and of files that people have.
    Networks,
    /// What estimates the normalising constant.
    Estimators,
}

/// Options of `reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    /// The experiment: an id like e01 (e02 stands for e02a and e02b), `all`, or a TOML file of your own.
    pub id: String,
    /// How much is run: `quick` takes seconds to minutes, `full` is the published protocol.
    #[arg(long, value_enum, default_value_t = Preset::Quick)]
    pub preset: Preset,
    /// Where results go, each experiment into a folder of its own [default: runs/reproduce/PRESET]. Cells that are there
    /// already are not run again.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run nothing; write tables and figures of the cells that are there already.
    #[arg(long)]
    pub finished_only: bool,
    /// Number of threads [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print the outcome only.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How much of an experiment is run.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Preset {
    /// A part, in seconds to minutes.
    Quick,
    /// The published protocol.
    Full,
}

impl Preset {
    /// Its name in experiment files.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Quick => "quick",
            Preset::Full => "full",
        }
    }
}

/// How scores are repaired.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CalibrationMethod {
    /// Not at all: the scores as they are, with those of real points.
    Raw,
    /// `a D + b` of the probability D.
    Linear,
    /// `a d + b` of the score d (Platt).
    Logistic,
    /// The best rising function; without a gradient.
    Isotonic,
    /// `a ln D - b ln(1 - D) + c`.
    Beta,
}

impl CalibrationMethod {
    /// Which it is.
    pub fn kind(self) -> CalibratorKind {
        match self {
            Self::Raw => CalibratorKind::Raw,
            Self::Linear => CalibratorKind::Linear,
            Self::Logistic => CalibratorKind::Logistic,
            Self::Isotonic => CalibratorKind::Isotonic,
            Self::Beta => CalibratorKind::Beta,
        }
    }
}

/// Options of `pictures`.
#[derive(Debug, Args)]
pub struct PicturesArgs {
    /// The folder of a finished run whose target is a GAN.
    #[arg(value_name = "RUN")]
    pub dir: PathBuf,
    /// Where the pictures go [default: RUN/pictures].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Chains whose way is shown, the first ones.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = pictured_parser())]
    pub chains: usize,
    /// Steps of them that are shown, from the first draw to the last.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = pictured_parser())]
    pub columns: usize,
    /// Draws of the prior, and last states beside them, at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = pictured_parser())]
    pub samples: usize,
    /// Seed of the draws of the prior.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: u64,
    /// Number of threads [default: all cores]. Pictures do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// As many as can be looked at.
fn pictured_parser() -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    clap::value_parser!(u64).range(1..=10_000).map(|n| n as usize)
}

/// Options of `calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// A config whose target is of kind = "gan", or the folder of a training of such a one.
    #[arg(value_name = "CONFIG|DIR")]
    pub gan: PathBuf,
    /// Real points that the discriminator was not trained on: a table, .npy, or images, as they were before any scaling of the training.
    #[arg(long, value_name = "DATA")]
    pub real: PathBuf,
    /// How scores are repaired.
    #[arg(long, value_enum, default_value = "logistic")]
    pub method: CalibrationMethod,
    /// Real points at most, chosen at random; as many are generated. Half of each fit, the other half measures.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub count: usize,
    /// The file to write; a picture of the same name ends in .svg.
    #[arg(long, value_name = "FILE", default_value = "calibration.json")]
    pub out: PathBuf,
    /// Seed of the choice of points and of generated ones.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: u64,
    /// Number of threads [default: all cores]. Numbers do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Options of `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The images: idx, CIFAR's binary, optdigits or .npy of bytes, plain, gzip or xz, or a folder of PNG pictures; or the folder of a run on a
    /// trained energy of images (its draws), of the training of one (its bank), or of long chains (what they kept). Or points: a table, .npy, or such a folder.
    #[arg(value_name = "IMAGES|POINTS")]
    pub images: PathBuf,
    /// The images that they are set beside, of the same kinds. None for points.
    pub reference: Option<PathBuf>,
    /// Weights of a classifier: a file of `mixwell train`, PyTorch, NumPy or safetensors.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Training images of what made the images: says whether these are copies. The reference should be images that were held out.
    #[arg(long, value_name = "IMAGES")]
    pub training: Option<PathBuf>,
    /// A TOML file with the [target] that points should follow [default: the target of the run].
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// The variable of a run's draws that holds the points.
    #[arg(long, value_name = "NAME", default_value = "x")]
    pub variable: String,
    /// Points are of high quality as near to a mode as this share of its own draws.
    #[arg(long, value_name = "SHARE", default_value_t = 0.999, conflicts_with = "deviations")]
    pub quantile: f64,
    /// Points are of high quality within so many standard deviations of a mode, instead of --quantile.
    #[arg(long, value_name = "N")]
    pub deviations: Option<f64>,
    /// A mode is covered by so many points of high quality.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "least_share")]
    pub least: usize,
    /// A mode is covered by this share of the points that its weight expects, instead of --least.
    #[arg(long, value_name = "SHARE")]
    pub least_share: Option<f64>,
    /// The network of the weights: a name of `mixwell list networks` or a file (.toml, .json) [default: the description in the weights].
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// Take features behind so many layers [default: all but the last].
    #[arg(long, value_name = "LAYERS")]
    pub features: Option<usize>,
    /// What black and white become.
    #[arg(
        long,
        value_name = "BLACK,WHITE",
        value_delimiter = ',',
        allow_hyphen_values = true,
        default_value = "0,1"
    )]
    pub pixels: Vec<f64>,
    /// Frame images that are smaller than what the network takes with black.
    #[arg(long)]
    pub pad: bool,
    /// Mean of each channel, taken away.
    #[arg(long, value_name = "MEANS", value_delimiter = ',', allow_hyphen_values = true, requires = "sd")]
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, divided by.
    #[arg(long, value_name = "DEVIATIONS", value_delimiter = ',', requires = "mean")]
    pub sd: Vec<f64>,
    /// Splits of the class score.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub splits: usize,
    /// Seed of the order in which images are taken into splits, or of the exact draws beside points.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=LARGEST_SEED))]
    pub seed: u64,
    /// Write the first 100 images as one PNG picture.
    #[arg(long, value_name = "FILE")]
    pub grid: Option<PathBuf>,
    /// Number of threads [default: all cores]. Scores do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Options of `network`.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// What to do with the file.
    #[command(subcommand)]
    pub command: NetworkCommand,
}

/// What can be done with a file of a network.
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// List the arrays of a file with their shapes and types: a PyTorch checkpoint, NumPy's .npy or .npz, safetensors, or ONNX. Then a
    /// description of the network in TOML: the file's own, or one guessed from the arrays, to be edited. Nothing in the file is
    /// executed.
    Inspect(InspectArgs),
    /// Say whether a description and weights fit, and evaluate the network at a few points.
    ///
    /// The files are DESCRIPTION WEIGHTS, or one that describes itself: ONNX, or a file of ours.
    Check(CheckArgs),
    /// Write a network to another file: safetensors with its description inside, or ONNX.
    Convert(ConvertArgs),
}

/// Options of `network inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file; what it is, its contents say.
    pub file: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Which arrays of a file are the weights.
#[derive(Debug, Args)]
pub struct WeightsArgs {
    /// Take the arrays below this key only, e.g. state_dict.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Take this prefix from names that all have it, e.g. module.; may be given several times.
    #[arg(long, value_name = "PREFIX")]
    pub strip: Vec<String>,
}

/// Options of `network check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The description (TOML, JSON, or a name of `mixwell list networks`); or, alone, a file that describes itself.
    pub file: PathBuf,
    /// The file of its weights.
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub source: WeightsArgs,
    /// Points to evaluate (.npy, a row for each) instead of draws of N(0, 1).
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// How many draws of N(0, 1).
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = rows_parser())]
    pub rows: usize,
    /// Seed of the draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// So many draws that an error can be told.
fn draws_parser() -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    clap::value_parser!(u64).range(100..=1_000_000_000_000).map(|n| n as usize)
}

/// A number of rows that is worth waiting for.
fn rows_parser() -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    clap::value_parser!(u64).range(1..=10_000).map(|n| n as usize)
}

/// Options of `network convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The network: a file that describes itself, or the weights of --description.
    pub file: PathBuf,
    /// The file to write, .safetensors or .onnx.
    pub out: PathBuf,
    /// The description, where the file has none: TOML, JSON, or a name of `mixwell list networks`.
    #[arg(long, value_name = "FILE")]
    pub description: Option<PathBuf>,
    #[command(flatten)]
    pub source: WeightsArgs,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}
