"""The schema of a backup's database, compared with the schema that the migrations create."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

_ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"
_NEWEST = "head"
_VERSION_TABLE = ("table", "alembic_version")
_NO_REVISION = "no revision of its schema"
_MAX_NAME_LENGTH = 80

Schema = dict[tuple[str, str], str]
"""The normalized SQL statement of each table, index, view and trigger, by kind and name."""


def find_schema_difference(database: sqlite3.Connection) -> str | None:
    """Return how a database differs from what the migrations create for its revision; None if it does not.

    Only the list of tables and the revision are read, because a hostile schema could run code when a table is used.
    """
    schema = _read_schema(database)
    if schema.get(_VERSION_TABLE) != _create_schema(_NEWEST)[_VERSION_TABLE]:
        return _NO_REVISION
    revisions = [revision for (revision,) in database.execute("SELECT version_num FROM alembic_version LIMIT 2")]
    if len(revisions) != 1:
        return _NO_REVISION
    if revisions[0] not in _list_revisions():
        return f"the unknown schema {str(revisions[0])[:_MAX_NAME_LENGTH]!a}; a newer release may have written it"
    return _compare_schemas(schema, _create_schema(revisions[0]))


def _compare_schemas(schema: Schema, expected: Schema) -> str | None:
    for kind, name in sorted(schema.keys() | expected.keys()):
        received, required = schema.get((kind, name)), expected.get((kind, name))
        if received != required:
            problem = "an unexpected" if required is None else "no" if received is None else "a changed"
            return f"{problem} {kind[:_MAX_NAME_LENGTH]!a} {name[:_MAX_NAME_LENGTH]!a}"
    return None


def _read_schema(database: sqlite3.Connection) -> Schema:
    rows = database.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
    return {(str(kind), str(name)): _normalize_statement(str(sql)) for kind, name, sql in rows}


def _normalize_statement(sql: str) -> str:
    """Put single spaces between words, and sort the constraints of a table, whose order Alembic does not fix."""
    head, parenthesis, body = " ".join(sql.split()).removesuffix(")").partition("(")
    definitions = [definition.strip() for definition in _split_definitions(body)]
    return head + parenthesis + ", ".join(sorted(definitions, key=_get_constraint_key))


def _get_constraint_key(definition: str) -> str:
    """Return a key that keeps columns first and in their order."""
    return definition if definition.startswith("CONSTRAINT ") else ""


def _split_definitions(body: str) -> Iterator[str]:
    """Split at the commas that are outside of parentheses."""
    start = depth = 0
    for position, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield body[start:position]
            start = position + 1
    yield body[start:]


def _list_revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(Config(_ALEMBIC_INI)).walk_revisions()}


@lru_cache(maxsize=4)
def _create_schema(revision: str) -> Schema:
    """Migrate an empty database to a revision, and return its schema."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        config = Config(_ALEMBIC_INI)
        config.attributes["database_url"] = f"sqlite:///{path}"
        command.upgrade(config, revision)
        with closing(sqlite3.connect(path)) as database:
            return _read_schema(database)
