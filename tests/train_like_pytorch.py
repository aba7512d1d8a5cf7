"""Trains the same classifier from the same weights on the same batches with `mixwell train` and with PyTorch, and compares the loss
step by step, for every optimiser.

    python3 tests/train_like_pytorch.py target/release/mixwell [FOLDER WITH images/mnist]

Needs PyTorch and numpy. The images are the first 3200 of MNIST where they are given, otherwise 8 x 8 digits of examples/data, in
batches of 64 and 20, 50 steps. Prints a table, and fails when a loss is further than 1e-4 (relative to the first) from PyTorch's. The
network is LeNet's kind with tanh and mean pooling: where a rounding decides a ReLU or a maximum the other way, PyTorch in single
precision is itself up to 4e-3 from PyTorch in double precision.
"""

import csv
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

STEPS = 50
BAR = 1e-4
SEEDS = (1, 2, 3)
root = pathlib.Path(__file__).resolve().parent.parent


def read(path):
    data = gzip.open(path).read()
    dims = data[3]
    sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(sizes).copy()


def write(path, array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


class Net(nn.Module):
    def __init__(self, size):
        super().__init__()
        kernel, padding, last = (5, 0, 4) if size == 28 else (3, 1, 2)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, kernel, padding=padding), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(8, 16, kernel, padding=padding), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(16 * last * last, 64), nn.Tanh(), nn.Linear(64, 10),
        )
        convolution = lambda n: dict(kind="convolution", channels=n, kernel=kernel, padding=padding)
        activation, pool = dict(kind="activation", function="tanh"), dict(kind="average_pool", size=2)
        self.description = dict(input=[1, size, size], layers=[
            convolution(8), activation, pool, convolution(16), activation, pool,
            dict(kind="flatten"), dict(kind="dense", units=64), activation, dict(kind="dense", units=10),
        ])

    def forward(self, x):
        return self.layers(x)


O = torch.optim
optimisers = {
    "SGD, momentum 0.9, Nesterov": (
        "rule = { kind = 'sgd', momentum = 0.9, nesterov = true }\nlearning_rate = 0.02\nweight_decay = 5e-4",
        lambda p: O.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4), 0.0),
    "Adam": ("rule = { kind = 'adam' }\nlearning_rate = 1e-3", lambda p: O.Adam(p, lr=1e-3), 0.0),
    "AdamW, clipped": (
        "rule = { kind = 'adam_w' }\nlearning_rate = 1e-3\nweight_decay = 0.01\nclip_norm = 1.0",
        lambda p: O.AdamW(p, lr=1e-3, weight_decay=0.01), 1.0),
    "Adamax": ("rule = { kind = 'adamax' }\nlearning_rate = 2e-3", lambda p: O.Adamax(p, lr=2e-3), 0.0),
}


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    if len(sys.argv) > 2:
        prefix, batch = f"{sys.argv[2]}/images/mnist/train", 64
    else:
        prefix, batch = f"{root}/examples/data/optdigits-train", 20
    images, labels = (read(f"{prefix}-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    images, labels = images[: STEPS * batch], labels[: STEPS * batch]
    torch.set_num_threads(1)
    x = torch.from_numpy(images.astype(np.float32))[:, None] / 255
    y = torch.from_numpy(labels.astype(np.int64))

    def pytorch(start, make, clip, dtype):
        net = Net(images.shape[1])
        net.load_state_dict(start.state_dict())
        net = net.to(dtype)
        optimiser, losses = make(net.parameters()), []
        for step in range(STEPS):
            part = slice(step * batch, (step + 1) * batch)
            loss = nn.functional.cross_entropy(net(x[part].to(dtype)), y[part])
            optimiser.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimiser.step()
            losses.append(loss.item())
        return losses

    def mixwell_train(folder, settings):
        clip = "" if "clip_norm" in settings else "clip_norm = 0.0\n"
        (folder / "config.toml").write_text(
            f"kind = 'classifier'\nnetwork = 'network.json'\nweights = 'start.pth'\nepochs = 1\nbatch = {batch}\n"
            f"validation = 0.0\nshuffle = false\n[data]\ntrain = 'train-images-idx3-ubyte'\n"
            f"[optimiser]\n{settings}\n{clip}[output]\ncurve_every = 1\n")
        out = folder / "run"
        shutil.rmtree(out, ignore_errors=True)
        subprocess.run([program, "train", folder / "config.toml", "--out", out, "--quiet"], check=True)
        with open(out / "curve.csv") as file:
            return [float(row["loss"]) for row in csv.DictReader(file)]

    def distance(a, b):
        assert len(a) == len(b) == STEPS
        return max(abs(a - b) for a, b in zip(a, b)) / b[0]

    good, rows = True, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder / "train-images-idx3-ubyte", images)
        write(folder / "train-labels-idx1-ubyte", labels)
        for name, (settings, make, clip) in optimisers.items():
            for seed in SEEDS:
                torch.manual_seed(seed)
                start = Net(images.shape[1])
                torch.save(start.state_dict(), folder / "start.pth")
                (folder / "network.json").write_text(json.dumps(start.description))
                ours = mixwell_train(folder, settings)
                theirs, exact = (pytorch(start, make, clip, t) for t in (torch.float32, torch.float64))
                between, own = distance(ours, theirs), distance(theirs, exact)
                good &= between < BAR
                rows.append(f"| {name} | {seed} | {theirs[0]:.4f} | {ours[-1]:.6f} | {theirs[-1]:.6f} | {between:.1e} | {own:.1e} |")
    print(f"{len(images)} images of {images.shape[1]} x {images.shape[2]}, batches of {batch}, {STEPS} steps, PyTorch {torch.__version__}\n")
    print("| optimiser | seed | first loss | last loss, Mixwell | PyTorch | largest difference / first loss | PyTorch, single to double |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(rows))
    sys.exit(0 if good else 1)


main()
