"""Datasets in the database, on SQLite and on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from models import Dataset, Job, JobState
from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import builtins, catalog
from service.datasets.dataset_source import CSV, PARQUET, BuiltinSource, FileSource
from service.errors import Conflict, Invalid, NotFound
from service.jobs import jobs
from service.storage.artifact_store import Stored
from stackyard.spec import ColumnDescription, Limits, TableDescription, parse
from tests import factories
from tests.waiting import until
from tools.describe_builtins import DATASET_NAMES, describe_builtin

TABLE = TableDescription(rows=2, columns=[ColumnDescription(name="é", type="integer", missing=0, categories=[1])])


def stored(content="a"):
    return Stored(content * 64, 100)


@pytest.fixture
def add(either_sessions):
    def add(name="table", content="a", media_type=CSV):
        with either_sessions.begin() as session:
            return catalog.add(session, name, media_type, stored(content), TABLE)

    return add


def find(sessions, ref):
    with sessions.read() as session:
        return catalog.find(session, ref)


def test_a_name_means_its_newest_version_and_an_id_just_one(either_sessions, add):
    (first, _), (second, _) = add(content="a"), add(content="b")
    assert (first.version, second.version) == (1, 2)
    assert find(either_sessions, "table").id == second.id
    assert find(either_sessions, str(first.id)).id == first.id
    assert catalog.description(find(either_sessions, "table")) == TABLE


def test_the_same_bytes_as_the_newest_are_no_new_version(add):
    first, _ = add(content="a")
    again, new = add(content="a")
    assert (again.id, new) == (first.id, False)
    add(content="b")
    third, new = add(content="a")
    assert (third.version, new) == (3, True)


def test_the_same_bytes_of_another_type_are_a_version_of_their_own(add):
    add(media_type=CSV)
    assert add(media_type=PARQUET)[0].version == 2


def test_versions_that_many_add_at_once_count_up(add):
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda content: add(content=content)[0].version, "abcdef"))
    assert sorted(made) == [1, 2, 3, 4, 5, 6]


def test_the_same_bytes_that_many_add_at_once_are_one_version(add):
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: add(), range(6)))
    assert len({dataset.id for dataset, _ in made}) == 1
    assert sum(new for _, new in made) == 1


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("builtin:irsi", "builtin:iris"),
        ("iris", "builtin:iris"),
        ("tabel", "table"),
        ("nothing like it", ""),
        ("a\x00b", ""),
        ("\ud800", ""),
        ("00000000-0000-0000-0000-000000000000", ""),
        ("x" * 10_000, ""),
    ],
)
def test_a_dataset_that_is_not_there_is_refused_with_one_like_it(either_sessions, add, ref, hint):
    add()
    with pytest.raises(Invalid) as refused:
        find(either_sessions, ref)
    [problem] = refused.value.problems
    assert problem.pointer == "/data/dataset"
    assert hint in problem.message
    assert ("Did you mean" in problem.message) == bool(hint)
    problem.model_dump_json()


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "x" * 201,
        "a\tb",
        "a\x7f",
        "a\u2028b",
        "\ud800",
        "builtin:x",
        "Builtin:x",
        "0190b2f0-7f30-7000-8000-000000000000",
        "{0190b2f07f3070008000000000000000}",
    ],
)
def test_a_name_that_a_spec_could_not_say_is_refused(add, name):
    with pytest.raises(Invalid) as refused:
        add(name)
    refused.value.problems[0].model_dump_json()


@pytest.mark.parametrize("name", ["x", "x" * 200, "größe 2/3", "日本語", "a.b"])
def test_other_names_are_fine(add, name):
    assert add(name)[0].name == name


def test_a_dataset_in_use_cannot_be_deleted_until_its_jobs_are_over(sessions):
    with sessions.begin() as session:
        table = TableDescription.model_validate(builtins.load()[0].description)
        dataset, _ = catalog.add(session, "mine", CSV, stored(), table)
    data = {"dataset": "mine", "target": {"column": "target"}}
    job = factories.submit(sessions, data=data)
    with pytest.raises(Conflict) as refused, sessions.begin() as session:
        catalog.delete(session, dataset.id)
    assert refused.value.code == "dataset_in_use"
    with sessions.begin() as session:
        assert jobs.cancel(session, job.id).state is JobState.CANCELLED
    with sessions.begin() as session:
        catalog.delete(session, dataset.id)
    with sessions.read() as session:
        left = jobs.get(session, job.id)
        assert (left.dataset_id, left.dataset_name, left.dataset_version) == (None, "mine", 1)
        with pytest.raises(NotFound):
            catalog.get(session, dataset.id)


class TestBuiltins:
    def test_they_are_what_scikit_learn_has(self):
        """After an upgrade that changes them: `python -m service.datasets.builtins`."""
        assert [vars(entry) for entry in builtins.load()] == [describe_builtin(name) for name in DATASET_NAMES]

    def test_they_are_there_once_however_many_start_at_once(self, either_url):
        from service.db.database import Sessions  # noqa: PLC0415

        sessions = Sessions(either_url)

        def start(_):
            with sessions.begin() as session:
                catalog.ensure_builtins(session)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(start, range(6)))
        with sessions.read() as session:
            assert session.scalar(select(func.count()).select_from(Dataset)) == 5
        sessions.dispose()

    def test_a_row_of_an_older_release_is_brought_up_to_date(self, either_sessions):
        with either_sessions.begin() as session:
            catalog.find(session, "builtin:iris").description = TABLE.model_dump(mode="json")
        with either_sessions.begin() as session:
            catalog.ensure_builtins(session)
        assert catalog.description(find(either_sessions, "builtin:iris")).rows == 150

    def test_they_cannot_be_deleted(self, either_sessions):
        with pytest.raises(Conflict) as refused, either_sessions.begin() as session:
            catalog.delete(session, catalog.find(session, "builtin:wine").id)
        assert refused.value.code == "builtin_dataset"


def test_a_source_says_where_the_rows_are(either_sessions, store):
    with store.receive() as incoming, either_sessions.begin() as session:
        incoming.write(b"rows")
        mine, _ = catalog.add(session, "table", CSV, store.keep(incoming), TABLE)
    with catalog.source(mine, store) as source:
        assert source == FileSource(store.path(mine.sha256), CSV)
    iris = find(either_sessions, "builtin:iris")
    with catalog.source(iris, store) as source:
        assert (iris.media_type, source) == (BUILTIN_MEDIA_TYPE, BuiltinSource("iris"))


def test_a_page_leaves_the_descriptions_where_they_are(either_sessions, add):
    made = [add(content=content)[0].id for content in "abc"]
    with either_sessions.read() as session:
        first = catalog.page(session, limit=2, name="table")
        second = catalog.page(session, limit=2, name="table", cursor=first.next)
        everything = catalog.page(session, limit=200)
    assert [dataset.id for dataset in (*first.items, *second.items)] == made[::-1]
    assert len(everything.items) == 8


def test_a_dataset_stays_for_a_job_that_is_being_submitted_with_it(either_sessions, add):
    """Whoever deletes waits for the submit's transaction, and then finds a job that needs the dataset."""
    dataset, _ = add()
    spec = factories.iris_spec()
    with either_sessions.read() as session:
        checked = jobs.examine(parse(json.dumps(spec).encode()), catalog.find(session, "builtin:iris"), Limits())

    def delete():
        with either_sessions.begin() as session:
            catalog.delete(session, dataset.id)

    with ThreadPoolExecutor(1) as pool:
        with either_sessions.begin() as session:
            jobs.submit(session, replace(checked, dataset=dataset))
            deleted = pool.submit(delete)
        with pytest.raises(Conflict, match="still needs table"):
            deleted.result(30)


def somebody_waits(sessions):
    """For a lock. Asked in a transaction of its own, because PostgreSQL shows each only one picture of the others."""
    with sessions.read() as session:
        return session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


def test_a_job_is_not_submitted_with_a_dataset_that_is_being_deleted(either_sessions, add):
    """Whoever submits waits for the delete's transaction, and then finds no dataset."""
    dataset, _ = add()
    spec = parse(json.dumps(factories.iris_spec()).encode())
    with either_sessions.read() as session:
        checked = jobs.examine(spec, catalog.find(session, "builtin:iris"), Limits())

    def submit():
        with either_sessions.begin() as session:
            jobs.submit(session, replace(checked, dataset=dataset))

    with ThreadPoolExecutor(1) as pool:
        with either_sessions.begin() as session:
            catalog.delete(session, dataset.id)
            submitted = pool.submit(submit)
            if session.get_bind().dialect.name == "postgresql":
                until(lambda: somebody_waits(either_sessions))
        with pytest.raises(NotFound):
            submitted.result(30)
    with either_sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
