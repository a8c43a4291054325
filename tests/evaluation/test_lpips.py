import pytest

from lowdiff.evaluation.lpips import open_lpips
from tests.evaluation.pictures import blurred, drawn


def test_lpips_measures_or_says_why_it_cannot():
    found = open_lpips()
    if isinstance(found, str):
        assert any(part in found for part in ("not installed", "imported", "no weights"))
        return
    pictures = drawn(range(4), size_px=64)
    assert found(pictures, pictures) == pytest.approx(0, abs=1e-6)
    assert found(pictures, blurred(pictures)) > 0.01
