"""Where every artefact lies. `data/README.md` tells the same to people."""

from dataclasses import dataclass
from pathlib import Path

from lowdiff.errors import ServiceError

GITIGNORE = "*\n!README.md\n!sources/\n!sources/*.toml\n"


@dataclass(frozen=True)
class Workspace:
    """The folders of one project; nothing here reads or writes file contents."""

    root: Path

    @property
    def sources(self) -> Path:
        """`*.toml`, one per source."""
        return self.root / "sources"

    @property
    def catalog_file(self) -> Path:
        """The SQLite catalog, when no catalog URL is set."""
        return self.root / "catalog.sqlite"

    @property
    def corpora(self) -> Path:
        """Third-party graphics that a command brought here."""
        return self.root / "corpora"

    @property
    def served(self) -> Path:
        """The one folder whose files Label Studio may serve; nothing else lies in it."""
        return self.root / "served"

    @property
    def working_copies(self) -> Path:
        """Light PNGs that annotators see."""
        return self.served / "working_copies"

    @property
    def datasets(self) -> Path:
        """`<name>/v0001/`: manifest, card and Parquet shards."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """`<run id>/`: config, weights, metrics, samples."""
        return self.root / "runs"

    @property
    def generated(self) -> Path:
        """Images drawn by `lowdiff generate`."""
        return self.root / "generated"

    @property
    def cache(self) -> Path:
        """Latents, text features and such; may be deleted at any time."""
        return self.root / "cache"

    @property
    def services(self) -> Path:
        """Process ids, data and logs of Prefect and Label Studio."""
        return self.root / "services"

    @property
    def secrets(self) -> Path:
        """Passwords and tokens, readable by the owner only."""
        return self.root / "secrets"

    def create(self) -> "Workspace":
        """Make the folders that must exist; safe to call again.

        Raises:
            ServiceError: the folder cannot be written (permissions, disk full).
        """
        try:
            for folder in (self.root, self.sources, self.cache):
                folder.mkdir(parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text(GITIGNORE, encoding="utf-8")
        except OSError as error:
            raise ServiceError(
                self.root,
                f"cannot write the workspace ({error.strerror})",
                reason="workspace_not_writable",
                do="Choose another folder with --workspace, or free the disk.",
            ) from error
        return self
