//! The table: every kernel, and the combinations that have a name.

use mixwell::kernel::*;
use mixwell::proposal::GaussianProposalConfig;

use super::world::World;

pub struct Case {
    pub name: &'static str,
    pub config: KernelConfig,
    /// Whether a number that is computed anew in another way (a latent, a gradient at another temperature) enters the next
    /// position: then the last bits differ.
    pub moves_latents: bool,
    /// Whether it keeps replicas, which start at the chain's point: then the first steps from exact draws are not exact.
    pub replicas: bool,
}

impl Case {
    pub fn build(&self) -> Box<dyn Kernel> {
        self.config.build(2).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// The kernel after a short warm-up from exact draws: tuned step sizes and metrics, frozen.
    pub fn tuned(&self, world: &World) -> Box<dyn Kernel> {
        let mut kernel = self.build();
        world.warm_up(&mut *kernel, &mut world.exact_start(99, 24), 0..60, 60);
        kernel.freeze();
        kernel
    }
}

fn gaussian() -> GaussianProposalConfig {
    GaussianProposalConfig { mean: vec![0.6, 0.3], sd: vec![3.0, 2.0], ..GaussianProposalConfig::default() }
}

fn metric(kernel: KernelConfig, metric: MetricKind) -> KernelConfig {
    match kernel {
        KernelConfig::Mala(c) => KernelConfig::Mala(MalaConfig { metric, ..c }),
        KernelConfig::Hmc(c) => KernelConfig::Hmc(HmcConfig { metric, ..c }),
        KernelConfig::Nuts(c) => KernelConfig::Nuts(NutsConfig { metric, ..c }),
        KernelConfig::RandomWalk(c) => KernelConfig::RandomWalk(RandomWalkConfig { metric, ..c }),
        other => panic!("{} has no metric", other.kind()),
    }
}

fn ladder(kernel: KernelConfig, sweep: Sweep) -> KernelConfig {
    KernelConfig::ParallelTempering(ParallelTemperingConfig {
        kernel: Box::new(kernel),
        n_steps: 2,
        n_temperatures: 3,
        max_temperature: 3.0,
        sweep,
        ..ParallelTemperingConfig::default()
    })
}

fn around(ladder: KernelConfig) -> KernelConfig {
    match ladder {
        KernelConfig::ParallelTempering(c) => {
            KernelConfig::ParallelTempering(ParallelTemperingConfig { reference: Some(gaussian()), ..c })
        }
        other => panic!("{} has no reference", other.kind()),
    }
}

pub fn elliptical() -> KernelConfig {
    KernelConfig::EllipticalSlice(EllipticalSliceConfig { prior: gaussian() })
}

/// The exact kernels, and those that draw anew, with a bias that is stated.
pub fn all_cases() -> Vec<Case> {
    let fixed = || ProposalConfig::Gaussian(gaussian());
    let biased = [
        ("rejection", {
            let gamma = Gamma::Percentile(50.0);
            let config =
                RejectionConfig { proposal: fixed(), batch: 5, candidates: 10, gamma, log_bound: None };
            KernelConfig::Rejection(config)
        }),
        ("independent_chain", {
            KernelConfig::IndependentChain(IndependentChainConfig { proposal: fixed(), proposals: 70 })
        }),
    ];
    let biased =
        biased.into_iter().map(|(name, config)| Case { name, config, moves_latents: false, replicas: false });
    cases().into_iter().chain(biased).collect()
}

/// All exact kernels.
pub fn cases() -> Vec<Case> {
    let case = |name, config| Case { name, config, moves_latents: false, replicas: false };
    let latent = |name, config| Case { name, config, moves_latents: true, replicas: false };
    let tempered = |name, config| Case { name, config, moves_latents: true, replicas: true };
    let fixed = ProposalConfig::Gaussian(gaussian());
    let mixed = ProposalConfig::Defensive { weight: 0.2, wide: gaussian() };
    let isir_with = |proposal: &ProposalConfig, correlation| {
        let proposal = proposal.clone();
        KernelConfig::Isir(IsirConfig { n_particles: 8, proposal, correlation, correlation_prob: 0.7 })
    };
    let imh_with = |proposal: &ProposalConfig| {
        KernelConfig::IndependentMh(IndependentMhConfig { proposal: proposal.clone() })
    };
    let wild_hmc = KernelConfig::Hmc(HmcConfig {
        n_leapfrog: 6,
        jitter: 0.3,
        random_length: true,
        adapt: StepRule::Multiplicative { factor: 1.05, tolerance: 0.03 },
        ..HmcConfig::default()
    });
    let affine = NeutraConfig { kernel: Box::new(hmc(4)), proposal: fixed.clone() };
    vec![
        case("random_walk", random_walk()),
        case("random_walk dense", metric(random_walk(), MetricKind::Dense)),
        case("mala", mala()),
        case("mala diagonal", metric(mala(), MetricKind::Diagonal)),
        case("mala dense", metric(mala(), MetricKind::Dense)),
        case("hmc", hmc(5)),
        case("hmc dense", metric(hmc(5), MetricKind::Dense)),
        case("hmc of random length", wild_hmc),
        case("nuts", nuts()),
        case("nuts dense", metric(nuts(), MetricKind::Dense)),
        case("elliptical_slice", elliptical()),
        case("independent_mh flow", independent_mh()),
        case("independent_mh gaussian", imh_with(&fixed)),
        case("independent_mh defensive", imh_with(&mixed)),
        case("isir flow", isir(8)),
        case("isir two", isir(2)),
        case("isir gaussian", isir_with(&fixed, 0.0)),
        case("isir defensive", isir_with(&mixed, 0.0)),
        latent("isir correlated", isir_with(&ProposalConfig::Flow, 0.9)),
        latent("neutra mala", neutra(mala().repeat(3))),
        latent("neutra nuts", neutra(nuts())),
        latent("neutra slice", neutra(KernelConfig::EllipticalSlice(EllipticalSliceConfig::default()))),
        latent("neutra affine hmc", KernelConfig::Neutra(affine)),
        case("ex2", ex2(isir(8), mala().repeat(3))),
        case("flowmc", sequence([mala().repeat(4), independent_mh().repeat(2)])),
        case("mixture", mixture([(0.3, isir(4)), (0.5, mala().repeat(2)), (0.2, hmc(3))])),
        latent(
            "stacked",
            sequence([neutra(mala()), isir(4), mixture([(1.0, nuts()), (1.0, random_walk())])]),
        ),
        tempered("parallel_tempering", ladder(mala(), Sweep::Sequential)),
        tempered("parallel_tempering metric", ladder(metric(mala(), MetricKind::Dense), Sweep::EvenOdd)),
        tempered("parallel_tempering reference", around(ladder(random_walk(), Sweep::EvenOdd))),
        tempered(
            "parallel_tempering beside isir",
            mixture([(0.5, isir(4)), (0.5, ladder(hmc(3), Sweep::Sequential))]),
        ),
        tempered("parallel_tempering in latent space", neutra(ladder(mala(), Sweep::Sequential))),
        tempered(
            "two ladders",
            sequence([ladder(mala(), Sweep::EvenOdd), around(ladder(random_walk(), Sweep::Sequential))]),
        ),
    ]
}
