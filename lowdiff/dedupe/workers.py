"""Worker processes that a hostile or hanging file may kill without hurting the rest."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Generic, TypeVar

import cv2
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 3
"""Batches for each worker that are under way or wait for it."""


class Workers(Generic[Item, Result]):
    """Applies one function to many items, in other processes, answering in order.

    Use it in a `with` block: its end ends the processes.
    """

    def __init__(
        self, function: Callable[[Item], Result], count: int, *, limit_s: float = 60.0
    ) -> None:
        """Start nothing yet.

        Args:
            function: must be importable by name.
            count: processes; 1 is this process itself, where no time limit holds.
            limit_s: seconds of the clock for one item.
        """
        self._function = function
        self._count = count
        self._limit_s = limit_s
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers[Item, Result]":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def map(self, items: Iterable[Item], *, at_once: int) -> Iterator[tuple[Item, Result | None]]:
        """Each item with its result; None where a process died or took too long over it.

        Args:
            at_once: items that travel together.
        """
        if self._count == 1:
            yield from ((item, self._function(item)) for item in items)
            return
        source = iter(items)
        batches = iter(lambda: list(islice(source, at_once)), [])
        waiting: deque[tuple[list[Item], Future[list[Result]]]] = deque()
        while True:
            for batch in islice(batches, AHEAD * self._count - len(waiting)):
                waiting.append((batch, self._start(batch)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                yield from zip(batch, future.result(), strict=True)
            except BrokenProcessPool:
                # who broke it is not known: this batch goes one by one, the others start anew
                self._end()
                yield from self._one_by_one(batch)
                waiting = deque((later, self._start(later)) for later, _lost in waiting)

    def _one_by_one(self, batch: list[Item]) -> Iterator[tuple[Item, Result | None]]:
        for item in batch:
            with _pool(1) as alone:
                try:
                    yield item, self._start([item], alone).result()[0]
                except BrokenProcessPool:
                    yield item, None

    def _start(
        self, batch: list[Item], pool: ProcessPoolExecutor | None = None
    ) -> "Future[list[Result]]":
        if pool is None:
            pool = self._pool = self._pool or _pool(self._count)
        try:
            return pool.submit(_apply, self._function, batch, self._limit_s)
        except BrokenProcessPool as error:  # broken between two batches: found out in its turn
            lost: Future[list[Result]] = Future()
            lost.set_exception(error)
            return lost

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _pool(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=alone)


def alone() -> None:
    """Start a worker: processes share the cores, so none takes more than one."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _apply(
    function: Callable[[Item], Result], batch: Sequence[Item], limit_s: float
) -> list[Result]:
    # without a handler the signal ends the process even in the midst of a library's call
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    results = []
    for item in batch:
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        results.append(function(item))
    signal.setitimer(signal.ITIMER_REAL, 0)
    return results
