"""Open a source of any kind that can be read without asking a web server."""

from pathlib import Path

from lowdiff.ingest.archive import ArchiveItems
from lowdiff.ingest.bucket import BucketItems
from lowdiff.ingest.collection import CollectionItems
from lowdiff.ingest.folder import FolderItems
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
    if isinstance(source, FolderSource):
        return FolderItems(source, root)
    if isinstance(source, ArchiveSource):
        return ArchiveItems(source, root, copies)
    if isinstance(source, CollectionSource):
        return CollectionItems(source, root)
    return BucketItems(source)
