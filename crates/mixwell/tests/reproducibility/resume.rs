//! Runs that are interrupted at chosen places of every phase, also in the middle of training, and resumed: the draws are
//! those of a run that was left alone, bit for bit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mixwell::config::parse;
use mixwell::io::{DataFiles, DrawReader};
use mixwell::sampler::{Ending, Event, Observer, RunConfig, Sampler};

const CONFIGS: &[(&str, &str)] = &[
    (
        "flex2",
        "chains = 3\ndraws = 30\nthin = 3\nrao_blackwell = true\n[target]\nkind = 'two_modes'\n[method]\nkind = 'flex2'\nburn_in = 10\ntrain_iterations = 20\ntune = 5\nfrozen = 4\nlocal_steps = 2\n[method.global]\nn_particles = 6\ncorrelation = 0.5\ncorrelation_prob = 0.5\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n",
    ),
    (
        "flowmc",
        "chains = 3\ndraws = 30\n[target]\nkind = 'dual_moon'\n[method]\nkind = 'flowmc'\nlocal_steps = 8\nglobal_steps = 3\ntraining_loops = 4\nepochs = 3\nfrozen = 6\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n[training]\nbatch = 16\n",
    ),
    (
        "neutra",
        "chains = 3\ndraws = 30\n[target]\nkind = 'banana'\n[method]\nkind = 'neutra'\nlocal_steps = 8\ntraining_loops = 3\nreverse_steps = 4\ntune = 8\nfrozen = 4\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n",
    ),
    (
        "ex2",
        "chains = 3\ndraws = 40\n[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 40\nfrozen = 4\n[method.global]\nn_particles = 6\n[flow]\nkind = 'realnvp'\nn_blocks = 1\nhidden = [4]\nwhitening = 'full'\n",
    ),
    (
        "flowmc with parallel tempering",
        "chains = 3\ndraws = 30\n[target]\nkind = 'dual_moon'\n[method]\nkind = 'flowmc'\nlocal_steps = 8\nglobal_steps = 3\ntraining_loops = 4\nepochs = 3\nfrozen = 6\n[method.local]\nkind = 'parallel_tempering'\nn_steps = 2\nn_temperatures = 3\nsweep = 'even_odd'\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n[training]\nbatch = 16\n",
    ),
    (
        "score_climbing",
        "chains = 3\ndraws = 30\n[target]\nkind = 'two_modes'\n[method]\nkind = 'score_climbing'\nlocal_steps = 1\ntrain_iterations = 20\ntune = 5\nfrozen = 4\n[method.global]\nn_particles = 6\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n",
    ),
    (
        "flowmc with flow matching",
        "chains = 3\ndraws = 30\n[target]\nkind = 'two_modes'\n[method]\nkind = 'flowmc'\nlocal_steps = 8\nglobal_steps = 3\ntraining_loops = 3\nepochs = 3\nfrozen = 6\n[flow]\nkind = 'flow_matching'\nhidden = [8]\nsolver = { kind = 'adaptive', rtol = 1e-4, atol = 1e-4 }\n[training]\nbatch = 16\n",
    ),
    (
        "a flow averaged over symmetries",
        "chains = 3\ndraws = 40\n[target]\nkind = 'phi4'\nsites = 6\n[method]\nkind = 'flex2'\nburn_in = 10\ntrain_iterations = 12\ntune = 5\nfrozen = 4\nlocal = { kind = 'sequence', parts = [{ kind = 'mala' }, { kind = 'symmetry' }] }\n[method.global]\nn_particles = 6\nproposal = { kind = 'averaged' }\n[flow]\nkind = 'realnvp'\nn_blocks = 2\nhidden = [8]\n",
    ),
    (
        "rejection and fresh chains",
        "chains = 3\ndraws = 40\n[target]\nkind = 'two_modes'\n[method]\nkind = 'kernel'\nwarmup = 30\nfrozen = 4\n[method.kernel]\nkind = 'mixture'\nweights = [1.0, 1.0]\nparts = [{ kind = 'rejection', batch = 4, candidates = 8, proposal = { kind = 'gaussian', sd = [3.0] } }, { kind = 'independent_chain', proposals = 5, proposal = { kind = 'gaussian', sd = [3.0] } }]\n",
    ),
];

/// Sets the flag after the `left`-th report of progress; training reports before each call.
struct StopAfter {
    left: usize,
    flag: Arc<AtomicBool>,
}

impl Observer for StopAfter {
    fn event(&mut self, event: &Event) {
        if let Event::Progress(_) = event {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                self.flag.store(true, Ordering::Relaxed);
            }
        }
    }
}

fn sampler(text: &str, folder: &Path) -> Sampler {
    let config: RunConfig = parse(text).unwrap_or_else(|e| panic!("{e}")).settings;
    let target = config.target.as_ref().unwrap().build(&DataFiles).unwrap();
    Sampler::from_config(target.into(), config).folder(folder)
}

fn draws(run: &Path) -> Vec<(String, Vec<u64>)> {
    let reader = DrawReader::open(&run.join("draws.zarr")).unwrap();
    let mut all = vec![];
    for group in reader.groups().unwrap() {
        for v in reader.variables(&group).unwrap() {
            let values = reader.read_variable(&group, &v.name, 1).unwrap();
            all.push((format!("{group}/{}", v.name), values.iter().map(|x| x.to_bits()).collect()));
        }
    }
    all
}

/// Runs, stopping `every` reports after each start, until the end; gives the number of interruptions.
fn interrupted(text: &str, folder: &Path, every: usize) -> usize {
    for session in 0..10_000 {
        let flag = Arc::new(AtomicBool::new(false));
        let observer = StopAfter { left: every, flag: flag.clone() };
        let sampler = sampler(text, folder).observer(observer).interrupt(flag);
        let run = if session == 0 { sampler.run() } else { sampler.resume() }.unwrap();
        if let Ending::Finished(_) = run.ending() {
            return session;
        }
    }
    panic!("no end");
}

fn check(which: usize, everies: &[usize]) {
    let (name, text) = CONFIGS[which];
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let whole = folder.path().join("whole");
    let run = sampler(text, &whole).run().unwrap();
    let expected = draws(&whole);
    let summary = run.summary().unwrap();
    for &every in everies {
        let path = folder.path().join(format!("every_{every}"));
        let interruptions = interrupted(text, &path, every);
        assert!(interruptions > 0 || every > 60, "{name}: {every} reports are too many");
        let found = draws(&path);
        for ((name_of, a), (_, b)) in expected.iter().zip(&found) {
            assert!(a == b, "{name}, interrupted every {every} reports: {name_of} differs");
        }
        assert_eq!(expected.len(), found.len());
        let other = std::fs::read_to_string(path.join("summary.json")).unwrap();
        let mut other = mixwell::sampler::Summary::from_json(&other).unwrap();
        other.wall_seconds = summary.wall_seconds;
        assert_eq!(other.to_json(), summary.to_json(), "{name}, every {every}");
    }
}

// One report would end a training call before it begins, again and again: an interruption rolls a call back.
#[test]
fn flex2_resumes_anywhere() {
    check(0, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn flowmc_resumes_anywhere() {
    check(1, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn neutra_resumes_anywhere() {
    check(2, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn ex2_resumes_anywhere() {
    check(3, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn rejection_and_fresh_chains_resume_anywhere() {
    check(7, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn replicas_resume_anywhere() {
    check(4, &[2, 3, 5, 11, 17, 29]);
}

#[test]
fn score_climbing_resumes_anywhere() {
    check(5, &[2, 3, 5, 11, 17]);
}

#[test]
fn flow_matching_resumes_anywhere() {
    check(6, &[2, 5, 17]);
}

/// The chains of a checkpoint stand where they stand: neither going on nor looking evaluates any start.
#[test]
fn looking_at_a_run_evaluates_nothing_and_going_on_no_starts() {
    use mixwell::density::{Counted, StandardGaussianConfig, Target};
    let config: RunConfig = parse("chains = 5\ndraws = 20\n[method]\nkind = 'kernel'\nwarmup = 20\n")
        .unwrap_or_else(|e| panic!("{e}"))
        .settings;
    let target =
        Arc::new(Counted::new(StandardGaussianConfig { dim: 2, ..Default::default() }.build().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let sampler = || {
        Sampler::from_config(target.clone() as Arc<dyn Target>, config.clone())
            .folder(folder.path().join("run"))
    };
    let flag = Arc::new(AtomicBool::new(false));
    let observer = StopAfter { left: 10, flag: flag.clone() };
    sampler().observer(observer).interrupt(flag).run().unwrap();
    let counts = || (target.densities(), target.gradients());
    let look = |draws: bool| {
        target.reset();
        let summary = sampler().peek().unwrap();
        assert!(!summary.finished && (summary.draws > 0) == draws);
        assert_eq!(counts(), (0, 0), "by a look");
    };
    look(false);
    // Ten reports later the warm-up is over; one more chunk, and there are draws.
    let flag = Arc::new(AtomicBool::new(false));
    let observer = StopAfter { left: 11, flag: flag.clone() };
    sampler().observer(observer).interrupt(flag).resume().unwrap();
    look(true);
    target.reset();
    let stopped = Arc::new(AtomicBool::new(true));
    sampler().interrupt(stopped).resume().unwrap();
    assert!(counts().0 == 0, "starts were evaluated when going on: {:?}", counts());
}
