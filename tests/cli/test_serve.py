"""The process tree: how it starts, what it refuses, and that nothing of it is left."""

import json
import os
import signal
import socket
import time

import psutil
import pytest

from stackyard.cli.serving import broker
from tests.cli.conftest import is_alive, living
from tests.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_a_signal_stops_all_of_it(serve, data_dir, number):
    served = serve(STACKYARD_CANCEL_GRACE_S="300")  # nothing is killed before that
    record = served.record()
    assert is_alive(record["url"])
    assert {child["name"] for child in record["processes"]} == {"broker", "api", "worker-cpu"}
    assert all((data_dir / "logs" / f"{name}.log").exists() for name in ("broker", "migrate", "api", "worker-cpu"))

    status, output = served.end(number)

    assert status == 0
    assert "ready" in output
    assert living(data_dir) == []
    assert not (data_dir / "serve.json").exists()
    assert not broker.socket_path(data_dir).exists()


def test_its_processes_are_of_its_session_and_in_groups_of_their_own(serve):
    """Linux shares out the cores by session first; Ctrl-C in a terminal reaches one group alone."""
    served = serve()
    for pid in served.pids().values():
        assert os.getsid(pid) == os.getsid(served.process.pid)
        assert os.getpgid(pid) == pid


def test_it_stops_while_a_worker_is_starting(serve, data_dir):
    served = serve()
    worker = psutil.Process(served.pid("worker-cpu"))
    until(worker.children)  # a child, which imports tensorflow for seconds yet

    status, _ = served.end(signal.SIGTERM)

    assert status == 0
    assert living(data_dir) == []


def test_a_second_signal_does_not_wait(serve, data_dir):
    served = serve(STACKYARD_CANCEL_GRACE_S="300")  # for longer than which one signal would have it wait
    api = psutil.Process(served.pid("api"))
    psutil.Process(served.pid("worker-cpu")).suspend()
    served.process.send_signal(signal.SIGTERM)
    until(lambda: not api.is_running() or api.status() == psutil.STATUS_ZOMBIE)

    status, _ = served.end(signal.SIGTERM)

    assert status == 0
    assert living(data_dir) == []


def test_a_worker_that_does_not_react_is_killed_in_time(serve, data_dir):
    served = serve(STACKYARD_CANCEL_GRACE_S="1")
    psutil.Process(served.pid("worker-cpu")).suspend()

    begun = time.monotonic()
    status, _ = served.end(signal.SIGTERM)

    assert status == 0
    assert time.monotonic() - begun > 3
    assert living(data_dir) == []


def test_a_second_one_on_the_same_directory_names_the_first(serve):
    first = serve()
    url = first.url()

    second = serve()
    output, _ = second.process.communicate(timeout=30)

    assert second.process.returncode == 1
    assert url in output
    assert f"process {first.process.pid}," in output
    assert is_alive(url)


def test_a_killed_one_leaves_nothing_that_the_next_minds(serve, data_dir):
    first = serve()
    left = [first.pid(name) for name in ("broker", "api", "worker-cpu")]
    first.process.kill()
    first.process.wait()

    second = serve()
    record = second.record()

    assert is_alive(record["url"])
    assert not any(psutil.pid_exists(pid) for pid in left)
    assert second.end(signal.SIGTERM)[0] == 0
    assert living(data_dir) == []


def test_what_a_killed_one_could_not_take_along_is_ended(serve, data_dir):
    first = serve()
    api = psutil.Process(first.pid("api"))
    api.suspend()  # so that the kernel's SIGTERM at its parent's death does not reach it
    first.process.kill()
    first.process.wait()
    assert api.is_running()

    second = serve()
    second.record()

    assert not api.is_running()
    _, output = second.end(signal.SIGTERM)
    assert "had left behind" in output
    assert living(data_dir) == []


def test_a_record_of_processes_that_are_not_ours_harms_nobody(serve, data_dir):
    bystander = psutil.Process()
    entry = {"name": "api", "pid": bystander.pid, "created": 1.0, "program": bystander.exe()}
    (data_dir / "serve.json").write_text(json.dumps({"run": "gone", "processes": [entry]}))

    served = serve()

    assert is_alive(served.url())
    assert bystander.is_running()


@pytest.mark.parametrize("name", ["broker", "api", "worker-cpu"])
def test_a_child_that_dies_is_started_again(serve, data_dir, name):
    served = serve()
    before = served.pid(name)
    os.kill(before, signal.SIGKILL)

    until(lambda: served.pids().get(name, before) != before)
    until(lambda: is_alive(served.url()))

    assert not psutil.pid_exists(before)
    status, output = served.end(signal.SIGTERM)
    assert status == 0
    assert f"{name} ended (killed by SIGKILL); starting it again" in output
    assert living(data_dir) == []


def test_a_child_that_never_stays_up_ends_the_whole(serve, data_dir):
    served = serve(STACKYARD_LEASE_S="soon")
    output, _ = served.process.communicate(timeout=60)

    assert served.process.returncode == 1
    assert "lease_s" in output  # the end of the child's log, which says what is wrong
    assert living(data_dir) == []


def test_a_host_that_others_reach_needs_a_token(serve, data_dir):
    served = serve("--host", "0.0.0.0")  # noqa: S104 it is refused
    output, _ = served.process.communicate(timeout=30)

    assert served.process.returncode == 1
    assert "STACKYARD_TOKEN" in output
    assert not (data_dir / "logs").exists()


def test_a_token_is_passed_on(serve):
    served = serve(STACKYARD_TOKEN="let me in")  # noqa: S106 a test's; "ready" is only seen with it

    assert is_alive(served.url())


def test_a_port_in_use_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = serve("--port", str(port))
        output, _ = served.process.communicate(timeout=30)

    assert served.process.returncode == 1
    assert f"port {port}" in output
