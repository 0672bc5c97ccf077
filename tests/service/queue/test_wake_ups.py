"""Wake-ups with a broker that needs a password, stands behind TLS, or hangs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from kombu.exceptions import OperationalError

from service.queue.wake_ups import WakeUpSender, create_celery_app
from service.settings import Settings
from tests.polling import wait_until
from tests.servers.tls import TlsProxy, create_certificate
from tests.servers.valkey import ESCAPED_PASSWORD, Valkey


@pytest.fixture(scope="module")
def shared_valkey() -> Iterator[Valkey]:
    with TemporaryDirectory(prefix="vk-", dir="/tmp") as directory, Valkey(Path(directory)) as valkey:
        yield valkey


@pytest.fixture
def valkey(shared_valkey) -> Valkey:
    """The shared server, emptied of the messages of earlier tests."""
    shared_valkey.flush()
    return shared_valkey


@pytest.fixture(scope="module")
def certificate_files(tmp_path_factory):
    return create_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_url(valkey, certificate_files) -> Iterator[str]:
    """The address of a TLS proxy in front of the broker."""
    door = TlsProxy(certificate_files, (valkey.host, valkey.port))
    yield f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{door.port}/0"
    door.close()


def build_sender(url: str, **options: float) -> WakeUpSender:
    return WakeUpSender(Settings(broker_url=url), **options)


def test_only_clients_with_the_password_are_accepted(valkey):
    authorized = build_sender(valkey.url)
    authorized.send("cpu")
    assert authorized.count_pending("cpu") == 1
    unauthorized = build_sender(valkey.url.replace(ESCAPED_PASSWORD, "guess"))
    unauthorized.send("cpu")
    assert not unauthorized.is_broker_reachable()
    with pytest.raises(OperationalError):
        unauthorized.count_pending("cpu")
    assert authorized.count_pending("cpu") == 1


def test_a_certificate_needs_a_trusted_authority(tls_url, certificate_files):
    trusting = build_sender(f"{tls_url}?ssl_ca_certs={certificate_files.certificate}")
    wait_until(trusting.is_broker_reachable)  # a busy machine may need more than one try
    trusting.send("cpu")
    assert trusting.count_pending("cpu") == 1
    assert not build_sender(tls_url).is_broker_reachable()
    wait_until(
        build_sender(f"{tls_url}?ssl_cert_reqs=none").is_broker_reachable
    )  # a busy machine may need more than one try


def test_a_certificate_must_match_the_name_of_the_broker(valkey, tmp_path):
    other = create_certificate(tmp_path, "broker.example")
    door = TlsProxy(other, (valkey.host, valkey.port))
    url = f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{door.port}/0?ssl_ca_certs={other.certificate}"
    assert not build_sender(url).is_broker_reachable()
    wait_until(
        build_sender(f"{url}&ssl_check_hostname=false").is_broker_reachable
    )  # a busy machine may need more than one try
    door.close()


def test_a_broker_that_hangs_delays_no_caller(valkey):
    authorized = build_sender(valkey.url, response_timeout_s=0.2)
    assert authorized.count_pending("cpu") == 0
    valkey.freeze()
    try:
        authorized.send("cpu")
        with pytest.raises(OperationalError):
            authorized.count_pending("cpu")
        assert not authorized.is_broker_reachable()
    finally:
        valkey.thaw()
    authorized.send("cpu")
    assert authorized.count_pending("cpu") >= 1


def test_wake_ups_are_not_acknowledged(valkey):
    """A worker that cannot acknowledge a message, because the broker hangs, would never receive another one."""
    [queue] = create_celery_app(Settings(broker_url=valkey.url)).amqp.queues.values()
    assert queue.no_ack
