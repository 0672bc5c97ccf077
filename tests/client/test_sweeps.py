"""Sweeps by the client and by the command line, against the real API; jobs end by functions, without a training."""

import json
import pickle

import pandas as pd
import pytest
from typer.testing import CliRunner

from models import JobState
from service.db.database import SessionFactory
from stackyard.cli import app
from stackyard.client import ProblemError, Sweep, WaitTimeoutError, build_sweep
from stackyard.client.errors import NoSingleMatchError, TrialFailedError
from stackyard.spec import JobSpec
from tests.client.conftest import TOKEN
from tests.factories import iris_spec
from tests.service.sweeps.sweep_lab import LEARNING_RATE, SweepLab

SPACE = {LEARNING_RATE: {"log_uniform": [1e-4, 1e-1]}}


def get_loss(job, epoch):
    rate = job.spec["training"]["optimizer"]["learning_rate"]
    return abs(rate - 0.01) + 1 / (epoch + 1)


@pytest.fixture
def lab(settings):
    """Return the means to end the jobs of a sweep."""
    sessions = SessionFactory(settings.resolved_database_url)
    yield lambda sweep: SweepLab.attach(sessions, sweep.id)
    sessions.dispose()


def test_a_sweep_from_its_submit_to_its_results(stackyard, lab):
    options = {"name": "rates", "search": "random", "budget": 4, "idempotency_key": "once"}
    sweep = stackyard.sweep(iris_spec(), SPACE, **options)
    assert (sweep.state, sweep.counts.waiting, sweep.best_value) == ("running", 4, None)
    assert stackyard.sweep(iris_spec(), SPACE, **options) == sweep
    with pytest.raises(ProblemError):
        _ = sweep.best
    with pytest.raises(WaitTimeoutError, match=f"Sweep {sweep.id} is still running"):
        sweep.wait(timeout=0)

    lab(sweep).run(get_loss)

    updates = []
    ended = sweep.wait(progress=True, on_update=updates.append)
    assert (ended.succeeded, ended.counts.complete, updates) == (True, 4, [ended])
    trials = list(sweep.trials(limit=3))
    assert [trial.value for trial in trials] == sorted(trial.value for trial in trials)
    assert (sweep.best.number, sweep.best.value) == (trials[0].number, trials[0].value)
    assert sweep.best.parameters == trials[0].parameters
    assert (
        stackyard.job(sweep.best.job).spec["training"]["optimizer"]["learning_rate"]
        == (sweep.best.parameters[LEARNING_RATE])
    )
    frame = sweep.results()
    by_number = list(sweep.trials(sort="number"))
    assert frame[LEARNING_RATE].tolist() == [trial.parameters[LEARNING_RATE] for trial in by_number]
    assert frame["value"].tolist() == [trial.value for trial in by_number]
    assert (type(frame), frame.index.name, frame.index.tolist()) == (pd.DataFrame, "number", [0, 1, 2, 3])
    assert len(sweep.results_csv().splitlines()) == 5
    assert [ranked.number for ranked in sweep.statistics().ranking] == [trial.number for trial in trials]


def test_results_are_columns_where_pandas_is_missing(stackyard, lab, monkeypatch):
    sweep = stackyard.sweep(iris_spec(), SPACE, search="random", budget=1)
    lab(sweep).run(get_loss)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    columns = sweep.results()
    assert (columns["number"], columns["state"]) == ([0], ["complete"])
    assert columns[LEARNING_RATE] == [sweep.best.parameters[LEARNING_RATE]]


def test_many_specs_are_submitted_in_one_request(stackyard):
    specs = [iris_spec(training={"seed": seed}) for seed in range(3)]
    sweep = stackyard.submit_many([*specs, JobSpec.model_validate(specs[0])], name="batch")
    jobs = sorted(stackyard.jobs(sweep=sweep.id), key=lambda job: job.sweep["trial"])
    assert [stackyard.job(job.id).spec["training"]["seed"] for job in jobs] == [0, 1, 2, 0]
    assert (sweep.method, sweep.name) == ("list", "batch")


def test_a_sweep_is_checked_before_it_runs(stackyard):
    sweep = build_sweep(JobSpec.model_validate(iris_spec()), SPACE, search="random", budget=10)
    report = stackyard.check_sweep(sweep)
    assert (report["dimensions"], report["plan"]["trials"], report["samples"]["invalid"]) == (1, 10, 0)
    with pytest.raises(ProblemError) as caught:
        stackyard.check_sweep(sweep | {"space": {"/training/optimizer/rate": [1, 2]}})
    assert caught.value.problem.errors[0].pointer.startswith("/space")


def test_a_sweep_is_found_changed_controlled_and_deleted(stackyard):
    sweep = stackyard.sweep(iris_spec(), SPACE, name="mine", search="random", budget=2)
    assert stackyard.find_sweep("mine") == stackyard.find_sweep(sweep.id[:13]) == sweep
    assert [listed.id for listed in stackyard.list_sweeps(state=["running", "paused"])] == [sweep.id]
    with pytest.raises(NoSingleMatchError, match="no sweep"):
        stackyard.find_sweep("yours")

    assert sweep.change(name="ours", budget={"trials": 3}, max_concurrent=1).budget.trials == 3
    assert sweep.pause().state == "paused"
    assert sweep.resume().state == "running"
    assert sweep.finish().ending is not None
    assert sweep.cancel().state == "cancelled"
    assert sweep.reload().name == "ours"
    sweep.delete()
    with pytest.raises(ProblemError):
        sweep.reload()


def test_an_external_search_adds_trials_and_tells_values(stackyard, lab):
    sweep = stackyard.sweep(iris_spec(), SPACE, search="external")
    trial = sweep.add_trial({LEARNING_RATE: 0.003})
    assert (trial.number, trial.state) == (0, "waiting")
    lab(sweep).run(get_loss)
    assert sweep.wait_for_trial(0).value == pytest.approx(abs(0.003 - 0.01) + 1 / 3)
    assert sweep.tell(0, 0.25).value == 0.25
    assert sweep.tell({LEARNING_RATE: 0.004}, 0.2).state == "complete"
    assert (sweep.best.number, sweep.best.value) == (1, 0.2)
    with pytest.raises(ProblemError) as caught:
        sweep.add_trial({LEARNING_RATE: 7})
    assert caught.value.problem.errors[0].pointer.startswith("/parameters")


def test_a_trial_is_evaluated_with_the_worst_value_where_it_diverges(stackyard, lab, monkeypatch):
    sweep = stackyard.sweep(iris_spec(), SPACE, search="external")
    ends = iter([lambda laboratory: laboratory.run(get_loss), _diverge, _fail])
    add_trial = Sweep.add_trial

    def add_and_train(sweep, parameters):
        trial = add_trial(sweep, parameters)
        next(ends)(lab(sweep))
        return trial

    monkeypatch.setattr(Sweep, "add_trial", add_and_train)
    assert sweep.evaluate({LEARNING_RATE: 0.01}) == pytest.approx(1 / 3)
    assert sweep.evaluate({LEARNING_RATE: 0.1}) == float("inf")
    with pytest.raises(TrialFailedError, match="Trial 2 is failed"):
        sweep.evaluate({LEARNING_RATE: 0.02})


def _diverge(laboratory):
    _end(laboratory, "diverged")


def _fail(laboratory):
    _end(laboratory, "failed")


def _end(laboratory, state):
    laboratory.conclude(laboratory.claim(), JobState(state))
    laboratory.advance()


def test_a_sweep_shows_itself_in_a_notebook_and_is_pickled_without_its_client(stackyard):
    sweep = stackyard.sweep(iris_spec(), SPACE, name="<b>mine", search="random", budget=2)
    assert "&lt;b&gt;mine" in sweep._repr_html_()
    assert "0 of 2 trials, 2 waiting" in sweep._repr_html_()
    copy = pickle.loads(pickle.dumps(sweep))  # noqa: S301  # its own
    assert copy == sweep
    with pytest.raises(RuntimeError, match="no client"):
        copy.reload()
    assert json.loads(Sweep.model_validate(sweep.model_dump(by_alias=True)).model_dump_json(by_alias=True))["id"]


@pytest.fixture
def command(url):
    """Run a command of `stackyard sweep` and return its output."""

    def run(*arguments, status=0, **options):
        environment = {"COLUMNS": "200", "STACKYARD_TOKEN": TOKEN, "STACKYARD_URL": url}
        result = CliRunner().invoke(app, ["sweep", *arguments], env=environment, **options)
        assert result.exit_code == status, result.output
        return result.output

    return run


def test_the_commands_run_show_and_control_a_sweep(command, stackyard, lab, tmp_path):
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps(build_sweep(iris_spec(), SPACE, name="rates", search="random", budget=3)))
    report = command("check", str(file))
    assert "3 trials" in report
    assert "min of val_loss at its best epoch" in report
    sweep_id = command("run", str(file), "--detach").strip()
    assert "3 waiting" in command("show", "rates")
    assert json.loads(command("pause", "rates", "--json"))["state"] == "paused"
    assert "running" in command("resume", "rates")

    lab(stackyard.get_sweep(sweep_id)).run(get_loss)

    shown = command("show", "rates", "--follow")
    best = stackyard.get_sweep(sweep_id).best
    assert "succeeded" in shown
    assert f"learning_rate={best.parameters[LEARNING_RATE]:.4g}" in shown
    assert len(command("show", "rates", "--csv").splitlines()) == 4
    assert f"{best.job}" in command("best", "rates")
    assert "3/3" in command("list")
    command("delete", "rates", "--yes")
    command("show", "rates", status=1)


def test_the_exit_status_of_a_run_says_whether_the_sweep_succeeded(command, tmp_path):
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps(build_sweep(iris_spec(), SPACE, name="rates", search="random", budget=3)))
    assert "expected" in command("check", "-", status=1, input='{"base": 1}')
    command("run", str(file), "--detach")
    command("cancel", "rates")
    assert "cancelled" in command("show", "rates", "--follow", status=1)
