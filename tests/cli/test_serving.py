"""The modules behind `serve`: address, broker, directory lock and process identity."""

import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from stackyard.cli.command_error import CommandError
from stackyard.cli.serving import broker
from stackyard.cli.serving.address import Address, PortReservation
from stackyard.cli.serving.child_processes import RUN_VARIABLE, ChildCommand, ChildProcess, ProcessIdentity
from stackyard.cli.serving.data_directory import prepare_data_directory
from stackyard.cli.serving.directory_lock import DirectoryLock, LockHolder
from stackyard.loopback import is_loopback
from tests.polling import wait_until


@pytest.fixture(autouse=True)
def _short_temporary_directory(monkeypatch, tmp_path_factory):
    """Use a temporary directory with a path that is short enough for sockets, and remove it after the test."""
    tmp_path_factory.getbasetemp()  # pytest must choose its own directory before the default changes
    with tempfile.TemporaryDirectory(prefix="sy-", dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield


class TestBroker:
    def test_a_socket_with_a_short_path_lies_in_the_data_directory(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        path = broker.prepare_socket_path(Path("data"))

        assert path == Path("data/run/valkey.sock")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_socket_whose_path_would_be_too_long_lies_in_a_short_directory(self, tmp_path):
        path = broker.prepare_socket_path(tmp_path / ("x" * 100))

        assert len(os.fsencode(path)) <= 100
        assert path != broker.prepare_socket_path(tmp_path / ("y" * 100))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_socket_directory_that_others_may_enter_is_refused(self, tmp_path):
        directory = tmp_path / ("x" * 100)
        broker.prepare_socket_path(directory).parent.chmod(0o755)

        with pytest.raises(CommandError, match="mode 700"):
            broker.prepare_socket_path(directory)

    def test_a_leftover_broker_is_stopped(self, tmp_path):
        path = broker.prepare_socket_path(tmp_path / ("a b" * 40))
        process = subprocess.Popen(broker.build_broker_command(path), stdout=subprocess.DEVNULL)
        wait_until(lambda: broker.is_up(path))

        assert broker.stop_leftover(path) is True

        assert process.wait(5) == 0
        assert broker.stop_leftover(path) is False
        broker.remove_socket(path)
        assert not path.parent.exists()

    def test_a_broker_binds_no_port(self, tmp_path):
        path = broker.prepare_socket_path(tmp_path)
        process = subprocess.Popen(broker.build_broker_command(path), stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: broker.is_up(path))
            assert psutil.Process(process.pid).net_connections("inet") == []
        finally:
            process.kill()
            process.wait()


def test_a_held_lock_names_its_holder_and_is_free_after_its_release(tmp_path):
    path = tmp_path / "serve.lock"
    with DirectoryLock(path) as lock:
        lock.write_holder(LockHolder(17, "http://127.0.0.1:8000", "2026-01-01T00:00:00+00:00"))
        with pytest.raises(CommandError, match=r"at http://127\.0\.0\.1:8000 by process 17, started 2026"):
            DirectoryLock(path).__enter__()
    with DirectoryLock(path):
        pass


def test_a_process_is_found_only_with_its_own_id_start_and_program():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    wait_until(lambda: process.cmdline()[:1] == [sys.executable])  # true once the fork has executed the program
    identity = ProcessIdentity("x", process.pid, process.create_time(), sys.executable)

    assert identity.find_process() == process
    assert ProcessIdentity("x", identity.pid, identity.created - 10, identity.program).find_process() is None
    assert ProcessIdentity("x", identity.pid, identity.created, "/bin/other").find_process() is None
    child.communicate(b"\n")
    assert identity.find_process() is None


def start_logging_child(tmp_path, script, max_log_bytes=2**17):
    environment = {RUN_VARIABLE: "logs"}
    command = ChildCommand("logging", [sys.executable, "-uc", script])
    child = ChildProcess(command, tmp_path / "logging.log", tmp_path, environment, max_log_bytes)
    child.start()
    return child


class TestDataDirectory:
    @pytest.fixture(autouse=True)
    def _restore_umask(self):
        previous = os.umask(0o022)
        yield
        os.umask(previous)

    def test_a_new_directory_and_its_files_are_private(self, tmp_path):
        assert prepare_data_directory(tmp_path / "data") is None
        (tmp_path / "data" / "file").touch()
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "data" / "file").stat().st_mode) == 0o600

    @pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o777])
    def test_an_open_directory_of_a_server_is_made_private(self, tmp_path, mode):
        (tmp_path / "stackyard.db").touch()
        tmp_path.chmod(mode)
        message = prepare_data_directory(tmp_path)
        assert message is not None
        assert f"was {mode:o}" in message
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        assert prepare_data_directory(tmp_path) is None

    def test_an_open_directory_with_other_things_is_refused_and_unchanged(self, tmp_path):
        (tmp_path / "homework.txt").touch()
        tmp_path.chmod(0o755)
        with pytest.raises(CommandError, match="something else"):
            prepare_data_directory(tmp_path)
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    def test_an_open_directory_of_another_user_is_refused(self, tmp_path, monkeypatch):
        tmp_path.chmod(0o755)
        monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
        with pytest.raises(CommandError, match="another user"):
            prepare_data_directory(tmp_path)


class TestLogs:
    def test_logs_stay_within_their_bound_while_the_process_runs(self, tmp_path):
        child = start_logging_child(tmp_path, "while True: print('x' * 1000)")
        logs = child.log_path, child.log_path.with_suffix(".log.1")
        try:
            for _ in range(20):
                wait_until(lambda: child.log_path.stat().st_size > 2**16)
                child.rotate_log()
                assert logs[1].stat().st_size == 2**16
        finally:
            child.kill_group()
        child.rotate_log()
        assert sum(log.stat().st_size for log in logs) <= 2**17

    def test_the_last_lines_can_be_read_after_a_rotation(self, tmp_path):
        (tmp_path / "running").touch()
        script = "import os\nprint('x' * 100_000)\nwhile os.path.exists('running'): pass\nprint('the end')"
        child = start_logging_child(tmp_path, script)
        wait_until(lambda: child.log_path.stat().st_size > 2**16)
        child.rotate_log()
        (tmp_path / "running").unlink()
        wait_until(lambda: child.has_ended)
        assert child.read_log_tail() == "the end"

    def test_a_log_on_a_full_disk_is_emptied_without_a_copy(self, tmp_path, monkeypatch):
        child = start_logging_child(tmp_path, "print('x' * 100_000)")
        wait_until(lambda: child.has_ended)

        def fail(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", fail)
        child.rotate_log()
        assert child.log_path.stat().st_size == 0
        assert not child.log_path.with_suffix(".log.1").exists()


class TestAddress:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    def test_a_loopback_host_is_loopback(self, host):
        assert is_loopback(host)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid"])  # noqa: S104  # not bound
    def test_another_host_is_not_loopback(self, host):
        assert not is_loopback(host)

    def test_a_reserved_port_can_be_bound_but_not_reserved_again_while_a_server_listens(self):
        reservation = PortReservation("127.0.0.1", 0)
        port = reservation.address.port
        with socket.create_server(("127.0.0.1", port)), pytest.raises(CommandError, match="Cannot listen on"):
            PortReservation("127.0.0.1", port)
        reservation.release()

    def test_a_url_reaches_the_server_from_this_machine(self):
        assert Address("0.0.0.0", 1).url == "http://127.0.0.1:1"  # noqa: S104  # not bound
        assert Address("::1", 1).url == "http://[::1]:1"
