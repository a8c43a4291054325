"""The stage `fingerprint`: what the comparison remembers of every image, kept in the store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PIL import Image as Pixels

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, pending_ids
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.catalog.work import work_through
from lowdiff.dedupe.fingerprint import METHOD_VERSION, Fingerprint, fingerprint
from lowdiff.errors import ContractError
from lowdiff.store import Store, image_key
from lowdiff.store.keys import fingerprint_key

STAGE = Stage("fingerprint", METHOD_VERSION)
COMMIT_EVERY = 64
AT_HAND = 256
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
        workers: threads; decoding and shrinking run outside the interpreter's lock.
        advance: told the number of images that were looked at since it was last told.

    Raises:
        ServiceError: store or catalog failed; what was kept stays, run it again.
        ContractError: an image of the catalog is missing from the store.
    """

    def make(image: Image) -> Outcome:
        make_print(image, store=store, decode=decode)
        return Outcome(image.id, "ok", {})

    total = PrintCounts()
    for outcomes in work_through(
        image_ids,
        STAGE,
        make,
        catalog=catalog,
        workers=workers,
        lease_s=lease_s,
        now=now,
        advance=advance,
        commit_every=COMMIT_EVERY,
    ):
        refused = sum(outcome.state == "refused" for outcome in outcomes)
        total += PrintCounts(len(outcomes) - refused, refused)
    return total


def make_print(image: Image, *, store: Store, decode: Decode) -> Fingerprint:
    """Decode an image, fingerprint it and keep the fingerprint.

    Raises:
        InputError: the original cannot be decoded.
        ContractError: the original is missing from the store.
    """
    body = store.read(image_key(image.id, image.format))
    made = fingerprint(decode(body, image.format, image.id))
    store.put(fingerprint_key(image.id), made.to_bytes())
    return made


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
