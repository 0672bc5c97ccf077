"""What processes that read hostile input are told."""

from service.subprocess.environment import without_secrets


def test_neither_settings_nor_the_keys_to_a_bucket(monkeypatch):
    for name in ("STACKYARD_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    told = without_secrets()
    assert told["LANG"] == "C.UTF-8"
    assert "secret" not in told.values()
