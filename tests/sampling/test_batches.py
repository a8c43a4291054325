import pytest
import torch

from lowdiff.errors import ServiceError
from lowdiff.sampling.batches import in_batches


def machine(room: int, asked: list[int]):
    """Has room for so many items at once."""

    def draw(rows: slice) -> list[int]:
        asked.append(rows.stop - rows.start)
        if asked[-1] > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return list(range(rows.start, rows.stop))

    return draw


def test_a_batch_that_does_not_fit_is_halved_and_stays_so():
    asked, told = [], []
    found = in_batches(10, 8, machine(2, asked), advance=told.append)
    assert found == list(range(10))
    assert asked == [8, 4, 2, 2, 2, 2, 2]
    assert sum(told) == 10


def test_after_two_halvings_a_smaller_batch_is_suggested():
    asked = []
    with pytest.raises(
        ServiceError, match=r"found a batch of 4\. Ask for a smaller --size or --batch"
    ):
        in_batches(32, 16, machine(1, asked))
    assert asked == [16, 8, 4]


def test_a_single_picture_that_does_not_fit_is_told():
    with pytest.raises(ServiceError, match="a batch of 1"):
        in_batches(1, 32, machine(0, []))


def test_a_cpu_without_memory_is_told_alike():
    def draw(rows: slice) -> list[int]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1")

    with pytest.raises(ServiceError, match="memory"):
        in_batches(1, 1, draw)


def test_any_other_error_is_not_swallowed():
    def draw(rows: slice) -> list[int]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        in_batches(4, 4, draw)


def test_nothing_asked_is_nothing_drawn():
    assert in_batches(0, 4, machine(4, [])) == []
