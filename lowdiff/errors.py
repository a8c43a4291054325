"""The error tree. Its first level is the caller's decision: skip the item, retry, or stop."""

from collections.abc import Mapping
from typing import Any


class LowdiffError(Exception):
    """Every error that lowdiff raises on purpose.

    The message names the item, what was found, what is allowed and what to do about it.

    Attributes:
        item: the path, URL, id or setting that the error is about.
        reason: a short machine-readable code such as `not_an_image`; rejections are counted by it.
    """

    exit_code = 1

    def __init__(
        self,
        item: object,
        problem: str,
        *,
        reason: str,
        found: object = None,
        allowed: object = None,
        do: str | None = None,
    ) -> None:
        self.item = str(item)
        self.reason = reason
        self.problem = problem
        parts = [problem]
        if found is not None:
            parts.append(f"found {found}")
        if allowed is not None:
            parts.append(f"allowed {allowed}")
        message = f"{item}: " + ", ".join(parts)
        super().__init__(f"{message}. {do}" if do else message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes; `Exception` would call the constructor with the text."""
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[LowdiffError], args: tuple[Any, ...], told: dict[str, Any]) -> LowdiffError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(told)
    return error


class InputError(LowdiffError):
    """This item can never work: record it and go on.

    Attributes:
        evidence: what was asked, when, and what the answer was, for verdicts that must be proven
            later (robots.txt, opt-outs); plain values, kept with the rejection.
    """

    exit_code = 3
    evidence: Mapping[str, Any] = {}

    def with_evidence(self, evidence: Mapping[str, Any]) -> "InputError":
        """The same error, with its proof."""
        self.evidence = {**self.evidence, **evidence}
        return self


class ServiceError(LowdiffError):
    """An outside service failed: the same call may work later."""

    exit_code = 4


class ContractError(LowdiffError):
    """Two of our own artefacts disagree: stop."""

    exit_code = 5
