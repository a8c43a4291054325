"""A captioner behind an OpenAI-compatible endpoint; optional, off by default.

Pictures leave this machine when the endpoint is elsewhere: the setting is the user's consent.
"""

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import httpx
from PIL import Image as Picture

from lowdiff.errors import InputError, ServiceError

PROMPT = (
    "Say in one short English sentence what this picture shows: the subject first, then how it is "
    "drawn. No preamble, no quotation marks."
)
TRIES = 4
BACKOFF_S = 1.0
"""Doubled with each try; an answer's `Retry-After` counts before it."""
LONGEST_WAIT_S = 30.0
PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
"""Statuses that may be another one later."""


class Endpoint:
    """Asks `<base_url>/chat/completions` with the picture as a PNG in a data URL."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        timeout_s: float = 60.0,
        requests_per_minute: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet.

        Args:
            base_url: up to and with `/v1`.
            key: sent as a bearer token.
            requests_per_minute: never more often than that.
        """
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(timeout=timeout_s, headers=headers)
        self._pause_s = 60.0 / requests_per_minute
        self._sleep, self._clock = sleep, clock
        self._next = float("-inf")
        self.by = f"endpoint-{model.replace('/', '.')}/1"

    def __call__(self, picture: Picture.Image) -> str:
        """The answer's text.

        Raises:
            InputError: the endpoint refuses this picture.
            ServiceError: it does not answer, refuses us, or answers nonsense.
        """
        question = _question(self._model, picture)
        for attempt in range(1, TRIES + 1):
            self._wait_for_turn()
            try:
                answer = self._client.post(self._url, json=question)
            except httpx.HTTPError as error:
                if attempt == TRIES:
                    raise self._failed(f"does not answer ({type(error).__name__})") from error
                self._sleep(BACKOFF_S * 2 ** (attempt - 1))
                continue
            if answer.status_code not in PASSING:
                return self._text_of(answer)
            if attempt < TRIES:
                self._sleep(_asked_wait(answer) or BACKOFF_S * 2 ** (attempt - 1))
        raise self._failed(f"answered {answer.status_code} {TRIES} times")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _wait_for_turn(self) -> None:
        early = self._next - self._clock()
        if early > 0:
            self._sleep(early)
        self._next = max(self._clock(), self._next) + self._pause_s

    def _text_of(self, answer: httpx.Response) -> str:
        if answer.status_code in (400, 413, 415, 422):
            raise InputError(
                self._url,
                "refuses this picture",
                reason="caption_refused",
                found=f"status {answer.status_code}: {answer.text[:200]}",
            )
        if answer.status_code != 200:
            raise self._failed(f"answered {answer.status_code}: {answer.text[:200]}")
        try:
            text = answer.json()["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise self._failed("answered something else than a chat completion") from error
        if not isinstance(text, str):
            raise self._failed("answered without a text")
        return text

    def _failed(self, problem: str) -> ServiceError:
        return ServiceError(
            self._url,
            problem,
            reason="endpoint_failed",
            do="Look at caption_endpoint, caption_endpoint_model and its key, then run it again.",
        )


def _question(model: str, picture: Picture.Image) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    content = [
        {"type": "text", "text": PROMPT},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": 80,
    }


def _asked_wait(answer: httpx.Response) -> float | None:
    """Seconds of `Retry-After`; None where it says none."""
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(answer.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None
