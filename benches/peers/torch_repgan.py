"""REP-GAN in PyTorch: 640 Langevin steps with rejection of 100 chains among the latents of a GAN, in evaluation mode, random weights.

Eager, as the published samplers of this kind are written, but with one gradient a step: that of the current point is kept.
"""

import torch
from torch import nn

import timing
from torch_networks import dcgan_28, wgan_28

CHAINS, STEPS, TAU = 100, 640, 0.01
TASKS = ["repgan-mlp", "repgan-wgan_28", "repgan-dcgan_28"]


def mlp():
    generator = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 784), nn.Tanh()]
    critic = [nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)]
    return nn.Sequential(*generator, *critic), (64,)


NETWORKS = {"repgan-mlp": mlp, "repgan-wgan_28": wgan_28, "repgan-dcgan_28": dcgan_28}
# A call of the convolutional ones takes long; it is timed over fewer steps.
TIMED = {"repgan-mlp": 640, "repgan-wgan_28": 32, "repgan-dcgan_28": 32}


def main():
    options = timing.arguments(TASKS)
    torch.set_num_threads(timing.threads())
    torch.manual_seed(0)
    network, shape = NETWORKS[options.task]()
    network.eval()
    network.requires_grad_(False)

    def log_prob_and_grad(z):
        z = z.detach().requires_grad_(True)
        log_prob = network(z).reshape(CHAINS) - 0.5 * (z * z).flatten(1).sum(-1)
        (grad,) = torch.autograd.grad(log_prob.sum(), z)
        return log_prob.detach(), grad

    def log_q(to, start, grad):
        return -((to - start - 0.5 * TAU * grad) ** 2).flatten(1).sum(-1) / (2 * TAU)

    timed = TIMED[options.task]
    keep = [slice(None)] + [None] * len(shape)

    def call():
        z = torch.randn(CHAINS, *shape)
        log_prob, grad = log_prob_and_grad(z)
        for _ in range(timed):
            proposed = z + 0.5 * TAU * grad + TAU**0.5 * torch.randn_like(z)
            log_prob_there, grad_there = log_prob_and_grad(proposed)
            log_ratio = log_prob_there - log_prob + log_q(z, proposed, grad_there) - log_q(proposed, z, grad)
            accepted = torch.rand(CHAINS).log() < log_ratio
            where = accepted[tuple(keep)]
            z = torch.where(where, proposed, z)
            grad = torch.where(where, grad_there, grad)
            log_prob = torch.where(accepted, log_prob_there, log_prob)

    samples = [seconds * STEPS / timed for seconds in timing.samples(call, options.seconds)]
    settings = f"{STEPS} REP-GAN steps of {CHAINS} chains, {options.task.removeprefix('repgan-')}, f32, eager"
    peer = f"PyTorch {torch.__version__.split('+')[0]}"
    timing.report(options.task, peer, samples, settings)


if __name__ == "__main__":
    main()
