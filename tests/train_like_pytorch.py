"""Trains the same classifier from the same weights on the same batches with `mixwell train` and with PyTorch, and compares the loss
step by step, for every optimiser.

    python3 tests/train_like_pytorch.py target/release/mixwell [FOLDER WITH images/mnist]

Needs PyTorch and numpy. The images are the first 3200 of MNIST where they are given, otherwise 8 x 8 digits of examples/data, in
batches of 64 and 20, 50 steps. Prints a table, and fails when a loss is further than 1e-4 (relative to the first) from PyTorch's.
"""

import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

STEPS = 50
BAR = 1e-4
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
            nn.Conv2d(1, 8, kernel, padding=padding), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, kernel, padding=padding), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(16 * last * last, 64), nn.ReLU(), nn.Linear(64, 10),
        )
        convolution = lambda n: dict(kind="convolution", channels=n, kernel=kernel, padding=padding)
        activation, pool = dict(kind="activation", function="relu"), dict(kind="max_pool", size=2)
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
    mixwell = pathlib.Path(sys.argv[1]).resolve()
    if len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[2]) / "images/mnist"
        images, labels, batch = (read(folder / f"train-{n}-ubyte.gz") for n in ("images-idx3", "labels-idx1")), None, 64
        images, labels = images
    else:
        names = ("images-idx3", "labels-idx1")
        images, labels = (read(root / f"examples/data/optdigits-train-{n}-ubyte.gz") for n in names)
        batch = 20
    images, labels = images[: STEPS * batch], labels[: STEPS * batch]
    torch.manual_seed(1)
    torch.set_num_threads(1)
    start = Net(images.shape[1])
    x = torch.from_numpy(images.astype(np.float32))[:, None] / 255
    y = torch.from_numpy(labels.astype(np.int64))
    worst, rows = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder / "train-images-idx3-ubyte", images)
        write(folder / "train-labels-idx1-ubyte", labels)
        torch.save(start.state_dict(), folder / "start.pth")
        (folder / "network.json").write_text(json.dumps(start.description))
        for i, (name, (settings, make, clip)) in enumerate(optimisers.items()):
            clip_line = "" if "clip_norm" in settings else "clip_norm = 0.0\n"
            (folder / "config.toml").write_text(
                f"kind = 'classifier'\nnetwork = 'network.json'\nweights = 'start.pth'\nepochs = 1\nbatch = {batch}\n"
                f"validation = 0.0\nshuffle = false\n[data]\ntrain = 'train-images-idx3-ubyte'\n"
                f"[optimiser]\n{settings}\n{clip_line}[output]\ncurve_every = 1\n")
            out = folder / f"run{i}"
            subprocess.run([mixwell, "train", folder / "config.toml", "--out", out, "--quiet"], check=True)
            with open(out / "curve.csv") as file:
                ours = [float(row["loss"]) for row in csv.DictReader(file)]
            net = Net(images.shape[1])
            net.load_state_dict(start.state_dict())
            optimiser, theirs = make(net.parameters()), []
            for step in range(STEPS):
                part = slice(step * batch, (step + 1) * batch)
                loss = nn.functional.cross_entropy(net(x[part]), y[part])
                optimiser.zero_grad()
                loss.backward()
                if clip:
                    nn.utils.clip_grad_norm_(net.parameters(), clip)
                optimiser.step()
                theirs.append(loss.item())
            assert len(ours) == STEPS
            difference = max(abs(a - b) for a, b in zip(ours, theirs)) / theirs[0]
            worst = max(worst, difference)
            rows.append(f"| {name} | {theirs[0]:.4f} | {ours[-1]:.6f} | {theirs[-1]:.6f} | {difference:.1e} |")
    print(f"{len(images)} images of {images.shape[1]} x {images.shape[2]}, batches of {batch}, {STEPS} steps, PyTorch {torch.__version__}\n")
    print("| optimiser | first loss | last loss, Mixwell | PyTorch | largest difference / first loss |\n|---|---:|---:|---:|---:|")
    print("\n".join(rows))
    sys.exit(0 if worst < BAR else 1)


main()
