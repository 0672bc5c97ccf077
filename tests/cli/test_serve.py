"""The process tree of `serve`: start, restarts, refusals, and a stop that leaves no process behind."""

import json
import os
import re
import signal
import socket
import time

import psutil
import pytest

from stackyard.cli.serving import broker
from tests.cli.conftest import is_server_up, list_server_processes
from tests.polling import wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.exhaustive)])
def test_a_signal_stops_all_processes(serve, data_dir, number):
    server = serve(STACKYARD_CANCEL_GRACE_S="300")  # longer than the test, so that no child is killed
    state = server.wait_for_state()
    assert is_server_up(state["url"])
    assert {child["name"] for child in state["processes"]} == {"broker", "api", "worker-cpu"}
    assert all((data_dir / "logs" / f"{name}.log").exists() for name in ("broker", "migrate", "api", "worker-cpu"))

    status, output = server.stop(number)

    assert status == 0
    assert "ready" in output
    assert list_server_processes(data_dir) == []
    assert not (data_dir / "serve.json").exists()
    assert not broker.prepare_socket_path(data_dir).exists()


@pytest.mark.exhaustive
def test_children_share_the_session_and_have_their_own_groups(serve):
    """Linux divides the cores among sessions first, and Ctrl-C in a terminal reaches only one group."""
    server = serve()
    for pid in server.get_pids().values():
        assert os.getsid(pid) == os.getsid(server.process.pid)
        assert os.getpgid(pid) == pid


@pytest.mark.exhaustive
def test_a_signal_stops_a_worker_that_is_starting(serve, data_dir):
    server = serve()
    worker = psutil.Process(server.get_pid("worker-cpu"))
    wait_until(worker.children)  # the child is still importing TensorFlow

    status, _ = server.stop(signal.SIGTERM)

    assert status == 0
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_a_second_signal_stops_at_once(serve, data_dir):
    server = serve(STACKYARD_CANCEL_GRACE_S="300")  # a single signal would wait this long
    api = psutil.Process(server.get_pid("api"))
    psutil.Process(server.get_pid("worker-cpu")).suspend()
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not api.is_running() or api.status() == psutil.STATUS_ZOMBIE)

    status, _ = server.stop(signal.SIGTERM)

    assert status == 0
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_an_unresponsive_worker_is_killed_after_the_grace_period(serve, data_dir):
    server = serve(STACKYARD_CANCEL_GRACE_S="1")
    psutil.Process(server.get_pid("worker-cpu")).suspend()

    started_at = time.monotonic()
    status, _ = server.stop(signal.SIGTERM)

    assert status == 0
    assert time.monotonic() - started_at > 3
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_a_second_server_on_the_same_directory_is_refused_and_names_the_first(serve):
    first = serve()
    url = first.wait_for_url()

    second = serve()
    output, _ = second.process.communicate(timeout=30)

    assert second.process.returncode == 1
    assert url in output
    assert f"process {first.process.pid}," in output
    assert is_server_up(url)


@pytest.mark.exhaustive
def test_a_server_starts_after_another_was_killed(serve, data_dir):
    first = serve()
    orphan_pids = [first.get_pid(name) for name in ("broker", "api", "worker-cpu")]
    first.process.kill()
    first.process.wait()

    second = serve()
    state = second.wait_for_state()

    assert is_server_up(state["url"])
    assert not any(psutil.pid_exists(pid) for pid in orphan_pids)
    assert second.stop(signal.SIGTERM)[0] == 0
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_processes_left_behind_by_a_killed_server_are_ended(serve, data_dir):
    first = serve()
    api = psutil.Process(first.get_pid("api"))
    api.suspend()  # so that the kernel's SIGTERM at the parent's death does not end it
    first.process.kill()
    first.process.wait()
    assert api.is_running()

    second = serve()
    second.wait_for_state()

    assert not api.is_running()
    _, output = second.stop(signal.SIGTERM)
    assert "had left behind" in output
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_other_processes_in_a_left_behind_state_are_not_ended(serve, data_dir):
    bystander = psutil.Process()
    entry = {"name": "api", "pid": bystander.pid, "created": 1.0, "program": bystander.exe()}
    (data_dir / "serve.json").write_text(json.dumps({"run": "gone", "processes": [entry]}))

    server = serve()

    assert is_server_up(server.wait_for_url())
    assert bystander.is_running()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["broker", "api", "worker-cpu"])
def test_a_killed_child_is_restarted(serve, data_dir, name):
    server = serve()
    before = server.get_pid(name)
    os.kill(before, signal.SIGKILL)

    wait_until(lambda: server.get_pids().get(name, before) != before)
    wait_until(lambda: is_server_up(server.wait_for_url()))

    assert not psutil.pid_exists(before)
    status, output = server.stop(signal.SIGTERM)
    assert status == 0
    assert f"{name} ended (killed by SIGKILL); starting it again" in output
    assert list_server_processes(data_dir) == []


def test_a_child_that_repeatedly_ends_stops_the_server(serve, data_dir):
    server = serve(STACKYARD_LEASE_S="soon")
    output, _ = server.process.communicate(timeout=60)

    assert server.process.returncode == 1
    assert "lease_s" in output  # the end of the child's log, which names the wrong setting
    assert list_server_processes(data_dir) == []


@pytest.mark.exhaustive
def test_a_server_that_was_ready_outlives_children_that_end_again_and_again(serve):
    server = serve()
    kills = 4
    for _ in range(kills):
        before = wait_until(lambda: server.get_pids().get("broker"))
        os.kill(before, signal.SIGKILL)
        wait_until(lambda before=before: server.get_pids().get("broker", before) != before)

    wait_until(lambda: is_server_up(server.wait_for_url()))
    status, output = server.stop(signal.SIGTERM)

    assert status == 0
    delays = [float(delay) for delay in re.findall(r"broker ended .*; starting it again in (\S+) s", output)]
    assert len(delays) == kills
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]


def test_a_host_other_than_loopback_needs_a_token(serve, data_dir):
    server = serve("--host", "0.0.0.0")  # noqa: S104  # it is refused
    output, _ = server.process.communicate(timeout=30)

    assert server.process.returncode == 1
    assert "STACKYARD_TOKEN" in output
    assert not (data_dir / "logs").exists()


@pytest.mark.exhaustive
def test_the_api_requires_the_token(serve, tmp_path):
    (tmp_path / "token").write_text("let me in\n")
    server = serve("--token-file", str(tmp_path / "token"))  # `serve` needs it to see that the API is ready

    assert is_server_up(server.wait_for_url())


@pytest.mark.exhaustive
def test_only_the_api_gets_the_token_and_the_broker_gets_no_password(serve):
    server = serve(STACKYARD_TOKEN="let me in", PGPASSWORD="a password")  # noqa: S106  # a test's secrets
    server.wait_for_state()

    secrets = {name: _read_secrets(server.get_pid(name)) for name in ("api", "worker-cpu", "broker")}
    assert secrets["broker"] == set()
    if os.geteuid() == 0:  # other users cannot read the environment of these processes
        assert secrets["api"] == {"let me in", "a password"}
        assert secrets["worker-cpu"] == {"a password"}


def _read_secrets(pid: int) -> set[str]:
    try:
        return {"let me in", "a password"} & set(psutil.Process(pid).environ().values())
    except psutil.AccessDenied:
        return set()


@pytest.mark.exhaustive
def test_files_in_a_directory_that_was_open_to_others_are_private(serve, data_dir):
    (data_dir / "stackyard.db").touch()
    data_dir.chmod(0o755)
    server = serve()
    server.wait_for_url()
    assert data_dir.stat().st_mode & 0o777 == 0o700
    # SQLite gives its journal the mode of the database.
    new_files = [path for path in data_dir.rglob("*") if path.is_file() and not path.match("stackyard.db*")]
    assert len(new_files) > 3
    assert [path for path in new_files if path.stat().st_mode & 0o077] == []
    _, output = server.stop(signal.SIGTERM)
    assert "private" in output


def test_a_port_in_use_is_refused_and_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = serve("--port", str(port))
        output, _ = server.process.communicate(timeout=30)

    assert server.process.returncode == 1
    assert f"port {port}" in output
