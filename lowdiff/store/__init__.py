"""Content-addressed bytes: a local folder by default, any fsspec URL by setting."""

from lowdiff.store.keys import image_key, ocr_key, preview_key
from lowdiff.store.store import Store, open_store, sha256_hex

__all__ = ["Store", "image_key", "ocr_key", "open_store", "preview_key", "sha256_hex"]
