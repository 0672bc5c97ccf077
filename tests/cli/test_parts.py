"""The small parts of `serve`, each by itself."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from stackyard.cli import terminal_curve
from stackyard.cli.command_error import CommandError
from stackyard.cli.serving import broker
from stackyard.cli.serving.address import Address, Reservation, is_loopback
from stackyard.cli.serving.child_processes import Identity
from stackyard.cli.serving.directory_lock import DirectoryLock, Holder
from tests.waiting import until


@pytest.fixture(autouse=True)
def _own_temporary_directory(monkeypatch, tmp_path_factory):
    """A short one, for sockets, which is gone after the test."""
    tmp_path_factory.getbasetemp()  # chosen now, outside of it
    with tempfile.TemporaryDirectory(prefix="sy-", dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield


def test_a_socket_lies_in_the_data_directory_where_its_path_is_short(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = broker.socket_path(Path("data"))

    assert path == Path("data/run/valkey.sock")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_socket_lies_elsewhere_where_the_path_would_be_too_long(tmp_path):
    path = broker.socket_path(tmp_path / ("x" * 100))

    assert len(os.fsencode(path)) <= 100
    assert path != broker.socket_path(tmp_path / ("y" * 100))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_socket_s_directory_that_others_may_enter_is_refused(tmp_path):
    directory = tmp_path / ("x" * 100)
    broker.socket_path(directory).parent.chmod(0o755)

    with pytest.raises(CommandError, match="mode 700"):
        broker.socket_path(directory)


def test_a_broker_that_was_left_behind_is_stopped(tmp_path):
    path = broker.socket_path(tmp_path / ("a b" * 40))
    process = subprocess.Popen(broker.command(path), stdout=subprocess.DEVNULL)
    until(lambda: broker.is_up(path))

    assert broker.stop_leftover(path) is True

    assert process.wait(5) == 0
    assert broker.stop_leftover(path) is False
    broker.clear(path)
    assert not path.parent.exists()


def test_a_broker_binds_no_port(tmp_path):
    path = broker.socket_path(tmp_path)
    process = subprocess.Popen(broker.command(path), stdout=subprocess.DEVNULL)
    try:
        until(lambda: broker.is_up(path))
        assert psutil.Process(process.pid).net_connections("inet") == []
    finally:
        process.kill()
        process.wait()


def test_a_lock_says_who_holds_it_and_is_free_afterwards(tmp_path):
    path = tmp_path / "serve.lock"
    with DirectoryLock(path) as lock:
        lock.announce(Holder(17, "http://127.0.0.1:8000", "2026-01-01T00:00:00+00:00"))
        with pytest.raises(CommandError, match=r"at http://127\.0\.0\.1:8000 by process 17, started 2026"):
            DirectoryLock(path).__enter__()
    with DirectoryLock(path):
        pass


def test_a_process_is_found_only_by_id_and_start_and_program():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    until(lambda: process.cmdline()[:1] == [sys.executable])  # which it is once the fork has become the program
    true = Identity("x", process.pid, process.create_time(), sys.executable)

    assert true.find() == process
    assert Identity("x", true.pid, true.created - 10, true.program).find() is None
    assert Identity("x", true.pid, true.created, "/bin/other").find() is None
    child.communicate(b"\n")
    assert true.find() is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid"])  # noqa: S104 these are looked at, not bound
def test_not_loopback(host):
    assert not is_loopback(host)


def test_a_reserved_port_can_be_served_and_not_reserved_by_another_listener():
    reservation = Reservation("127.0.0.1", 0)
    with Reservation("127.0.0.1", reservation.address.port)._socket as server:
        server.listen()
        with pytest.raises(CommandError, match="Cannot listen on"):
            Reservation("127.0.0.1", reservation.address.port)
    reservation.release()


def test_urls():
    assert Address("0.0.0.0", 1).url == "http://127.0.0.1:1"  # noqa: S104 likewise
    assert Address("::1", 1).url == "http://[::1]:1"


def test_a_curve_has_axes_a_legend_and_gaps():
    picture = terminal_curve.draw([0, 1, 2], {"loss": [3.0, float("nan"), 1.0], "val_loss": [2.5, 2.0, 1.5]}).plain

    assert "loss" in picture
    assert "val_loss" in picture
    assert "epoch" in picture
    lines = picture.splitlines()
    assert lines[0].strip().startswith("3 ┤")
    assert lines[13].strip().startswith("1 ┤")
    assert lines[15].split()[0] == "1"
    assert lines[15].split()[-1] == "3"


def test_a_curve_of_nothing_finite_says_so():
    assert "nothing to draw" in terminal_curve.draw([0], {"loss": [float("inf")]}).plain


def test_a_flat_curve_is_drawn():
    assert "epoch" in terminal_curve.draw([0, 1], {"loss": [1.0, 1.0]}).plain
