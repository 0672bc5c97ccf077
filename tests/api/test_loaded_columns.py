"""Routes load the columns that they show: never a spec, an evaluation or a description that they do not."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidRequestError

from service.jobs import queries
from service.jobs.queries import JobFilter
from tests.factories import iris_spec

SHOWN_ALONE = ("jobs.spec_as_sent", "datasets.statistics")
"""Columns that only routes of their own read."""
DOCUMENTS = ("jobs.spec", "jobs.warnings", "jobs.task", "jobs.evaluation", "datasets.description", *SHOWN_ALONE)
"""Columns that may hold megabytes."""


@contextmanager
def record_selected_columns():
    """Collect the columns that the statements of the block read."""
    columns = set()

    def record(_connection, _cursor, statement, *_):
        columns.update(re.findall(r"\b(?:jobs|datasets)\.\w+", statement.partition(" FROM ")[0]))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield columns
    finally:
        event.remove(Engine, "before_cursor_execute", record)


@pytest.fixture
def job_id(submit):
    return submit()["id"]


@pytest.mark.usefixtures("job_id")
@pytest.mark.parametrize("path", ["/v1/jobs?limit=200", "/v1/datasets?limit=200", "/v1/workers"])
def test_a_list_reads_no_documents(client, path):
    with record_selected_columns() as columns:
        assert client.get(path).status_code == 200
    assert columns
    assert columns.isdisjoint(DOCUMENTS)


def test_checks_submits_and_views_read_neither_statistics_nor_specs_as_sent(client, submit):
    with record_selected_columns() as columns:
        job = submit()
        assert client.post("/v1/specs/check", json=iris_spec()).status_code == 200
        assert client.get(f"/v1/jobs/{job['id']}").status_code == 200
        assert client.get(f"/v1/datasets/{job['dataset']['id']}").status_code == 200
    assert "datasets.description" in columns
    assert columns.isdisjoint(SHOWN_ALONE)


@pytest.mark.parametrize("route", ["history", "model", "curve.svg", "predict"])
def test_a_result_of_a_job_reads_no_documents(client, job_id, route):
    with record_selected_columns() as columns:
        assert client.request(
            "POST" if route == "predict" else "GET", f"/v1/jobs/{job_id}/{route}", json={"rows": [{}]}
        )
    assert columns.isdisjoint(DOCUMENTS)


def test_a_stream_of_events_reads_no_documents(client, job_id):
    assert client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    with record_selected_columns() as columns:
        assert "cancelled" in client.get(f"/v1/jobs/{job_id}/events").text
    assert columns
    assert columns.isdisjoint(DOCUMENTS)


@pytest.mark.usefixtures("job_id")
def test_access_to_a_column_that_was_not_loaded_is_an_error(sessions):
    with sessions.read() as session:
        [job] = queries.list_jobs(session, JobFilter(), limit=10, cursor=None).items
        with pytest.raises(InvalidRequestError):
            _ = job.spec
    with sessions.begin() as session:
        locked = queries.lock_job(session, job.id, queries.WITHOUT_DOCUMENTS)
        with pytest.raises(InvalidRequestError):
            _ = locked.evaluation
