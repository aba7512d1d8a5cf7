"""flowMC's own rational-quadratic spline flow: log-density, draws, one step of its optimiser.

Five dimensions, four layers, hidden [32, 32], eight bins: the shape of flowMC's dual-moon tutorial and of its defaults.
"""

from importlib.metadata import version

import equinox as eqx
import jax
from flowMC.resource.model.nf_model.rqSpline import MaskedCouplingRQSpline
from flowMC.resource.optimizer import Optimizer

import timing

DIM, LAYERS, HIDDEN, BINS = 5, 4, [32, 32], 8
ROWS = 10_000
OPERATIONS = ("log_prob", "sample", "adam")
TASKS = [f"spline-{operation}" for operation in OPERATIONS]


def main():
    options = timing.arguments(TASKS)
    operation = options.task.split("-")[1]
    model_key, data_key, key = jax.random.split(jax.random.key(0), 3)
    model = MaskedCouplingRQSpline(DIM, LAYERS, HIDDEN, BINS, model_key)
    x = jax.random.normal(data_key, (ROWS, DIM))

    if operation == "log_prob":
        compiled = eqx.filter_jit(lambda model, x: model.log_prob(x))

        def call():
            compiled(model, x).block_until_ready()

    elif operation == "sample":
        # flowMC gives draws without their density, so this row asks Mixwell for more than the peer does.
        compiled = eqx.filter_jit(lambda model, key: model.sample(key, ROWS))

        def call():
            nonlocal key
            key, noise_key = jax.random.split(key)
            compiled(model, noise_key).block_until_ready()

    else:
        # AdamW behind a clip of the global norm at 1: flowMC's optimiser as it comes, and its own compiled step.
        optimiser = Optimizer(model=model)
        state = optimiser.optim_state

        def call():
            nonlocal model, state
            value, model, state = model.train_step(x, optimiser.optim, state)
            jax.block_until_ready((value, eqx.filter(model, eqx.is_array)))

    settings = f"d {DIM}, {LAYERS} x {HIDDEN} x {BINS} bins, batch {ROWS}, f32"
    peer = f"flowMC {version('flowMC')}, JAX {jax.__version__}"
    timing.report(options.task, peer, timing.samples(call, options.seconds), settings)


if __name__ == "__main__":
    main()
