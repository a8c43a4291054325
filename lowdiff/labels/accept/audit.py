"""Which images are audited: drawn by lot, once and for all, so that nobody can choose them."""

import hashlib


def is_audit(image_id: str, share: float) -> bool:
    """True for an image whose every field a person shall see, whatever is accepted.

    The answer depends on nothing but the id, so it is the same for every process and at any time;
    a larger share keeps the images of a smaller one.

    Args:
        share: in [0, 1]: of all images, how many are audited.
    """
    lot = int.from_bytes(hashlib.sha256(f"audit:{image_id}".encode()).digest()[:8], "big")
    return lot < share * 2**64
