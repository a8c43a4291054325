"""The stage `fingerprint`: what the comparison remembers of every image, kept in the store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from PIL import Image as Pixels

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, claim, pending_ids, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.dedupe.fingerprint import METHOD_VERSION, Fingerprint, fingerprint
from lowdiff.dedupe.workers import Workers
from lowdiff.errors import ContractError, InputError
from lowdiff.store import Store, image_key
from lowdiff.store.keys import fingerprint_key

STAGE = Stage("fingerprint", METHOD_VERSION)
COMMIT_EVERY = 64
IMAGES_AT_ONCE = 4
FEW = 64
"""Fewer images than this are decoded in this process."""
LIMIT_S = 60.0
"""For one image."""
AT_HAND = 512
"""Unpacked fingerprints that are kept in memory, some 0.3 MB each."""

Decode = Callable[[bytes, str, str], Pixels.Image]
"""(body, format, item for messages) → upright RGBA pixels; raises InputError for broken bytes.

Decoding is the room of ingest, which stands above this one, so the caller brings it.
"""


@dataclass(frozen=True)
class PrintCounts:
    """What a batch came to."""

    made: int = 0
    refused: int = 0
    """Images that could not be decoded again; each stays a family of its own."""

    def __add__(self, other: "PrintCounts") -> "PrintCounts":
        return PrintCounts(self.made + other.made, self.refused + other.refused)


def pending_prints(catalog: Catalog) -> list[str]:
    """Ids of the images that have no fingerprint of the present version, in a stable order."""
    with catalog.read() as session:
        return pending_ids(session, STAGE)


def fingerprint_batch(
    image_ids: Sequence[str],
    *,
    catalog: Catalog,
    store: Store,
    decode: Decode,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> PrintCounts:
    """Make the fingerprints of some images; what is finished already is left alone.

    Args:
        decode: must be importable by name, for it runs in other processes.
        workers: processes, for drawings are rendered under the interpreter's lock; this one alone
            where there are few images.
        advance: told the number of images that were looked at since it was last told.

    Raises:
        ServiceError: store or catalog failed; what was kept stays, run it again.
        ContractError: an image of the catalog is missing from the store.
    """
    with catalog.write() as session:
        mine = claim(session, STAGE, image_ids, now=now(), lease_s=lease_s)
        images = images_by_id(session, mine)
    count = workers if len(mine) >= FEW else 1
    total = PrintCounts()
    with Workers(partial(_made, decode), count, limit_s=LIMIT_S) as makers:
        for some in chunks(mine, COMMIT_EVERY):
            work = ((one, images[one].format, _original(images[one], store)) for one in some)
            outcomes = [
                _outcome(one, made, store)
                for (one, *_), made in makers.map(work, at_once=IMAGES_AT_ONCE)
            ]
            store.flush()
            with catalog.write() as session:
                record(session, STAGE, outcomes, now=now())
            advance(len(outcomes))
            refused = sum(outcome.state == "refused" for outcome in outcomes)
            total += PrintCounts(len(outcomes) - refused, refused)
    return total


def make_print(image: Image, *, store: Store, decode: Decode) -> Fingerprint:
    """Decode an image, fingerprint it and keep the fingerprint.

    Raises:
        InputError: the original cannot be decoded.
        ContractError: the original is missing from the store.
    """
    made = fingerprint(decode(_original(image, store), image.format, image.id))
    store.put(fingerprint_key(image.id), made.to_bytes())
    return made


def _original(image: Image, store: Store) -> bytes:
    return store.read(image_key(image.id, image.format))


def _made(decode: Decode, work: tuple[str, str, bytes]) -> bytes | InputError:
    item, image_format, body = work
    try:
        return fingerprint(decode(body, image_format, item)).to_bytes()
    except InputError as refusal:
        return refusal


def _outcome(image_id: str, made: bytes | InputError | None, store: Store) -> Outcome:
    if isinstance(made, bytes):
        store.put(fingerprint_key(image_id), made, flush=False)
        return Outcome(image_id, "ok", {})
    if made is None:
        told = f"{image_id}: its decoding ended the process or took over {LIMIT_S:g} seconds"
        return Outcome(image_id, "refused", error_class="decoder_died", error=told)
    return Outcome(image_id, "refused", error_class=made.reason, error=str(made))


class Prints:
    """Reads fingerprints, and keeps the latest few; for as many threads as you like."""

    def __init__(self, catalog: Catalog, store: Store, decode: Decode) -> None:
        self._catalog = catalog
        self._store = store
        self._decode = decode
        self._latest: OrderedDict[str, Fingerprint] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, image_id: str) -> Fingerprint:
        """The fingerprint of an image."""
        with self._lock:
            known = self._latest.get(image_id)
        if known is None:
            known = self.read(image_id)
            with self._lock:
                self._latest[image_id] = known
                while len(self._latest) > AT_HAND:
                    self._latest.popitem(last=False)
        return known

    def read(self, image_id: str) -> Fingerprint:
        """The same, without keeping it; one that is lost or broken is made anew."""
        try:
            return Fingerprint.from_bytes(self._store.read(fingerprint_key(image_id)))
        except (ContractError, ValueError):
            with self._catalog.read() as session:
                image = images_by_id(session, [image_id])[image_id]
            return make_print(image, store=self._store, decode=self._decode)
