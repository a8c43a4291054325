import pickle

import pytest

from lowdiff.errors import ContractError, InputError, LowdiffError, ServiceError


@pytest.mark.parametrize("kind", [InputError, ServiceError, ContractError])
def test_an_error_says_the_same_after_travelling_to_another_process(kind):
    sent = kind("a.png", "is broken", reason="broken_image", found=3, allowed="4", do="Save it.")
    if isinstance(sent, InputError):
        sent = sent.with_evidence({"status": 200})
    got: LowdiffError = pickle.loads(pickle.dumps(sent))
    assert type(got) is kind
    assert str(got) == str(sent)
    assert vars(got) == vars(sent)
