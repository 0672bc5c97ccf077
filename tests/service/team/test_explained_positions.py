"""Positions, estimates and reasons of waiting jobs on a server with users, on both databases."""

import pytest
from sqlalchemy import update

from models import Job, Project
from service.db.database import get_current_time
from service.db.ids import new_id
from service.jobs import job_read_model, queries
from service.jobs.wait_reasons import WaitCode
from service.team.principal import Principal
from service.team.session_scope import restrict_sessions
from tests.factories import build_registration, record_heartbeat, submit_job
from tests.service.jobs.test_estimates import add_past_run
from tests.service.team.team_factories import add_user, claim_job, own_sessions, submit_jobs


def load_details(sessions, *job_ids):
    with sessions.read() as session:
        return job_read_model.load_job_details(session, [queries.get_job(session, job_id) for job_id in job_ids])


def test_a_position_is_the_number_of_jobs_that_are_claimed_before(either_sessions):
    first = add_user(either_sessions, "first", shares=2.5, decayed_usage=100.0)
    second = add_user(either_sessions, "second", shares=0.7, decayed_usage=500.0)
    third = add_user(either_sessions, "third", decayed_usage=1_000.0, max_running=2)
    ids = [
        *submit_jobs(either_sessions, first, 4),
        *submit_jobs(either_sessions, second, 3),
        *submit_jobs(either_sessions, third, 2),
        *submit_jobs(either_sessions, third, 1, run={"priority": 9}),
        *submit_jobs(either_sessions, None, 2),
    ]
    details = load_details(either_sessions, *ids)
    separate = [load_details(either_sessions, job_id)[0].queue_position for job_id in ids]
    assert [job.queue_position for job in details] == separate
    assert sorted(separate) == list(range(len(ids)))
    expected = [job_id for _, job_id in sorted(zip(separate, ids, strict=True))]
    last = details[separate.index(len(ids) - 1)]
    assert [job.id for job in last.before] == expected[:-1]
    claimed = [claim_job(either_sessions) for _ in range(len(ids) - 1)]
    # The third user may run two jobs only, so their last one comes last.
    assert [claim.job_id for claim in claimed] == expected[:-1]
    assert claim_job(either_sessions) is None


def test_a_reason_says_how_much_of_the_share_is_used_and_whose_turn_it_is(either_sessions):
    record_heartbeat(either_sessions, build_registration())
    usages = {"a": 100.0, "b": 200.0, "c": 900.0, "d": 0.0}
    with either_sessions.begin() as session:
        now = get_current_time(session)
    users = {
        name: add_user(either_sessions, name, decayed_usage=usage, usage_at=now) for name, usage in usages.items()
    }
    jobs = {name: submit_jobs(either_sessions, user, 1)[0] for name, user in users.items()}
    reasons = {}
    for name, user in users.items():
        reasons[name] = load_details(own_sessions(either_sessions, user), jobs[name])[0].waiting
    assert reasons["d"].code is WaitCode.STARTING
    assert reasons["c"].code is WaitCode.SHARE
    assert reasons["c"].message == (
        "You have used 3.0 times the fair share in the last day; 4th of 4 users with waiting jobs."
    )
    [foreign] = load_details(either_sessions, jobs["c"])
    assert foreign.waiting.message.startswith("Its owner has used 3.0 times")
    assert claim_job(either_sessions).job_id == jobs["d"]
    assert [load_details(either_sessions, jobs[name])[0].waiting.code for name in "abc"] == [
        WaitCode.NEXT,
        WaitCode.SHARE,
        WaitCode.SHARE,
    ]


def test_a_reason_says_that_the_owner_runs_as_many_jobs_as_allowed(either_sessions):
    record_heartbeat(either_sessions, build_registration(concurrency=4))
    user = add_user(either_sessions, "user", max_running=1)
    jobs = submit_jobs(either_sessions, user, 2)
    claim_job(either_sessions)
    [details] = load_details(own_sessions(either_sessions, user), jobs[1])
    assert details.waiting.code is WaitCode.LIMIT
    assert details.waiting.message == ("You run 1 job, as many as allowed (max_running); it starts after one ends.")


def test_the_own_jobs_before_a_job_are_no_question_of_shares(either_sessions):
    record_heartbeat(either_sessions, build_registration())
    user = add_user(either_sessions, "user")
    jobs = submit_jobs(either_sessions, user, 3)
    claim_job(either_sessions)
    reasons = [job.waiting for job in load_details(either_sessions, *jobs)]
    assert [reason and reason.code for reason in reasons] == [None, WaitCode.NEXT, WaitCode.BEHIND]


def test_starts_are_estimated_in_the_order_of_fair_share(either_sessions):
    add_past_run(either_sessions, 30_000.0)
    record_heartbeat(either_sessions, build_registration())
    heavy = add_user(either_sessions, "heavy", decayed_usage=31_000.0)
    light = add_user(either_sessions, "light")
    ids = [*submit_jobs(either_sessions, heavy, 2), *submit_jobs(either_sessions, light, 2)]
    with either_sessions.begin() as session:
        now = get_current_time(session)
    starts = [(job.estimated_start - now).total_seconds() for job in load_details(either_sessions, *ids)]
    assert starts == pytest.approx([60_000, 90_000, 0, 30_000], abs=60)


def test_jobs_of_other_projects_count_but_are_not_named(either_sessions):
    ours, theirs = add_user(either_sessions, "ours"), add_user(either_sessions, "theirs")
    with either_sessions.begin() as session:
        project = Project(id=new_id(), name="theirs", created_at=get_current_time(session))
        session.add(project)
    foreign = submit_jobs(either_sessions, theirs, 3, name="secret")
    with either_sessions.begin() as session:
        session.execute(update(Job).where(Job.id.in_(foreign)).values(project_id=project.id))
    claim_job(either_sessions)
    visible = submit_job(own_sessions(either_sessions, ours), name="ours")
    behind = submit_jobs(either_sessions, ours, 1, name="behind")[0]
    with either_sessions.read() as session:
        default_project = queries.get_job(session, visible.id).project_id
    principal = Principal(roles={default_project: "editor"}, user_id=ours)
    [details] = load_details(restrict_sessions(either_sessions, principal), behind)
    assert [job.name for job in details.before] == ["ours"]
    assert details.hidden_before == details.queue_position
    [unrestricted] = load_details(either_sessions, behind)
    assert details.queue_position == unrestricted.queue_position
    assert unrestricted.hidden_before == 0
    assert "secret" in [job.name for job in unrestricted.before]
