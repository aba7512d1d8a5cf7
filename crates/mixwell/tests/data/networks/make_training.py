"""Writes training.json beside this script: small networks in training mode, computed by PyTorch in double precision
(`python3 make_training.py`, torch 2 from PyPI). Parameters come in the order of the layout, and so do gradients; in the place
of a statistic stands what a step takes away from it, the value before the pass minus the value after it."""

import json
import os

import torch
from torch import nn

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def arrays(layer):
    """The arrays of a layer in our order, as tensors."""
    if isinstance(layer, nn.BatchNorm2d):
        return [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    if hasattr(layer, "weight_orig"):
        return [layer.weight_orig, layer.bias, layer.weight_u]
    return list(layer.parameters())


def reference(net, x):
    layers = [layer for layer in net if arrays(layer)]
    with torch.no_grad():
        for layer in layers:
            for array in arrays(layer):
                if isinstance(layer, nn.BatchNorm2d):
                    array.copy_(torch.rand_like(array) + 0.5)
                elif array.dim() > 1:
                    array.copy_(torch.randn_like(array) / 2)
    before = [array.detach().clone() for layer in layers for array in arrays(layer)]
    net.train()
    y = net(x)
    c = torch.randn_like(y)
    loss = (c * y).sum()
    loss.backward()
    after = [array for layer in layers for array in arrays(layer)]
    gradient = [b - a.detach() if a.grad is None else a.grad for a, b in zip(after, before)]

    def flat(tensors):
        return [v for tensor in tensors for v in tensor.flatten().tolist()]

    return {
        "params": flat(before),
        "x": x.flatten(1).tolist(),
        "c": c.tolist(),
        "outputs": y.tolist(),
        "loss": loss.item(),
        "gradient": flat(gradient),
    }


def spectral(layer):
    return nn.utils.spectral_norm(layer)


batch_norm = nn.Sequential(
    nn.Conv2d(2, 3, 3, padding=1),
    nn.BatchNorm2d(3),
    nn.ReLU(),
    nn.Conv2d(3, 4, 3, stride=2),
    nn.BatchNorm2d(4, eps=1e-3, momentum=0.3),
    nn.LeakyReLU(0.2),
    nn.Flatten(),
    nn.Linear(16, 3),
)
spectral_norm = nn.Sequential(
    spectral(nn.Conv2d(2, 3, 3, padding=1)),
    nn.Tanh(),
    spectral(nn.ConvTranspose2d(3, 2, 3, stride=2)),
    nn.Tanh(),
    nn.Flatten(),
    spectral(nn.Linear(242, 2)),
)
made = {
    "torch": torch.__version__.split("+")[0],
    "batch_norm": reference(batch_norm, torch.randn(6, 2, 5, 5)),
    "spectral_norm": reference(spectral_norm, torch.randn(3, 2, 5, 5)),
}
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "training.json"), "w") as file:
    json.dump(made, file)
    file.write("\n")
