"""What users write, checked by `mypy --strict`; it is run, too."""

import mixwell
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def values(x: Array) -> Array:
    found: Array = -0.5 * (x * x).sum(axis=1)
    return found


def both(x: Array) -> tuple[Array, Array]:
    return values(x), -x


def main() -> None:
    run: mixwell.Run = mixwell.sample(both, coords={"mu": (), "theta": ["a", "b"]}, method="nuts", chains=2, draws=20, seed=1)
    mean: float = run.summary()["theta[a]"]["mean"]
    draws: Array = run["theta"]
    shape: tuple[int, ...] = run.variables["theta"]
    mixwell.sample(
        values,
        dim=3,
        method={"kind": "kernel", "warmup": 10, "kernel": {"kind": "random_walk"}},
        draws=10,
        thin=2,
        start={"kind": "gaussian", "scale": 1.0},
        output={"warmup": False},
        progress=lambda told: print(told["phase"]),
    )
    mixwell.sample({"kind": "banana"}, method="mala", draws=10)
    mixwell.sample(mixwell.pointwise(lambda x: -0.5 * float(x @ x)), dim=2, method="random_walk", draws=10)
    flow: mixwell.Flow = mixwell.Flow.fit(draws.reshape(-1, 2), flow={"kind": "maf"}, epochs=2)
    x, log_q = flow.sample_and_log_prob(5)
    z: Array = flow.inverse(x)[0]
    chains = mixwell.Chains(both, z, "mala", flow=flow)
    chains.warm_up(10)
    chains.positions = -chains.positions
    chains.kernel = {"kind": "isir", "n_particles": 4}
    acceptance: Array = chains.step(3).acceptance["isir"]
    method = mixwell.methods.Flex2(train_iterations=5, burn_in=5, tune=5, local=mixwell.kernels.Hmc(n_leapfrog=3))
    mixwell.sample(mixwell.targets.Banana(dim=2), method=method, flow=mixwell.flows.Maf(n_layers=2), chains=2, draws=5)
    banana = mixwell.Target({"kind": "banana", "dim": 2})
    print(banana.log_prob_and_grad(x)[1], log_q, acceptance, run.flow)
    try:
        mixwell.sample(both, dim=2, chains=0)
    except mixwell.ConfigError as error:
        print(mean, draws.shape, shape, error)
    if not run.verdict:
        print(run.verdict.reasons)


if __name__ == "__main__":
    main()
