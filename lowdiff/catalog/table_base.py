"""What all tables have in common."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.orm import DeclarativeBase

SHA256 = String(64)
# SQLite counts up only an INTEGER key
Serial = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """All tables; times are UTC without an offset."""

    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own way)
        dict[str, Any]: JSON,
        list[str]: JSON,
    }
