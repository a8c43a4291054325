from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.sampling.files import picture_path, read_origin, save_picture

PICTURE = Image.new("RGB", (8, 8), (10, 20, 30))
prompts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompts, st.integers(0, 2**63 - 1), st.floats(0, 20))
def test_a_picture_remembers_its_origin(tmp_path: Path, prompt: str, seed: int, guidance: float):
    origin = {"prompt": prompt, "seed": seed, "guidance": guidance, "run": "unet-0123456789ab"}
    path = picture_path(tmp_path, origin)
    save_picture(PICTURE, path, origin)
    assert read_origin(path) == {key: str(value) for key, value in origin.items()}
    with Image.open(path) as saved:
        assert saved.tobytes() == PICTURE.tobytes()


@given(prompts, prompts, st.integers(0, 3), st.integers(0, 3))
def test_other_pictures_have_other_names(first: str, second: str, one: int, two: int):
    origins = [{"prompt": first, "seed": one}, {"prompt": second, "seed": two}]
    paths = [picture_path(Path("out"), origin) for origin in origins]
    assert (paths[0] == paths[1]) == (origins[0] == origins[1])
    assert all(path.parent == Path("out") and len(path.name) < 100 for path in paths)


def test_a_picture_of_somebody_else_says_nothing(tmp_path: Path):
    PICTURE.save(tmp_path / "plain.png")
    assert read_origin(tmp_path / "plain.png") == {}


def test_a_file_that_is_no_png_is_refused(tmp_path: Path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png.*no PNG"):
        read_origin(tmp_path / "text.png")
