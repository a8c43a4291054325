"""Learn from the labels so far and draft anew: what `lowdiff draft learn` and its flow run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lowdiff.catalog.chunks import chunks
from lowdiff.errors import InputError
from lowdiff.labels.accept.evidence import gather_samples, learn_calibration
from lowdiff.labels.learn.captions import Captioner, caption_batch, pending_captions
from lowdiff.labels.learn.drafters import drafters
from lowdiff.labels.learn.features import features_batch, open_extractor, pending_features
from lowdiff.labels.learn.logos import match_logos, read_templates
from lowdiff.labels.learn.redraft import Redrafted, drafted_ids, redraft
from lowdiff.labels.learn.train import Trained, train_heads
from lowdiff.labels.schema import Schema
from lowdiff.ops.project import Project
from lowdiff.settings import Settings

Watch = Callable[[str, int], Callable[[int], None]]
"""Told what begins and of how many images; returns what is told of each number that is done."""


@dataclass(frozen=True)
class Learned:
    """What one round of learning came to."""

    described: int
    """Images that got features."""
    heads: list[Trained]
    searched: int
    """Images that were searched for logos."""
    captioned: int
    redrafted: Redrafted = field(default_factory=Redrafted)


def learn_drafts(
    project: Project, schema: Schema, *, anew: bool = False, watch: Watch | None = None
) -> Learned:
    """Bring features, heads, logos and captions up to date, then let the surest drafts count.

    Running it again changes nothing until there are new images or labels.

    Args:
        anew: train every head again.

    Raises:
        InputError: a model of the settings cannot be loaded.
        ServiceError: store, catalog or endpoint failed; what was made stays, run it again.
    """
    settings, catalog, store = project.settings, project.catalog, project.store
    shown = watch or (lambda what, number: lambda done: None)
    with catalog.read() as session:
        ids = drafted_ids(session)
    described = _describe(project, ids, shown)
    heads = train_heads(
        catalog,
        store,
        schema,
        features=settings.features,
        audit_share=settings.audit_share,
        anew=anew,
        seed=settings.seed,
    )
    searched = 0
    with catalog.read() as session:
        templates = read_templates(session, schema, audit_share=settings.audit_share)
    if templates:
        searched = match_logos(
            catalog,
            store,
            templates,
            ids,
            workers=settings.workers,
            advance=shown("searching logos", len(ids)),
        )
    captioned, names = _caption(project, ids, shown)
    with catalog.read() as session:
        said = drafters(
            session,
            store,
            schema,
            features=settings.features,
            audit_share=settings.audit_share,
            captioners=names,
        )
        samples = gather_samples(session, schema, audit_share=settings.audit_share)
    redrafted = redraft(
        catalog,
        said.statements,
        said.boxes,
        schema=schema,
        calibration=learn_calibration(samples),
        advance=shown("drafting anew", len(ids)),
    )
    return Learned(described, heads, searched, captioned, redrafted)


def _describe(project: Project, ids: list[str], shown: Watch) -> int:
    settings = project.settings
    waiting = set(pending_features(project.catalog, settings.features))
    todo = [one for one in ids if one in waiting]
    if not todo:
        return 0
    extractor, made = open_extractor(settings.features), 0
    advance = shown("describing images", len(todo))
    for batch in chunks(todo, settings.batch_size):
        made += features_batch(
            batch,
            catalog=project.catalog,
            store=project.store,
            extractor=extractor,
            workers=settings.workers,
            lease_s=settings.lease_s,
            advance=advance,
        )[0]
    return made


def _caption(project: Project, ids: list[str], shown: Watch) -> tuple[int, list[str]]:
    """How many captions were made, and the names of the captioners that are on."""
    made, names = 0, []
    with open_captioners(project.settings) as captioners:
        for captioner in captioners:
            names.append(captioner.by)
            waiting = set(pending_captions(project.catalog, captioner.by))
            todo = [one for one in ids if one in waiting]
            advance = shown(f"asking {captioner.by}", len(todo))
            for batch in chunks(todo, project.settings.batch_size):
                made += caption_batch(
                    batch,
                    catalog=project.catalog,
                    store=project.store,
                    captioner=captioner,
                    lease_s=project.settings.lease_s,
                    advance=advance,
                )
    return made, names


@contextmanager
def open_captioners(settings: Settings) -> Iterator[list[Captioner]]:
    """The captioners that the settings turn on; mostly none.

    Raises:
        InputError: a model cannot be loaded, or the endpoint's model is not named.
    """
    found: list[Captioner] = []
    if settings.captioner:
        from lowdiff.labels.learn.captioner import HubCaptioner

        found.append(HubCaptioner(settings.captioner))
    if settings.caption_endpoint is None:
        yield found
        return
    if not settings.caption_endpoint_model:
        raise InputError(
            "setting caption_endpoint_model",
            "is empty, but caption_endpoint is set",
            reason="bad_setting",
            allowed="the name of a model that the endpoint knows",
        )
    from lowdiff.labels.learn.endpoint import Endpoint

    endpoint = Endpoint(
        settings.caption_endpoint,
        settings.caption_endpoint_model,
        key=settings.caption_endpoint_key,
        timeout_s=settings.caption_endpoint_timeout_s,
        requests_per_minute=settings.caption_endpoint_per_minute,
    )
    try:
        yield [*found, endpoint]
    finally:
        endpoint.close()
