"""The use case of this room: find what the catalog holds twice, and what belongs together."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.duplicates import counts_by_kind
from lowdiff.catalog.engine import utc_now
from lowdiff.dedupe.comparing import CompareCounts, compare_new
from lowdiff.dedupe.link import Families, link_all
from lowdiff.dedupe.prints import (
    Decode,
    PrintCounts,
    Prints,
    fingerprint_batch,
    pending_prints,
)
from lowdiff.store import Store

BATCH = 2048
"""Images that are claimed at once; they are kept in smaller batches."""


@dataclass(frozen=True)
class Counts:
    """What a run did, and what the catalog knows after it."""

    prints: PrintCounts
    compared: CompareCounts
    pairs: dict[str, int]
    """Kind → pairs in the catalog: exact, near, variant, distinct."""
    families: Families

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "fingerprinted": self.prints.made,
            "refused": self.prints.refused,
            "compared_images": self.compared.images,
            "compared_pairs": self.compared.pairs,
            "implied_pairs": self.compared.implied,
            "crowded": self.compared.crowded,
            **self.pairs,
            **asdict(self.families),
            "warning": self.families.warning,
        }


def find_duplicates(
    catalog: Catalog,
    store: Store,
    *,
    decode: Decode,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> Counts:
    """Fingerprint and compare what is new, then give every image its family.

    Killed at any moment and run again it ends as if it had run once; with nothing new it changes
    nothing. The order in which the images came decides which pairs are compared and which follow
    from others, and who is compared where images are crowded (see `CompareCounts`).

    Args:
        decode: reads the bytes of an image, see `lowdiff.dedupe.prints`; importable by name.
        workers: processes, where there is much to do.
        advance: told of every image that was fingerprinted, and again when it was compared.

    Raises:
        ServiceError: store or catalog failed, or somebody else compares now; run it again.
        ContractError: an image of the catalog is missing from the store.
    """
    prints = PrintCounts()
    for some in chunks(pending_prints(catalog), BATCH):
        prints += fingerprint_batch(
            some,
            catalog=catalog,
            store=store,
            decode=decode,
            workers=workers,
            lease_s=lease_s,
            now=now,
            advance=advance,
        )
    compared = compare_new(
        catalog=catalog,
        prints=Prints(catalog, store, decode),
        workers=workers,
        lease_s=lease_s,
        now=now,
        advance=advance,
    )
    return sum_up(catalog, prints, compared)


def sum_up(catalog: Catalog, prints: PrintCounts, compared: CompareCounts) -> Counts:
    """Link the families anew and count."""
    families = link_all(catalog)
    with catalog.read() as session:
        return Counts(prints, compared, counts_by_kind(session), families)
