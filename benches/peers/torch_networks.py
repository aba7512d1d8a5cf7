"""Convolutional energies, GANs and a classifier in PyTorch, in evaluation mode, with random weights.

The same networks as Mixwell's named ones. `latent-*` is the gradient in the latent of the critic's score; `*-adam` the gradient of
the mean energy in the weights and a step of Adam; `classify-*` the scores alone.
"""

import torch
import torch.nn.functional as functional
from torch import nn

import timing

TASKS = [
    "energy-nt32",
    "energy-nt32-adam",
    "energy-mnist",
    "energy-mnist-adam",
    "latent-dcgan_32",
    "latent-dcgan_64",
    "latent-wgan_28",
    "latent-dcgan_28",
    "latent-sngan_32",
    "classify-resnet56",
]


class LipSwish(nn.Module):
    def forward(self, x):
        return functional.silu(x) / 1.1


class Block(nn.Module):
    """Layers with a way around them."""

    def __init__(self, main, skip):
        super().__init__()
        self.main, self.skip = nn.Sequential(*main), nn.Sequential(*skip)

    def forward(self, x):
        return self.main(x) + self.skip(x)


class Subsample(nn.Module):
    def __init__(self, stride, padding):
        super().__init__()
        self.stride, self.padding = stride, padding

    def forward(self, x):
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))


class Sum(nn.Module):
    def forward(self, x):
        return x.sum(dim=(2, 3))


def nt_energy():
    layers = [nn.Conv2d(3, 32, 3, 1, 1), LipSwish()]
    for before, after in ((32, 64), (64, 128), (128, 128)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), LipSwish()]
    return nn.Sequential(*layers, nn.Conv2d(128, 1, 4)), (3, 32, 32)


def mnist_energy():
    layers = [nn.Conv2d(1, 16, 5, 2, 4), nn.SiLU()]
    for before, after in ((16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.SiLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 64), nn.SiLU(), nn.Linear(64, 1)), (1, 28, 28)


def dcgan(channels):
    generator, before = [], 100
    for i, n in enumerate(channels):
        generator += [nn.ConvTranspose2d(before, n, 4, *((1, 0) if i == 0 else (2, 1)), bias=False)]
        generator += [nn.BatchNorm2d(n), nn.ReLU()]
        before = n
    generator += [nn.ConvTranspose2d(before, 3, 4, 2, 1, bias=False), nn.Tanh()]
    critic, before = [], 3
    for i, n in enumerate(reversed(channels)):
        critic += [nn.Conv2d(before, n, 4, 2, 1, bias=False)]
        critic += [nn.BatchNorm2d(n)] if i > 0 else []
        critic += [nn.LeakyReLU(0.2)]
        before = n
    critic += [nn.Conv2d(before, 1, 4, bias=False)]
    return nn.Sequential(*generator, *critic), (100, 1, 1)


def wgan_28():
    layers = []
    for before, after, kernel, stride in ((64, 256, 3, 2), (256, 128, 4, 1), (128, 64, 3, 2)):
        layers += [nn.ConvTranspose2d(before, after, kernel, stride), nn.BatchNorm2d(after), nn.ReLU()]
    layers += [nn.ConvTranspose2d(64, 1, 4, 2), nn.Tanh()]
    for before, after in ((1, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 4, 2), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(128, 1, 4, 2)), (64, 1, 1)


def dcgan_28():
    layers = [nn.Linear(100, 6272), nn.BatchNorm1d(6272), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))]
    layers += [nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU()]
    layers += [nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh()]
    layers += [nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    layers += [nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(6272, 1)), (100,)


def sngan_32():
    def conv(n_in, n_out, kernel=3):
        return nn.Conv2d(n_in, n_out, kernel, 1, kernel // 2)

    def twice():
        return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    layers = [nn.Linear(128, 4096), nn.Unflatten(1, (256, 4, 4))]
    for _ in range(3):
        main = [nn.BatchNorm2d(256), nn.ReLU(), twice(), conv(256, 256), nn.BatchNorm2d(256), nn.ReLU(), conv(256, 256)]
        layers += [Block(main, [twice(), conv(256, 256, 1)])]
    layers += [nn.BatchNorm2d(256), nn.ReLU(), conv(256, 3), nn.Tanh()]
    layers += [Block([conv(3, 128), nn.ReLU(), conv(128, 128), nn.AvgPool2d(2)], [nn.AvgPool2d(2), conv(3, 128, 1)])]
    main = [nn.ReLU(), conv(128, 128), nn.ReLU(), conv(128, 128), nn.AvgPool2d(2)]
    layers += [Block(main, [conv(128, 128, 1), nn.AvgPool2d(2)])]
    for _ in range(2):
        layers += [Block([nn.ReLU(), conv(128, 128), nn.ReLU(), conv(128, 128)], [])]
    return nn.Sequential(*layers, nn.ReLU(), Sum(), nn.Linear(128, 1)), (128,)


def resnet(n):
    def conv(n_in, n_out, stride):
        return nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)

    layers, before = [conv(3, 16, 1), nn.BatchNorm2d(16), nn.ReLU()], 16
    for channels in (16, 32, 64):
        for block in range(n):
            stride = 2 if block == 0 and channels > 16 else 1
            main = [conv(before, channels, stride), nn.BatchNorm2d(channels), nn.ReLU()]
            main += [conv(channels, channels, 1), nn.BatchNorm2d(channels)]
            skip = [Subsample(stride, (channels - before) // 2)] if stride > 1 else []
            layers += [Block(main, skip), nn.ReLU()]
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)), (3, 32, 32)


NETWORKS = {
    "energy-nt32": (nt_energy, 64),
    "energy-mnist": (mnist_energy, 128),
    "latent-dcgan_32": (lambda: dcgan((256, 128, 64)), 64),
    "latent-dcgan_64": (lambda: dcgan((512, 256, 128, 64)), 64),
    "latent-wgan_28": (wgan_28, 100),
    "latent-dcgan_28": (dcgan_28, 100),
    "latent-sngan_32": (sngan_32, 64),
    "classify-resnet56": (lambda: resnet(9), 1000),
}


def main():
    options = timing.arguments(TASKS)
    torch.set_num_threads(timing.threads())
    torch.manual_seed(0)
    build, batch = NETWORKS[options.task.removesuffix("-adam")]
    network, shape = build()
    network.eval()
    x = torch.randn(batch, *shape)
    if options.task.endswith("-adam"):
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)

        def call():
            optimiser.zero_grad()
            network(x).mean().backward()
            optimiser.step()

        settings = f"parameter gradient and Adam step, batch {batch}, f32, eager"
    elif options.task.startswith("classify"):
        network.requires_grad_(False)

        def call():
            with torch.inference_mode():
                network(x)

        settings = f"scores, batch {batch}, f32, eager"
    else:
        # Without this the backward pass would also compute gradients of the weights, which nobody asks for here.
        network.requires_grad_(False)
        x.requires_grad_(True)

        def call():
            torch.autograd.grad(network(x).sum(), x)

        settings = f"value and gradient in the input, batch {batch}, f32, eager"
    peer = f"PyTorch {torch.__version__.split('+')[0]}"
    timing.report(options.task, peer, timing.samples(call, options.seconds), settings)


if __name__ == "__main__":
    main()
