"""Flows are found in the checkout, and their absence is told."""

import pytest

from lowdiff.errors import ServiceError
from lowdiff.ops.checkout import find_checkout


def test_the_flows_are_found_from_anywhere_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (find_checkout() / "flows" / "run_demo.py").is_file()


def test_where_there_is_no_checkout_one_sentence_says_so(tmp_path):
    with pytest.raises(ServiceError, match="not part of the installed package"):
        find_checkout([tmp_path, tmp_path / "site-packages"])
