"""BlackJAX's MALA and HMC on a 25-mode mixture and on a logistic regression: seconds for one step of all chains.

The chains are mapped with vmap and the steps run inside one compiled scan, in f64. Only the last state comes back.
"""

import time
from importlib.metadata import version

import jax

jax.config.update("jax_enable_x64", True)

import blackjax  # noqa: E402: the precision must be set first
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import timing  # noqa: E402

CHAINS = (1, 64, 1024)
LEAPFROG_STEPS = 10
STEP_SIZES = {("mala", "grid25"): 5e-4, ("hmc", "grid25"): 0.03, ("mala", "german"): 2e-3, ("hmc", "german"): 0.05}
TASKS = [f"{kernel}-{target}-{chains}" for kernel, target in STEP_SIZES for chains in CHAINS]
GRID_SD = 0.05
# A scan should be long enough that starting it costs nothing, and short enough for many samples.
CALL_SECONDS = 0.02


def grid25(_):
    """25 equal Gaussians on the points {-2, .., 2}^2. The chains start at the modes."""
    axis = jnp.arange(-2.0, 3.0)
    modes = jnp.stack(jnp.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    normaliser = jnp.log(25.0) + jnp.log(2.0 * jnp.pi * GRID_SD**2)

    def log_density(x):
        squares = jnp.sum((x - modes) ** 2, axis=-1)
        return jax.scipy.special.logsumexp(-0.5 * squares / GRID_SD**2) - normaliser

    def start(key, chains):
        return modes[jnp.arange(chains) % 25] + GRID_SD * jax.random.normal(key, (chains, 2))

    return log_density, start


def german(folder):
    """Bayesian logistic regression: standardised features, an intercept at the end, a N(0, 1) prior on every weight."""
    table = np.loadtxt(folder / "german.data-numeric")
    features, label = table[:, :-1], table[:, -1]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    features = np.column_stack([features, np.ones(len(features))])
    # The label's sign is folded into the rows: one product gives every log-odds of the right answer.
    signed = jnp.asarray(features * np.where(label == 2, 1.0, -1.0)[:, None])

    def log_density(weights):
        prior = -0.5 * jnp.sum(weights**2) - 0.5 * weights.size * jnp.log(2.0 * jnp.pi)
        return prior - jnp.sum(jnp.logaddexp(0.0, -(signed @ weights)))

    def start(key, chains):
        return 0.1 * jax.random.normal(key, (chains, signed.shape[1]))

    return log_density, start


def main():
    options = timing.arguments(TASKS)
    kernel_name, target_name, chains = options.task.split("-")
    chains = int(chains)
    log_density, start = {"grid25": grid25, "german": german}[target_name](options.data)
    step_size = STEP_SIZES[kernel_name, target_name]
    start_key, key = jax.random.split(jax.random.key(0))
    positions = start(start_key, chains)
    if kernel_name == "mala":
        kernel = blackjax.mala(log_density, step_size)
    else:
        unit_mass = jnp.ones(positions.shape[1])
        kernel = blackjax.hmc(log_density, step_size, unit_mass, LEAPFROG_STEPS)

    def compile_run(steps):
        @jax.jit
        def run(states, key):
            key, run_key = jax.random.split(key)

            def one_step(states, step_key):
                states, info = jax.vmap(kernel.step)(jax.random.split(step_key, chains), states)
                return states, info.acceptance_rate.mean()

            states, acceptance = jax.lax.scan(one_step, states, jax.random.split(run_key, steps))
            return states, key, acceptance.mean()

        return run

    states = jax.vmap(kernel.init)(positions)
    # A short run settles the chains and tells how many steps fill a call.
    trial_steps = 8
    run = compile_run(trial_steps)
    for _ in range(2):
        begin = time.perf_counter()
        states, key, _ = jax.block_until_ready(run(states, key))
        trial = time.perf_counter() - begin
    steps = int(np.clip(CALL_SECONDS * trial_steps / trial, 1, 10_000))
    run = compile_run(steps)
    metrics = {}

    def call():
        nonlocal states, key
        states, key, metrics["acceptance"] = jax.block_until_ready(run(states, key))

    taken = timing.samples(call, options.seconds, calls_per_unit=steps)
    leapfrogs = f", {LEAPFROG_STEPS} leapfrog steps" if kernel_name == "hmc" else ""
    settings = f"{chains} chains, step {step_size}{leapfrogs}, f64, {steps} steps a call"
    timing.report(options.task, f"BlackJAX {version('blackjax')}", taken, settings, metrics)


if __name__ == "__main__":
    main()
