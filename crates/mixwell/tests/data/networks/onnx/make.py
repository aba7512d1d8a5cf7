"""Makes the ONNX files of this folder: networks of PyTorch, exported by both of its exporters, and beside each the numbers that PyTorch
computes with it in double precision.

    python make.py [FOLDER]

NAME.onnx is the network; NAME.npz has x (rows), y (outputs), c (as many numbers as outputs), and gradient, the derivative of
sum(c * y) in x. All are ours. Made with torch 2.15.0, onnx 1.23.2, onnxscript 0.7.2.
"""

import copy
import os
import sys
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


class Dense(nn.Module):
    """Dense layers with a batch norm, residual blocks, and most functions."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.2))
        self.block = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 16, bias=False))
        self.skip = nn.Linear(16, 16)
        self.last = nn.Sequential(nn.ELU(0.7), nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 2), nn.Softplus())

    def forward(self, x):
        x = self.first(x)
        x = x + self.block(x)
        x = self.skip(x) + torch.sigmoid(self.block(x))
        return self.last(x) * 0.5 - 1.0


class Separate(Dense):
    """The same, no block used twice."""

    def forward(self, x):
        x = self.first(x)
        x = x + self.block(x)
        return self.last(self.skip(x)) * 0.5 - 1.0


class Convolutional(nn.Module):
    """A critic: convolutions, batch norms, pools."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 6, 4, 2, 1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 8, 3, 1, 1),
            nn.LeakyReLU(0.1),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 8, 1),
            nn.Hardtanh(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Linear(8 * 2 * 2, 3)

    def forward(self, x):
        return self.head(torch.flatten(self.body(x), 1))


class Block(nn.Module):
    """A residual block with its normalisation first; on the way around, a convolution or a pool, or both."""

    def __init__(self, n_in, n_out, down):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_out)])
        self.convolutions = nn.ModuleList([nn.Conv2d(n_in, n_out, 3, 1, 1), nn.Conv2d(n_out, n_out, 3, 1, 1)])
        self.around = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else None
        self.down = down

    def forward(self, x):
        y = self.convolutions[0](torch.relu(self.norms[0](x)))
        y = self.convolutions[1](torch.relu(self.norms[1](y)))
        if self.around is not None:
            x = self.around(x)
        if self.down:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        return x + y


class Residual(nn.Module):
    """Residual blocks of several kinds, one within another, and a sum over the pixels."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(2, 4, True), Block(4, 4, False))
        self.outer = nn.Conv2d(4, 4, 3, 1, 1)
        self.inner = nn.Conv2d(4, 4, 1)
        self.smaller = nn.Conv2d(4, 8, 3, 2, 1)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        x = self.blocks(x)
        y = F.silu(self.outer(x))
        x = x + (y + self.inner(y))
        # The way around of He and others' option A: every other pixel, and channels of zeros.
        x = torch.relu(self.smaller(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)))
        x = x.sum((2, 3))
        return self.head(F.elu(torch.cat([x, -x], 1)))


class Generator(nn.Module):
    """A generator: transposed convolutions, larger images, squares of pixels, the nearest pixel at the edges."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 8 * 2 * 2)
        self.up = nn.Sequential(
            nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1),
            nn.PixelShuffle(2),
            nn.PixelUnshuffle(2),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(4, 3, 3, padding=0),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        )
        self.last = nn.Conv2d(3, 1, 3)

    def forward(self, z):
        x = self.up(self.first(z).view(z.size(0), 8, 2, 2))
        return torch.tanh(self.last(F.pad(x, (1, 1, 1, 1), mode="replicate")))


NETWORKS = {
    "dense": (Separate, (3,)),
    "convolutional": (Convolutional, (2, 16, 16)),
    "residual": (Residual, (2, 8, 8)),
    "generator": (Generator, (5,)),
    # One block twice: read as two that begin with the same numbers.
    "shared": (Dense, (3,)),
}


def network(kind):
    model = kind()
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0.0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
            nn.init.normal_(module.weight, 1.0, 0.2)
            nn.init.normal_(module.bias, 0.0, 0.2)
    return model.eval()


def export(model, x, path, dynamo):
    names = {"input_names": ["x"], "output_names": ["y"]}
    if dynamo:
        rows = torch.export.Dim("rows", min=1)
        torch.onnx.export(model, (x,), path, dynamo=True, dynamic_shapes=({0: rows},), external_data=False, verbose=False, **names)
    else:
        axes = {"x": {0: "rows"}, "y": {0: "rows"}}
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=13, dynamic_axes=axes, **names)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    for i, (name, (kind, shape)) in enumerate(NETWORKS.items()):
        torch.manual_seed(i)
        model = network(kind)
        x = torch.randn(3, *shape)
        for dynamo in [False, True]:
            file = os.path.join(folder, name + ("_dynamo" if dynamo else "") + ".onnx")
            export(model, x, file, dynamo)
            print(file, os.path.getsize(file))
        double = copy.deepcopy(model).double()
        z = x.double().requires_grad_()
        y = double(z)
        c = torch.randn_like(y)
        (gradient,) = torch.autograd.grad((c * y).sum(), z)
        arrays = {"x": x, "y": y, "c": c, "gradient": gradient}
        np.savez(os.path.join(folder, name + ".npz"), **{key: value.detach().numpy() for key, value in arrays.items()})


if __name__ == "__main__":
    main()
