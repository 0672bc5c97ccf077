"""Environment of processes that read untrusted input."""

from service.subprocess.environment import build_environment_without_secrets


def test_environment_has_neither_settings_nor_credentials(monkeypatch):
    for name in ("STACKYARD_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environment = build_environment_without_secrets()
    assert environment["LANG"] == "C.UTF-8"
    assert "secret" not in environment.values()
