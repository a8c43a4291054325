"""Points in a space of few dimensions."""

import torch


def cloud(n: int, *, shift: float = 0.0, seed: int = 0, width: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator) + shift
