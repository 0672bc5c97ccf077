"""Every example trains on a real server, with the result that `examples/README.md` promises."""

import pytest

from tests.example_specs import EXAMPLE_NAMES, UPLOADS, load_example

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.exhaustive]

OUTCOMES = {
    "breast-cancer": ("accuracy", 0.92, 1.0),
    "breast-cancer-weights": ("accuracy", 0.85, 1.0),
    "diabetes": ("mae", 0.0, 0.75),
    "digits-convolution": ("accuracy", 0.9, 1.0),
    "digits-lstm": ("accuracy", 0.90, 1.0),
    "houses": ("loss", 0.0, 70.0),
    "iris": ("accuracy", 0.86, 1.0),
    "wine": ("accuracy", 0.91, 1.0),
    "wine-dropout": ("accuracy", 0.91, 1.0),
}
"""A metric of the test rows, and the range that the page promises."""
WITHOUT_TEST = {"wine-diverges", "wine-batchnorm"}


@pytest.fixture(scope="module")
def finished_jobs(server, tmp_path_factory):
    """The finished job of every example."""
    directory = tmp_path_factory.mktemp("examples")
    for name, write in UPLOADS.items():
        server.upload_dataset(name, write(directory))
    ids = {name: server.submit(load_example(name)) for name in EXAMPLE_NAMES}
    return {name: server.until_ended(job_id) for name, job_id in ids.items()}


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_example_reaches_the_promised_metric(finished_jobs, name):
    job = finished_jobs[name]
    assert job["state"] == "succeeded", job
    metric, minimum, maximum = OUTCOMES[name]
    assert minimum <= job["evaluation"]["metrics"][metric] <= maximum, job["evaluation"]


def test_batch_normalization_prevents_the_divergence(finished_jobs):
    assert finished_jobs["wine-diverges"]["state"] == "diverged", finished_jobs["wine-diverges"]
    assert finished_jobs["wine-batchnorm"]["state"] == "succeeded", finished_jobs["wine-batchnorm"]
    assert finished_jobs["wine-batchnorm"]["metrics"]["val_loss"]["best"] < 1


def test_every_example_is_tested(finished_jobs):
    assert finished_jobs.keys() == OUTCOMES.keys() | WITHOUT_TEST
