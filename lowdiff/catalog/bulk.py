"""Insert many rows at once, whoever else inserts the same rows at the same moment.

Rows are written in the order of their keys: two transactions that meet wait for each other and
cannot lock each other out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import Base

Row = Mapping[str, Any]

CHUNK = 500


def insert_missing(
    session: Session, model: type[Base], rows: Sequence[Row], *, key: Sequence[str]
) -> set[tuple[Any, ...]]:
    """Insert the rows whose key the table does not have; returns the keys that are new."""
    table, new = _table(model), set[tuple[Any, ...]]()
    columns = [table.c[name] for name in key]
    for some in chunks(_in_order(rows, key), CHUNK):
        statement = _insert(session, table).on_conflict_do_nothing(index_elements=list(key))
        found = session.execute(statement.returning(*columns), some)
        new.update(tuple(row) for row in found)
    return new


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    update: Sequence[str],
) -> None:
    """Insert the rows, or change the columns `update` of those that are there."""
    table = _table(model)
    for some in chunks(_in_order(rows, key), CHUNK):
        statement = _insert(session, table)
        statement = statement.on_conflict_do_update(
            index_elements=list(key),
            set_={name: statement.excluded[name] for name in update},
        )
        session.execute(statement, some)


def _in_order(rows: Sequence[Row], key: Sequence[str]) -> list[dict[str, Any]]:
    storable = [{name: _storable(value) for name, value in row.items()} for row in rows]
    return sorted(storable, key=lambda row: tuple(row[name] for name in key))


def _storable(value: Any) -> Any:
    """A foreign text may hold what PostgreSQL's texts cannot: NUL and halves of characters."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "").encode("utf-8", errors="replace").decode()


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


def _insert(session: Session, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Both dialects write `ON CONFLICT` alike."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
