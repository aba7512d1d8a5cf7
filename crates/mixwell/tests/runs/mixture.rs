//! Three equal Gaussian modes, single chains from the origin: MALA alone stays in one mode, Ex2MCMC visits all three.
//!
//! Numbers to meet, calculated over 800 independent runs of 100 iterations with an independent program: acceptance of
//! MALA .668 (sd .029 per run), of MALA inside Ex2 .667 (sd .031), move rate of i-SIR inside Ex2 .265, all three modes
//! visited by 0 of 800 and 800 of 800 runs. Settings: lambda = N(0, 16 I), N = 3, MALA with eta = 1, three local steps.
//! Reference: Samsonov et al. (2022), the single-chain mixing example.

use mixwell::density::ThreeModesConfig;
use mixwell::io::Phase;
use mixwell::kernel::{IsirConfig, KernelConfig, MalaConfig, ProposalConfig, StepRule, StepSize, ex2};
use mixwell::proposal::GaussianProposalConfig;
use mixwell::sampler::{KernelMethod, Method, Run, Sampler, Start};

const RUNS: usize = 800;
const CENTRES: [[f64; 2]; 3] = [[0.0, 4.0], [3.464_101_615, -2.0], [-3.464_101_615, -2.0]];

fn run(kernel: KernelConfig, seed: u64) -> Run {
    let method = Method::Kernel(KernelMethod { kernel: Box::new(kernel), warmup: 0, frozen: 0 });
    Sampler::new(ThreeModesConfig::default().build().unwrap())
        .method(method)
        .chains(RUNS)
        .draws(100)
        .start(Start::Points { points: vec![vec![0.0, 0.0]] })
        .seed(seed)
        .run()
        .unwrap()
}

fn local(eta: f64) -> KernelConfig {
    let mala =
        MalaConfig { step_size: StepSize::from_eta(eta), adapt: StepRule::Fixed, ..MalaConfig::default() };
    KernelConfig::Mala(mala).repeat(3)
}

fn ex2_of(eta: f64, sd: f64) -> KernelConfig {
    let lambda = GaussianProposalConfig { sd: vec![sd], ..GaussianProposalConfig::default() };
    let proposal = ProposalConfig::Gaussian(lambda);
    ex2(KernelConfig::Isir(IsirConfig { n_particles: 3, proposal, ..IsirConfig::default() }), local(eta))
}

/// How many chains came within distance 3 of every mode.
fn visited_all(run: &Run) -> usize {
    let draws = run.draws().unwrap();
    let coordinates = [0, 1].map(|i| draws.scalar(Phase::Production, i, 1));
    let length = coordinates[0].len() / RUNS;
    (0..RUNS)
        .filter(|chain| {
            CENTRES.iter().all(|c| {
                (chain * length..(chain + 1) * length)
                    .any(|t| (coordinates[0][t] - c[0]).hypot(coordinates[1][t] - c[1]) < 3.0)
            })
        })
        .count()
}

fn acceptance(run: &Run, role: &str) -> (f64, f64) {
    let table = &run.summary().unwrap().acceptance;
    let kernel = table.values().find(|k| k.role == role).unwrap();
    (kernel.acceptance_rate, kernel.move_rate)
}

/// Five standard errors of the difference between our mean over 800 runs and the calculated one, as many runs each.
fn band(sd_per_run: f64) -> f64 {
    5.0 * sd_per_run * (2.0 / RUNS as f64).sqrt()
}

#[test]
fn ex2_visits_all_modes_at_the_calculated_rates() {
    let run = run(ex2_of(1.0, 4.0), 1);
    let (local, _) = acceptance(&run, "local");
    let (_, global) = acceptance(&run, "global");
    let visited = visited_all(&run);
    println!("Ex2: local {local:.4}, i-SIR moves {global:.4}, all modes in {visited} of {RUNS}");
    assert!((local - 0.667).abs() < band(0.031), "local acceptance {local}");
    // A hundred moves per run, nearly a binomial count: sd at most 2 sqrt(.265 .735 / 100) with autocorrelation.
    assert!((global - 0.265).abs() < band(0.06), "i-SIR moves {global}");
    assert!(visited >= 799, "{visited}");
}

#[test]
fn mala_alone_stays_in_one_mode() {
    let run = run(local(1.0), 2);
    let (local, _) = acceptance(&run, "local");
    let visited = visited_all(&run);
    println!("MALA: acceptance {local:.4}, all modes in {visited} of {RUNS}");
    assert!((local - 0.668).abs() < band(0.029), "{local}");
    assert_eq!(visited, 0);
}

#[test]
fn other_settings_miss_the_band() {
    // A step of 0.9 in place of 1 and lambda of variance 4 in place of 16: the checks above can tell.
    let (local, _) = acceptance(&run(local(0.9), 3), "local");
    assert!((local - 0.668).abs() > band(0.029), "{local}");
    let (_, global) = acceptance(&run(ex2_of(1.0, 2.0), 4), "global");
    assert!((global - 0.265).abs() > band(0.06), "{global}");
}
