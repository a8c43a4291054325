"""Copy modules of ours into a folder where they work without lowdiff.

The copies are verbatim but for their imports: `from lowdiff.models.unet import Unet` becomes
`from .lowdiff_<digest>_models_unet import Unet`, and the shapes of jaxtyping, which say nothing at
run time, come from a small module instead. The digest of all sources is part of every name, because
diffusers copies the modules of all models that it loads into one folder.
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

PACKAGE = "lowdiff"
SHAPES = '''"""Annotations of tensor shapes, for readers only."""

from typing import Any


class _Shape:
    def __class_getitem__(cls, item: Any) -> Any:
        return item[0]


Bool = Float = Int = Num = Real = Shaped = UInt8 = _Shape
'''
_OURS = re.compile(rf"\bfrom {PACKAGE}((?:\.\w+)*) import")
_SHAPED = re.compile(r"\bfrom jaxtyping import")


@dataclass(frozen=True)
class Bundle:
    """Modules that work together in one folder.

    Attributes:
        entry: the name of the module to load.
        files: file name → source; the entry imports every other one, as diffusers wants it.
        needs: the packages of others that they import, in code that always runs.
    """

    entry: str
    files: dict[str, str]
    needs: list[str]


def digest_of(modules: Sequence[str]) -> str:
    """Ten hex digits over the sources of modules and of everything of ours that they import."""
    sources = _closure(modules)
    text = "\0".join(f"{name}\0{sources[name]}" for name in sorted(sources))
    return sha256(text.encode()).hexdigest()[:10]


def bundle(entry: str, *, digest: str) -> Bundle:
    """An entry module with everything of ours that it imports.

    Args:
        entry: such as `lowdiff.training.export.pipeline`.
        digest: of all bundles that are loaded together; see `digest_of`.

    Raises:
        ValueError: a module imports ours in a way that cannot be rewritten.
    """
    sources = _closure([entry])
    names = {module: _flat(module, digest) for module in sources}
    shapes = f"{PACKAGE}_{digest}_shapes"
    files = {f"{shapes}.py": SHAPES}
    for module, source in sources.items():
        text = _OURS.sub(lambda found: f"from .{names[PACKAGE + found[1]]} import", source)
        files[f"{names[module]}.py"] = _SHAPED.sub(f"from .{shapes} import", text)
    others = sorted(name for module, name in names.items() if module != entry)
    # diffusers copies what the entry imports by itself, and nothing that lies deeper
    listed = "\n".join(f"from .{name} import __name__ as _  # noqa" for name in [*others, shapes])
    files[f"{names[entry]}.py"] += f"\n\n{listed}\n"
    return Bundle(names[entry], files, sorted(_needs(sources.values())))


def _flat(module: str, digest: str) -> str:
    rest = module.removeprefix(PACKAGE).lstrip(".").replace(".", "_")
    return f"{PACKAGE}_{digest}_{rest or 'package'}"


def _closure(modules: Sequence[str]) -> dict[str, str]:
    """Module → source, of these and of all of ours that they import."""
    sources: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in sources:
            continue
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ValueError(f"there is no module {module}")
        sources[module] = Path(spec.origin).read_text(encoding="utf-8")
        waiting += _ours(module, sources[module])
    return sources


def _ours(module: str, source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(
            name.name.split(".")[0] == PACKAGE for name in node.names
        ):
            raise ValueError(f"{module} says `import {PACKAGE}…`; it must say `from … import …`")
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            name = str(node.module)
            for one in node.names:
                if _is_module(f"{name}.{one.name}"):
                    raise ValueError(f"{module} imports the module {one.name} from {name}")
            found.append(name)
    return found


def _is_module(name: str) -> bool:
    parent = name.rpartition(".")[0]
    spec = importlib.util.find_spec(parent)
    return bool(spec and spec.submodule_search_locations and importlib.util.find_spec(name))


def _needs(sources: Iterable[str]) -> set[str]:
    """Top-level packages of others that are imported at the top of these sources."""
    found: set[str] = set()
    for source in sources:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - {PACKAGE, "jaxtyping"} - sys.stdlib_module_names
