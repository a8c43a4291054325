"""One source's finds on their way: threads that wait for its server, our decoders and the disk."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lowdiff.ingest.record import Claimed, Outcome


@dataclass(frozen=True)
class Broken:
    """What a thread met that is nobody's verdict on a find; it ends the run."""

    error: BaseException


Endings = queue.SimpleQueue[Outcome | Broken]
"""Where the threads of all lanes put what they have done."""


class Lane:
    """A source has a lane of its own, so that a slow one holds up nobody else."""

    def __init__(
        self,
        ids: Sequence[int],
        *,
        threads: int,
        ahead: int,
        work: Callable[[Claimed], Outcome],
        ended: Endings,
    ) -> None:
        """Open a lane.

        Args:
            ids: its finds that nobody has claimed yet.
            threads: finds that are worked on at once.
            ahead: finds that may be done and not committed, so that threads need not wait.
        """
        self.unclaimed = deque(ids)
        self.claimed: deque[Claimed] = deque()
        """Leased, not started."""
        self.started: dict[int, Claimed] = {}
        """Given to the threads and not committed yet."""
        self.size = threads
        self._room = threads + ahead
        self._work = work
        self._ended = ended
        self._todo: queue.SimpleQueue[Claimed | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Give the threads as many finds as there is room for."""
        while self.claimed and len(self.started) < self._room:
            find = self.claimed.popleft()
            self.started[find.id] = find
            if len(self._threads) < min(self.size, len(self.started)):
                self._threads.append(threading.Thread(target=self._run, daemon=True))
                self._threads[-1].start()
            self._todo.put(find)

    def stop(self) -> None:
        """Start nothing more; the threads finish what they have in hand."""
        while not self._todo.empty():
            self._todo.get()
        for _thread in self._threads:
            self._todo.put(None)

    def join(self) -> None:
        """Wait for the threads."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (find := self._todo.get()) is not None:
            try:
                self._ended.put(self._work(find))
            except BaseException as error:  # noqa: BLE001  (raised again where it is taken)
                self._ended.put(Broken(error))
