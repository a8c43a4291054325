"""Engines whose answers are kept on disk, so that plans can be tried without reading anew."""

import hashlib
import json
import resource
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PIL import Image

from lowdiff.ocr.engine import Engine, RawWord


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


@dataclass
class CachedEngine:
    """Asks `engine` once for every picture and mode; `cpu_s` adds up what that cost then."""

    engine: Engine
    folder: Path
    cpu_s: float = field(default=0.0)

    @property
    def name(self) -> str:
        """Of the engine that is asked."""
        return self.engine.name

    @property
    def version(self) -> str:
        """Of the engine that is asked."""
        return self.engine.version

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """As the engine would."""
        about = f"{self.name} {self.version} {mode} {image.mode} {image.size}".encode()
        key = hashlib.sha256(about + image.tobytes()).hexdigest()
        path = self.folder / key[:2] / f"{key}.json"
        if path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.cpu_s += kept["cpu_s"]
            return [_word(fields) for fields in kept["words"]]
        started = cpu_seconds()
        words = self.engine.read(image, mode=mode, item=item)
        cost = cpu_seconds() - started
        self.cpu_s += cost
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"cpu_s": cost, "words": [asdict(word) for word in words]}
        path.write_text(json.dumps(record), encoding="utf-8")
        return words


def _word(fields: dict[str, object]) -> RawWord:
    return RawWord(**{**fields, "box": tuple(fields["box"]), "line": tuple(fields["line"])})  # type: ignore[arg-type]
