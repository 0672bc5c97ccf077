"""Environment of processes that read untrusted input."""

import pytest

from service.subprocess.environment import build_environment_without_secrets

SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "DATABASE_URL",
    "HF_TOKEN",
    "PGPASSWORD",
    "POSTGRES_PASSWORD",
    "REDISCLI_AUTH",
    "STACKYARD_DATABASE_URL",
    "STACKYARD_TOKEN",
    "TF_VAR_password",
)


@pytest.mark.parametrize("name", SECRETS)
def test_other_variables_are_left_out(monkeypatch, name):
    monkeypatch.setenv(name, "secret")
    assert "secret" not in build_environment_without_secrets().values()


@pytest.mark.parametrize("name", ["LANG", "PATH", "PYTHONPATH", "TMPDIR", "LC_ALL", "OMP_NUM_THREADS"])
def test_variables_that_python_and_its_libraries_read_are_passed_on(monkeypatch, name):
    monkeypatch.setenv(name, "value")
    assert build_environment_without_secrets()[name] == "value"
