"""How `serve` divides a machine among its workers."""

from pathlib import Path

import httpx2
import pytest

from stackyard.cli.serving.address import Address
from stackyard.cli.serving.serve_plan import ServePlan, build_server_commands
from tests.polling import wait_until

pytestmark = pytest.mark.exhaustive


def test_a_worker_has_the_requested_concurrency_and_threads(serve):
    url = serve("--workers", "2", "--threads", "3").wait_for_url()
    [worker] = wait_until(lambda: httpx2.get(f"{url}/v1/workers").json()["items"])
    assert (worker["device"], worker["concurrency"], worker["threads"]) == ("cpu", 2, 3)


def test_each_worker_gets_the_number_of_jobs_that_run_beside_its_own(tmp_path):
    plan = ServePlan(Address("127.0.0.1", 8000), tmp_path, Path.cwd(), workers=3, gpus=1)
    environments = {command.name: command.environment for command in build_server_commands(plan)}
    assert environments["worker-cpu"]["STACKYARD_NEIGHBOURS"] == "1"
    assert environments["worker-gpu"]["STACKYARD_NEIGHBOURS"] == "3"
