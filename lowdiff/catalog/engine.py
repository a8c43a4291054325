"""Open the catalog: one engine, short transactions, migrations on the way in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from lowdiff.catalog.migrate import upgrade
from lowdiff.errors import InputError, ServiceError
from lowdiff.workspace import Workspace

BUSY_TIMEOUT_S = 60.0


def utc_now() -> datetime:
    """The clock of the catalog: UTC, without an offset."""
    return datetime.now(UTC).replace(tzinfo=None)


class Catalog:
    """A relational database. Open a transaction with `read()` or `write()` and keep it short."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(lowdiff_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; it never blocks a writer."""
        with _translated(self.engine), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end, or leaves no trace when an error passes."""
        with (
            _translated(self.engine),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_catalog(workspace: Workspace, url: str | None = None) -> Catalog:
    """Open the catalog of a workspace, made or migrated to the newest schema.

    Args:
        url: an SQLAlchemy URL; by default SQLite (WAL) in the workspace.

    Raises:
        InputError: the URL is none, or of a database that we do not know.
        ServiceError: the database cannot be reached or written.
    """
    engine = _engine(url or f"sqlite:///{workspace.catalog_file}")
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine)
    catalog = Catalog(engine)
    try:
        upgrade(engine)
    except (OperationalError, OSError) as error:
        catalog.close()
        raise _unreachable(engine, error) from error
    return catalog


def _engine(text: str) -> Engine:
    try:
        url = make_url(text)
        kind = url.get_backend_name()
        if kind in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        elif kind != "sqlite":
            raise ArgumentError(f"kind {kind!r}")
        return create_engine(url, pool_pre_ping=kind != "sqlite")
    except ArgumentError as error:
        raise InputError(
            "setting catalog_url",
            "is no address of a catalog",
            reason="bad_setting",
            found=str(error),
            allowed="postgresql://user@host/name, or nothing for SQLite in the workspace",
        ) from error
    except ModuleNotFoundError as error:
        raise InputError(
            "setting catalog_url",
            "needs a driver that is not installed",
            reason="bad_setting",
            found=error.name,
            do="Install it with: pip install 'lowdiff[postgres]'.",
        ) from error


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite catalog, for messages."""
    return Path(engine.url.database) if engine.url.database else None


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _is_down(error):
            raise _unreachable(engine, error) from error
        raise


def _is_down(error: DBAPIError) -> bool:
    """Whether another try may help; a row that is too large for PostgreSQL stays so."""
    too_large = str(getattr(error.orig, "sqlstate", "")).startswith("54")
    return error.connection_invalidated or (isinstance(error, OperationalError) and not too_large)


def _unreachable(engine: Engine, error: Exception) -> ServiceError:
    cause = str(getattr(error, "orig", error)) or type(error).__name__
    return ServiceError(
        engine.url.render_as_string(hide_password=True),
        f"the catalog cannot be used ({cause})",
        reason="catalog_unavailable",
        do="Nothing is lost: free the disk or start the database, then run the command again.",
    )


def _set_up_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a writer takes its lock at once: upgrading a read lock later could deadlock
        writes = connection.get_execution_options().get("lowdiff_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
