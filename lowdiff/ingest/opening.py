"""Open a source of any kind that can be read without asking a web server."""

from pathlib import Path

from lowdiff.ingest.offered import Opened
from lowdiff.ingest.source_kinds import (
    ArchiveSource,
    BucketSource,
    CollectionSource,
    FolderSource,
)

StoredSource = FolderSource | ArchiveSource | CollectionSource | BucketSource
"""The kinds whose images lie somewhere to be read."""


def open_items(source: StoredSource, *, root: Path, copies: Path) -> Opened:
    """Open a source; nothing of it is read yet.

    Args:
        root: the workspace, to which paths may be relative.
        copies: folder for unpacked copies of compressed tar files.
    """
    # each kind brings libraries of its own, which take a while to import
    if isinstance(source, FolderSource):
        from lowdiff.ingest.folder import FolderItems

        return FolderItems(source, root)
    if isinstance(source, ArchiveSource):
        from lowdiff.ingest.archive import ArchiveItems

        return ArchiveItems(source, root, copies)
    if isinstance(source, CollectionSource):
        from lowdiff.ingest.collection import CollectionItems

        return CollectionItems(source, root)
    from lowdiff.ingest.bucket import BucketItems

    return BucketItems(source)
