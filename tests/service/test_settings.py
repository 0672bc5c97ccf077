"""Secrets of an installation: from variables or files, inserted into URLs."""

import pytest
from kombu.utils.url import parse_url
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from service.settings import Settings

PASSWORD = "p@ss/w:rd %2F#?é\\\"'"  # noqa: S105  # it protects nothing


def test_a_secret_comes_from_a_file_without_its_line_end(monkeypatch, tmp_path):
    for name in ("TOKEN", "DATABASE_PASSWORD", "BROKER_PASSWORD"):
        (tmp_path / name).write_text(f"secret of {name}\n")
        monkeypatch.setenv(f"STACKYARD_{name}_FILE", str(tmp_path / name))
    settings = Settings()
    secrets = [settings.token, settings.database_password, settings.broker_password]
    assert [secret.get_secret_value().rpartition(" ")[2] for secret in secrets] == [
        *("TOKEN", "DATABASE_PASSWORD", "BROKER_PASSWORD")
    ]
    assert "secret of" not in repr(settings)


def test_a_variable_and_a_file_for_the_same_secret_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("STACKYARD_TOKEN", "a")
    monkeypatch.setenv("STACKYARD_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ValidationError, match="STACKYARD_TOKEN_FILE are both set"):
        Settings()


@pytest.mark.parametrize("content", ["", "\n"])
def test_a_file_with_a_blank_token_is_refused(monkeypatch, tmp_path, content):
    (tmp_path / "token").write_text(content)
    monkeypatch.setenv("STACKYARD_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ValidationError, match="blank token"):
        Settings()


def test_a_password_of_any_characters_is_inserted_into_a_url():
    settings = Settings(
        broker_url="redis://valkey:6379/0",
        broker_password=PASSWORD,
        database_url="postgresql+psycopg://stackyard@postgres:5432/stackyard?sslmode=require",
        database_password=PASSWORD,
    )
    broker, database = parse_url(settings.resolved_broker_url), make_url(settings.resolved_database_url)
    assert (broker["password"], broker["hostname"], broker["port"]) == (PASSWORD, "valkey", 6379)
    assert (database.username, database.password, database.host) == ("stackyard", PASSWORD, "postgres")
    assert database.query == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["redis://:other@valkey:6379/0", "redis+socket:///run/valkey.sock"])
def test_a_url_with_a_password_or_of_a_socket_stays(url):
    assert Settings(broker_url=url, broker_password=PASSWORD).resolved_broker_url == url
