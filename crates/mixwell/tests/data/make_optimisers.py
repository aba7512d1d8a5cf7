"""Writes optimisers.json: parameters after each of some steps of PyTorch's optimisers on given gradients, in double precision.

    python3 make_optimisers.py > optimisers.json

Needs PyTorch. Start and gradients come from a linear congruential generator, so that nothing random is in the file.
"""

import json

import torch

torch.set_default_dtype(torch.float64)
N, STEPS = 5, 12


def numbers(n, state=[12345]):
    out = []
    for _ in range(n):
        state[0] = (1103515245 * state[0] + 12345) % 2**31
        out.append(round(4 * state[0] / 2**31 - 2, 3))
    return out


start = numbers(N)
gradients = [numbers(N) for _ in range(STEPS)]


def run(make, clip=0.0):
    parameter = torch.nn.Parameter(torch.tensor(start))
    optimiser, scheduler = make([parameter])
    after = []
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        if clip:
            torch.nn.utils.clip_grad_norm_([parameter], clip)
        optimiser.step()
        if scheduler:
            scheduler.step()
        after.append(parameter.detach().tolist())
    return after


def plain(kind, **settings):
    return lambda p: (kind(p, **settings), None)


def scheduled(kind, scheduler, **settings):
    def make(p):
        optimiser = kind(p, **settings)
        return optimiser, scheduler(optimiser)

    return make


O = torch.optim
S = torch.optim.lr_scheduler
cases = {
    "sgd": (dict(rule=dict(kind="sgd"), learning_rate=0.05), plain(O.SGD, lr=0.05)),
    "sgd with momentum and decay": (
        dict(rule=dict(kind="sgd", momentum=0.9), learning_rate=0.05, weight_decay=0.1),
        plain(O.SGD, lr=0.05, momentum=0.9, weight_decay=0.1),
    ),
    "sgd, nesterov and decay": (
        dict(rule=dict(kind="sgd", momentum=0.8, nesterov=True), learning_rate=0.05, weight_decay=0.1),
        plain(O.SGD, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
    ),
    "adam with decay": (
        dict(rule=dict(kind="adam", beta1=0.8, beta2=0.95, epsilon=1e-3), learning_rate=0.02, weight_decay=0.1),
        plain(O.Adam, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1),
    ),
    "adam_w with decay": (
        dict(rule=dict(kind="adam_w"), learning_rate=0.02, weight_decay=0.1),
        plain(O.AdamW, lr=0.02, weight_decay=0.1),
    ),
    "adamax with decay": (
        dict(rule=dict(kind="adamax", beta1=0.8, beta2=0.95), learning_rate=0.02, weight_decay=0.1),
        plain(O.Adamax, lr=0.02, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "adam, cosine": (
        dict(rule=dict(kind="adam"), learning_rate=0.02, schedule=dict(kind="cosine", total=10, floor=0.1)),
        scheduled(O.Adam, lambda o: S.LambdaLR(o, lambda t: 0.1 + 0.45 * (1 + torch.cos(torch.tensor(torch.pi * min(t, 10) / 10)).item())), lr=0.02),
    ),
    "sgd, steps": (
        dict(rule=dict(kind="sgd", momentum=0.9), learning_rate=0.05, schedule=dict(kind="step", every=4, factor=0.5)),
        scheduled(O.SGD, lambda o: S.StepLR(o, 4, 0.5), lr=0.05, momentum=0.9),
    ),
    "adam, linear": (
        dict(rule=dict(kind="adam"), learning_rate=0.02, schedule=dict(kind="linear", total=8, floor=0.25)),
        scheduled(O.Adam, lambda o: S.LinearLR(o, 1.0, 0.25, 8), lr=0.02),
    ),
    "sgd, warm-up": (
        dict(rule=dict(kind="sgd"), learning_rate=0.05, warmup_steps=5),
        scheduled(O.SGD, lambda o: S.LinearLR(o, 0.2, 1.0, 4), lr=0.05),
    ),
}
clipped = {
    "adam, clipped": (dict(rule=dict(kind="adam"), learning_rate=0.02, clip_norm=1.5), plain(O.Adam, lr=0.02), 1.5),
    "sgd, clipped": (dict(rule=dict(kind="sgd"), learning_rate=0.05, clip_norm=1.0), plain(O.SGD, lr=0.05), 1.0),
}
out = []
for name, (config, make) in cases.items():
    out.append(dict(name=name, config=dict(clip_norm=0.0, **config), after=run(make)))
for name, (config, make, clip) in clipped.items():
    out.append(dict(name=name, config=config, after=run(make, clip)))
print(json.dumps(dict(origin="computed by this project with PyTorch (BSD 3-clause)", torch=torch.__version__, start=start,
                      gradients=gradients, cases=out)))
