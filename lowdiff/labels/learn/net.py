"""Multinomial logistic regression, or one hidden layer, in torch: all folds trained as one batch.

Gradient descent reaches the main axes of the features first, so stopping early is a prior
(Ali, Kolter and Tibshirani 2019, "A continuous-time view of early stopping"); the step is the one
at which the held-out folds are best.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]

STEPS, LOOK_EVERY = 640, 8
RATE, MOMENTUM, DECAY = 0.003, 0.9, 1e-3
HIDDEN = (0, 32)
"""Widths that are tried; 0 is logistic regression."""


@dataclass(frozen=True)
class Net:
    """What training came to."""

    width: int
    steps: int
    loss: float
    """Mean negative log likelihood on the held-out folds."""
    held_out: Floats
    """(n, classes): probabilities by the model that did not see the row's fold."""
    weights: dict[str, Floats]
    """Of the model that saw all rows: `w`, `b`, or `w1`, `b1`, `w2`, `b2`."""


def train_net(
    inputs: Floats,
    target: NDArray[np.int64],
    fold: NDArray[np.int64],
    classes: int,
    *,
    width: int,
    seed: int,
) -> Net:
    """Train one model for each fold that it misses, and one that misses none.

    Args:
        inputs: (n, inputs), centred.
        target: class of each row.
        fold: which fold each row is held out in, from 0.
        width: of the hidden layer; 0: none.
    """
    with _one_thread():
        return _train(inputs, target, fold, classes, width, seed)


@contextmanager
def _one_thread() -> Iterator[None]:
    """These products are so small that threads wait for each other: of 450 and of 3,000 rows two
    threads took four and five times the CPU of one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    inputs: Floats,
    target: NDArray[np.int64],
    fold: NDArray[np.int64],
    classes: int,
    width: int,
    seed: int,
) -> Net:
    folds = int(fold.max()) + 1
    x, rows = torch.from_numpy(inputs), torch.arange(len(target))
    own, wanted = torch.from_numpy(fold), torch.from_numpy(target)
    balance = _balance(target, classes)
    counts = torch.from_numpy(balance[target]).float() * (own != torch.arange(folds + 1)[:, None])
    counts = counts / counts.sum(dim=1, keepdim=True)
    shift = torch.from_numpy(np.log(balance)).float()
    net = _start(inputs.shape[1], classes, width, folds + 1, seed)
    optimiser = torch.optim.SGD(net.values(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    best = Net(width, 0, float("inf"), np.zeros(0, np.float32), {})
    for step in range(STEPS + 1):
        logits = _forward(net, x)
        if step % LOOK_EVERY == 0:
            # rare classes were lifted in training: taking that off gives the true odds back
            held = torch.log_softmax(logits[own, rows].detach() - shift, dim=1)
            loss = float(-held[rows, wanted].mean())
            if loss < best.loss:
                kept = _kept(net, shift)
                best = Net(width, step, loss, np.asarray(held.exp().numpy()), kept)
        every = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.repeat(folds + 1), reduction="none"
        ).view(folds + 1, -1)
        optimiser.zero_grad()
        (every * counts).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return best


def probabilities(weights: dict[str, Floats], inputs: Floats) -> Floats:
    """(n, inputs) → (n, classes) by the weights of a `Net`."""
    if "w1" in weights:
        hidden = np.maximum(0, inputs @ weights["w1"] + weights["b1"])
        logits = hidden @ weights["w2"] + weights["b2"]
    else:
        logits = inputs @ weights["w"] + weights["b"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _start(features: int, classes: int, width: int, models: int, seed: int) -> dict[str, Tensor]:
    """Equal weights for all models; the last layer begins at zero."""
    shapes = {"w": (features, classes), "b": (1, classes)}
    if width:
        shapes = {
            "w1": (features, width), "b1": (1, width), "w2": (width, classes), "b2": (1, classes),
        }  # fmt: skip
    dice = torch.Generator().manual_seed(seed)
    net = {}
    for name, shape in shapes.items():
        one = torch.zeros(shape)
        if name == "w1":
            one = torch.randn(shape, generator=dice) / features**0.5
        net[name] = one.expand(models, *shape).clone().requires_grad_(True)
    return net


def _forward(net: dict[str, Tensor], x: Tensor) -> Tensor:
    if "w1" not in net:
        return x @ net["w"] + net["b"]
    return torch.relu(x @ net["w1"] + net["b1"]) @ net["w2"] + net["b2"]


def _kept(net: dict[str, Tensor], shift: Tensor) -> dict[str, Floats]:
    """The weights of the last model, the one that misses no fold."""
    own = {name: value[-1].detach().clone() for name, value in net.items()}
    last = "b2" if "w1" in net else "b"
    own[last] = own[last] - shift
    return {
        name: np.asarray(value.squeeze(0).numpy() if name[0] == "b" else value.numpy())
        for name, value in own.items()
    }


def _balance(target: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Weights that lift rare classes by the square root: fully, they would drown the others."""
    counts = np.bincount(target, minlength=classes).astype(np.float64)
    balance: NDArray[np.float64] = np.sqrt(counts.mean() / np.maximum(counts, 1))
    return balance
