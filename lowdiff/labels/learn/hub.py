"""Features by a vision model of transformers, from a local folder or the Hub; optional."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Picture

from lowdiff.errors import InputError
from lowdiff.labels.learn.features import HUB, Floats, Look

GROUND = (255, 255, 255)
"""What shows through transparent pixels: such models were trained on photographs."""


class HubFeatures:
    """The pooled output of an AutoModel, or the mean of its last hidden state."""

    def __init__(self, model: str) -> None:
        """Load a model.

        Args:
            model: a folder with a saved model and its image processor, or an id on the Hub.

        Raises:
            InputError: it cannot be loaded.
        """
        self.name = HUB + model
        self._lock = Lock()
        self._processor, self._model = load_pair(model, "AutoImageProcessor", ("AutoModel",))

    def __call__(self, looks: Sequence[Look]) -> Floats:
        """(n, features); one at a time, whatever the number of threads that ask."""
        pictures = [flat_picture(look.rgba) for look in looks]
        with self._lock, torch.inference_mode():
            inputs = self._processor(images=pictures, return_tensors="pt")
            vision = getattr(self._model, "get_image_features", None)
            said = vision(**inputs) if vision else self._model(**inputs)
            if isinstance(said, torch.Tensor):
                found = said
            else:
                pooled = getattr(said, "pooler_output", None)
                found = said.last_hidden_state if pooled is None else pooled
        while found.ndim > 2:  # (n, tokens, d), or (n, d, h, w)
            found = found.mean(dim=1) if found.ndim == 3 else found.flatten(2).mean(-1)
        return np.asarray(found.float().numpy(), dtype=np.float32)


def flat_picture(rgba: NDArray[np.uint8]) -> Picture.Image:
    """Without transparency."""
    picture = Picture.fromarray(rgba)
    under = Picture.new("RGBA", picture.size, (*GROUND, 255))
    under.alpha_composite(picture)
    return under.convert("RGB")


def load_pair(model: str, processor_class: str, classes: Sequence[str]) -> tuple[Any, Any]:
    """A processor, and a model of the first class that knows it.

    Raises:
        InputError: neither can be loaded.
    """
    import transformers

    try:
        processor = getattr(transformers, processor_class).from_pretrained(model)
    except (OSError, ValueError, KeyError) as error:
        raise _unloadable(model, error) from error
    last: Exception = ValueError("no such class in transformers")
    for name in classes:
        if not hasattr(transformers, name):
            continue
        try:
            return processor, getattr(transformers, name).from_pretrained(model).eval()
        except (OSError, ValueError, KeyError) as error:
            last = error
    raise _unloadable(model, last) from last


def _unloadable(model: str, error: Exception) -> InputError:
    why = str(error).strip().split("\n")[0]
    return InputError(
        f"model {model}",
        f"cannot be loaded by transformers: {why}",
        reason="bad_model",
        do="Name a folder with a saved model and its processor, or an id on the Hub.",
    )
