"""A page of pairs drawn by chance, so that a person can count how often each verdict is right.

`lowdiff dedupe review` shows the most doubtful pairs, which tells nothing of the others.

    python -m benchmarks.pair_sheet WORKSPACE [--pairs 60] [--seed 0]
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lowdiff.catalog.duplicates import BY_COMPARISON, EXACT, Edge, edges
from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.dedupe.thumbs import thumbnail
from lowdiff.ops.duplicates import decode_original
from lowdiff.ops.project import Project, open_project
from lowdiff.pages.environment import page_environment
from lowdiff.pages.write import write_page

PAGE = "random_pairs.html"
THUMBNAIL_PX = 160
KINDS = (EXACT, *BY_COMPARISON)
TEMPLATE = """\
{% extends "base.html" %}
{% import "parts.html" as parts %}
{% block title %}Pairs drawn by chance{% endblock %}
{% block navigation %}<b>Pairs drawn by chance</b>{% for kind, number, pairs in groups %}
<a href="#{{ kind }}">{{ kind }}</a>{% endfor %}{% endblock %}
{% block content %}
<style>
.grid { grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0.6rem; }
.two figcaption { font-size: 0.78rem; margin-top: 0.3rem; }
.two figure { margin: 0; min-width: 0; }
</style>
<section><h1>Pairs drawn by chance</h1>
<p class="lead">Seed {{ seed }}; the pairs of each kind have numbers, so that one can note which are
wrong.</p></section>
{% for kind, number, pairs in groups %}
<section id="{{ kind }}"><h2>{{ kind }}: {{ pairs | length }} of {{ number | count }}</h2>
<div class="grid">
{% for pair in pairs %}
<article class="card"><h3>{{ kind }} {{ loop.index }} <span class="small">score
{{ "%.3f" | format(pair.score) }}</span></h3><div class="two">
{% for side in pair.sides %}
<figure>{% if side.picture %}{{ parts.shot(side.picture) }}{% else %}no picture{% endif %}
<figcaption>{{ side.said | clip(60) }}<br>{{ side.size }}<br>{{ side.id }}</figcaption></figure>
{% endfor %}
</div></article>
{% endfor %}
</div></section>
{% endfor %}
{% endblock %}
"""


def main() -> None:
    """Write the page of a workspace."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--pairs", type=int, default=60, help="drawn of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of that draw")
    options = parser.parse_args()
    out = options.workspace.absolute() / PAGE
    write_random_pairs(options.workspace, out, each=options.pairs, seed=options.seed)
    print(out)


def write_random_pairs(workspace: Path, out: Path, *, each: int, seed: int) -> int:
    """Draw some pairs of each kind and write their page; returns how many there are."""
    with open_project(workspace) as project:
        with project.catalog.read() as session:
            found = {kind: list(edges(session, [kind])) for kind in KINDS}
        drawn = {kind: draw(some, each, seed) for kind, some in found.items()}
        groups = [(kind, len(found[kind]), _pairs(project, drawn[kind])) for kind in KINDS]
    page = page_environment().from_string(TEMPLATE).render(groups=groups, seed=seed)
    write_page(out, page)
    return sum(map(len, drawn.values()))


def draw(found: Sequence[Edge], number: int, seed: int) -> list[Edge]:
    """Some of the edges, each as likely as the others; the same ones for the same seed."""
    return random.Random(seed).sample(found, min(number, len(found)))


def _pairs(project: Project, drawn: Sequence[Edge]) -> list[dict[str, Any]]:
    ids = sorted({one for edge in drawn for one in (edge.a_id, edge.b_id)})
    with project.catalog.read() as session:
        images, sightings = images_by_id(session, ids), sightings_of(session, ids)
    sides: dict[str, dict[str, Any]] = {}
    for one in ids:
        image, best = images[one], best_sighting(sightings[one])
        said = ((best.title or best.url) if best else None) or "untitled"
        sides[one] = {
            "id": one[:12],
            "said": said,
            "size": f"{image.width_px} × {image.height_px} px, {image.format}",
            "picture": thumbnail(
                image,
                store=project.store,
                decode=decode_original,
                longest_px=THUMBNAIL_PX,
                alt=said,
            ),
        }
    return [{"score": edge.score, "sides": (sides[edge.a_id], sides[edge.b_id])} for edge in drawn]


if __name__ == "__main__":
    main()
