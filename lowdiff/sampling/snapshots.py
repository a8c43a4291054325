"""The averages that a run kept on its way, and the average of any span made from them afterwards.

A snapshot is `snapshots/images_000064000.safetensors`: the run's averages after so many images, in
half precision, named `<relative std>:<parameter>`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lowdiff.errors import ContractError, InputError
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.ema import Mixture, Profile, mix, mixture_of
from lowdiff.sampling.load import load_denoiser

SNAPSHOTS_FOLDER = "snapshots"
SMALLEST_SHARE = 1e-5
"""Averages that would count less than this are not read."""


class Snapshot(NamedTuple):
    """The averages of a run after so many images.

    Attributes:
        stds: the relative deviations of the averages in it.
    """

    path: Path
    images: int
    stds: tuple[float, ...]


def snapshot_path(run_dir: Path, images: int) -> Path:
    """Where the snapshot after so many images lies."""
    return run_dir / SNAPSHOTS_FOLDER / f"images_{images:09d}.safetensors"


def list_snapshots(run_dir: Path) -> list[Snapshot]:
    """The snapshots of a run, oldest first.

    Raises:
        ContractError: one is cut short.
    """
    found = []
    for path in sorted((run_dir / SNAPSHOTS_FOLDER).glob("images_*.safetensors")):
        with _opened(path) as file:
            stds = {float(name.split(":", 1)[0]) for name in file.keys()}  # noqa: SIM118
        found.append(Snapshot(path, int(path.stem.removeprefix("images_")), tuple(sorted(stds))))
    return found


def averaged_weights(
    snapshots: Sequence[Snapshot],
    *,
    relative_std: float,
    images: int,
    running: Mapping[float, dict[str, Tensor]] | None = None,
    item: object = "run",
) -> tuple[dict[str, Tensor], Mixture]:
    """The average of any span that ends after so many images, from the snapshots up to there.

    Args:
        running: the averages of exactly that time by their deviations, where they are still in
            memory: they are not rounded.

    Returns:
        one float32 tensor per parameter, and how well the mixture meets the wanted profile.

    Raises:
        InputError: there is no snapshot up to there, or no average has such a span.
        ContractError: a snapshot is cut short.
    """
    running = running or {}
    kept: list[tuple[Path | None, Profile]] = [
        (snapshot.path, Profile(std, snapshot.images))
        for snapshot in snapshots
        if 0 < snapshot.images <= images and not (running and snapshot.images == images)
        for std in snapshot.stds
    ]
    kept += [(None, Profile(std, images)) for std in running]
    if not kept:
        raise InputError(
            item,
            f"has no snapshot up to {images:,} images",
            reason="no_snapshot",
            found=", ".join(f"{one.images:,}" for one in snapshots) or "no snapshots",
            do="Train with a preset whose snapshot_every is not 0.",
        )
    try:
        mixture = mixture_of([profile for _, profile in kept], Profile(relative_std, images))
    except ValueError as error:
        raise InputError(item, str(error), reason="bad_ema_std") from error
    used = [
        (path, profile.relative_std, share)
        for (path, profile), share in zip(kept, mixture.shares, strict=True)
        if abs(share) > SMALLEST_SHARE
    ]
    states = (running[std] if path is None else read_average(path, std) for path, std, _ in used)
    total = sum(share for *_, share in used)
    return mix(states, [share / total for *_, share in used]), mixture


def read_average(path: Path, relative_std: float) -> dict[str, Tensor]:
    """One average of a snapshot, by parameter.

    Raises:
        ContractError: the snapshot is cut short or has no such average.
    """
    prefix = f"{relative_std}:"
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        state = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    if not state:
        raise _damaged(path, f"no average of {relative_std}")
    return state


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file whose damage is one of our errors."""
    try:
        file = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    with file:
        yield file


def _damaged(path: Path, error: object) -> ContractError:
    return ContractError(
        path,
        f"is cut short or damaged ({error})",
        reason="snapshot_damaged",
        do="Delete this file: the other snapshots still serve.",
    )


def load_snapshot(run_dir: Path, images: int, *, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser of a run as it was after at most so many images.

    Raises:
        InputError: the run kept no snapshot up to there.
        ContractError: the folder is no denoiser run, or a snapshot is damaged.
    """
    kept = list_snapshots(run_dir)
    early = [snapshot for snapshot in kept if snapshot.images <= images]
    if not early:
        raise InputError(
            run_dir.name,
            f"has no snapshot up to {images:,} images",
            reason="no_snapshot",
            found=", ".join(f"{one.images:,}" for one in kept) or "no snapshots",
            do="Train with a preset whose snapshot_every is not 0.",
        )
    denoiser = load_denoiser(run_dir, device=device)
    state = read_average(early[-1].path, early[-1].stds[0])
    parameters = dict(denoiser.named_parameters())
    if state.keys() != parameters.keys():
        raise _damaged(early[-1].path, "other parameters than the run's")
    for name, parameter in parameters.items():
        parameter.copy_(state[name])
    return denoiser
