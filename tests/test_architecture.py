"""The rooms: what may import what, held by import-linter, and what a process really loads, seen from inside one."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("api", "worker", "service", "models", "migrations", "stackyard")
CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}

BREACHES = [
    ("Imports point down", "models/job.py", "import service.jobs.jobs"),
    ("Imports point down", "service/jobs/jobs.py", "import api.jobs.schemas"),
    ("Imports point down", "api/jobs/routes.py", "import worker.attempt.attempt_reporter"),
    ("Within service", "service/history/thinning.py", "import service.jobs.estimates"),
    ("Within service", "service/db/ids.py", "import service.storage.artifact_store"),
    ("Within worker", "worker/preparation/splits.py", "import worker.engine.engine"),
    ("stackyard stands alone", "stackyard/client/__init__.py", "import sqlalchemy"),
    ("stackyard stands alone", "stackyard/spec/job.py", "import models"),
    ("Within stackyard", "stackyard/client/__init__.py", "import stackyard.cli"),
    ("tensorflow and keras are the worker's", "service/jobs/jobs.py", "import keras"),
    ("Celery's parent process", "worker/supervision/reconciler.py", "import worker.attempt.job_training"),
    ("The API reads no rows", "api/datasets.py", "import worker.preparation.dataset_reader"),
    ("Pictures are drawn", "service/charts/renderer.py", "import vl_convert"),
    ("A bucket is known", "service/storage/artifact_store.py", "import obstore"),
    ("HTTP is the API's", "service/jobs/jobs.py", "import fastapi"),
    ("Celery is known", "api/jobs/routes.py", "import celery"),
]


def test_every_contract_is_kept():
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("contract", "module", "breach"), BREACHES)
def test_a_breach_is_found(contract, module, breach, tmp_path):
    _copy_rooms(tmp_path)
    file = tmp_path / module
    file.write_text(f"{file.read_text()}\n{breach}\n")
    result = _lint(tmp_path)
    assert result.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", _one_line(result.stdout)), result.stdout


def test_every_contract_has_a_breach():
    unbroken = [name for name in CONTRACTS if not any(name.startswith(contract) for contract, _, _ in BREACHES)]
    assert unbroken == []


@pytest.mark.parametrize(
    ("module", "barred"),
    [
        ("api.app", ("tensorflow", "keras", "pandas", "numpy", "sklearn", "pyarrow", "vl_convert")),
        ("worker.celery_app", ("tensorflow", "keras", "pandas")),
        ("worker.tasks", ("tensorflow", "keras", "pandas")),
        ("worker.child_process", ("tensorflow", "keras")),  # the device is chosen first
        ("stackyard.cli", ("tensorflow", "keras", "pandas", "sqlalchemy", "fastapi", "celery")),
        ("stackyard.spec", ("httpx2", "typer", "rich", "numpy", "sqlalchemy")),
    ],
)
def test_a_fresh_process_loads_nothing_heavy(module, barred):
    program = f"import sys, {module}; print(*sorted(set(sys.modules) & set({barred!r})))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.split() == []


def _copy_rooms(to: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, to / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint(args=['--no-cache'])",
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False)


def _one_line(text: str) -> str:
    """import-linter folds a long name over two lines."""
    return re.sub(r"\s+", " ", text)
