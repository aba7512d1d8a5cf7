//! Draws do not depend on the number of threads, nor on the size of batches.

use mixwell::config::parse;
use mixwell::io::{DataFiles, Phase};
use mixwell::sampler::{RunConfig, Sampler};

const METHODS: &[&str] = &[
    "[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 30\n[method.global]\nn_particles = 6\n",
    "[target]\nkind = 'two_modes'\n[method]\nkind = 'ex2'\nwarmup = 30\n[method.global]\nn_particles = 6\nproposal = { kind = 'gaussian', sd = [2.0] }\n",
    "[target]\nkind = 'two_modes'\n[method]\nkind = 'flex2'\nburn_in = 10\ntrain_iterations = 20\ntune = 5\nfrozen = 4\n[method.global]\nn_particles = 6\n",
    "[target]\nkind = 'dual_moon'\n[method]\nkind = 'flowmc'\nlocal_steps = 8\nglobal_steps = 3\ntraining_loops = 4\nfrozen = 6\n",
    "[target]\nkind = 'phi4'\nsites = 6\n[method]\nkind = 'flex2'\nburn_in = 10\ntrain_iterations = 12\ntune = 5\nfrozen = 4\nlocal = { kind = 'sequence', parts = [{ kind = 'mala' }, { kind = 'symmetry' }] }\n[method.global]\nn_particles = 6\nproposal = { kind = 'averaged' }\n",
    "[target]\nkind = 'banana'\n[method]\nkind = 'neutra'\nlocal_steps = 8\ntraining_loops = 3\nreverse_steps = 4\ntune = 8\nfrozen = 4\n",
    "[target]\nkind = 'dual_moon'\n[method]\nkind = 'flowmc'\nlocal_steps = 8\nglobal_steps = 3\ntraining_loops = 4\nfrozen = 6\nlocal = { kind = 'parallel_tempering', n_steps = 2 }\n",
    "[target]\nkind = 'two_modes'\n[method]\nkind = 'score_climbing'\ntrain_iterations = 20\nfrozen = 4\n",
    "[target]\nkind = 'eight_schools'\n[method]\nkind = 'kernel'\nwarmup = 50\nkernel = { kind = 'nuts' }\n",
    "[target]\nkind = 'two_modes'\n[method]\nkind = 'schedule'\nproduction = [{ kernel = 'a', times = 3 }, { kernel = 'b' }]\nkernels = { a = { kind = 'random_walk' }, b = { kind = 'hmc', n_leapfrog = 3 } }\nwarmup = [{ repeat = 5, actions = [{ move = { kernel = 'a' } }, { move = { kernel = 'b', times = 2 } }] }]\n",
];

fn draws(text: &str, threads: usize, rows: usize) -> Vec<u64> {
    let text = format!("chains = 7\ndraws = 40\nthin = 2\nmax_batch_rows = {rows}\n{text}");
    let config: RunConfig = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}")).settings;
    let target = config.target.as_ref().unwrap().build(&DataFiles).unwrap();
    let run = Sampler::from_config(target.into(), config).threads(threads).run().unwrap();
    let draws = run.draws().unwrap();
    [Phase::Warmup, Phase::Production].iter().flat_map(|g| draws.values(*g)).map(|v| v.to_bits()).collect()
}

#[test]
fn draws_do_not_depend_on_threads_or_batches() {
    for text in METHODS {
        let one = draws(text, 1, 16_384);
        for (threads, rows) in [(2, 16_384), (3, 16_384), (1, 1), (1, 5), (3, 13)] {
            assert!(draws(text, threads, rows) == one, "{threads} threads, batches of {rows}:\n{text}");
        }
    }
}
