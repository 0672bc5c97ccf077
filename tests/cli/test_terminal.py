"""Texts of other users in a terminal: no control characters and no markup reach it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from stackyard.cli import app
from stackyard.cli.terminal import create_console

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\x7f[link=file:///etc]b[/link]"
CONTROL_CHARACTERS = "\x1b\x07\x9b\u202e\x7f"
PROBLEM = {"title": HOSTILE, "status": 422, "code": "invalid", "detail": HOSTILE}


@pytest.fixture
def hostile_url():
    """The URL of a server whose every answer is a refusal with control characters."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            fault = {"pointer": HOSTILE, "message": HOSTILE}
            body = json.dumps(PROBLEM | {"errors": [fault]}).encode()
            self.send_response(422)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_console_strips_control_characters_and_keeps_its_own_style(capsys):
    table = Table("name")
    table.add_row(Text(HOSTILE, style="red"))
    console = create_console()
    console.print(table)
    console.print(HOSTILE, markup=False)
    output = capsys.readouterr().out
    assert not set(CONTROL_CHARACTERS) & set(output)
    assert "a]0;owned" in output


def test_a_refusal_is_printed_without_control_characters_and_markup(hostile_url):
    result = CliRunner().invoke(app, ["job", "x", "--url", hostile_url], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert not set(CONTROL_CHARACTERS) & set(result.output)
    assert result.output.count("[link=file:///etc]") == 3
