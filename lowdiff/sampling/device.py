"""Where tensors live, and in which precision they are multiplied there."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import nn

from lowdiff.errors import InputError

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Accelerator:
    """A device and the precision of its convolutions and linear layers.

    Normalisation and (on CPUs) attention stay in float32 whatever is said here: the models see to
    that themselves.

    Attributes:
        low_precision: bfloat16 where the hardware multiplies it faster, else None for float32.
    """

    device: torch.device
    low_precision: torch.dtype | None

    def autocast(self) -> AbstractContextManager[object]:
        """The context that every forward pass runs in."""
        if self.low_precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.low_precision)

    def describe(self) -> dict[str, str | int]:
        """What `environment.json` says of it."""
        name = (
            torch.cuda.get_device_name(self.device)
            if self.device.type == "cuda"
            else torch.backends.cpu.get_cpu_capability()
        )
        return {
            "device": str(self.device),
            "device_name": name,
            "precision": str(self.low_precision or torch.float32).removeprefix("torch."),
            "threads": torch.get_num_threads(),
        }


def pick_accelerator(name: str | None = None) -> Accelerator:
    """The device of this name, by default a GPU where there is one.

    Raises:
        InputError: torch does not know the device, or it is not there.
    """
    has_gpu = torch.cuda.is_available()
    try:
        device = torch.device(name or ("cuda" if has_gpu else "cpu"))
    except RuntimeError as error:
        raise _no_device(name) from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not has_gpu):
        raise _no_device(name)
    fast = device.type == "cuda" or _cpu_multiplies_bfloat16()
    return Accelerator(device, torch.bfloat16 if fast else None)


def place(module: M, device: torch.device | str) -> M:
    """The module on a device, its convolutions with the channels last in memory."""
    moved = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return cast(M, moved)


def _cpu_multiplies_bfloat16() -> bool:
    """True on CPUs with AMX or AVX512-BF16; elsewhere bfloat16 is emulated and slower."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def _no_device(name: str | None) -> InputError:
    allowed = "cpu, cuda" if torch.cuda.is_available() else "cpu (torch sees no GPU here)"
    return InputError(f"device {name}", "cannot be used", reason="bad_device", allowed=allowed)
