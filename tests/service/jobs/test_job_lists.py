"""Lists of jobs: the work for a page does not grow with the number of jobs, whatever the filter."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from sqlalchemy import Connection, event, insert, select, update
from sqlalchemy.orm import Session

from models import Job, JobMetric, JobState, JobTag
from models.team import NO_USER_ID
from service.db.database import SessionFactory
from service.jobs.lists import job_lists
from service.jobs.lists.job_order import JobOrder
from service.jobs.queries import JobFilter
from service.team.ownership.filters import OwnershipFilter
from tests.factories import submit_job

ALL_JOBS = 3_000
PAGE = 10
NEWEST_FIRST = JobOrder()
MAX_ROWS = 400
"""Rows that a statement may touch for a page, in all steps of its plan together."""
MAX_STEPS = 3_000
"""Instructions of SQLite's virtual machine for a page. A scan of all jobs takes more."""
OWNERS, PROJECTS = (UUID(int=1), UUID(int=2)), (UUID(int=3), UUID(int=4))
"""Of most jobs, and of few."""


@pytest.fixture
def newest_job(either_sessions) -> Job:
    """The newest of many jobs, which differ in state, name and tags."""
    template = submit_job(either_sessions)
    columns = {column.key: getattr(template, column.key) for column in Job.__mapper__.column_attrs}
    ids = [_build_id(template.id, index) for index in range(ALL_JOBS)]
    jobs = [
        columns
        | {"id": id_, "state": _choose_state(index), "name": f"run-{index % 100}", "owner_id": OWNERS[index % 40 == 0]}
        | {"project_id": PROJECTS[index % 40 == 1]}
        for index, id_ in enumerate(ids)
    ]
    tags = [{"job_id": id_, "tag": "common"} for id_ in ids] + [{"job_id": ids[7], "tag": "rare"}]
    with either_sessions.begin() as session:
        session.execute(insert(Job), jobs)
        session.execute(insert(JobTag), tags)
    analyze_tables(either_sessions)
    return template


def analyze_tables(sessions: SessionFactory) -> None:
    """Let PostgreSQL count the rows, as it does by itself in time."""
    if sessions.engine.dialect.name == "postgresql":
        with sessions.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sqlalchemy.text("ANALYZE"))


def _build_id(newest: UUID, index: int) -> UUID:
    """Return the id of a job that is `index` + 1 hours older than the newest one."""
    return UUID(int=newest.int - (((index + 1) * 3_600_000) << 80))


def _choose_state(index: int) -> JobState:
    return JobState.DIVERGED if index % 500 == 0 else JobState.FAILED if index % 50 == 0 else JobState.SUCCEEDED


def test_the_work_for_a_page_does_not_grow_with_the_number_of_jobs(either_sessions, newest_job):
    work = {name: measure_work(either_sessions, job_filter) for name, job_filter in build_filters(newest_job).items()}
    limit = MAX_STEPS if either_sessions.engine.dialect.name == "sqlite" else MAX_ROWS
    assert {name: steps for name, steps in work.items() if steps > limit} == {}


def test_the_work_for_a_sorted_page_does_not_grow_with_the_number_of_jobs(either_sessions, newest_job):
    set_sorted_values(either_sessions, newest_job)
    sorts = ("started_at", "finished_at", "name", "state", "dataset", "priority", "metrics.loss.best")
    orders = [JobOrder(sort, is_descending=is_descending) for sort in sorts for is_descending in (True, False)]
    work = {order: measure_work(either_sessions, JobFilter(), order) for order in orders}
    limit = MAX_STEPS if either_sessions.engine.dialect.name == "sqlite" else MAX_ROWS
    assert {order: steps for order, steps in work.items() if steps > limit} == {}


def set_sorted_values(sessions: SessionFactory, newest: Job) -> None:
    """Give each job a time and a metric; neighbors are not neighbors in the list."""
    with sessions.begin() as session:
        ids = session.scalars(select(Job.id)).all()
        times = [newest.created_at + timedelta(seconds=index * 7 % 1000) for index in range(len(ids))]
        session.execute(
            update(Job),
            [{"id": id_, "started_at": time, "finished_at": time} for id_, time in zip(ids, times, strict=True)],
        )
        metrics = [{"job_id": id_, "name": "loss", "best": index * 7 % 1000} for index, id_ in enumerate(ids)]
        session.execute(insert(JobMetric), metrics)
    analyze_tables(sessions)


def build_filters(newest: Job) -> dict[str, JobFilter]:
    ended = [JobState.SUCCEEDED, JobState.FAILED, JobState.DIVERGED]
    long_ago = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    return {
        "no filter": JobFilter(),
        "a common state": JobFilter(states=[JobState.SUCCEEDED]),
        "a rare state": JobFilter(states=[JobState.DIVERGED]),
        "an absent state": JobFilter(states=[JobState.RUNNING]),
        "several states": JobFilter(states=ended),
        "a common tag": JobFilter(tags=["common"]),
        "a rare tag": JobFilter(tags=["rare"]),
        "two tags": JobFilter(tags=["rare", "common"]),
        "a name": JobFilter(name="run-3"),
        "a dataset": JobFilter(dataset="builtin:iris"),
        "an absent dataset": JobFilter(dataset="builtin:wine"),
        "created before all jobs": JobFilter(created_before=long_ago),
        "created recently": JobFilter(created_after=newest.created_at - timedelta(hours=1)),
        "state and tag": JobFilter(states=[JobState.SUCCEEDED], tags=["common"]),
        "a common owner": JobFilter(ownership=OwnershipFilter(OWNERS[0])),
        "a rare owner": JobFilter(ownership=OwnershipFilter(OWNERS[1])),
        "jobs without an owner": JobFilter(ownership=OwnershipFilter(NO_USER_ID)),
        "an owner and a state": JobFilter(states=[JobState.SUCCEEDED], ownership=OwnershipFilter(OWNERS[0])),
        "a common project": JobFilter(ownership=OwnershipFilter(project_id=PROJECTS[0])),
        "a rare project": JobFilter(ownership=OwnershipFilter(project_id=PROJECTS[1])),
        "an owner and a project": JobFilter(ownership=OwnershipFilter(OWNERS[0], PROJECTS[0])),
        "state and dataset": JobFilter(states=[JobState.SUCCEEDED], dataset="builtin:iris"),
    }


def measure_work(sessions: SessionFactory, job_filter: JobFilter, order: JobOrder = NEWEST_FIRST) -> int:
    with sessions.read() as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            return _count_sqlite_steps(session, connection, job_filter, order)
        return _count_postgresql_rows(session, connection, job_filter, order)


def _count_sqlite_steps(session: Session, connection: Connection, job_filter: JobFilter, order: JobOrder) -> int:
    calls: list[None] = []
    sqlite_connection: Any = connection.connection.driver_connection
    sqlite_connection.set_progress_handler(lambda: calls.append(None), 100)
    job_lists.list_jobs(session, job_filter, order, limit=PAGE, cursor=None)
    sqlite_connection.set_progress_handler(None, 0)
    return len(calls) * 100


def _count_postgresql_rows(session: Session, connection: Connection, job_filter: JobFilter, order: JobOrder) -> int:
    """Return the rows of all steps of the plan. The planner may scan only where it has no index."""
    statements: list[tuple[str, Any]] = []
    session.execute(sqlalchemy.text("SET LOCAL enable_seqscan = off"))

    def record_statement(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", record_statement)
    job_lists.list_jobs(session, job_filter, order, limit=PAGE, cursor=None)
    event.remove(connection, "before_cursor_execute", record_statement)
    return sum(_count_statement_rows(connection, statement, parameters) for statement, parameters in statements)


def _count_statement_rows(connection: Connection, statement: str, parameters: Any) -> int:
    plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    return _count_plan_rows((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _count_plan_rows(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(rows * node["Actual Loops"]) + sum(_count_plan_rows(child) for child in node.get("Plans", []))
