"""A small energy network in plain JAX: energy and gradient in x, and a compiled loop of Langevin steps on it.

The network has layers 2-32-64-64-64-1 with leaky ReLU of slope 0.05; everything is f32.
"""

import jax
import jax.numpy as jnp

import timing

WIDTHS = [2, 32, 64, 64, 64, 1]
SLOPE = 0.05
BATCHES = (1, 256, 8192)
CHAINS, STEPS, STEP_SIZE = 256, 128, 1e-3
TASKS = [f"toynet-{batch}" for batch in BATCHES] + ["toynet-mala"]


def random_weights(key):
    weights = []
    for layer_key, inputs, outputs in zip(jax.random.split(key, len(WIDTHS) - 1), WIDTHS[:-1], WIDTHS[1:]):
        weights.append(((2.0 / inputs) ** 0.5 * jax.random.normal(layer_key, (inputs, outputs)), jnp.zeros(outputs)))
    return weights


def energy(weights, x):
    hidden = x
    for matrix, bias in weights[:-1]:
        hidden = jax.nn.leaky_relu(hidden @ matrix + bias, SLOPE)
    matrix, bias = weights[-1]
    return (hidden @ matrix + bias)[..., 0]


def energy_and_gradient(weights, x):
    value, pull_back = jax.vjp(lambda x: energy(weights, x), x)
    return value, pull_back(jnp.ones_like(value))[0]


def mala_step(weights, state, key):
    """One Metropolis-adjusted Langevin step of every chain on exp(-E); energy and gradient are carried along."""
    x, value, gradient = state
    noise_key, uniform_key = jax.random.split(key)
    proposal = x - STEP_SIZE * gradient + (2.0 * STEP_SIZE) ** 0.5 * jax.random.normal(noise_key, x.shape)
    new_value, new_gradient = energy_and_gradient(weights, proposal)
    forward = jnp.sum((proposal - x + STEP_SIZE * gradient) ** 2, axis=-1)
    backward = jnp.sum((x - proposal + STEP_SIZE * new_gradient) ** 2, axis=-1)
    log_ratio = value - new_value + (forward - backward) / (4.0 * STEP_SIZE)
    accepted = jnp.log(jax.random.uniform(uniform_key, value.shape)) < log_ratio
    keep = lambda new, old: jnp.where(accepted.reshape(accepted.shape + (1,) * (new.ndim - 1)), new, old)
    return (keep(proposal, x), keep(new_value, value), keep(new_gradient, gradient)), accepted.mean()


@jax.jit
def mala_run(weights, state, key):
    key, run_key = jax.random.split(key)
    step = lambda state, key: mala_step(weights, state, key)
    state, acceptance = jax.lax.scan(step, state, jax.random.split(run_key, STEPS))
    return state, key, acceptance.mean()


def main():
    options = timing.arguments(TASKS)
    weights_key, data_key, key = jax.random.split(jax.random.key(0), 3)
    weights = random_weights(weights_key)
    compiled = jax.jit(energy_and_gradient)
    metrics = {}

    if options.task == "toynet-mala":
        x = jax.random.normal(data_key, (CHAINS, 2))
        state = (x, *compiled(weights, x))

        def call():
            nonlocal state, key
            state, key, acceptance = mala_run(weights, state, key)
            metrics["acceptance"] = acceptance.block_until_ready()

        settings = f"{STEPS} steps of {CHAINS} chains a call, step {STEP_SIZE}, f32"
    else:
        batch = int(options.task.split("-")[1])
        x = jax.random.normal(data_key, (batch, 2))

        def call():
            jax.block_until_ready(compiled(weights, x))

        settings = f"energy and gradient, batch {batch}, f32"

    taken = timing.samples(call, options.seconds)
    timing.report(options.task, f"JAX {jax.__version__}", taken, settings, metrics)


if __name__ == "__main__":
    main()
