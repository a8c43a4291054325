"""The command line as a person meets it: quick help, one sentence for an error."""

import subprocess
import sys

import pytest


def run(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lowdiff.cli.app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, **more)


COMMANDS = [
    "corpus openmoji", "source list", "source check", "ingest", "ingest run", "ingest check",
    "ocr", "ocr find", "ocr read", "ocr show", "ocr export", "draft", "label push", "label pull",
    "label status", "label accept", "label correct", "label corrections", "label open",
    "schema", "export", "dataset list", "dataset show",
    "dataset verify", "dataset diff", "train vae", "train unet", "evaluate", "compare",
    "generate", "report",
    "demo", "retrain", "up", "status", "down",
]  # fmt: skip


def test_help_needs_none_of_the_heavy_libraries():
    code = (
        "import sys; import lowdiff.cli.app; "
        "print([n for n in ('torch', 'transformers', 'pandas', 'PIL', 'prefect', 'matplotlib',"
        " 'sqlalchemy', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_every_command_explains_itself_with_an_example():
    from typer.testing import CliRunner

    from lowdiff.cli.app import app

    for command in COMMANDS:
        result = CliRunner().invoke(app, [*command.split(), "--help"])
        assert result.exit_code == 0, (command, result.output)
        assert "lowdiff" in result.output, command
        assert "Example" in result.output or command in ("ocr", "ingest", "schema"), command


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command"),
        (["dataset", "show", "brand@7"], 3, "there is no such dataset version"),
        (["generate", "a raccoon"], 3, "lowdiff train unet"),
        (["label", "push"], 4, "lowdiff up"),
        (["ingest", "no-such-source"], 3, "no-such-source"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(tmp_path, arguments, code, said):
    done = run("-w", str(tmp_path), *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_workspace_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = run("-w", str(tmp_path / "file" / "data"), "status")
    assert done.returncode == 4
    assert "cannot write the workspace" in done.stderr


def test_status_of_an_empty_workspace_is_json_on_stdout(tmp_path):
    import json

    done = run("-w", str(tmp_path), "status", "--json")
    assert json.loads(done.stdout)["images"] == 0
    assert done.stderr == ""
