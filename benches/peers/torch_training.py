"""Energies in training: by hand in PyTorch, by ebmkit, by TorchEBM.

`ebm-update-*` is one update of persistent contrastive divergence on eight Gaussians: 60 Langevin steps of 256 chains from a bank of
8192 points with 5 % of new starts, then a step of Adam on the difference of mean energies. `ebm-moons-*` is ebmkit's own example,
6000 updates on 4000 draws of two moons, with the mean log-likelihood of fresh draws by quadrature.
"""

import math
import time

import ebm
import torch
from torch import nn
from torchebm.core import BaseModel
from torchebm.losses import PersistentContrastiveDivergence
from torchebm.samplers import LangevinDynamics

import timing

TASKS = [f"ebm-update-{peer}" for peer in ("torch", "ebmkit", "torchebm")]
TASKS += [f"ebm-moons-{trainer}" for trainer in ("nce", "pcd", "sliced")]
STEPS, BATCH, BANK, ETA, RATE = 60, 256, 8192, 0.01, 1e-3


class ToyNet(BaseModel):
    """2-32-64-64-64-1 with leaky ReLU 0.05; a model of TorchEBM is a module of PyTorch."""

    def __init__(self):
        super().__init__()
        sizes = [2, 32, 64, 64, 64, 1]
        layers = []
        for before, after in zip(sizes, sizes[1:]):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.05)]
        self.net = nn.Sequential(*layers[:-1])

    def forward(self, x):
        return self.net(x).squeeze(-1)


def eight_gaussians(n):
    angle = 2 * math.pi * torch.randint(8, (n,)) / 8
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.15 * torch.randn(n, 2)


def by_hand(net, data):
    """The quickest plain loop that we know of: parameters need no gradient while chains move."""
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    bank = torch.randn(BANK, 2)

    def update():
        chosen = torch.randint(BANK, (BATCH,))
        x = bank[chosen]
        anew = torch.rand(BATCH) < 0.05
        x[anew] = torch.randn(int(anew.sum()), 2)
        net.requires_grad_(False)
        for _ in range(STEPS):
            x.requires_grad_(True)
            (gradient,) = torch.autograd.grad(net(x).sum(), x)
            x = x.detach() - ETA * gradient + math.sqrt(2 * ETA) * torch.randn_like(x)
        net.requires_grad_(True)
        bank[chosen] = x
        data_energy, energy = net(data[torch.randint(len(data), (BATCH,))]), net(x)
        loss = data_energy.mean() - energy.mean() + 1e-3 * (data_energy.square().mean() + energy.square().mean())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return update


def by_ebmkit(net, data):
    sampler = ebm.LangevinDynamics(step_size=ETA, steps=STEPS)
    loss = ebm.ContrastiveDivergence(sampler, buffer=ebm.ReplayBuffer(BANK, (2,)), energy_reg=1e-3)
    trainer = ebm.Trainer(net, loss, lr=RATE, device="cpu")
    return lambda: trainer.fit(data, steps=1, batch_size=BATCH, verbose=False)


def by_torchebm(net, data):
    sampler = LangevinDynamics(model=net, step_size=ETA, device=torch.device("cpu"))
    loss = PersistentContrastiveDivergence(
        net, sampler, k_steps=STEPS, buffer_size=BANK, new_sample_ratio=0.05, energy_reg_weight=1e-3
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)

    def update():
        optimiser.zero_grad(set_to_none=True)
        value, _ = loss(data[torch.randint(len(data), (BATCH,))])
        value.backward()
        optimiser.step()

    return update


def moons(trainer):
    """ebmkit's example: seconds of the training, and the likelihood of what came out."""
    net = ebm.nets.MLPEnergy(dim=2, hidden=(128, 128))
    data = ebm.datasets.two_moons(4000)
    if trainer == "nce":
        loss = ebm.NoiseContrastiveEstimation()
    elif trainer == "pcd":
        sampler = ebm.LangevinDynamics(step_size=ETA, steps=STEPS)
        loss = ebm.ContrastiveDivergence(sampler, buffer=ebm.ReplayBuffer(BANK, (2,)), energy_reg=1e-3)
    else:
        loss = ebm.SlicedScoreMatching()
    begun = time.perf_counter()
    ebm.Trainer(net, loss, lr=RATE, device="cpu").fit(data, steps=6000, batch_size=BATCH, verbose=False)
    seconds = time.perf_counter() - begun
    with torch.no_grad():
        side = torch.arange(400, dtype=torch.float64) * 0.02 - 3.99
        grid = torch.cartesian_prod(side, side).float()
        log_z = torch.logsumexp(-net(grid).double(), 0) + 2 * math.log(0.02)
        fresh = ebm.datasets.two_moons(10_000)
        likelihood = -net(fresh).double().mean() - log_z
    return seconds, likelihood


def main():
    options = timing.arguments(TASKS)
    torch.manual_seed(0)
    torch.set_num_threads(timing.threads())
    _, kind, name = options.task.split("-")
    version = f"PyTorch {torch.__version__}"
    if kind == "moons":
        seconds, likelihood = moons(name)
        settings = "6000 updates of 2-128-128-1, batch 256, 4000 draws, f32"
        timing.report(options.task, f"ebmkit {ebm.__version__}", [seconds], settings, {"log_likelihood": likelihood})
        return
    net, data = ToyNet(), eight_gaussians(8192)
    update = {"torch": by_hand, "ebmkit": by_ebmkit, "torchebm": by_torchebm}[name](net, data)
    settings = "2-32-64-64-64-1, batch 256, 60 Langevin steps, Adam step, f32"
    peer = {"torch": version, "ebmkit": f"ebmkit {ebm.__version__}", "torchebm": "TorchEBM 0.8.9"}[name]
    timing.report(options.task, peer, timing.samples(update, options.seconds), settings)


if __name__ == "__main__":
    main()
