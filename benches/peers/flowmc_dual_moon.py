"""flowMC on the dual moon with its tutorial's settings, from a cold start: wall time, compilation included.

The number of chains is in the task's name. The step size of the local moves is adapted as flowMC does it by default.
"""

import time
from importlib.metadata import version

import arviz
import jax
import jax.numpy as jnp
import numpy as np
from flowMC.resource_strategy_bundle.RQSpline_MALA import RQSpline_MALA_Bundle
from flowMC.Sampler import Sampler

import timing

TASKS = ["dual-moon-20", "dual-moon-500"]
DIM = 5
LOCAL_STEPS, GLOBAL_STEPS, LOOPS, EPOCHS = 100, 10, 20, 5


def log_density(x, _):
    """A thin shell of radius 2, cut into four caps by two pairs of bells along the first two coordinates."""
    shell = -0.5 * ((jnp.sqrt(jnp.sum(x * x)) - 2.0) / 0.1) ** 2
    pair = lambda at, sd: jnp.logaddexp(-0.5 * ((at - 3.0) / sd) ** 2, -0.5 * ((at + 3.0) / sd) ** 2)
    return shell + pair(x[0], 0.8) + pair(x[1], 0.6)


def main():
    options = timing.arguments(TASKS)
    chains = int(options.task.split("-")[-1])
    # A new seed for every process, so that rounds are independent runs.
    seed = time.time_ns() % 2**31
    begin = time.perf_counter()
    bundle_key, start_key, run_key = jax.random.split(jax.random.PRNGKey(seed), 3)
    bundle = RQSpline_MALA_Bundle(
        bundle_key,
        chains,
        DIM,
        log_density,
        LOCAL_STEPS,
        GLOBAL_STEPS,
        LOOPS,
        LOOPS,
        EPOCHS,
        mala_step_size=0.1,
        rq_spline_hidden_units=[32, 32],
        rq_spline_n_bins=8,
        rq_spline_n_layers=4,
        learning_rate=5e-3,
        batch_size=5000,
        verbose=False,
    )
    # Without checkpoints flowMC also keeps no compilation cache on disk, which would make the next round a warm one.
    sampler = Sampler(
        n_dim=DIM, n_chains=chains, rng_key=run_key, resource_strategy_bundles=bundle, checkpoint_interval=0
    )
    sampler.sample(jax.random.normal(start_key, (chains, DIM)), {})
    positions = jax.block_until_ready(sampler.resources["positions_production"].data)
    wall = time.perf_counter() - begin

    positions = np.asarray(positions, dtype=np.float64)
    # Steps of the other kernel are filled with minus infinity.
    acceptance = np.asarray(sampler.resources["global_accs_production"].data)
    columns = [positions[:, :, j] for j in range(DIM)]
    ess = min(float(arviz.ess(column, method="bulk")) for column in columns)
    metrics = {
        "worst_ess_bulk": ess,
        "worst_rhat": max(float(arviz.rhat(column, method="rank")) for column in columns),
        "ess_per_second": ess / wall,
        "global_acceptance": acceptance[np.isfinite(acceptance)].mean(),
    }
    loops = f"{LOOPS} + {LOOPS} loops of {LOCAL_STEPS} + {GLOBAL_STEPS} steps"
    settings = f"{chains} chains, {loops}, {EPOCHS} epochs, cold"
    timing.report(options.task, f"flowMC {version('flowMC')}", [wall], settings, metrics)


if __name__ == "__main__":
    main()
