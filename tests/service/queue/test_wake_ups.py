"""Wake-ups and a broker with a password, behind TLS, that dies, forgets or hangs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from kombu.exceptions import OperationalError

from service.queue import wake_ups as wake_ups_module
from service.queue.wake_ups import WakeUps, create_celery
from service.settings import Settings
from tests.servers.tls import TlsDoor, certificate
from tests.servers.valkey import ESCAPED_PASSWORD, Valkey
from tests.waiting import until


@pytest.fixture(scope="module")
def shared_valkey() -> Iterator[Valkey]:
    with TemporaryDirectory(prefix="vk-", dir="/tmp") as directory, Valkey(Path(directory)) as valkey:
        yield valkey


@pytest.fixture
def valkey(shared_valkey) -> Valkey:
    """One that holds nothing, whatever the test before has done to it."""
    shared_valkey.flush()
    return shared_valkey


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def door(valkey, own) -> Iterator[str]:
    """The address of TLS before the broker."""
    door = TlsDoor(own, (valkey.host, valkey.port))
    yield f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{door.port}/0"
    door.close()


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(wake_ups_module, "_ANSWER_TIMEOUT_S", 0.2)


def wake_ups(url: str) -> WakeUps:
    return WakeUps(Settings(broker_url=url))


def test_whoever_has_the_password_is_heard(valkey):
    knowing = wake_ups(valkey.url)
    knowing.send("cpu")
    assert knowing.pending("cpu") == 1
    guessing = wake_ups(valkey.url.replace(ESCAPED_PASSWORD, "guess"))
    guessing.send("cpu")
    assert not guessing.broker_answers()
    with pytest.raises(OperationalError):
        guessing.pending("cpu")
    assert knowing.pending("cpu") == 1


def test_a_certificate_is_taken_only_from_an_authority_that_is_trusted(door, own):
    trusting = wake_ups(f"{door}?ssl_ca_certs={own.certificate}")
    until(trusting.broker_answers)  # a busy machine may need more than one try
    trusting.send("cpu")
    assert trusting.pending("cpu") == 1
    assert not wake_ups(door).broker_answers()
    until(wake_ups(f"{door}?ssl_cert_reqs=none").broker_answers)  # a busy machine may need more than one try


def test_a_certificate_is_taken_only_for_the_broker_s_own_name(valkey, tmp_path):
    other = certificate(tmp_path, "broker.example")
    door = TlsDoor(other, (valkey.host, valkey.port))
    url = f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{door.port}/0?ssl_ca_certs={other.certificate}"
    assert not wake_ups(url).broker_answers()
    until(wake_ups(f"{url}&ssl_check_hostname=false").broker_answers)  # a busy machine may need more than one try
    door.close()


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_hangs_keeps_nobody(valkey):
    knowing = wake_ups(valkey.url)
    assert knowing.pending("cpu") == 0
    valkey.freeze()
    try:
        knowing.send("cpu")
        with pytest.raises(OperationalError):
            knowing.pending("cpu")
        assert not knowing.broker_answers()
    finally:
        valkey.thaw()
    knowing.send("cpu")
    assert knowing.pending("cpu") >= 1


def test_a_wake_up_is_not_acknowledged(valkey):
    """A worker that could not acknowledge one, because the broker hung, would never take another."""
    [declared] = create_celery(Settings(broker_url=valkey.url)).amqp.queues.values()
    assert declared.no_ack
