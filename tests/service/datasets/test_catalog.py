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
from service.datasets.dataset_statistics import DatasetStatistics, ValueStatistics
from service.errors import Conflict, InvalidInput, NotFound
from service.jobs import controls, insertion, queries, validation
from service.storage.artifact_store import FileReference
from stackyard.spec import ColumnDescription, CsvFormat, Limits, TableDescription, parse_spec
from tests import factories
from tests.polling import wait_until
from tools.describe_builtins import DATASET_NAMES, describe_builtin

TABLE = TableDescription(rows=2, columns=[ColumnDescription(name="é", type="integer", missing=0, categories=[1])])


def build_stored(content="a"):
    return FileReference(content * 64, 100)


@pytest.fixture
def add_dataset(either_sessions):
    def add_dataset(name="table", content="a", media_type=CSV, description=TABLE):
        with either_sessions.begin() as session:
            return catalog.add_dataset(session, name, media_type, build_stored(content), description)

    return add_dataset


def find_dataset(sessions, ref):
    with sessions.read() as session:
        return catalog.find_dataset(session, ref)


def test_name_references_the_newest_version_and_an_id_exactly_one(either_sessions, add_dataset):
    (first, _), (second, _) = add_dataset(content="a"), add_dataset(content="b")
    assert (first.version, second.version) == (1, 2)
    assert find_dataset(either_sessions, "table").id == second.id
    assert find_dataset(either_sessions, str(first.id)).id == first.id
    assert catalog.parse_description(find_dataset(either_sessions, "table")) == TABLE


def test_content_of_the_newest_version_adds_no_version(add_dataset):
    first, _ = add_dataset(content="a")
    repeated, is_new = add_dataset(content="a")
    assert (repeated.id, is_new) == (first.id, False)
    add_dataset(content="b")
    third, is_new = add_dataset(content="a")
    assert (third.version, is_new) == (3, True)


def test_content_without_statistics_receives_them_with_the_next_upload(either_sessions, add_dataset):
    first, _ = add_dataset()
    statistics = DatasetStatistics(columns=[ValueStatistics(name="é", count=2, missing=0)])
    with either_sessions.begin() as session:
        assert catalog.parse_statistics(catalog.get_dataset(session, first.id)) is None
        repeated, is_new = catalog.add_dataset(session, "table", CSV, build_stored(), TABLE, statistics)
    assert (repeated.id, is_new) == (first.id, False)
    with either_sessions.read() as session:
        assert catalog.parse_statistics(catalog.get_dataset(session, first.id)) == statistics


def test_equal_content_of_another_media_type_is_a_new_version(add_dataset):
    add_dataset(media_type=CSV)
    assert add_dataset(media_type=PARQUET)[0].version == 2


def test_equal_content_in_another_format_is_a_new_version(add_dataset):
    """A description of an earlier release has no format, which means the default one."""
    formats = [None, CsvFormat(), CsvFormat(header=False), CsvFormat(header=False), CsvFormat(missing_values=["?"])]
    descriptions = [TABLE.model_copy(update={"csv": csv_format}) for csv_format in formats]
    versions = [add_dataset(description=description)[0].version for description in descriptions]
    assert versions == [1, 1, 2, 2, 3]


def test_concurrent_uploads_get_consecutive_versions(add_dataset):
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda content: add_dataset(content=content)[0].version, "abcdef"))
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_concurrent_uploads_of_equal_content_are_one_version(add_dataset):
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: add_dataset(), range(6)))
    assert len({dataset.id for dataset, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1


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
def test_unknown_dataset_is_rejected_with_a_similar_name(either_sessions, add_dataset, ref, hint):
    add_dataset()
    with pytest.raises(InvalidInput) as caught:
        find_dataset(either_sessions, ref)
    [fault] = caught.value.faults
    assert fault.pointer == "/data/dataset"
    assert hint in fault.message
    assert ("Did you mean" in fault.message) == bool(hint)
    fault.model_dump_json()


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
def test_name_that_a_spec_cannot_contain_is_rejected(add_dataset, name):
    with pytest.raises(InvalidInput) as caught:
        add_dataset(name)
    caught.value.faults[0].model_dump_json()


@pytest.mark.parametrize("name", ["x", "x" * 200, "größe 2/3", "日本語", "a.b"])
def test_other_names_are_accepted(add_dataset, name):
    assert add_dataset(name)[0].name == name


def test_dataset_in_use_cannot_be_deleted_until_its_jobs_end(sessions):
    with sessions.begin() as session:
        table = TableDescription.model_validate(builtins.load_builtins()[0].description)
        dataset, _ = catalog.add_dataset(session, "mine", CSV, build_stored(), table)
    data = {"dataset": "mine", "target": {"column": "target"}}
    job = factories.submit_job(sessions, data=data)
    with pytest.raises(Conflict) as caught, sessions.begin() as session:
        catalog.delete_dataset(session, dataset.id)
    assert caught.value.code == "dataset_in_use"
    with sessions.begin() as session:
        assert controls.cancel_job(session, job.id).state is JobState.CANCELLED
    with sessions.begin() as session:
        catalog.delete_dataset(session, dataset.id)
    with sessions.read() as session:
        cancelled = queries.get_job(session, job.id)
        assert (cancelled.dataset_id, cancelled.dataset_name, cancelled.dataset_version) == (None, "mine", 1)
        with pytest.raises(NotFound):
            catalog.get_dataset(session, dataset.id)


class TestBuiltins:
    def test_descriptions_match_scikit_learn(self):
        """If an upgrade of scikit-learn changes them, run `python -m tools.describe_builtins`."""
        assert [vars(entry) for entry in builtins.load_builtins()] == [
            describe_builtin(name) for name in DATASET_NAMES
        ]

    def test_concurrent_starts_insert_each_once(self, either_url):
        from service.db.database import SessionFactory  # noqa: PLC0415

        sessions = SessionFactory(either_url)

        def insert_builtins(_):
            with sessions.begin() as session:
                catalog.ensure_builtins(session)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(insert_builtins, range(6)))
        with sessions.read() as session:
            assert session.scalar(select(func.count()).select_from(Dataset)) == 5
        sessions.dispose()

    def test_row_of_an_older_release_is_updated(self, either_sessions):
        with either_sessions.begin() as session:
            catalog.find_dataset(session, "builtin:iris").description = TABLE.model_dump(mode="json")
        with either_sessions.begin() as session:
            catalog.ensure_builtins(session)
        assert catalog.parse_description(find_dataset(either_sessions, "builtin:iris")).rows == 150

    def test_builtin_cannot_be_deleted(self, either_sessions):
        with pytest.raises(Conflict) as caught, either_sessions.begin() as session:
            catalog.delete_dataset(session, catalog.find_dataset(session, "builtin:wine").id)
        assert caught.value.code == "builtin_dataset"


def test_source_locates_the_rows(either_sessions, store):
    with store.receive_file() as incoming, either_sessions.begin() as session:
        incoming.write(b"rows")
        dataset, _ = catalog.add_dataset(session, "table", CSV, store.commit_file(incoming), TABLE)
    with catalog.open_dataset_source(dataset, store) as source:
        assert source == FileSource(store.path(dataset.sha256), CSV)
    iris = find_dataset(either_sessions, "builtin:iris")
    with catalog.open_dataset_source(iris, store) as source:
        assert (iris.media_type, source) == (BUILTIN_MEDIA_TYPE, BuiltinSource("iris"))


def test_page_lists_datasets_without_descriptions(either_sessions, add_dataset):
    dataset_ids = [add_dataset(content=content)[0].id for content in "abc"]
    with either_sessions.read() as session:
        first = catalog.list_datasets(session, limit=2, name="table")
        second = catalog.list_datasets(session, limit=2, name="table", cursor=first.next)
        all_datasets = catalog.list_datasets(session, limit=200)
    assert [dataset.id for dataset in (*first.items, *second.items)] == dataset_ids[::-1]
    assert len(all_datasets.items) == 8


@pytest.mark.parametrize("use", ["dataset", "test_dataset"])
def test_deletion_waits_for_a_running_submit_and_then_conflicts(use, either_sessions, add_dataset):
    """The deletion waits for the submit's transaction, and then finds a job that needs the dataset."""
    dataset, _ = add_dataset()
    spec = factories.iris_spec()
    with either_sessions.read() as session:
        validated = validation.validate_spec(
            parse_spec(json.dumps(spec).encode()), catalog.find_dataset(session, "builtin:iris"), Limits()
        )

    def delete_dataset():
        with either_sessions.begin() as session:
            catalog.delete_dataset(session, dataset.id)

    with ThreadPoolExecutor(1) as pool:
        with either_sessions.begin() as session:
            insertion.submit_job(session, replace(validated, **{use: dataset}))
            deleted = pool.submit(delete_dataset)
        with pytest.raises(Conflict, match="still needs table"):
            deleted.result(30)


def count_waiting_connections(sessions):
    """Count connections that wait for a lock, in a new transaction, because PostgreSQL caches statistics in each."""
    with sessions.read() as session:
        return session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))


def test_submit_waits_for_a_running_deletion_and_then_fails(either_sessions, add_dataset):
    """The submit waits for the deletion's transaction, and then finds no dataset."""
    dataset, _ = add_dataset()
    spec = parse_spec(json.dumps(factories.iris_spec()).encode())
    with either_sessions.read() as session:
        validated = validation.validate_spec(spec, catalog.find_dataset(session, "builtin:iris"), Limits())

    def submit_job():
        with either_sessions.begin() as session:
            insertion.submit_job(session, replace(validated, dataset=dataset))

    with ThreadPoolExecutor(1) as pool:
        with either_sessions.begin() as session:
            catalog.delete_dataset(session, dataset.id)
            submitted = pool.submit(submit_job)
            if session.get_bind().dialect.name == "postgresql":
                wait_until(lambda: count_waiting_connections(either_sessions))
        with pytest.raises(NotFound):
            submitted.result(30)
    with either_sessions.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
