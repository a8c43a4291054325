import shutil
import subprocess
import sys
import time

import psutil
import pytest

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.decoders import open_decoders
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits
from tests.ingest.conftest import png, svg

pytestmark = pytest.mark.integration

SLOW = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><filter id="f">'
    + b'<feGaussianBlur stdDeviation="500"/>' * 500
    + b'</filter><rect filter="url(#f)" width="100" height="100"/></svg>'
)


def test_a_process_of_its_own_says_the_same():
    with open_decoders(1) as decoders:
        for body in (png((1, 2, 3)), svg()):
            for preview_px in (None, 4):
                near = describe_image(body, item="x", limits=Limits(), preview_px=preview_px)
                far = decoders.describe(body, item="x", limits=Limits(), preview_px=preview_px)
                assert far == near
                assert (far.preview is None) == (preview_px is None)


def test_a_refusal_comes_back_with_its_reason_and_message():
    with open_decoders(1) as decoders:
        for body in (b"nothing", png((1, 2, 3), (99, 99)), b""):
            with pytest.raises(InputError) as near:
                describe_image(body, item="odd: name", limits=Limits(max_side_px=50))
            with pytest.raises(InputError) as far:
                decoders.describe(body, item="odd: name", limits=Limits(max_side_px=50))
            assert str(far.value) == str(near.value)
            assert far.value.reason == near.value.reason


def test_an_image_that_takes_too_long_is_refused_and_the_next_one_works():
    with open_decoders(1) as decoders:
        started = time.monotonic()
        with pytest.raises(InputError) as refusal:
            decoders.describe(SLOW, item="x", limits=Limits(timeout_s=0.5))
        assert refusal.value.reason == "decode_timeout"
        assert time.monotonic() - started < 5
        assert decoders.describe(svg(), item="x", limits=Limits()).facts.format == "svg"


def test_a_worker_ends_with_its_parent():
    program = (
        "import os, signal, sys\n"
        "from lowdiff.ingest.decoders import open_decoders\n"
        "from lowdiff.ingest.limits import Limits\n"
        "import psutil\n"
        "with open_decoders(1) as decoders:\n"
        "    decoders.describe(bytes.fromhex(sys.argv[1]), item='x', limits=Limits())\n"
        "    print(psutil.Process().children()[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, png((1, 2, 3)).hex()], stdout=subprocess.PIPE, check=False
    )
    worker = int(done.stdout)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(worker) and time.monotonic() < deadline:
        if psutil.Process(worker).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        assert not psutil.pid_exists(worker)


def test_a_worker_that_does_not_start_is_an_error_of_ours_and_leaves_no_process(monkeypatch):
    before = psutil.Process().children()
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    with open_decoders(1) as decoders:
        with pytest.raises(ServiceError) as failure:
            decoders.describe(png((1, 2, 3)), item="x", limits=Limits())
        assert failure.value.reason == "cannot_start"
        assert psutil.Process().children() == before
