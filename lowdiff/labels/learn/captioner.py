"""A captioner of transformers, from a local folder or the Hub; optional, off by default."""

from pathlib import Path
from threading import Lock

import torch
from PIL import Image as Picture

from lowdiff.labels.learn.hub import load_pair

MOST_TOKENS = 40
CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForVision2Seq",
    "BlipForConditionalGeneration",
    "VisionEncoderDecoderModel",
)


class HubCaptioner:
    """A model such as BLIP that turns a picture into a sentence."""

    def __init__(self, model: str) -> None:
        """Load a model.

        Args:
            model: a folder with a saved model and its processor, or an id on the Hub.

        Raises:
            InputError: it cannot be loaded.
        """
        self._lock = Lock()
        self._processor, self._model = load_pair(model, "AutoProcessor", CLASSES)
        revision = str(getattr(self._model.config, "_commit_hash", None) or "1")[:8]
        name = Path(model).name if Path(model).is_dir() else model
        self.by = f"captioner-{name.replace('/', '.')}/{revision}"

    def __call__(self, picture: Picture.Image) -> str:
        """The most probable sentence; equal pictures get equal ones."""
        with self._lock, torch.inference_mode():
            inputs = self._processor(images=picture, return_tensors="pt")
            tokens = self._model.generate(**inputs, max_new_tokens=MOST_TOKENS, do_sample=False)
            decoded = self._processor.batch_decode(tokens, skip_special_tokens=True)
        return str(decoded[0])
