"""The examples of the pages below `Get started` run word for word on a real server, and give what the pages show."""

import re
from pathlib import Path

import pytest

from tests.docs.examples_in_pages import Shell, list_examples, matches
from tests.example_specs import EXAMPLES

pytestmark = pytest.mark.xdist_group("docs-server")

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "get-started"
NAMES = ("install", "first-job", "your-own-data", "reading-results")
BY_THE_FIXTURE = {
    "make install",
    "make wheel",
    "make serve",
    "source .venv/bin/activate",
    "export STACKYARD_URL=http://127.0.0.1:8000",
}
"""The commands whose work the test's own environment and server have done."""


def test_every_page_is_tried():
    assert sorted(NAMES) == sorted(path.stem for path in PAGES.glob("*.md"))


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_page_give_what_it_shows(docs_server, name):
    examples = list(list_examples(PAGES / f"{name}.md"))
    assert examples
    with Shell(docs_server.directory, docs_server.environment, docs_server.url) as shell:
        for example in examples:
            if example.code == "make serve":
                assert matches(example.output, _as_on_port_8000(docs_server.output, docs_server.url))
            if example.code in BY_THE_FIXTURE:
                continue
            output, status = shell.run(example)
            assert matches(example.output, output), f"{example.code}\n{output}"
            assert status == 0 or example.output, f"{example.code}\n{output}"


def test_the_spec_on_the_page_is_the_example_of_the_repository():
    (spec,) = re.findall(r"^```json\n(.*?)^```$", (PAGES / "first-job.md").read_text(), re.MULTILINE | re.DOTALL)
    assert spec == (EXAMPLES / "wine.json").read_text()


def test_the_commands_that_the_fixture_replaces_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {command.split()[1] for command in BY_THE_FIXTURE if command.startswith("make ")} <= set(targets)


def _as_on_port_8000(text: str, url: str) -> str:
    return text.replace(url, "http://127.0.0.1:8000")
