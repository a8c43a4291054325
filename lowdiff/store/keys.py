"""Where each kind of object lies inside the store."""


def image_key(image_id: str, extension: str) -> str:
    """Key of an original image: `images/ab/cd/<sha256>.<extension>`."""
    return f"images/{image_id[:2]}/{image_id[2:4]}/{image_id}.{extension}"


def ocr_key(image_id: str) -> str:
    """Key of the OCR metadata document of an image: `ocr/ab/<sha256>.json`."""
    return f"ocr/{image_id[:2]}/{image_id}.json"


def preview_key(image_id: str) -> str:
    """Key of the small JPEG that shows an image: `previews/ab/cd/<sha256>.jpg`."""
    return f"previews/{image_id[:2]}/{image_id[2:4]}/{image_id}.jpg"


def fingerprint_key(image_id: str) -> str:
    """Key of what dedupe remembers of an image: `fingerprints/ab/cd/<sha256>.bin`."""
    return f"fingerprints/{image_id[:2]}/{image_id[2:4]}/{image_id}.bin"
