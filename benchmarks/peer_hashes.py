"""The peers' verdicts on a folder of images; run by the Python of `.venv-peers`.

    .venv-peers/bin/python benchmarks/peer_hashes.py FOLDER OUT.json

Writes, for each method at its default threshold, the pairs it calls duplicates and its seconds.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pdqhash
from PIL import Image

PDQ_BITS = 31
PDQ_QUALITY = 0
"""Images of low quality are kept: graphics would lose too many otherwise."""


def imagededup_methods() -> dict[str, Any]:
    """PHash and DHash; torchvision serves only the CNN, and must not stop them from loading."""
    if "torchvision" not in sys.modules:
        try:
            import torchvision  # noqa: F401
        except (ImportError, RuntimeError):
            for name in [n for n in sys.modules if n.startswith("torchvision")]:
                del sys.modules[name]
            sys.modules |= _stand_ins()
    from imagededup.methods import DHash, PHash

    return {"imagededup PHash": PHash, "imagededup DHash": DHash}


def _stand_ins() -> dict[str, MagicMock]:
    """Objects in torchvision's place: the hashes never touch them."""
    names = ("", ".models", ".models.vision_transformer", ".transforms")
    return {f"torchvision{name}": MagicMock() for name in names}


def by_imagededup(method: Any, folder: Path) -> set[tuple[str, str]]:
    """Pairs at the default threshold of 10 bits of 64."""
    found = method(verbose=False).find_duplicates(image_dir=str(folder))
    return {tuple(sorted((a, b))) for a, others in found.items() for b in others}


def by_pdq(folder: Path) -> set[tuple[str, str]]:
    """Pairs within 31 bits of 256, the distance its authors advise."""
    names, bits = [], []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as opened:
            rgba = opened.convert("RGBA")
        rgb = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
        bits.append(pdqhash.compute(np.asarray(rgb))[0])
        names.append(path.name)
    signs = 2 * np.array(bits, np.float32) - 1
    distances = (256 - signs @ signs.T) / 2
    rows, columns = np.nonzero(np.triu(distances <= PDQ_BITS, 1))
    return {tuple(sorted((names[i], names[j]))) for i, j in zip(rows, columns, strict=True)}


def main() -> None:
    """Run every method."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    results = {}
    methods = {
        name: lambda method=method: by_imagededup(method, folder)
        for name, method in imagededup_methods().items()
    }
    methods["PDQ 31/256"] = lambda: by_pdq(folder)
    for name, run in methods.items():
        start = time.perf_counter()
        pairs = sorted(run())
        results[name] = {"seconds": time.perf_counter() - start, "pairs": pairs}
    out.write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
