"""One find: fetch it, look at it, put it into the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.offered import Fetched, Known
from lowdiff.ingest.optout import Mark, embedded_optout, opted_out
from lowdiff.ingest.outside import Outside
from lowdiff.ingest.record import Claimed, Failed, Kept, Outcome, Refused, Unchanged
from lowdiff.ingest.source_base import SourceBase
from lowdiff.store import Store, image_key, preview_key, sha256_hex


def ingest_one(find: Claimed, *, outside: Outside, store: Store, preview_px: int) -> Outcome:
    """What comes of a find; its bytes are in the store but not flushed.

    Raises:
        ServiceError: the store or our own decoders fail, not the find's source.
    """
    try:
        fetched = outside.fetch(find.source, find.url, known=_known(find))
    except InputError as refusal:
        return Refused(find, refusal)
    except ServiceError as failure:
        return Failed(find, failure)
    if fetched.unchanged:
        return Unchanged(find)
    try:
        return _keep(find, fetched, outside, store, preview_px)
    except InputError as refusal:
        return Refused(find, refusal.with_evidence({**fetched.evidence, **refusal.evidence}))


def _known(find: Claimed) -> Known | None:
    """Only what we have may stay as it is."""
    if find.image_id is None or not (find.etag or find.last_modified):
        return None
    return Known(find.etag, find.last_modified)


def _keep(find: Claimed, fetched: Fetched, outside: Outside, store: Store, preview_px: int) -> Kept:
    source = outside.sources[find.source]
    described = outside.decoders.describe(
        fetched.body,
        item=find.url,
        limits=outside.limits_of(find.source),
        preview_px=preview_px or None,
    )
    facts = described.facts
    waived = _waived(find, source, facts.embedded)
    image_id = sha256_hex(fetched.body)
    _put(store, image_key(image_id, facts.format), fetched.body)
    if described.preview is not None:
        _put(store, preview_key(image_id), described.preview)
    return Kept(
        find=find,
        image_id=image_id,
        size_bytes=len(fetched.body),
        facts=facts,
        licence=find.hints.get("licence") or source.licence,
        attribution=find.hints.get("attribution") or source.attribution,
        evidence=_with_marks(fetched.evidence, source, waived),
        etag=fetched.etag,
        last_modified=fetched.last_modified,
    )


def _waived(find: Claimed, source: SourceBase, embedded: Mapping[str, Any]) -> list[Mark]:
    """The file's own marks that a waiver sets aside; nothing is stored of a file that says no.

    Raises:
        InputError: the file itself forbids our use, and nothing frees us from that.
    """
    mark = embedded_optout(embedded)
    if mark is None:
        return []
    if source.optouts_waived is None:
        raise opted_out(find.url, [mark])
    return [mark]


def _with_marks(
    evidence: Mapping[str, Any], source: SourceBase, marks: Sequence[Mark]
) -> dict[str, Any]:
    """A waiver is evidence, and what it sets aside: the site's marks and the file's own."""
    if source.optouts_waived is None:
        return dict(evidence)
    waiver: dict[str, Any] = {"optouts_waived": source.optouts_waived}
    if marks:
        waiver["optouts"] = [*evidence.get("optouts", ()), *(mark.as_dict() for mark in marks)]
    return {**evidence, **waiver}


def _put(store: Store, key: str, body: bytes) -> None:
    if not store.has(key, len(body)):
        store.put(key, body, flush=False)
