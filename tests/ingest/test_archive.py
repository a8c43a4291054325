import io
import random
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits
from tests.ingest.conftest import png, svg
from tests.ingest.stored import bodies, offered, opened, refused

RED, BLUE = png((255, 0, 0)), png((0, 0, 255))
CONTENT = {"a/red.png": RED, "a/b/blue.png": BLUE, "note.txt": b"hello"}
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def pack(path: Path, content: dict[str, bytes] = CONTENT) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in content.items():
                archive.writestr(name, body)
        return path
    how = path.name.rpartition(".")[2].replace("tgz", "gz").replace("tar", "")
    with tarfile.open(path, f"w:{how}") as archive:  # type: ignore[call-overload]
        for name, body in content.items():
            archive.addfile(member(name, len(body)), io.BytesIO(body))
    return path


def member(name: str, size: int = 0, **said: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in said.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_its_members_byte_for_byte(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}")
    items = opened("archive", tmp_path, path=path.name, glob=["*.png"])
    assert bodies(items) == {"a/red.png": RED, "a/b/blue.png": BLUE}
    assert [one.size_bytes for one in offered(items).values()] == [len(RED), len(BLUE)]
    items.close()


@pytest.mark.parametrize("ending", ENDINGS)
def test_members_are_read_alone_in_any_order_by_a_fresh_reader(tmp_path, ending):
    content = {f"{number:04d}.svg": svg(f"#{number:06x}") for number in range(300)}
    path = pack(tmp_path / f"x{ending}", content)
    names = list(content)
    random.Random(1).shuffle(names)
    items = opened("archive", tmp_path, path=path.name)
    assert {name: items.read(name, limits=Limits()).body for name in names} == content


@pytest.mark.parametrize("ending", ENDINGS)
def test_stamps_stay_while_the_archive_stays_and_change_with_it(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}")
    first = offered(opened("archive", tmp_path, path=path.name))
    assert offered(opened("archive", tmp_path, path=path.name)) == first
    pack(path, {**CONTENT, "a/red.png": BLUE, "new.png": RED})
    second = offered(opened("archive", tmp_path, path=path.name))
    assert second["a/red.png"].offer.stamp != first["a/red.png"].offer.stamp


@pytest.mark.parametrize(
    "name", ["../up.png", "/etc/x.png", "a/../../x.png", "..\\x.png", "C:x.png"]
)
@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path, ending, name):
    path = pack(tmp_path / f"x{ending}", {name: RED, "good.png": RED})
    items = opened("archive", tmp_path, path=path.name)
    assert list(offered(items)) == ["good.png"]
    assert set(refused(items).values()) == {"unsafe_name"}
    with pytest.raises(InputError, match="leads out"):
        items.read(name, limits=Limits())


def test_links_devices_and_pipes_in_a_tar_are_refused_with_their_reason(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(member("good.png", len(RED)), io.BytesIO(RED))
        archive.addfile(member("soft.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"))
        archive.addfile(member("hard.png", type=tarfile.LNKTYPE, linkname="good.png"))
        archive.addfile(member("null.png", type=tarfile.CHRTYPE))
        archive.addfile(member("pipe.png", type=tarfile.FIFOTYPE))
        archive.addfile(member("folder", type=tarfile.DIRTYPE))
    items = opened("archive", tmp_path, path="x.tar")
    assert list(offered(items)) == ["good.png"]
    assert refused(items) == dict.fromkeys(
        ("soft.png", "hard.png", "null.png", "pipe.png"), "not_a_file"
    )


def test_links_in_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("soft.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refused(opened("archive", tmp_path, path="x.zip")) == {"soft.png": "not_a_file"}


@pytest.mark.parametrize("ending", [".zip", ".tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_with_one_name_the_first_counts_and_the_second_is_told(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("same.png", RED)
            archive.writestr("same.png", BLUE)
    else:
        with tarfile.open(path, "w") as tar:
            for body in (RED, BLUE):
                tar.addfile(member("same.png", len(body)), io.BytesIO(body))
    items = opened("archive", tmp_path, path=path.name)
    assert bodies(items) == {"same.png": RED}
    assert refused(items) == {"same.png#2": "duplicate_name"}


def test_an_encrypted_member_is_refused_and_the_others_go_on(tmp_path):
    pack(tmp_path / "x.zip", {"secret.png": RED, "plain.png": BLUE})
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1  # the flag in the directory
    (tmp_path / "x.zip").write_bytes(raw)
    items = opened("archive", tmp_path, path="x.zip")
    assert bodies(items) == {"plain.png": BLUE}
    assert refused(items) == {"secret.png": "encrypted"}
    with pytest.raises(InputError, match="encrypted"):
        items.read("secret.png", limits=Limits())


def test_a_bomb_in_a_zip_is_refused_before_it_is_unpacked(tmp_path):
    pack(tmp_path / "x.zip", {"bomb.png": bytes(60_000_000), "good.png": RED})
    items = opened("archive", tmp_path, path="x.zip")
    assert list(offered(items)) == ["good.png"]
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as refusal:
            items.read("bomb.png", limits=Limits(max_mb=1000))
        assert refusal.value.reason == "compression_bomb"
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    pack(tmp_path / "x.zip", {"liar.png": RED * 1000})
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    at = raw.index(b"PK\1\2") + 24
    raw[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(InputError, match="cannot be unpacked"):
        opened("archive", tmp_path, path="x.zip").read("liar.png", limits=Limits())


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_bomb_in_a_compressed_tar_is_refused_and_leaves_nothing(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}", {"zeros.png": bytes(130_000_000)})
    items = opened("archive", tmp_path, path=path.name)
    with pytest.raises(InputError) as refusal:
        list(items.found())
    assert refusal.value.reason == "compression_bomb"
    assert not list((tmp_path / "copies").iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_member_above_the_limit_is_refused_unread(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}", {"big.png": random.Random(1).randbytes(300_000)})
    with pytest.raises(InputError) as refusal:
        opened("archive", tmp_path, path=path.name).read("big.png", limits=Limits(max_mb=0.2))
    assert refusal.value.reason == "too_big"


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_numbers_of_members_and_bytes_are_limited_and_what_fits_is_used(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}", {f"{n}.bin": bytes(range(100)) for n in range(9)})
    few = opened("archive", tmp_path, path=path.name, max_members=4)
    assert (len(offered(few)), refused(few)) == (4, {str(path): "archive_too_big"})
    light = opened("archive", tmp_path, path=path.name, max_total_gb=350 / 1e9)
    assert (len(offered(light)), refused(light)) == (3, {str(path): "archive_too_big"})


def test_names_that_are_no_text_are_refused_and_the_others_go_on(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("caf\udce9.png", "bell\a.png", "good.png"):
            archive.addfile(member(name, len(RED)), io.BytesIO(RED))
    items = opened("archive", tmp_path, path="x.tar")
    assert list(offered(items)) == ["good.png"]
    assert refused(items) == {"caf\\udce9.png": "bad_name", "bell\\x07.png": "bad_name"}


def test_old_zip_names_without_utf8_are_read_as_zip_defines_them(tmp_path):
    pack(tmp_path / "x.zip", {"caf_.png": RED})
    raw = (tmp_path / "x.zip").read_bytes().replace(b"caf_", b"caf\x82")
    (tmp_path / "x.zip").write_bytes(raw)
    assert bodies(opened("archive", tmp_path, path="x.zip")) == {"café.png": RED}


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_tar_that_breaks_off_gives_what_comes_before(tmp_path, ending):
    noise = random.Random(2)
    content = {f"{number}.bin": noise.randbytes(1_000_000) for number in range(6)}
    path = pack(tmp_path / f"x{ending}", content)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    items = opened("archive", tmp_path, path=path.name)
    found = offered(items)
    assert 2 <= len(found) <= 4
    assert "archive_broken" in refused(items).values()
    for url in list(found)[:-1]:
        assert items.read(url, limits=Limits()).body == content[url]


def test_a_tar_with_a_broken_header_in_the_middle_says_so(tmp_path):
    path = pack(tmp_path / "x.tar", {f"{number}.png": RED for number in range(9)})
    raw = bytearray(path.read_bytes())
    with tarfile.open(path) as archive:
        at = archive.getmembers()[4].offset
    raw[at : at + 512] = b"\xff" * 512
    path.write_bytes(raw)
    items = opened("archive", tmp_path, path=path.name)
    assert bodies(items) == {f"{number}.png": RED for number in range(4)}
    assert refused(items) == {str(path): "archive_broken"}


def test_a_zip_member_that_is_broken_is_refused_alone(tmp_path):
    path = pack(tmp_path / "x.zip", {"a.png": RED, "b.png": BLUE})
    raw = bytearray(path.read_bytes())
    raw[40] ^= 0xFF
    path.write_bytes(raw)
    items = opened("archive", tmp_path, path="x.zip")
    with pytest.raises(InputError) as refusal:
        items.read("a.png", limits=Limits())
    assert refusal.value.reason == "archive_broken"
    assert items.read("b.png", limits=Limits()).body == BLUE


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("body", [b"", b"no archive at all" * 100])
def test_what_is_no_archive_is_one_clear_error(tmp_path, ending, body):
    path = tmp_path / f"x{ending}"
    path.write_bytes(body)
    with pytest.raises(InputError) as refusal:
        list(opened("archive", tmp_path, path=path.name).found())
    assert refusal.value.reason == "archive_broken"


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_without_members_offers_nothing(tmp_path, ending):
    path = pack(tmp_path / f"x{ending}", {})
    items = opened("archive", tmp_path, path=path.name)
    assert (offered(items), refused(items)) == ({}, {})


def test_a_missing_archive_and_a_gone_member_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        list(opened("archive", tmp_path, path="none.zip").found())
    for ending in (".zip", ".tar"):
        path = pack(tmp_path / f"x{ending}")
        with pytest.raises(InputError) as refusal:
            opened("archive", tmp_path, path=path.name).read("other.png", limits=Limits())
        assert refusal.value.reason == "gone"


def test_hidden_members_and_what_macos_adds_are_passed_over(tmp_path):
    content = {"__MACOSX/a.png": RED, ".DS_Store": b"x", "a/.b/c.png": RED, "./good.png": RED}
    path = pack(tmp_path / "x.tar", content)
    items = opened("archive", tmp_path, path=path.name)
    assert (list(offered(items)), refused(items)) == (["./good.png"], {})


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_an_index_inside_the_archive_gives_titles_and_licences(tmp_path, ending):
    table = "file,t,l\na/red.png,Red,cc by 4.0\nblue,Blue,who knows\n"
    path = pack(tmp_path / f"x{ending}", {"index.csv": table.encode(), **CONTENT})
    items = opened(
        "archive",
        tmp_path,
        path=path.name,
        metadata={"index": "index.csv", "title": "t", "licence": "l"},
    )
    hints = {url: one.offer.hints for url, one in offered(items).items()}
    assert hints == {
        "a/red.png": {"title": "Red", "licence": "CC-BY-4.0"},
        "a/b/blue.png": {"title": "Blue", "licence": "NOASSERTION"},
        "note.txt": {},
    }


LOOK = """
import sys, tracemalloc
from pathlib import Path
from tests.ingest.stored import opened
items = opened("archive", Path(sys.argv[1]), path="x.tar")
tracemalloc.start()
print(sum(1 for _ in items.found()), tracemalloc.get_traced_memory()[1])
"""


def test_many_members_cost_little_memory(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(20_000):
            archive.addfile(member(f"{number:06d}.png"))
            archive.members.clear()
    # in a process of its own: threads that other tests have left behind allocate, too
    said = subprocess.run(
        [sys.executable, "-c", LOOK, str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout.split()
    members, peak_bytes = map(int, said)
    assert members == 20_000
    assert peak_bytes < 6_000_000


def mutate(build: Callable[[Path], Path], path: Path, changes: list[tuple[int, int]]) -> None:
    raw = bytearray(build(path).read_bytes())
    for place, value in changes:
        raw[place % len(raw)] = value
    path.write_bytes(raw)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from((".zip", ".tar", ".tar.gz")),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_a_mutated_archive_gives_members_or_input_errors(tmp_path_factory, ending, changes):
    folder = tmp_path_factory.mktemp("mutated")
    mutate(pack, folder / f"x{ending}", changes)
    items = opened("archive", folder, path=f"x{ending}")
    with closing(items), suppress(InputError):
        for one in items.found():
            if not isinstance(one, InputError):
                with suppress(InputError):
                    items.read(one.offer.url, limits=Limits(max_mb=1))


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.xz"])
def test_a_compressed_tar_that_breaks_off_says_so_once_and_under_its_own_name(tmp_path, ending):
    noise = random.Random(1)
    content = {f"{number}.png": noise.randbytes(5000) for number in range(40)}
    path = pack(tmp_path / f"x{ending}", content)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    items = opened("archive", tmp_path, path=path.name)
    assert refused(items) == {str(path): "archive_broken"}
    assert 18 <= len(offered(items)) <= 21
