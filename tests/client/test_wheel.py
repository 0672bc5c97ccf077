"""The wheel of the client, built and installed as on another machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import stackyard, stackyard.client, stackyard.spec
print(stackyard.__file__)
print(sorted({"numpy", "pandas", "keras", "tensorflow", "fastapi", "api", "service"} & set(sys.modules)))
"""


def run(*command, **environment):
    process = subprocess.run(
        command, cwd="/", env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.mark.exhaustive
def test_the_wheel_is_installed_and_runs_without_the_server_packages(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("stackyard-*.whl")
    target = tmp_path / "site"
    run(*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel))

    assert {path.name for path in target.iterdir() if path.suffix != ".dist-info"} == {"stackyard", "bin"}
    location, heavy = run(sys.executable, "-c", PROGRAM, PYTHONPATH=str(target)).splitlines()
    assert Path(location).is_relative_to(target)
    assert heavy == "[]"
    assert run(str(target / "bin" / "stackyard"), "--version", PYTHONPATH=str(target)).startswith("stackyard ")
    assert "--url" in run(sys.executable, "-m", "stackyard", "jobs", "--help", PYTHONPATH=str(target))
