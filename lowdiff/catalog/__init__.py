"""The catalog: the only mutable truth. Facts and pointers; the bytes lie in the store."""

from lowdiff.catalog.engine import Catalog, open_catalog

__all__ = ["Catalog", "open_catalog"]
