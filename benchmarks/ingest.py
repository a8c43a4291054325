"""Images per second and CPU per image of `lowdiff ingest`, beside img2dataset, in one run.

Both fetch the same JPEGs of 1280 × 720 pixels over loopback from the same server and write JPEGs
of 256 pixels. lowdiff does so with everything on: robots.txt, opt-outs, checks, SHA-256, hash of
the pixels, originals kept and flushed to the disk, catalog. See `benchmarks/README.md`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".venv-peers/bin/img2dataset"
SIZE_PX = (1280, 720)
OUTPUT_PX = 256
CONCURRENCY = 8
PEER_PROCESSES = 2
PEER_THREADS = (16,)
"""Of each process; `--peer-threads 8 16 32 64` finds the best on your machine."""


@dataclass(frozen=True)
class Cost:
    """What one round of one program took."""

    program: str
    images: int
    seconds: float
    cpu_s: float
    """Of the whole machine but the server; what else runs on it counts, so let nothing else."""
    own_cpu_s: float
    """Of the program and its processes, as their parent is told when they end."""
    peak_mb: float
    """Resident memory of all its processes together, sampled."""

    @property
    def images_per_s(self) -> float:
        """Images that were kept, per second."""
        return self.images / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Per image, machine-wide."""
        return 1000 * self.cpu_s / self.images

    @property
    def own_cpu_ms(self) -> float:
        """Per image, of the program's processes."""
        return 1000 * self.own_cpu_s / self.images


Program = Callable[[str, Path, str, Path, psutil.Process], Cost]


def main() -> None:
    """Run the rounds interleaved and print medians."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="lowdiff-bench-", dir=options.scratch) as text:
        scratch = Path(text)
        pictures = scratch / "pictures"
        print(f"making {options.images} pictures …", flush=True)
        make_pictures(pictures, options.images)
        sizes = [path.stat().st_size for path in pictures.iterdir()]
        print(f"{len(sizes)} JPEGs, {statistics.mean(sizes) / 1e3:.0f} kB on average", flush=True)
        programs: dict[str, Program] = {}
        if options.only != "img2dataset":
            programs["lowdiff"] = run_ours
        if options.only != "lowdiff" and PEER.exists():
            for threads in options.peer_threads:
                programs[f"img2dataset with {threads} threads"] = partial(run_peer, threads=threads)
        costs: list[Cost] = []
        with image_server(pictures, scratch) as (url, server):
            for number in range(options.rounds):
                for place, (name, program) in enumerate(programs.items()):
                    cost = program(name, scratch / f"{place}-{number}", url, pictures, server)
                    costs.append(cost)
                    print(_line(cost), flush=True)
        report(costs)


def make_pictures(folder: Path, number: int) -> None:
    """Photo-like JPEGs, the same ones on every machine with the same Pillow."""
    folder.mkdir()
    width, height = SIZE_PX
    grain = np.random.default_rng(0).normal(0, 7, (height, width, 3)).astype(np.float32)
    for index in range(number):
        random = np.random.default_rng(index)
        coarse = random.integers(0, 256, (9, 16, 3), dtype=np.uint8)
        scene = Image.fromarray(coarse).resize(SIZE_PX, Image.Resampling.BICUBIC)
        shapes = Image.fromarray(random.integers(0, 256, (45, 80, 3), dtype=np.uint8))
        shapes = shapes.resize(SIZE_PX, Image.Resampling.NEAREST).filter(ImageFilter.BoxBlur(2))
        mixed = np.asarray(Image.blend(scene, shapes, 0.25), dtype=np.float32)
        noisy = mixed + np.roll(grain, index * 37, axis=1)
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        picture.save(folder / f"{index:05}.jpg", quality=85)


@contextmanager
def image_server(pictures: Path, scratch: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server in a process of its own; yields its address and the process."""
    address = scratch / "address"
    command = [sys.executable, str(ROOT / "benchmarks/image_server.py"), pictures, address]
    process = subprocess.Popen(command)
    try:
        while not address.exists():
            time.sleep(0.05)
        yield address.read_text(), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def run_ours(name: str, folder: Path, url: str, _pictures: Path, server: psutil.Process) -> Cost:
    """`lowdiff ingest` into a fresh workspace."""
    (folder / "sources").mkdir(parents=True)
    (folder / "sources/bench.toml").write_text(
        'name = "bench"\nkind = "web"\nlicence = "CC0-1.0"\nattribution = "nobody"\n'
        f'contact = "bench@example.org"\nstart_urls = ["{url}/"]\n'
        f"allow_loopback = true\ndelay_s = 0\nconcurrency = {CONCURRENCY}\n"
    )
    command = [sys.executable, "-m", "lowdiff.cli.app", "ingest", "bench", "--json"]
    env = {"LOWDIFF_WORKSPACE": str(folder), "LOWDIFF_PREVIEW_PX": str(OUTPUT_PX)}
    cost, out = measure(name, command, env, server)
    return Cost(**{**vars(cost), "images": json.loads(out)["new"]})


def run_peer(
    name: str, folder: Path, url: str, pictures: Path, server: psutil.Process, *, threads: int
) -> Cost:
    """`img2dataset` into a folder of files."""
    folder.mkdir()
    urls = folder / "urls.txt"
    urls.write_text("".join(f"{url}/{path.name}\n" for path in sorted(pictures.iterdir())))
    command = [
        str(PEER), f"--url_list={urls}", f"--output_folder={folder / 'out'}",
        f"--processes_count={PEER_PROCESSES}", f"--thread_count={threads}",
        f"--image_size={OUTPUT_PX}", "--resize_mode=keep_ratio", "--output_format=files",
        "--number_sample_per_shard=500", "--enable_wandb=False",
    ]  # fmt: skip
    cost, _out = measure(name, command, {"NO_ALBUMENTATIONS_UPDATE": "1"}, server)
    kept = sum(1 for _path in (folder / "out").rglob("*.jpg"))
    return Cost(**{**vars(cost), "images": kept})


def measure(
    name: str, command: list[str], env: Mapping[str, str], server: psutil.Process
) -> tuple[Cost, bytes]:
    """Run a program to its end; `images` is for the caller to fill in."""
    before, server_before = os.times(), sum(server.cpu_times()[:2])
    machine_before, started = _machine_cpu_s(), time.monotonic()
    with subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        peak_mb = _watch(psutil.Process(process.pid), process)
        out, _err = process.communicate()
    seconds, after = time.monotonic() - started, os.times()
    if process.returncode:
        raise SystemExit(f"{name} ends with exit code {process.returncode}")
    server_s = sum(server.cpu_times()[:2]) - server_before
    own_s = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    cost = Cost(name, 0, seconds, _machine_cpu_s() - machine_before - server_s, own_s, peak_mb)
    return cost, out


def _watch(parent: psutil.Process, process: "subprocess.Popen[bytes]") -> float:
    peak = 0
    while process.poll() is None:
        total = 0
        for one in _family(parent):
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, total)
        time.sleep(0.5)
    return peak / 1e6


def _family(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _machine_cpu_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def report(costs: list[Cost]) -> None:
    """Medians of each program, and our ratio to the fastest of the others."""
    medians = {}
    for name in dict.fromkeys(cost.program for cost in costs):
        own = [cost for cost in costs if cost.program == name]
        speed = statistics.median(cost.images_per_s for cost in own)
        cpu = statistics.median(cost.cpu_ms for cost in own)
        rusage = statistics.median(cost.own_cpu_ms for cost in own)
        peak = statistics.median(cost.peak_mb for cost in own)
        medians[name] = (speed, cpu)
        print(
            f"median of {len(own)}: {name}: {speed:.1f} images/s, {cpu:.1f} CPU-ms per image "
            f"({rusage:.1f} of its own), peak {peak:.0f} MB"
        )
    ours = medians.pop("lowdiff", None)
    if ours and medians:
        best = max(medians, key=lambda name: medians[name][0])
        speed, cpu = (own / other for own, other in zip(ours, medians[best], strict=True))
        print(f"ratio to {best}: {speed:.2f} × the images/s, {cpu:.2f} × the CPU")


def _line(cost: Cost) -> str:
    return (
        f"{cost.program}: {cost.images} images in {cost.seconds:.1f} s, "
        f"{cost.images_per_s:.1f} images/s, {cost.cpu_ms:.1f} CPU-ms per image "
        f"({cost.own_cpu_ms:.1f} of its own), peak {cost.peak_mb:.0f} MB"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("lowdiff", "img2dataset"))
    parser.add_argument("--peer-threads", type=int, nargs="+", default=PEER_THREADS)
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
