"""The token of the command line: from an option, a file or the environment."""

import pytest
from typer.testing import CliRunner

from stackyard.cli import app, main
from tests.client.conftest import TOKEN


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def list_jobs(url):
    return lambda *options, **environment: CliRunner().invoke(app, ["jobs", "--url", url, *options], env=environment)


def test_a_token_comes_from_a_file(list_jobs, token_file, url):
    for result in (list_jobs("--token-file", str(token_file)), list_jobs(STACKYARD_TOKEN_FILE=str(token_file))):
        assert (result.exit_code, result.stderr) == (0, "")
    piped = CliRunner().invoke(app, ["jobs", "--url", url, "--token-file", "-"], input=token_file.read_text())
    assert (piped.exit_code, piped.stderr) == (0, "")
    assert list_jobs(STACKYARD_TOKEN="wrong", STACKYARD_TOKEN_FILE="").exit_code == 1  # noqa: S106


def test_an_option_has_precedence_over_the_environment(list_jobs, token_file):
    assert list_jobs("--token-file", str(token_file), STACKYARD_TOKEN="wrong").exit_code == 0  # noqa: S106
    assert list_jobs("--token", TOKEN, STACKYARD_TOKEN_FILE="/nowhere").exit_code == 0  # noqa: S106


def test_a_token_on_the_command_line_brings_a_warning(list_jobs):
    assert "list of processes" in list_jobs("--token", TOKEN).stderr
    assert list_jobs(STACKYARD_TOKEN=TOKEN).stderr == ""


@pytest.mark.parametrize(
    ("content", "environment", "message"),
    [
        (None, {}, "cannot be read: No such file"),
        (b"\xff", {}, "is not UTF-8"),
        (bytes(2**17), {}, "larger than 64 KiB"),
        (b"a", {"STACKYARD_TOKEN": "b"}, "both set"),
    ],
    ids=["missing", "not UTF-8", "too large", "both"],
)
def test_a_file_that_cannot_be_used_is_one_line(monkeypatch, capsys, tmp_path, content, environment, message):
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    for name, value in (environment | {"STACKYARD_TOKEN_FILE": str(path)}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["stackyard", "jobs"])
    with pytest.raises(SystemExit, match="1"):
        main()
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
