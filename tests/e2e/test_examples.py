"""Every example trains on a real server, and ends as its section of `examples/README.md` says."""

import pytest

from tests.examples import NAMES, UPLOADS, example

pytestmark = pytest.mark.xdist_group("server")

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
"""A metric of the test rows, and what the page promises of it."""
WITHOUT_TEST = {"wine-diverges", "wine-batchnorm"}


@pytest.fixture(scope="module")
def ended(server, tmp_path_factory):
    """Every example's job, at its end."""
    directory = tmp_path_factory.mktemp("examples")
    for name, write in UPLOADS.items():
        server.upload(name, write(directory))
    ids = {name: server.submit(example(name)) for name in NAMES}
    return {name: server.until_ended(job_id) for name, job_id in ids.items()}


@pytest.mark.parametrize("name", OUTCOMES)
def test_it_reaches_what_the_page_promises(ended, name):
    job = ended[name]
    assert job["state"] == "succeeded", job
    metric, least, most = OUTCOMES[name]
    assert least <= job["evaluation"]["metrics"][metric] <= most, job["evaluation"]


def test_one_diverges_and_batch_normalisation_mends_it(ended):
    assert ended["wine-diverges"]["state"] == "diverged", ended["wine-diverges"]
    assert ended["wine-batchnorm"]["state"] == "succeeded", ended["wine-batchnorm"]
    assert ended["wine-batchnorm"]["metrics"]["val_loss"]["best"] < 1


def test_none_is_left_out(ended):
    assert ended.keys() == OUTCOMES.keys() | WITHOUT_TEST
