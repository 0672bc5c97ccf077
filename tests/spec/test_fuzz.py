"""Thousands of specs made worse at random, in a process that listens to what it opens: `benchmarks/fuzz.py`."""

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard.spec import SpecError, parse
from stackyard.spec.reading.faults import MOST_PROBLEMS
from tests.spec.documents import changed, encode

ROOT = Path(__file__).parents[2]
MUTATIONS = 10_000
MISDEEDS = {
    "open": "open('/dev/null')",
    "import": "import colorsys",
    "socket": "import socket; socket.socket()",
    "os.listdir": "import os; os.listdir('.')",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "compile": "compile('1', 'a', 'eval')",
}
LISTEN = """
import sys
sys.path.insert(0, "benchmarks")
import fuzz
def misdeed(text, limits=None):
    {misdeed}
    raise fuzz.SpecError([])
fuzz.parse = misdeed
tally = fuzz.Tally()
fuzz.try_one("a", b"", None, tally)
print("\\n".join(tally.faults))
"""
BREAK = LISTEN.replace("raise fuzz.SpecError([])", "")


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_but_a_refusal_comes_of_a_mutation_and_nothing_is_opened(tmp_path):
    results = tmp_path / "fuzz.json"
    ended = python("benchmarks/fuzz.py", "--mutations", str(MUTATIONS), "--processes", "1", "--results", str(results))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads(results.read_text())
    assert figures["mutations"] == MUTATIONS
    assert figures["faults"] == 0
    # The mutations reach both doors, and some do no harm.
    assert min(figures[name] for name in ("refused_by_the_parser", "refused_by_the_check", "accepted")) > 100


@pytest.mark.parametrize("event", MISDEEDS)
def test_what_a_parser_opened_would_be_heard(event):
    ended = python("-c", LISTEN.format(misdeed=MISDEEDS[event]))
    assert ended.returncode == 0, ended.stderr
    assert event in ended.stdout


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": f"Densee{index}"} for index in range(1000)],
        [{"type": "Dense", "units": 1, **{f"kernel_{index}_{key}": 1 for key in range(20)}} for index in range(1000)],
    ],
    ids=["wrong names", "unknown keys"],
)
def test_a_flood_of_faults_costs_no_flood_of_suggestions(layers, monkeypatch):
    searches = []
    search = difflib.get_close_matches

    def count(*arguments, **options):
        searches.append(arguments)
        return search(*arguments, **options)

    monkeypatch.setattr(difflib, "get_close_matches", count)
    with pytest.raises(SpecError):
        parse(encode(changed({"network": {"layers": layers}})))
    assert 0 < len(searches) <= MOST_PROBLEMS


def test_an_exception_of_another_kind_would_be_noted():
    ended = python("-c", BREAK.format(misdeed="return {}[text]"))
    assert "KeyError" in ended.stdout, ended.stderr
