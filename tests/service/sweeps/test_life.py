"""The life of sweeps on both databases; jobs end by functions of `SweepLab`."""

import json
from datetime import timedelta

from sqlalchemy import select

from models import DEFAULT_PROJECT_ID, Job, JobState, Sweep, SweepState, Trial, TrialState
from service import backup
from service.db.database import SessionFactory
from service.settings import Settings
from service.sweeps import sweep_retention
from service.sweeps.life import controls, creation, reconciliation
from service.sweeps.life.advance import advance_sweep
from service.sweeps.sweep_news import SweepNews, SweepNewsReader
from stackyard.spec import Limits
from stackyard.sweep import parse_sweep_spec
from tests.chaos.sweep_verdict import judge_sweep
from tests.service.sweeps.sweep_lab import LEARNING_RATE, SweepLab, build_sweep
from worker.supervision import reconciler


def get_loss(job, epoch):
    """A loss that falls with each epoch, to a limit that depends on the learning rate."""
    rate = job.spec["training"]["optimizer"]["learning_rate"]
    return abs(rate - 0.01) + 1 / (epoch + 1)


def test_a_random_search_runs_its_budget_of_trials_and_names_the_best(either_sessions):
    lab = SweepLab(either_sessions)
    assert lab.states == [TrialState.WAITING] * 6
    assert len(lab.list_jobs(state=JobState.QUEUED)) == 6

    lab.run(get_loss)

    sweep, trials = lab.sweep, lab.trials
    assert (sweep.state, sweep.reason["code"]) == (SweepState.SUCCEEDED, "budget_trials")
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    values = [abs(trial.parameters[LEARNING_RATE] - 0.01) + 1 / 3 for trial in trials]
    assert [trial.value for trial in trials] == values
    assert (sweep.best_trial, sweep.best_value) == (values.index(min(values)), min(values))
    assert [trial.epochs for trial in trials] == [3] * 6


def test_max_concurrent_bounds_the_trials_that_wait_or_run(sessions):
    lab = SweepLab(sessions, max_concurrent=2)
    assert lab.count_states() == {TrialState.WAITING: 2}

    claim = lab.claim()
    assert claim is not None
    lab.train(claim, get_loss)
    lab.advance()

    assert lab.count_states() == {TrialState.COMPLETE: 1, TrialState.WAITING: 2}


def test_advancing_again_changes_nothing(sessions):
    lab = SweepLab(sessions, max_concurrent=2)
    claim = lab.claim()
    lab.train(claim, get_loss)
    lab.advance()
    before = (lab.sweep.changed_at, lab.states, [job.id for job in lab.list_jobs()])

    lab.advance()
    lab.advance()

    assert (lab.sweep.changed_at, lab.states, [job.id for job in lab.list_jobs()]) == before


def test_the_budget_of_epochs_holds_exactly(sessions):
    lab = SweepLab(sessions, budget={"epochs": 14})
    lab.run(get_loss)
    assert (lab.states, lab.sweep.reason["code"]) == ([TrialState.COMPLETE] * 4, "budget_epochs")
    assert sum(job.epochs_done for job in lab.list_jobs()) == 12


def test_invalid_trials_cost_no_budget(sessions):
    space = {"/network/layers/3/units": [2, 3], LEARNING_RATE: [0.01, 0.02, 0.03]}
    lab = SweepLab(sessions, space=space, search="grid", budget={"trials": 2})
    lab.run(lambda _job, epoch: float(epoch))
    invalid, complete = TrialState.INVALID, TrialState.COMPLETE
    assert lab.states == [invalid, invalid, invalid, complete, complete]
    [error] = lab.trials[0].reason["errors"]
    assert error["pointer"] == "/space/~1network~1layers~13~1units/values/0"
    assert lab.sweep.reason["code"] == "budget_trials"


def test_a_space_of_invalid_trials_ends_the_sweep(sessions):
    lab = SweepLab(
        sessions, space={"/network/layers/3/units": {"int": [1, 2]}, LEARNING_RATE: {"uniform": [0.1, 0.2]}}
    )
    assert (lab.sweep.state, lab.sweep.reason["code"]) == (SweepState.FAILED, "invalid_space")
    assert lab.count_states() == {TrialState.INVALID: len(lab.trials)}


def test_diverged_and_failed_trials_have_no_value(sessions):
    lab = SweepLab(sessions, budget={"trials": 3})
    lab.conclude(lab.claim(), JobState.DIVERGED, "diverged")
    lab.conclude(lab.claim(), JobState.FAILED, "data")
    lab.run(get_loss)
    assert lab.states == [TrialState.DIVERGED, TrialState.FAILED, TrialState.COMPLETE]
    assert [trial.reason and trial.reason["code"] for trial in lab.trials] == ["diverged", "data", None]
    assert (lab.sweep.best_trial, lab.sweep.state) == (2, SweepState.SUCCEEDED)


def test_a_job_that_the_installation_failed_is_repeated_in_its_place(either_sessions):
    lab = SweepLab(either_sessions, budget={"trials": 1, "epochs": 3})
    lost = lab.claim()
    lab.conclude(lost, JobState.FAILED, "storage")
    lab.advance()
    [replacement] = lab.list_jobs(trial_number=0)
    assert (replacement.retry_of, replacement.state) == (lost.job_id, JobState.QUEUED)
    lab.run(get_loss)
    assert (lab.states, lab.sweep.reason["code"]) == ([TrialState.COMPLETE], "budget_trials")


def test_a_failing_installation_pauses_the_sweep_until_it_is_resumed(sessions):
    lab = SweepLab(sessions, budget={"trials": 2}, max_concurrent=1)
    for _ in range(4):
        lab.conclude(lab.claim(), JobState.FAILED, "storage")
        lab.advance()
    assert (lab.sweep.state, lab.sweep.reason["code"]) == (SweepState.PAUSED, "installation_failing")
    assert lab.claim() is None
    lab.resume()
    lab.run(get_loss)
    assert (lab.states, lab.sweep.state) == ([TrialState.COMPLETE] * 2, SweepState.SUCCEEDED)


def test_repeats_share_their_seeds_between_trials(sessions):
    lab = SweepLab(sessions, repeats=3, budget={"trials": 2})
    seeds = [job.spec["training"]["seed"] for job in lab.list_jobs()]
    assert len(set(seeds[:3])) == 3
    assert seeds[:3] == seeds[3:]
    lab.run(lambda job, _epoch: job.repeat + 10.0 * job.trial_number)
    assert [(trial.value, trial.repeat_values) for trial in lab.trials] == [(1.0, [0, 1, 2]), (11.0, [10, 11, 12])]


def test_a_repeat_without_a_result_stops_the_other_repeats(either_sessions):
    lab = SweepLab(either_sessions, repeats=3, budget={"trials": 1})
    lab.claim()
    lab.conclude(lab.claim(), JobState.DIVERGED, "diverged")
    lab.advance()
    first, _, third = lab.list_jobs()
    assert (first.state, first.cancel_requested, third.state) == (JobState.RUNNING, True, JobState.CANCELLED)
    assert lab.states == [TrialState.WAITING]
    lab.end_cancelled_attempts()
    assert (lab.states, lab.sweep.state) == ([TrialState.DIVERGED], SweepState.SUCCEEDED)


def test_the_best_trials_are_repeated_on_fresh_seeds_before_one_is_called_best(sessions):
    repeats = {"count": 2, "of_top": 2}
    lab = SweepLab(sessions, repeats=repeats, budget={"trials": 4, "epochs": 24})
    losses = {0: [5, 9, 9], 1: [1, 8, 8], 2: [2, 3, 4], 3: [6, 9, 9]}
    lab.run(lambda job, _epoch: float(losses[job.trial_number][job.repeat]))
    assert lab.sweep.rerun_trials == [1, 2]
    assert [trial.value for trial in lab.trials] == [5, 8, 3.5, 6]
    assert (lab.sweep.best_trial, lab.sweep.best_value, lab.sweep.state) == (2, 3.5, SweepState.SUCCEEDED)
    seeds = {job.spec["training"]["seed"] for job in lab.list_jobs(trial_number=1)}
    assert len(seeds) == 3


def test_a_target_halts_the_other_trials(sessions):
    lab = SweepLab(sessions, stop={"target": 1.0})
    lab.claim()
    lab.train(lab.claim(), lambda *_: 0.5)
    lab.advance()
    assert lab.sweep.state is SweepState.RUNNING
    lab.end_cancelled_attempts()
    assert (lab.sweep.state, lab.sweep.reason["code"]) == (SweepState.SUCCEEDED, "target_reached")
    assert lab.count_states() == {TrialState.COMPLETE: 1, TrialState.HALTED: 5}
    assert lab.trials[0].reason["code"] == "target_reached"


def test_a_search_stops_when_nothing_gets_better(sessions):
    lab = SweepLab(sessions, stop={"no_better_for": 2}, max_concurrent=1, budget={"trials": 20})
    lab.run(lambda job, _epoch: [5.0, 4.0, 4.5, 3.0, 3.0, 3.5][job.trial_number])
    assert (lab.sweep.reason["code"], lab.sweep.best_trial, len(lab.trials)) == ("no_better", 3, 6)


def test_too_many_failures_fail_the_sweep(sessions):
    lab = SweepLab(sessions, stop={"failed": 2}, max_concurrent=1)
    for _ in range(2):
        lab.conclude(lab.claim(), JobState.FAILED, "data")
        lab.advance()
    assert (lab.sweep.state, lab.sweep.reason["code"]) == (SweepState.FAILED, "too_many_failed")


def test_halving_promotes_held_trials_and_halts_the_others(either_sessions):
    lab = SweepLab(
        either_sessions,
        base=SweepLab.build_base(epochs=9),
        halving={"eta": 3, "from_epoch": 1},
        budget={"trials": 9},
        max_concurrent=9,
    )
    assert {job.until_epoch for job in lab.list_jobs()} == {1}
    lab.run(lambda job, epoch: job.trial_number + 1 / (epoch + 1))
    assert lab.sweep.state is SweepState.SUCCEEDED
    trials = lab.trials
    assert [trial.epochs for trial in trials] == [9, 3, 3, 1, 1, 1, 1, 1, 1]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, *[TrialState.HALTED] * 8]
    assert [report["epoch"] for report in trials[0].reports] == [1, 3, 9]
    assert (trials[1].value, lab.sweep.best_trial) == (1 + 1 / 3, 0)
    assert {job.state for job in lab.list_jobs()} == {JobState.SUCCEEDED, JobState.CANCELLED}


def test_cancelling_waits_for_running_jobs(either_sessions):
    lab = SweepLab(either_sessions)
    lab.claim()
    lab.cancel()
    assert (lab.sweep.state, lab.count_states()[TrialState.HALTED]) == (SweepState.RUNNING, 5)
    lab.end_cancelled_attempts()
    assert (lab.sweep.state, lab.count_states()) == (SweepState.CANCELLED, {TrialState.HALTED: 6})
    assert {job.state for job in lab.list_jobs()} == {JobState.CANCELLED}


def test_a_paused_sweep_starts_nothing_until_it_is_resumed(either_sessions):
    lab = SweepLab(either_sessions, max_concurrent=2)
    running = lab.claim()
    lab.pause()
    assert [(job.state, job.pause_requested) for job in lab.list_jobs()] == [
        (JobState.RUNNING, True),
        (JobState.PAUSED, False),
    ]
    lab.train(running, get_loss)
    lab.advance()
    assert (lab.count_states(), lab.claim()) == ({TrialState.COMPLETE: 1, TrialState.WAITING: 1}, None)
    lab.resume()
    lab.run(get_loss)
    assert (lab.sweep.state, lab.states) == (SweepState.SUCCEEDED, [TrialState.COMPLETE] * 6)


def test_a_finished_sweep_keeps_what_it_has_started(sessions):
    lab = SweepLab(sessions, max_concurrent=2)
    lab.finish()
    lab.run(get_loss)
    assert (lab.sweep.state, lab.sweep.reason["code"]) == (SweepState.SUCCEEDED, "finished")
    assert lab.states == [TrialState.COMPLETE] * 2


def test_a_deleted_job_halts_its_trial(sessions):
    lab = SweepLab(sessions, budget={"trials": 2})
    lab.delete_job(lab.list_jobs()[0].id)
    lab.run(get_loss)
    assert lab.states == [TrialState.HALTED, TrialState.COMPLETE]
    assert (lab.trials[0].reason["code"], lab.sweep.state) == ("job_deleted", SweepState.SUCCEEDED)


def test_a_tpe_search_can_be_repeated_from_its_rows(sessions):
    changes = {"search": {"method": "tpe", "seed": 3}, "budget": {"trials": 14}, "max_concurrent": 1}
    lab = SweepLab(sessions, **changes)
    lab.run(get_loss)
    again = SweepLab(sessions, **changes)
    again.run(get_loss)
    assert [trial.parameters for trial in lab.trials] == [trial.parameters for trial in again.trials]
    assert [trial.proposed_after for trial in lab.trials] == list(range(14))
    assert judge_sweep(sessions, lab.id) == []


def test_the_judge_of_chaos_runs_sees_what_is_wrong_with_a_sweep(sessions):
    lab = SweepLab(sessions, search={"method": "random", "seed": 1}, budget={"trials": 2, "epochs": 6})
    lab.run(get_loss)
    assert judge_sweep(sessions, lab.id) == []
    with sessions.begin() as session:
        trial = session.get_one(Trial, (lab.id, 0))
        trial.state, trial.parameters = TrialState.WAITING, {LEARNING_RATE: 0.5}
        session.get_one(Job, lab.list_jobs()[1].id).epochs_done = 4
    faults = "\n".join(judge_sweep(sessions, lab.id))
    for words in (
        "still waiting",
        "other parameters",
        "counts 3 epochs",
        "more or fewer epochs",
        "7 epochs were trained",
    ):
        assert words in faults


def test_all_trials_use_the_version_of_the_dataset_that_the_first_one_has_used(sessions):
    lab = SweepLab(sessions, max_concurrent=1)
    assert lab.sweep.datasets == {"builtin:iris": str(lab.list_jobs()[0].dataset_id)}


def test_concurrent_processes_neither_lose_nor_double_a_trial(either_sessions):
    lab = SweepLab(either_sessions, budget={"trials": 12}, max_concurrent=3)
    lab.run_concurrently(get_loss, threads=4)
    assert judge_sweep(either_sessions, lab.id) == []
    assert (lab.states, lab.sweep.state) == ([TrialState.COMPLETE] * 12, SweepState.SUCCEEDED)
    jobs = lab.list_jobs()
    assert [(job.trial_number, job.repeat, job.attempt) for job in jobs] == [(number, 0, 1) for number in range(12)]


def test_a_restored_backup_goes_on_with_the_sweep(sessions, tmp_path):
    lab = SweepLab(sessions, search={"method": "tpe", "seed": 3}, budget={"trials": 12}, max_concurrent=1)
    for _ in range(11):
        lab.train(lab.claim(), get_loss)
        lab.advance()
    backup.create_backup(Settings(data_dir=tmp_path), tmp_path / "backup.tar")
    settings = Settings(data_dir=tmp_path / "restored")
    backup.restore_backup(settings, tmp_path / "backup.tar")
    restored_sessions = SessionFactory(settings.resolved_database_url)
    restored = SweepLab.attach(restored_sessions, str(lab.id))
    for one in (lab, restored):
        one.run(get_loss)
        assert one.sweep.state is SweepState.SUCCEEDED
    assert [trial.parameters for trial in restored.trials] == [trial.parameters for trial in lab.trials]
    restored_sessions.dispose()


def test_a_reconciler_advances_the_sweep_of_a_job_whose_process_died(either_sessions):
    lab = SweepLab(either_sessions, budget={"trials": 2}, max_concurrent=1)
    lab.train(lab.claim(), get_loss)
    assert lab.claim() is None
    reconciler.advance_sweeps(either_sessions, Limits())
    assert lab.states == [TrialState.COMPLETE, TrialState.WAITING]
    with either_sessions.read() as session:
        assert reconciliation.list_due_sweeps(session) == []


def test_a_crash_between_two_batches_of_trials_is_repaired(sessions):
    spec = parse_sweep_spec(json.dumps(build_sweep(budget={"trials": 260})).encode())
    with sessions.begin() as session:
        sweep_id = creation.insert_sweep(session, spec).id
    lab = SweepLab.attach(sessions, str(sweep_id))
    with sessions.begin() as session:
        assert advance_sweep(session, sweep_id, Limits()).has_more
    assert len(lab.trials) == 250
    reconciler.advance_sweeps(sessions, Limits())
    assert lab.count_states() == {TrialState.WAITING: 260}


def test_ended_sweeps_are_deleted_after_the_retention_period(sessions, tmp_path):
    ended, running = (SweepLab(sessions, budget={"trials": 1}) for _ in range(2))
    ended.train(ended.claim(), get_loss)
    ended.advance()
    settings = Settings(data_dir=tmp_path, retention_days=1)
    sweep_retention.delete_expired_sweeps(sessions, settings)
    assert ended.sweep.state is SweepState.SUCCEEDED
    with sessions.begin() as session:
        for lab in (ended, running):
            sweep = session.get_one(Sweep, lab.id)
            sweep.finished_at = sweep.finished_at and sweep.finished_at - timedelta(days=2)
    sweep_retention.delete_expired_sweeps(sessions, settings)
    with sessions.read() as session:
        assert session.scalars(select(Sweep.id)).all() == [running.id]
    assert ended.list_jobs() == []


def test_readers_of_news_learn_of_changed_and_deleted_sweeps(either_sessions):
    reader = SweepNewsReader()

    def read_news():
        with either_sessions.read() as session:
            return reader.read_news(session)

    SweepLab(either_sessions)
    assert read_news() == SweepNews()
    lab = SweepLab(either_sessions, budget={"trials": 2}, max_concurrent=1)
    [details] = read_news().changed
    assert (details.sweep.id, details.counts[TrialState.WAITING]) == (lab.id, 1)
    assert read_news() == SweepNews()
    with either_sessions.begin() as session:
        controls.delete_sweep(session, lab.id)
    assert read_news() == SweepNews((), ((lab.id, DEFAULT_PROJECT_ID),))
