"""Settings: the file, the environment, and clear words for what is wrong."""

from pathlib import Path

import pytest

from lowdiff.errors import InputError
from lowdiff.settings import load_settings


def write(folder: Path, text: str) -> Path:
    (folder / "lowdiff.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_then_the_file_then_the_environment(tmp_path, monkeypatch):
    assert load_settings(tmp_path).batch_size == 128
    write(tmp_path, "batch_size = 7\nocr_languages = ['eng', 'deu']\n")
    assert load_settings(tmp_path).batch_size == 7
    assert load_settings(tmp_path).ocr_languages == ("eng", "deu")
    monkeypatch.setenv("LOWDIFF_BATCH_SIZE", "9")
    monkeypatch.setenv("LOWDIFF_OCR_LANGUAGES", "fra, ita")
    assert load_settings(tmp_path).batch_size == 9
    monkeypatch.setenv("LOWDIFF_OCR_PAGE_MODES", "4,11")
    assert load_settings(tmp_path).ocr_languages == ("fra", "ita")
    assert load_settings(tmp_path).ocr_page_modes == (4, 11)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bach_size = 7", "unknown setting, found 'bach_size'"),
        ("batch_size = 0", "setting batch_size: .*greater than or equal to 1"),
        ("batch_size = 'many'", "setting batch_size: .*found 'many'"),
        ("batch_size = ", "no valid TOML"),
        ("dataset_name = 'Our Brand!'", "setting dataset_name"),
        ("ocr_engines = ['tesseract', 'tesserocr']", "one engine: choose one"),
        ("ocr_engines = ['abbyy']", "setting ocr_engines"),
        ("ocr_languages = []", "setting ocr_languages"),
        ("ocr_page_modes = [3, 0]", "setting ocr_page_modes"),
    ],
)
def test_a_wrong_file_is_told_with_key_and_value(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        load_settings(write(tmp_path, text))


def test_a_wrong_variable_is_told_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_BATCH_SIZE", "many")
    with pytest.raises(InputError, match="LOWDIFF_BATCH_SIZE"):
        load_settings(tmp_path)


def test_the_token_is_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_TOKEN", "s3cret")
    assert "s3cret" not in repr(load_settings(tmp_path))
