//! Coherent state, rows that stay when nothing is accepted, draws that depend on nothing but the seed, honest counts.

use std::sync::atomic::Ordering;

use mixwell::kernel::*;
use mixwell::{BatchMut, Points};

use super::cases::{all_cases, elliptical};
use super::world::World;

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn rejected_step_repeats_the_row() {
    let world = World::new();
    for case in all_cases() {
        // Steps far too long, so that much is rejected.
        let kernel = case.config.clone().step_size(StepSize::from_dt(3.0)).build(2).unwrap();
        let mut chains = world.exact_start(1, 64);
        let n_leaves = kernel.leaves().len();
        for _ in 0..20 {
            let (x, log_prob) = (chains.x().data().to_vec(), chains.log_prob().to_vec());
            let tallies = world.step(&*kernel, &mut chains);
            for (chain, tallies) in tallies.chunks(n_leaves).enumerate() {
                let moved = tallies.iter().any(|t| t.moves > 0);
                let (old, new) = (&x[2 * chain..2 * chain + 2], chains.x().row(chain));
                if !moved {
                    assert_eq!(bits(old), bits(new), "{}: moved without saying so", case.name);
                    assert_eq!(log_prob[chain].to_bits(), chains.log_prob()[chain].to_bits());
                } else if n_leaves == 1 {
                    assert_ne!(bits(old), bits(new), "{}: says it moved", case.name);
                }
                for t in tallies {
                    assert!(t.accept_prob >= 0.0 && t.accept_prob <= f64::from(t.tries) + 1e-9, "{t:?}");
                    assert!(t.moves <= t.tries);
                }
            }
        }
    }
}

#[test]
fn same_draws_for_any_block_size_and_order() {
    let world = World::new();
    for case in all_cases() {
        let kernel = case.tuned(&world);
        let run = |rows: usize| {
            let mut chains = world.exact_start(1, 21);
            let tallies: Vec<_> =
                (0..8).flat_map(|_| world.step_in_blocks(&*kernel, &mut chains, rows)).collect();
            (bits(chains.x().data()), bits(chains.log_prob()), tallies)
        };
        let whole = run(21);
        for rows in [1, 2, 8] {
            assert!(whole == run(rows), "{}: blocks of {rows} draw something else", case.name);
        }
    }
}

#[test]
fn same_draws_for_any_batch_limit() {
    for case in all_cases() {
        let run = |max_rows: usize| {
            let world = World { max_rows, ..World::new() };
            let kernel = case.build();
            let mut chains = world.exact_start(1, 10);
            (0..5).for_each(|_| drop(world.step(&*kernel, &mut chains)));
            bits(chains.x().data())
        };
        let wide = run(10_000);
        assert!([1, 3, 16].iter().all(|&m| run(m) == wide), "{}", case.name);
    }
}

#[test]
fn cached_state_equals_recomputed() {
    let world = World::new();
    for case in all_cases() {
        let kernel = case.tuned(&world);
        let (mut chains, mut twin) = (world.exact_start(1, 32), world.exact_start(1, 32));
        for step in 0..8 {
            world.step(&*kernel, &mut chains);
            twin.recompute(&world.target).unwrap();
            world.step(&*kernel, &mut twin);
            if case.moves_latents {
                let close = chains.x().data().iter().zip(twin.x().data()).all(|(a, b)| (a - b).abs() < 1e-7);
                assert!(close, "{}: step {step} differs from its slow twin", case.name);
            } else {
                let same = bits(chains.x().data()) == bits(twin.x().data());
                assert!(same, "{}: step {step} differs from its slow twin", case.name);
            }
            check_caches(&world, &mut chains, case.name);
        }
    }
}

/// Log-density and gradient bit by bit, log q and latent up to rounding.
fn check_caches(world: &World, chains: &mut Ensemble, name: &str) {
    use mixwell::density::Target;
    use mixwell::proposal::{Proposal, Transport};
    let (n, x) = (chains.n_chains(), Points::from_vec(chains.x().data().to_vec(), 2));
    let (mut log_prob, mut grad) = (vec![0.0; n], vec![0.0; 2 * n]);
    world.target.log_prob_and_grad(x.as_batch(), &mut log_prob, BatchMut::new(&mut grad, 2)).unwrap();
    assert_eq!(bits(&log_prob), bits(chains.log_prob()), "{name}: log-density of another point");
    let (mut log_q, mut z, mut ld) = (vec![0.0; n], Points::zeros(n, 2), vec![0.0; n]);
    world.flow.log_prob(x.as_batch(), &mut log_q);
    world.flow.inverse(x.as_batch(), z.as_batch_mut(), &mut ld);
    for (chain, log_q) in log_q.into_iter().enumerate() {
        if let Some(cached) = chains.log_q(chain, world.flow.version) {
            assert!((cached - log_q).abs() < 1e-9, "{name}: log q of another point");
            let latent = chains.whole().latents().row(chain).to_vec();
            assert!((latent[0] - z.row(chain)[0]).abs() < 1e-9, "{name}: latent of another point");
        }
    }
    // On a copy, so that looking does not fill the cache.
    let mut copy = chains.clone();
    let cached = copy.whole().gradients(world.context().target).data().to_vec();
    assert_eq!(bits(&grad), bits(&cached), "{name}: gradient of another point");
}

#[test]
fn a_changed_flow_makes_log_q_unknown() {
    // i-SIR under one flow, then under another: as if the log q of the first had never been known.
    let (mut world, kernel) = (World::new(), isir(4).build(2).unwrap());
    let mut chains = world.exact_start(1, 200);
    world.step(&*kernel, &mut chains);
    world.flow.version += 1;
    world.flow.shift = -0.7;
    let mut twin = chains.clone();
    twin.recompute(&world.target).unwrap();
    world.step(&*kernel, &mut chains);
    world.step(&*kernel, &mut twin);
    assert_eq!(bits(chains.x().data()), bits(twin.x().data()));
}

#[test]
fn a_resumed_kernel_goes_on_bitwise() {
    let world = World::new();
    for case in all_cases() {
        let finish = |kernel: &mut dyn Kernel, chains: &mut Ensemble| {
            world.warm_up(kernel, chains, 37..60, 60);
            kernel.freeze();
            (0..3).for_each(|_| drop(world.step(kernel, chains)));
            bits(chains.x().data())
        };
        let (mut kernel, mut chains) = (case.build(), world.exact_start(1, 6));
        world.warm_up(&mut *kernel, &mut chains, 0..37, 60);
        let text = serde_json::to_string(&kernel.save()).unwrap();
        let mut chains_again = chains.clone();
        let whole = finish(&mut *kernel, &mut chains);

        let mut again = case.build();
        again.load(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(whole, finish(&mut *again, &mut chains_again), "{}", case.name);
        assert_eq!(kernel.save(), again.save(), "{}", case.name);
    }
}

#[test]
fn a_state_of_another_kernel_is_refused() {
    let saved = mala().build(2).unwrap().save();
    assert!(nuts().build(2).unwrap().load(&saved).is_err());
    assert!(ex2(isir(4), mala()).build(2).unwrap().load(&saved).is_err());
    assert!(mala().build(3).unwrap().load(&saved).is_err());
    let pair = sequence([mala(), mala()]).build(2).unwrap().save();
    assert!(sequence([mala()]).build(2).unwrap().load(&pair).is_err());
}

#[test]
fn counts_every_evaluation() {
    // n chains, k steps; the log-density of every start and (where needed) its gradient come once.
    let (n, k) = (10, 7);
    let count = |config: &KernelConfig| {
        let (world, kernel) = (World::new(), config.build(2).unwrap());
        let mut chains = world.exact_start(1, n);
        let tallies: Vec<Vec<Tally>> = (0..k).map(|_| world.step(&*kernel, &mut chains)).collect();
        (world.target.counts(), tallies)
    };
    let sum = |tallies: &[Vec<Tally>], f: fn(&Tally) -> u32| -> usize {
        tallies.iter().flatten().map(|t| f(t) as usize).sum()
    };
    assert_eq!(count(&mala()).0, (n, n + n * k));
    assert_eq!(count(&ula()).0, (n, n + n * k));
    assert_eq!(count(&random_walk()).0, (n + n * k, 0));
    assert_eq!(count(&independent_mh()).0, (n + n * k, 0));
    assert_eq!(count(&isir(8)).0, (n + 7 * n * k, 0));
    let (counts, tallies) = count(&hmc(5));
    assert_eq!(counts, (n, n + 5 * n * k));
    assert_eq!(sum(&tallies, |t| t.leapfrogs), 5 * n * k);
    let (counts, tallies) = count(&nuts());
    assert_eq!(counts, (n, n + sum(&tallies, |t| t.leapfrogs)));
    let (counts, tallies) = count(&elliptical());
    assert_eq!(counts, (n + sum(&tallies, |t| t.tries), 0));
    // Ex2: a gradient is computed anew only where i-SIR moved the chain after the first step.
    let (counts, tallies) = count(&ex2(isir(8), mala().repeat(3)));
    let jumps: usize = tallies[1..].iter().flat_map(|t| t.iter().step_by(2)).map(|t| t.moves as usize).sum();
    assert_eq!(counts, (n + 7 * n * k, n + 3 * n * k + jumps));
}

#[test]
fn broken_values_are_rejected_and_counted() {
    let mut world = World::new();
    world.target.wall = 1.0;
    for case in all_cases() {
        let kernel = case.config.clone().step_size(StepSize::from_dt(0.5)).build(2).unwrap();
        let mut x = Points::zeros(16, 2);
        x.data_mut().fill(0.5);
        let mut chains = Ensemble::new(&world.target, x, mixwell::Stream::for_chains(1, 16)).unwrap();
        let mut non_finite = 0;
        for _ in 0..40 {
            non_finite += world.step(&*kernel, &mut chains).iter().map(|t| t.non_finite).sum::<u32>();
            assert!(chains.x().iter().all(|x| x[0] <= 1.0), "{}: went through the wall", case.name);
            assert!(chains.log_prob().iter().all(|p| p.is_finite()));
        }
        assert!(non_finite > 0, "{}: met the wall without counting it", case.name);
    }
}

#[test]
fn the_pool_holds_the_particles_and_their_weights() {
    use mixwell::density::Target;
    use mixwell::proposal::Proposal;
    let (world, kernel) = (World::new(), isir(5).build(2).unwrap());
    let mut chains = world.exact_start(1, 6);
    let before = chains.x().data().to_vec();
    // One slot more than needed: it gets weight zero.
    let mut pool = ParticlePool::new(6, 6, 2);
    let mut tallies = vec![Tally::default(); 6];
    for (mut block, tallies) in chains.blocks(4, Some(&mut pool)).into_iter().zip(tallies.chunks_mut(4)) {
        kernel.step(&world.context(), &mut block, TallySheet::new(tallies, 1));
    }
    for chain in 0..6 {
        let rows = pool.x().slice(6 * chain..6 * chain + 5);
        assert_eq!(rows.row(0), &before[2 * chain..2 * chain + 2]);
        let (mut p, mut q) = ([0.0; 5], [0.0; 5]);
        world.target.log_prob(rows, &mut p).unwrap();
        world.flow.log_prob(rows, &mut q);
        let weights = &pool.log_weights()[6 * chain..6 * chain + 6];
        for i in 0..5 {
            assert!((weights[i] - (p[i] - q[i])).abs() < 1e-9);
        }
        assert_eq!(weights[5], f64::NEG_INFINITY);
        assert!((0..5).any(|i| rows.row(i) == chains.x().row(chain)), "the next point is one of them");
    }
    assert!(world.target.values.load(Ordering::Relaxed) > 0);
}

#[test]
fn warm_up_reaches_the_target_acceptance() {
    // With so few leapfrogs the acceptance of HMC falls off a cliff as a function of the step; the average over steps on both
    // sides of it errs to the safe side, as averages of Stan do.
    let world = World::new();
    for (config, target, band) in
        [(random_walk(), 0.234, 0.05), (mala(), 0.574, 0.07), (hmc(3), 0.651, 0.13), (nuts(), 0.8, 0.07)]
    {
        let mut kernel = config.build(2).unwrap();
        let mut chains = world.exact_start(1, 64);
        world.warm_up(&mut *kernel, &mut chains, 0..1000, 1000);
        kernel.freeze();
        let tallies: Vec<Tally> = (0..50).flat_map(|_| world.step(&*kernel, &mut chains)).collect();
        let accept = Tallies::new(&tallies, 1).mean_accept_prob().unwrap();
        assert!((accept - target).abs() < band, "{}: {accept} instead of {target}", config.kind());
    }
}
