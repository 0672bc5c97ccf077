"""The commands of the guide for a team's server, in its order, on a server without users and token."""

import json
import re
import shlex
import socket
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.server.http_server import build_server
from stackyard.cli import app
from tests.factories import iris_spec
from tests.polling import wait_until

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "team.md"
ELSEWHERE = ("docker ", "export POSTGRES_PASSWORD", "stackyard serve", "umask ")
"""The beginnings of commands that other tests run, or that only shape files."""


@pytest.fixture
def open_url(settings):
    """The URL of a server without users and without a token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = build_server(settings, log_level="warning")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def list_commands():
    text = GUIDE.read_text()
    lines = [line for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [command for command in commands if not command.startswith(ELSEWHERE)]


def test_every_command_of_the_guide_works(open_url, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("STACKYARD_URL", open_url)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(settings.data_dir)
    (tmp_path / "spec.json").write_text(json.dumps(iris_spec()))
    commands = list_commands()
    assert len(commands) > 35
    for command in commands:
        name, *arguments = shlex.split(command)
        if name == "export":
            variable, _, value = arguments[0].partition("=")
            monkeypatch.setenv(variable, value.replace("~", str(tmp_path)))
            continue
        assert name == "stackyard", command
        target = Path(arguments[-1]).expanduser() if ">" in arguments else None
        result = CliRunner().invoke(app, arguments[:-2] if target else arguments)
        assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception}"
        if target:
            target.write_text(result.stdout)
