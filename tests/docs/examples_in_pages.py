"""Finds the examples in a page of the documentation, and runs them as a reader would."""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)

_INTERPRETER = """\
import contextlib, io, json, sys
namespace = {"__name__": "__main__"}
for line in sys.stdin:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(json.loads(line), namespace)
    print(json.dumps(output.getvalue()), flush=True)
"""


@dataclass(frozen=True)
class Example:
    """A command or a piece of Python, and the output that the page shows."""

    language: str
    code: str
    output: str


def list_examples(page: Path) -> Iterator[Example]:
    """Yield the examples of a page, in order."""
    blocks = [(match["language"], textwrap.dedent(match["text"])) for match in FENCE.finditer(page.read_text())]
    for index, (language, text) in enumerate(blocks):
        if language == "python":
            following, output = blocks[index + 1] if index + 1 < len(blocks) else ("", "")
            yield Example("python", text, output if following == "text" else "")
        elif language in {"console", "bash"}:
            yield from _split_commands(text)


def matches(expected: str, received: str) -> bool:
    """Return whether output is as a page shows it; `…` stands for any text, on a line of its own for any lines."""
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pieces = [r"\s+".join(map(re.escape, re.split(r" {2,}", piece))) for piece in line.rstrip().split("…")]
            pattern += "[^\\n]*".join(pieces) + r"[ ]*\n"
    text = received.rstrip()
    return re.fullmatch(pattern, f"{text}\n" if text else "") is not None


class Shell:
    """A shell and a Python interpreter, each kept from example to example."""

    def __init__(self, directory: Path, environment: dict[str, str], url: str) -> None:
        self._port = url.rpartition(":")[2]
        started = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": directory}
        self._bash = subprocess.Popen(["/bin/bash"], **started, stderr=subprocess.STDOUT, env=environment)
        self._python = subprocess.Popen([sys.executable, "-c", _INTERPRETER], **started, env=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._bash, self._python):
            process.communicate()

    def run(self, example: Example) -> tuple[str, int]:
        """Run an example. The port of the server is the only part that is rewritten.

        Returns:
            Its output and its exit status.

        """
        code = re.sub(r"(localhost|127\.0\.0\.1):8000", rf"\1:{self._port}", example.code)
        output, status = self._run_python(code) if example.language == "python" else self._run_command(code)
        return output.replace(f":{self._port}", ":8000"), status

    def _run_command(self, code: str) -> tuple[str, int]:
        self._write(self._bash, f"{code}\nprintf '\\n\\036%s\\n' $?\n")
        lines: list[str] = []
        while not (line := self._read(self._bash)).startswith("\036"):
            lines.append(line)
        return "".join(lines), int(line[1:])

    def _run_python(self, code: str) -> tuple[str, int]:
        self._write(self._python, json.dumps(code) + "\n")
        return json.loads(self._read(self._python)), 0

    @staticmethod
    def _write(process: subprocess.Popen[str], text: str) -> None:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.flush()

    @staticmethod
    def _read(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the process ended: its standard error says why"
        return line


def _split_commands(text: str) -> Iterator[Example]:
    """Yield each command behind a `$`, with the lines below it; a here-document belongs to its command."""
    command: list[str] = []
    output: list[str] = []
    end = ""
    for line in text.splitlines():
        if end:
            command.append(line)
            end = "" if line == end else end
        elif line.startswith("$ "):
            if command:
                yield Example("console", "\n".join(command), "\n".join(output))
            command, output = [line[2:]], []
            here_document = re.search(r"<<'?(\w+)'?", line)
            end = here_document[1] if here_document else ""
        else:
            output.append(line)
    yield Example("console", "\n".join(command), "\n".join(output))
