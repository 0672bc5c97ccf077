"""Search of jobs by a part of their name, of a tag, or of the name of their dataset, whatever the case of letters."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

from models import Job, JobTag

_ESCAPE = "/"


class _MatchesPattern(FunctionElement[bool]):
    """SQL expression of a column and a pattern of LIKE, without regard to the case of letters.

    SQLAlchemy's own `ilike` calls SQLite's `lower` for each row, which takes most of the time of a search.
    """

    type = Boolean()
    inherit_cache = True


@compiles(_MatchesPattern, "sqlite")
def _compile_sqlite_match(element: _MatchesPattern, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} LIKE {pattern} ESCAPE '{_ESCAPE}'"  # ignores the case of ASCII letters


@compiles(_MatchesPattern, "postgresql")
def _compile_postgresql_match(element: _MatchesPattern, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} ILIKE {pattern} ESCAPE '{_ESCAPE}'"


def build_text_condition(text: str) -> ColumnElement[bool]:
    """Return the condition that a job has a text in its name, a tag or the name of its dataset.

    Only indexes are read. A search of whole rows would read the specs, too.
    """
    by_name = select(Job.id).where(_contain_text(Job.name, text))
    by_dataset = select(Job.id).where(Job.dataset_name.in_(_select_values(Job.dataset_name, text)))
    by_tag = select(JobTag.job_id).where(JobTag.tag.in_(_select_values(JobTag.tag, text)))
    return Job.id.in_(union_all(by_name, by_dataset, by_tag))


def _contain_text(column: Any, text: str) -> ColumnElement[bool]:
    escaped = text
    for character in (_ESCAPE, "%", "_"):
        escaped = escaped.replace(character, _ESCAPE + character)
    return _MatchesPattern(column, literal(f"%{escaped}%"))


def _select_values(column: InstrumentedAttribute[str], text: str) -> Select[str]:
    """Return the query for the different values of a column with a text.

    Many jobs share few values. Each step finds the next value in the index and skips the jobs that share it.
    """
    values = select(func.min(column).label("value")).cte(f"values_{column.key}", recursive=True)
    following = select(func.min(column)).where(column > values.c.value).correlate(values).scalar_subquery()
    values = values.union_all(select(following).where(values.c.value.is_not(None)))
    return select(values.c.value).where(_contain_text(values.c.value, text))
