"""Work on many things in threads and get the results in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def side_by_side(
    do: Callable[[Thing], Result], things: Iterable[Thing], *, workers: int
) -> Iterator[Result]:
    """The result of each thing, in their order; only a window of them waits at any time."""
    with ThreadPoolExecutor(max_workers=workers) as threads:
        waiting: deque[Future[Result]] = deque()
        try:
            for thing in things:
                waiting.append(threads.submit(do, thing))
                if len(waiting) > 4 * workers:  # there may be millions
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # on an error or an interrupt the rest must not be waited for
            threads.shutdown(wait=True, cancel_futures=True)
