"""`benchmarks/fuzz.py`: thousands of mutated specs are parsed under an audit hook that notes forbidden actions."""

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard.spec import SpecError, parse_spec
from stackyard.spec.reading.faults import MAX_FAULTS
from tests.spec.documents import apply_changes, encode_json

ROOT = Path(__file__).parents[2]
MUTATIONS = 10_000
FORBIDDEN_ACTIONS = {
    "open": "open('/dev/null')",
    "import": "import colorsys",
    "socket": "import socket; socket.socket()",
    "os.listdir": "import os; os.listdir('.')",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "compile": "compile('1', 'a', 'eval')",
}
SCRIPT = """
import sys
sys.path.insert(0, "benchmarks")
import fuzz
def act(text, limits=None):
    {action}
    raise fuzz.SpecError([])
fuzz.parse_spec = act
tally = fuzz.Tally()
fuzz.try_one("a", b"", None, tally)
print("\\n".join(tally.faults))
"""
SCRIPT_WITHOUT_ERROR = SCRIPT.replace("raise fuzz.SpecError([])", "")


def run_python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_mutations_cause_only_spec_errors_and_open_nothing(tmp_path):
    results = tmp_path / "fuzz.json"
    process = run_python(
        "benchmarks/fuzz.py", "--mutations", str(MUTATIONS), "--processes", "1", "--results", str(results)
    )
    assert process.returncode == 0, process.stdout + process.stderr
    figures = json.loads(results.read_text())
    assert figures["mutations"] == MUTATIONS
    assert figures["faults"] == 0
    # The mutations reach the parser and the check, and some leave the spec valid.
    assert min(figures[name] for name in ("refused_by_the_parser", "refused_by_the_check", "accepted")) > 100


@pytest.mark.parametrize("event", FORBIDDEN_ACTIONS)
def test_a_forbidden_action_of_the_parser_is_noted(event):
    process = run_python("-c", SCRIPT.format(action=FORBIDDEN_ACTIONS[event]))
    assert process.returncode == 0, process.stderr
    assert event in process.stdout


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": f"Densee{index}"} for index in range(1000)],
        [{"type": "Dense", "units": 1, **{f"kernel_{index}_{key}": 1 for key in range(20)}} for index in range(1000)],
    ],
    ids=["wrong names", "unknown keys"],
)
def test_only_reported_faults_cost_a_search_for_suggestions(layers, monkeypatch):
    searches = []
    search = difflib.get_close_matches

    def count(*arguments, **options):
        searches.append(arguments)
        return search(*arguments, **options)

    monkeypatch.setattr(difflib, "get_close_matches", count)
    with pytest.raises(SpecError):
        parse_spec(encode_json(apply_changes({"network": {"layers": layers}})))
    assert 0 < len(searches) <= MAX_FAULTS


def test_an_unexpected_exception_is_noted():
    process = run_python("-c", SCRIPT_WITHOUT_ERROR.format(action="return {}[text]"))
    assert "KeyError" in process.stdout, process.stderr
