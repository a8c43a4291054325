"""The connection to a Label Studio server: the SDK's client, and its errors in our words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx
from label_studio_sdk import LabelStudio as Sdk
from label_studio_sdk.core.api_error import ApiError

from lowdiff.errors import ContractError, InputError, LowdiffError, ServiceError

TIMEOUT_S = 300.0
"""The SDK's 60 s are too short for 500 tasks on a busy SQLite server."""
ONCE: Any = {"max_retries": 0}
"""A request that makes something is never repeated by the SDK: we look first what is there."""


class Connection:
    """A server and an account on it; requests go through `_translated` and `_ask`."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=True)
        connect: Any = Sdk  # the SDK's own constructor has no types
        self._sdk = connect(base_url=self.url, api_key=token, httpx_client=self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; `with` does it too."""
        self._http.close()

    def _ask(self, what: str, method: str, path: str, **arguments: Any) -> Any:
        """A request that the SDK has no method for; its answer as JSON, None for an empty one.

        Args:
            arguments: as of httpx: `json`, `params`.
        """
        with self._translated(what):
            answer = self._sdk._client_wrapper.httpx_client.request(
                path, method=method, request_options=ONCE, **arguments
            )
            if not answer.is_success:
                raise ApiError(status_code=answer.status_code, body=_body(answer))
            return answer.json() if answer.content else None

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise self._explain(what, error) from None  # its text repeats whole headers
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise ServiceError(
                self.url,
                f"Label Studio does not answer ({what}: {error or type(error).__name__})",
                reason="label_studio_down",
                do="Start it with `lowdiff up`, then run the same command again.",
            ) from error
        except (json.JSONDecodeError, httpx.DecodingError) as error:
            raise self._stranger(what) from error

    def _stranger(self, what: str) -> ServiceError:
        return ServiceError(
            self.url,
            f"answers, but not as Label Studio does ({what})",
            reason="no_label_studio",
            do="Is LOWDIFF_LABEL_STUDIO_URL the right address?",
        )

    def _explain(self, what: str, error: ApiError) -> LowdiffError:
        status = error.status_code or 0
        if status in (401, 403):
            return InputError(
                self.url,
                f"Label Studio refuses our token (HTTP {status}; {what})",
                reason="unauthorised",
                do="Set LOWDIFF_LABEL_STUDIO_TOKEN to the access token of your account there.",
            )
        if status in (408, 425, 429) or status >= 500 or status == 0:
            return ServiceError(
                self.url,
                f"Label Studio failed (HTTP {status}; {what})",
                reason="label_studio_failed",
                do="Run the same command again; its log tells more when it stays so.",
            )
        if isinstance(error.body, str) and "<html" in error.body.lower():
            return self._stranger(what)
        said = json.dumps(error.body, ensure_ascii=False, default=str)
        return ContractError(
            self.url,
            f"Label Studio refuses what we sent (HTTP {status}; {what})",
            reason="label_studio_refuses",
            found=said if len(said) < 600 else said[:600] + " …",
        )


def _body(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text
