"""The packages: import-linter checks their imports, and a fresh process shows which libraries it loads."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "worker", "service", "models", "migrations", "stackyard")
CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}

BREACHES = [
    ("Imports point down", "models/job.py", "import service.jobs.jobs"),
    ("Imports point down", "service/jobs/queries.py", "import api.jobs.schemas"),
    ("Imports point down", "api/jobs/routes.py", "import worker.attempt.attempt_reporter"),
    ("Within service", "service/history/thinning.py", "import service.jobs.estimates"),
    ("Within service", "service/jobs/queries.py", "import service.sweeps.halving"),
    ("Within service", "service/db/ids.py", "import service.storage.artifact_store"),
    ("Within worker", "worker/preparation/splits.py", "import worker.engine.engine"),
    ("stackyard imports no server package", "stackyard/client/__init__.py", "import sqlalchemy"),
    ("stackyard imports no server package", "stackyard/spec/job.py", "import models"),
    ("Within stackyard", "stackyard/client/__init__.py", "import stackyard.cli"),
    ("Within stackyard", "stackyard/spec/job.py", "import stackyard.sweep"),
    ("Only the worker imports tensorflow", "service/jobs/queries.py", "import keras"),
    ("Celery's parent process", "worker/supervision/reconciler.py", "import worker.attempt.job_training"),
    ("The API imports no", "api/datasets.py", "import worker.preparation.dataset_reader"),
    ("Only the chart process", "service/charts/renderer.py", "import vl_convert"),
    ("Only the object store", "service/storage/artifact_store.py", "import obstore"),
    ("Only the API imports", "service/jobs/queries.py", "import fastapi"),
    ("Only the queue and the worker's entry", "api/jobs/routes.py", "import celery"),
]


def test_all_contracts_are_kept():
    result = _run_import_linter(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("contract", "module", "breach"), BREACHES)
def test_a_breach_breaks_its_contract(contract, module, breach, tmp_path):
    _copy_packages(tmp_path)
    file = tmp_path / module
    file.write_text(f"{file.read_text()}\n{breach}\n")
    result = _run_import_linter(tmp_path)
    assert result.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", _join_lines(result.stdout)), result.stdout


def test_every_contract_has_a_breach():
    missing = [name for name in CONTRACTS if not any(name.startswith(contract) for contract, _, _ in BREACHES)]
    assert missing == []


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("api.app", ("tensorflow", "keras", "pandas", "numpy", "sklearn", "pyarrow", "vl_convert", "scipy", "optuna")),
        ("worker.celery_app", ("tensorflow", "keras", "pandas")),
        ("worker.tasks", ("tensorflow", "keras", "pandas")),
        ("worker.child_process", ("tensorflow", "keras")),  # the device is chosen first
        ("stackyard.cli", ("tensorflow", "keras", "pandas", "sqlalchemy", "fastapi", "celery")),
        ("stackyard.spec", ("httpx2", "typer", "rich", "numpy", "sqlalchemy")),
        ("stackyard.sweep", ("httpx2", "typer", "rich", "numpy", "scipy", "optuna", "sqlalchemy")),
    ],
)
def test_a_fresh_process_loads_nothing_heavy(module, forbidden):
    program = f"import sys, {module}; print(*sorted(set(sys.modules) & set({forbidden!r})))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.split() == []


def _copy_packages(to: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)


def _run_import_linter(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint(args=['--no-cache'])",
    ]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False)


def _join_lines(text: str) -> str:
    """Join the lines of a long name, which import-linter wraps."""
    return re.sub(r"\s+", " ", text)
