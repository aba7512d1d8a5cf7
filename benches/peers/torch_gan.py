"""A GAN read as an energy in its latent space, in PyTorch: the gradient in z of D(G(z)) + |z|^2 / 2.

G has layers 64-256-256-784 with leaky ReLU of slope 0.2 and tanh at its end, D 784-256-256-1 with the same leaky ReLU.
Eager PyTorch, as the published samplers of this kind are written.
"""

import torch

import timing

LATENT, HIDDEN, PIXELS, BATCH, SLOPE = 64, 256, 784, 100, 0.2
TASKS = ["gan-latent"]


def main():
    options = timing.arguments(TASKS)
    torch.set_num_threads(timing.threads())
    torch.manual_seed(0)
    generator = torch.nn.Sequential(
        torch.nn.Linear(LATENT, HIDDEN),
        torch.nn.LeakyReLU(SLOPE),
        torch.nn.Linear(HIDDEN, HIDDEN),
        torch.nn.LeakyReLU(SLOPE),
        torch.nn.Linear(HIDDEN, PIXELS),
        torch.nn.Tanh(),
    )
    discriminator = torch.nn.Sequential(
        torch.nn.Linear(PIXELS, HIDDEN),
        torch.nn.LeakyReLU(SLOPE),
        torch.nn.Linear(HIDDEN, HIDDEN),
        torch.nn.LeakyReLU(SLOPE),
        torch.nn.Linear(HIDDEN, 1),
    )
    # Without this the backward pass would also compute gradients of the weights, which nobody asks for here.
    generator.requires_grad_(False)
    discriminator.requires_grad_(False)
    z = torch.randn(BATCH, LATENT, requires_grad=True)

    def call():
        energy = discriminator(generator(z)).squeeze(-1) + 0.5 * (z * z).sum(-1)
        torch.autograd.grad(energy.sum(), z)

    settings = f"energy and gradient in z, batch {BATCH}, f32, eager"
    peer = f"PyTorch {torch.__version__.split('+')[0]}"
    timing.report(options.task, peer, timing.samples(call, options.seconds), settings)


if __name__ == "__main__":
    main()
