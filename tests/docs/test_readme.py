"""The commands of the README run word for word, and give what it shows."""

from pathlib import Path

import pytest

from tests.docs.examples_in_pages import Example, Shell, list_examples, matches

pytestmark = pytest.mark.xdist_group("docs-server")

README = Path(__file__).parents[2] / "README.md"
LINK_TO_COMMANDS = Example(
    "console", 'mkdir -p .venv && ln -sfn "$(dirname "$(command -v stackyard)")" .venv/bin && rm -f *.keras', ""
)


def test_the_commands_of_the_readme_give_what_it_shows(docs_server):
    examples = [example for example in list_examples(README) if not example.code.startswith("make ")]
    assert len(examples) >= 9
    with Shell(docs_server.directory, docs_server.environment, docs_server.url) as shell:
        shell.run(LINK_TO_COMMANDS)
        for example in examples:
            output, status = shell.run(example)
            assert matches(example.output, output), f"{example.code}\n{output}"
            assert status == 0, f"{example.code}\n{output}"
