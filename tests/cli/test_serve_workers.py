"""How `serve` divides a machine among its workers."""

import io
from pathlib import Path

import httpx2
from rich.console import Console

from stackyard.cli.serving.address import Address
from stackyard.cli.serving.supervisor import Plan, Supervisor
from tests.waiting import until


def test_its_workers_have_the_children_and_the_threads_that_were_asked_for(serve):
    url = serve("--workers", "2", "--threads", "3").url()
    [worker] = until(lambda: httpx2.get(f"{url}/v1/workers").json()["items"])
    assert (worker["device"], worker["concurrency"], worker["threads"]) == ("cpu", 2, 3)


def test_workers_of_both_kinds_know_of_each_other(tmp_path):
    plan = Plan(Address("127.0.0.1", 8000), tmp_path, Path.cwd(), workers=3, gpus=1)
    commands = Supervisor(plan, Console(file=io.StringIO()))._commands()
    told = {command.name: command.settings for command in commands if command.name.startswith("worker")}
    assert {name: settings["STACKYARD_NEIGHBOURS"] for name, settings in told.items()} == {
        "worker-cpu": "1",
        "worker-gpu": "3",
    }
