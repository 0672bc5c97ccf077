"""The reasons why jobs wait, on both databases."""

from service.jobs import attempts, controls, queries, wait_reasons
from service.jobs.queue_order.positions import load_positions
from service.jobs.wait_reasons import WaitCode
from tests.factories import build_registration, record_heartbeat, submit_job


def load_reasons(sessions, *submitted_jobs):
    """Return the reason why each of the jobs waits; None for jobs that do not wait."""
    with sessions.read() as session:
        rows = [queries.get_job(session, job.id) for job in submitted_jobs]
        reasons = wait_reasons.load_wait_reasons(session, rows, load_positions(session, rows))
    return [reasons.get(job.id) for job in submitted_jobs]


def claim_job(sessions, queue="cpu"):
    with sessions.begin() as session:
        return attempts.claim_job(session, queue=queue, worker="here:8", lease_s=60)


def test_a_job_waits_for_a_worker_of_its_queue(either_sessions):
    record_heartbeat(either_sessions, build_registration("cpu"))
    job = submit_job(either_sessions, run={"device": "gpu"})
    [reason] = load_reasons(either_sessions, job)
    assert (reason.code, reason.message, reason.since) == (WaitCode.NO_WORKER, "No live worker serves gpu.", None)


def test_the_reason_says_when_a_lost_worker_was_last_heard_of(either_sessions):
    record_heartbeat(either_sessions, build_registration("cpu"), lasts_s=0.0)
    [reason] = load_reasons(either_sessions, submit_job(either_sessions))
    assert reason.code is WaitCode.NO_WORKER
    assert reason.since is not None
    assert f"{reason.since:%Y-%m-%dT%H:%M:%S}Z" in reason.message


def test_free_slots_are_assigned_in_the_order_of_the_queue(either_sessions):
    record_heartbeat(either_sessions, build_registration("cpu", concurrency=2))
    first, second, third, urgent = (
        submit_job(either_sessions, run={"priority": priority}) for priority in (5, 5, 5, 9)
    )
    codes = [reason.code for reason in load_reasons(either_sessions, first, second, third, urgent)]
    assert codes == [WaitCode.STARTING, WaitCode.BEHIND, WaitCode.BEHIND, WaitCode.STARTING]
    assert claim_job(either_sessions).job_id == urgent.id
    assert claim_job(either_sessions).job_id == first.id
    running, following, last = load_reasons(either_sessions, first, second, third)
    assert running is None
    assert following.code is WaitCode.NEXT
    assert (last.code, last.message) == (WaitCode.BEHIND, "Behind 1 job on cpu.")


def test_the_slots_of_a_queue_serve_no_other_queue(either_sessions):
    record_heartbeat(either_sessions, build_registration("cpu"))
    record_heartbeat(either_sessions, build_registration("gpu"))
    on_cpu, on_gpu = (
        submit_job(either_sessions, run={"device": "cpu"}),
        submit_job(either_sessions, run={"device": "gpu"}),
    )
    claim_job(either_sessions, "cpu")
    waiting = submit_job(either_sessions, run={"device": "cpu"})
    reasons = load_reasons(either_sessions, on_cpu, on_gpu, waiting)
    assert [reason and reason.code for reason in reasons] == [None, WaitCode.STARTING, WaitCode.NEXT]


def test_a_paused_job_waits_to_be_resumed(either_sessions):
    record_heartbeat(either_sessions, build_registration("cpu"))
    paused, other = submit_job(either_sessions), submit_job(either_sessions)
    with either_sessions.begin() as session:
        controls.pause_job(session, paused.id)
    reasons = load_reasons(either_sessions, paused, other)
    assert [reason.code for reason in reasons] == [WaitCode.PAUSED, WaitCode.STARTING]
