"""Sorted lists of jobs, on both databases: each order pages through all jobs once, with ties and missing values."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from models import Epoch, Job, JobMetric, JobState, JobTag
from service.db.database import get_current_time
from service.db.ids import new_id
from service.errors import InvalidInput
from service.jobs import queries
from service.jobs.lists import cursors, job_lists, sparklines
from service.jobs.lists.cursors import Position
from service.jobs.lists.job_order import JobOrder
from service.jobs.queries import JobFilter
from tests.factories import submit_job

SORTS = {
    "created_at": lambda job: job["id"],
    "started_at": lambda job: job["started_at"],
    "finished_at": lambda job: job["finished_at"],
    "duration": lambda job: job["duration"],
    "name": lambda job: job["name"],
    "state": lambda job: job["state"].value,
    "dataset": lambda job: job["dataset_name"],
    "priority": lambda job: job["priority"],
    "metrics.loss.best": lambda job: job["best"],
    "metrics.loss.last": lambda job: job["last"],
    "metrics.absent.last": lambda _job: None,
}
STATES = [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED]
MAX_PAGES = 30


@pytest.fixture
def job_columns(either_sessions):
    """Jobs with ties and missing values in every column, as dictionaries."""
    template = submit_job(either_sessions)
    columns = {column.key: getattr(template, column.key) for column in Job.__mapper__.column_attrs}
    with either_sessions.begin() as session:
        timestamp = get_current_time(session)
        session.delete(session.get_one(Job, template.id))
        jobs = [_build_job(index, timestamp) for index in range(11)]
        for job in jobs:
            changes = {key: value for key, value in job.items() if key in columns}
            session.add(Job(**columns | changes))
            session.flush()
            if job["has_metric"]:
                session.add(JobMetric(job_id=job["id"], name="loss", best=job["best"], last=job["last"], best_epoch=0))
                session.add(JobMetric(job_id=job["id"], name="mae", best=1.0, last=2.0, best_epoch=0))
            session.add(JobTag(job_id=job["id"], tag="even" if job["index"] % 2 == 0 else "odd"))
    return jobs


def _build_job(index, timestamp):
    started_at = None if index % 4 == 3 else timestamp + timedelta(microseconds=index // 2)
    finished_at = timestamp + timedelta(seconds=100 - index // 3) if started_at and index % 5 else None
    return {
        "index": index,
        "id": new_id(),
        "name": None if index == 4 else f"run {index // 2}",
        "state": STATES[index % 3],
        "dataset_name": f"data-{index // 4}",
        "priority": index // 5,
        "started_at": started_at,
        "finished_at": finished_at,
        "duration": None if finished_at is None or started_at is None else _measure_duration(started_at, finished_at),
        "has_metric": index != 2,
        "best": None if index in (2, 5) else float(index // 3),
        "last": None if index in (2, 5, 6) else -float(index // 2),
    }


def _measure_duration(started_at, finished_at):
    return (finished_at - started_at).total_seconds()


@pytest.mark.parametrize("limit", [2, 50])
def test_every_order_pages_through_all_jobs_once(either_sessions, job_columns, limit):
    for sort, get_value in SORTS.items():
        for is_descending in (True, False):
            order = JobOrder(sort, is_descending=is_descending)
            ids = list_ids(either_sessions, order, limit=limit)
            assert sorted(ids) == sorted(job["id"] for job in job_columns), order
            if sort != "duration":  # SQLite computes durations in milliseconds
                assert ids == sort_ids(job_columns, get_value, is_descending=is_descending), order


def test_durations_are_in_order_and_missing_ones_last(either_sessions, job_columns):
    durations = {job["id"]: job["duration"] for job in job_columns}
    for is_descending in (True, False):
        listed = [
            durations[id_] for id_ in list_ids(either_sessions, JobOrder("duration", is_descending=is_descending))
        ]
        present = [round(duration, 3) for duration in listed if duration is not None]
        assert present == sorted(present, reverse=is_descending)
        assert listed[len(present) :] == [None] * (len(listed) - len(present))


def sort_ids(jobs, get_value, *, is_descending):
    """Sort as the list does: by value and id, then the jobs without a value."""
    present = [job for job in jobs if get_value(job) is not None]
    missing = [job for job in jobs if get_value(job) is None]
    present.sort(key=lambda job: (get_value(job), job["id"]), reverse=is_descending)
    missing.sort(key=lambda job: job["id"], reverse=is_descending)
    return [job["id"] for job in present + missing]


def list_ids(sessions, order, job_filter=None, limit=2):
    ids, cursor = [], None
    with sessions.read() as session:
        for _ in range(MAX_PAGES):
            page = job_lists.list_jobs(session, job_filter or JobFilter(), order, limit=limit, cursor=cursor)
            ids += [job.id for job in page.items]
            cursor = page.next
            if cursor is None:
                return ids
    raise AssertionError("the list does not end")


def test_filters_apply_to_every_order(either_sessions, job_columns):
    job_filter = JobFilter(states=STATES[:2], tags=["even"])
    expected = [job for job in job_columns if job["index"] % 2 == 0 and job["state"] in STATES[:2]]
    for sort in SORTS:
        ids = list_ids(either_sessions, JobOrder(sort), job_filter)
        assert sorted(ids) == sorted(job["id"] for job in expected)


@pytest.mark.parametrize(
    ("text", "indices"),
    [("RUN 2", {5}), ("even", {0, 2, 4, 6, 8, 10}), ("ATA-2", {8, 9, 10}), ("run_2", set()), ("%", set())],
)
def test_text_matches_a_part_of_name_tag_or_dataset(either_sessions, job_columns, text, indices):
    expected = {job["id"] for job in job_columns if job["index"] in indices}
    for sort in ("created_at", "name", "metrics.loss.best"):
        assert set(list_ids(either_sessions, JobOrder(sort), JobFilter(text=text))) == expected


def test_a_filter_that_matches_hundreds_of_jobs_applies_to_every_order(either_sessions):
    """So many jobs are read in the order of the list, and not one by one."""
    template = submit_job(either_sessions)
    columns = {column.key: getattr(template, column.key) for column in Job.__mapper__.column_attrs}
    rows = [columns | {"id": new_id(), "name": f"Run {index % 7}" if index % 11 else "other"} for index in range(600)]
    metrics = [{"job_id": row["id"], "name": "loss", "best": index % 9} for index, row in enumerate(rows[:-50])]
    with either_sessions.begin() as session:
        session.execute(insert(Job), rows)
        session.execute(insert(JobMetric), metrics)
    expected = [row for row in rows if row["name"] != "other"]
    best = {metric["job_id"]: metric["best"] for metric in metrics}
    getters = {"metrics.loss.best": lambda row: best.get(row["id"]), "name": lambda row: row["name"]}
    for sort, get_value in getters.items():
        ids = list_ids(either_sessions, JobOrder(sort), JobFilter(text="run"), limit=100)
        assert ids == sort_ids(expected, get_value, is_descending=True), sort


def test_jobs_are_counted_by_state(either_sessions, job_columns):
    with either_sessions.read() as session:
        counts = queries.count_jobs_by_state(session, JobFilter())
        even = queries.count_jobs_by_state(session, JobFilter(tags=["even"]))
    assert counts == dict.fromkeys(JobState, 0) | {
        state: sum(job["state"] is state for job in job_columns) for state in STATES
    }
    assert sum(even.values()) == 6


@pytest.mark.parametrize("value", ["text", True, 2**40, "9999-12-31T23:59:59-20:00", "\ud800", float("nan"), [], {}])
@pytest.mark.usefixtures("job_columns")
def test_a_forged_cursor_is_refused_or_harmless(either_sessions, value):
    for sort in SORTS:
        order = JobOrder(sort, is_descending=False)
        cursor = cursors.encode_cursor(order, Position(value, new_id()))
        with either_sessions.read() as session:
            try:
                job_lists.list_jobs(session, JobFilter(), order, limit=2, cursor=cursor)
            except InvalidInput as error:
                assert error.faults[0].pointer == "/cursor"  # noqa: PT017  # either outcome is right


def test_a_sparkline_has_few_points_with_both_ends_and_the_right_column(either_sessions):
    long, short, empty, other, full = (submit_job(either_sessions) for _ in range(5))
    with either_sessions.begin() as session:
        for job, epochs in ((long, 1000), (short, 3), (other, 2)):
            names = ["mae"] if job is other else ["loss", "mae"] if job is long else ["mae", "loss"]
            session.get_one(Job, job.id).metric_names = names
            values = {"loss": 0.5, "mae": 7.0}
            rows = [[epoch + values[name] for name in names] for epoch in range(epochs)]
            session.add_all(Epoch(job_id=job.id, epoch=epoch, values=row) for epoch, row in enumerate(rows))
        session.add_all(Epoch(job_id=full.id, epoch=epoch, values=[float(epoch)]) for epoch in range(40))
        session.get_one(Job, full.id).metric_names = ["loss"]
        session.get_one(Epoch, (short.id, 1)).values = [8.0, float("nan")]
    ids = [job.id for job in (long, short, empty, other, full)]
    with either_sessions.read() as session:
        lines = sparklines.load_sparklines(session, ids, "loss")
    assert sparklines.MAX_POINTS // 2 <= len(lines[long.id]) <= sparklines.MAX_POINTS
    assert (lines[long.id][0], lines[long.id][-1]) == (0.5, 999.5)
    assert lines[long.id] == sorted(lines[long.id])
    assert lines[full.id] == list(range(40))
    assert lines[short.id] == [0.5, None, 2.5]
    assert lines[empty.id] == lines[other.id] == []
