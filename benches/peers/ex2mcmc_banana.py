"""FlEx2MCMC in its authors' package on the 20-dimensional banana: training of the flow, then sampling, wall time.

The protocol is that of the authors' experiment script: a RealNVP of 4 blocks is trained for 1000 steps on 100 chains
with 200 particles and no local moves, learning rate 1e-3; then come 1000 draws of one chain, each a global move and 5
MALA steps. The package's step, `x - eta grad E + sqrt(2 eta) noise`, starts at eta = 0.2 and is adapted on the way.
"""

import contextlib
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from ex2mcmc.models.rnvp import RNVP
from ex2mcmc.sampling_utils.adaptive_mc import Ex2MCMC, FlowMCMC
from ex2mcmc.sampling_utils.distributions import Banana, IndependentNormal

import timing

TASKS = ["flex2-banana"]
DIM, CURVATURE, SCALE = 20, 0.02, 5.0
BLOCKS, LEARNING_RATE, BATCH, TRAINING_STEPS = 4, 1e-3, 100, 1000
PARTICLES, STEP_SIZE, MALA_STEPS, DRAWS = 200, 0.2, 5, 1000


def main():
    options = timing.arguments(TASKS)
    torch.set_num_threads(timing.threads())
    torch.manual_seed(time.time_ns() % 2**31)
    target = Banana(dim=DIM, device="cpu", b=CURVATURE, sigma=SCALE)
    base = IndependentNormal(dim=DIM, loc=torch.zeros(DIM), scale=torch.ones(DIM), device="cpu")

    # The package draws progress bars on standard error and prints; the last line of standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        begin = time.perf_counter()
        kernel = Ex2MCMC(N=PARTICLES, grad_step=STEP_SIZE, adapt_stepsize=True, mala_steps=0, dim=DIM)
        kernel.verbose = False
        flow = RNVP(BLOCKS, dim=DIM, device="cpu")
        trainer = FlowMCMC(target, base, "cpu", flow, kernel, batch_size=BATCH, lr=LEARNING_RATE)
        flow.train()
        trainer.train(n_steps=TRAINING_STEPS)
        trained = time.perf_counter()
        flow.eval()
        kernel.flow, kernel.mala_steps = flow, MALA_STEPS
        draws = kernel(base.sample((1,)), target, base, n_steps=DRAWS)[0]
        wall = time.perf_counter() - begin

    draws = np.stack([draw.detach().numpy()[0] for draw in draws])
    even = draws[:, 0::2]
    metrics = {
        "training_seconds": trained - begin,
        "sampling_seconds": wall - (trained - begin),
        # Exactly 25 and 1.5: whether the chain really walks the banana.
        "variance_even": even.var(axis=0).mean(),
        "variance_odd": draws[:, 1::2].var(axis=0).mean(),
    }
    training = f"{TRAINING_STEPS} training steps of {BATCH} x {PARTICLES}"
    settings = f"d {DIM}, {training}, then {DRAWS} draws with {MALA_STEPS} MALA steps"
    timing.report(options.task, f"ex2mcmc {version('ex2mcmc')}", [wall], settings, metrics)


if __name__ == "__main__":
    main()
