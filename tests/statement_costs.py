"""The work of a database for some statements: steps of SQLite's machine, or rows in PostgreSQL's plans."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from service.db.database import SessionFactory

_STEPS_PER_CALL = 100


def measure_work(sessions: SessionFactory, execute: Callable[[Session], object]) -> int:
    """Run statements in a transaction that may write, commit it, and return their work."""
    with sessions.begin() as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            return _count_sqlite_steps(connection, lambda: execute(session))
        return _count_postgresql_rows(session, connection, lambda: execute(session))


def _count_sqlite_steps(connection: Connection, execute: Callable[[], object]) -> int:
    calls: list[None] = []
    sqlite_connection: Any = connection.connection.driver_connection
    sqlite_connection.set_progress_handler(lambda: calls.append(None), _STEPS_PER_CALL)
    execute()
    sqlite_connection.set_progress_handler(None, 0)
    return len(calls) * _STEPS_PER_CALL


def _count_postgresql_rows(session: Session, connection: Connection, execute: Callable[[], object]) -> int:
    """Return the rows of all steps of the plans. The planner may scan only where it has no index."""
    session.execute(sqlalchemy.text("SET LOCAL enable_seqscan = off"))
    # The plan is asked for before the statement runs, because a statement that locks or updates changes the rows.
    rows: list[int] = []

    def explain_statement(conn: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")) and "pg_advisory" not in statement:
            driver_connection: Any = conn.connection.driver_connection
            plan = driver_connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()[0]
            rows.append(_count_plan_rows((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))

    event.listen(connection, "before_cursor_execute", explain_statement)
    execute()
    event.remove(connection, "before_cursor_execute", explain_statement)
    return sum(rows)


def _count_plan_rows(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(rows * node["Actual Loops"]) + sum(_count_plan_rows(child) for child in node.get("Plans", []))
