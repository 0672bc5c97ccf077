"""The check of a sweep over HTTP: its report, its warnings, and the errors of what cannot run."""

import time
from datetime import timedelta

import jsonschema_rs
import pytest

from api.http import body_examples
from models import JobState
from service.db.database import get_current_time
from tests.factories import build_registration, iris_spec, record_heartbeat, submit_job
from tests.sweep.factories import LEARNING_RATE, OPTIMIZERS, RATE, UNITS, build_sweep_document


@pytest.fixture
def check(client):
    def check(space=None, **changes):
        response = client.post("/v1/sweeps/check", json=build_sweep_document(space, **changes))
        assert response.status_code == 200, response.text
        return response.json()

    return check


@pytest.fixture
def find_errors(client):
    def find_errors(space=None, **changes):
        response = client.post("/v1/sweeps/check", json=build_sweep_document(space, **changes))
        assert response.status_code == 422, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        return response.json()["errors"]

    return find_errors


def list_codes(report):
    return [warning["code"] for warning in report["warnings"]]


def test_the_report_on_an_ordinary_sweep(check):
    started = time.process_time()
    report = check({"/training/optimizer": OPTIMIZERS, UNITS: [4, 8], RATE: {"uniform": [0, 0.6], "step": 0.1}})
    assert time.process_time() - started < 2  # far above what it takes, for slow machines
    assert report["objective"] == {"metric": "val_loss", "mode": "min", "at": "best"}
    assert report["dimensions"] == 7
    assert report["grid_size"] is None
    assert report["plan"] == {"trials": 20, "jobs": 20, "epochs": 60, "rungs": []}
    assert report["samples"]["invalid"] == 0
    assert 5 <= report["samples"]["count"] <= 200
    assert report["architectures"] == 2 * 2  # optimizers and widths; numbers with a fraction do not count
    assert report["duration"] is None


def test_a_grid_is_checked_as_a_whole(check):
    report = check({UNITS: [4, 8, 16], "/training/batch_size": [16, 32]}, search="grid", budget=None)
    assert report["grid_size"] == 6
    assert report["samples"] == {"count": 6, "invalid": 0, "errors": []}
    assert report["plan"]["trials"] == 6
    report = check({UNITS: [4, 8, 16], "/training/batch_size": [16, 32]}, search="grid", budget=4)
    assert report["plan"]["trials"] == 4
    assert "grid_exceeds_budget" in list_codes(report)


def test_the_rungs_of_halving(check):
    base = iris_spec(training={"epochs": 27})
    report = check(base=base, halving={"eta": 3}, budget=27)
    assert report["plan"]["rungs"] == [
        {"epoch": 1, "trials": 27},
        {"epoch": 3, "trials": 9},
        {"epoch": 9, "trials": 3},
        {"epoch": 27, "trials": 1},
    ]
    assert report["plan"]["epochs"] == 27 * 1 + 9 * 2 + 3 * 6 + 1 * 18
    assert "few_trials_for_rungs" in list_codes(check(base=base, halving={"eta": 3}, budget=9))


def test_the_jobs_and_epochs_of_repeats(check):
    assert check(repeats=5)["plan"] == {"trials": 20, "jobs": 100, "epochs": 300, "rungs": []}
    top = check(repeats={"count": 5, "of_top": 2})["plan"]
    assert (top["jobs"], top["epochs"]) == (20 + 10, 90)
    assert check(budget={"epochs": 12})["plan"] == {"trials": 4, "jobs": 4, "epochs": 12, "rungs": []}


def test_samples_that_are_not_valid_are_counted_with_their_errors(check):
    units_pointer = "/space/~1network~1layers~13~1units"
    report = check({"/network/layers/3/units": [1, 2, 3, 4]}, search="grid", budget=None)
    samples = report["samples"]
    assert (samples["count"], samples["invalid"]) == (4, 3)
    pointers = [error["fault"]["pointer"] for error in samples["errors"]]
    assert pointers == ["/base/network/layers/3/activation", f"{units_pointer}/1", f"{units_pointer}/3"]
    assert sum(error["count"] for error in samples["errors"]) == 3
    assert samples["errors"][0]["parameters"] == {"/network/layers/3/units": 1}
    assert "invalid_samples" in list_codes(report)


def test_a_sweep_without_a_valid_trial_is_refused(find_errors):
    [error] = find_errors(base=iris_spec(data={"dataset": "builtin:irs", "target": "target"}), objective="loss")
    assert error["pointer"] == "/base/data/dataset"
    [error] = find_errors({"/data/dataset": ["builtin:irs"]})
    assert error["pointer"] == "/space/~1data~1dataset/0"
    [error] = find_errors(objective="val_acuracy")
    assert error["pointer"] == "/objective/metric"
    assert error["patch"] == [{"op": "replace", "path": "/objective/metric", "value": "val_accuracy"}]


def test_a_patch_corrects_a_pointer(client, find_errors):
    document = build_sweep_document({"/training/optimizer/lr": {"log_uniform": [1e-4, 0.1]}})
    [error] = find_errors({"/training/optimizer/lr": {"log_uniform": [1e-4, 0.1]}})
    [operation] = error["patch"]
    assert operation["op"] == "move"
    old, new = (operation[name].removeprefix("/space/").replace("~1", "/") for name in ("from", "path"))
    document["space"][new] = document["space"].pop(old)
    assert client.post("/v1/sweeps/check", json=document).status_code == 200


def test_every_spec_of_a_list_is_checked(client):
    specs = [iris_spec(), iris_spec(training={"epochs": 5})]
    report = client.post("/v1/sweeps/check", json={"specs": specs}).json()
    assert report["plan"] == {"trials": 2, "jobs": 2, "epochs": 8, "rungs": []}
    assert report["samples"]["count"] == 2


def test_warnings_about_the_sweep_and_its_base(check):
    without_validation = iris_spec(data={"dataset": "builtin:iris", "target": "target"})
    report = check({LEARNING_RATE: [0.1]}, base=without_validation, search="tpe", budget=5)
    assert {"objective_on_training_rows", "few_trials_for_tpe", "single_value"} <= set(list_codes(report))
    assert all(warning["pointer"].startswith("/") for warning in report["warnings"])


@pytest.mark.parametrize(
    ("pointer", "backend", "step", "has_warning"),
    [
        ("/network/layers/2/rate", "auto", {}, True),
        ("/network/layers/2/rate", "auto", {"step": 0.1}, False),
        ("/network/layers/2/rate", "tensorflow", {}, False),
        ("/training/optimizer/beta_1", "jax", {}, True),
        (LEARNING_RATE, "auto", {}, False),
    ],
)
def test_a_range_of_numbers_that_jax_compiles_in_is_warned_about(check, pointer, backend, step, has_warning):
    base = iris_spec(training={"optimizer": {"type": "Adam"}}, run={"backend": backend})
    report = check({pointer: {"uniform": [0.1, 0.5]} | step}, base=base)
    assert ("compiled_number" in list_codes(report)) == has_warning


def test_the_duration_follows_from_past_runs(sessions, client):
    job = submit_job(sessions, training={"epochs": 4})
    with sessions.begin() as session:
        past = session.merge(job)
        past.state, past.epochs_done = JobState.SUCCEEDED, 4
        past.started_at = get_current_time(session)
        past.finished_at = past.started_at + timedelta(seconds=8)
    record_heartbeat(sessions, build_registration(concurrency=2))
    document = build_sweep_document({LEARNING_RATE: {"uniform": [0.001, 0.1]}}, budget=10)
    duration = client.post("/v1/sweeps/check", json=document).json()["duration"]
    assert duration == {"training_s": pytest.approx(10 * 3 * 2), "elapsed_s": pytest.approx(30), "known_share": 1}


def test_the_schema_accepts_what_the_check_accepts(client):
    validator = jsonschema_rs.validator_for(client.get("/v1/schemas/sweep").json())
    document = build_sweep_document({"/training/optimizer": OPTIMIZERS, UNITS: [4, 8]}, search="tpe")
    for valid in (document, body_examples.SWEEP, {"specs": [iris_spec()]}):
        assert validator.is_valid(valid), list(validator.iter_errors(valid))
        assert client.post("/v1/sweeps/check", json=valid).status_code == 200
    assert not validator.is_valid(document | {"spce": {}})
    assert not validator.is_valid(document | {"space": {UNITS: {"uni": [1, 2]}}})
