"""A log of writes that the database keeps by triggers: the final rows alone do not show which process wrote them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from service.db.database import SessionFactory

_TABLE = """
CREATE TABLE chaos_writes (
    number INTEGER PRIMARY KEY {autoincrement},
    job_id {uuid} NOT NULL, epoch INTEGER, state TEXT, attempt INTEGER NOT NULL,
    writer INTEGER NOT NULL, holder TEXT, job_state TEXT NOT NULL
)
"""
_INSERT_EPOCH = """
INSERT INTO chaos_writes (job_id, epoch, state, attempt, writer, holder, job_state)
SELECT new.job_id, new.epoch, NULL, attempt, {writer}, worker, state FROM jobs WHERE id = new.job_id
"""
_INSERT_TRANSITION = """
INSERT INTO chaos_writes (job_id, epoch, state, attempt, writer, holder, job_state)
SELECT new.job_id, NULL, new.to_state, new.attempt, {writer}, worker, state FROM jobs WHERE id = new.job_id
"""
_SQLITE_WRITER = "chaos_writer()"
_POSTGRES_WRITER = "coalesce(nullif(current_setting('application_name'), '')::integer, 0)"
_WRITTEN_BY_HOLDER = ("succeeded", "diverged")


@dataclass(frozen=True)
class Write:
    """A new row: an epoch or a transition of a job, with its writer and the holder of the job at that time.

    `job_state` and `holder` are the job's `state` and `worker` right after the insert.
    """

    job_id: UUID
    epoch: int | None
    state: str | None
    attempt: int
    writer: int
    holder: str | None
    job_state: str

    @property
    def is_stale(self) -> bool:
        """Whether only the holder of the job may write this row, and another process wrote it."""
        if self.epoch is None and self.state not in _WRITTEN_BY_HOLDER:
            return False
        is_holder = self.holder is not None and self.holder.rpartition(":")[2] == str(self.writer)
        return not is_holder or (self.epoch is not None and self.job_state != "running")


def install_triggers(sessions: SessionFactory) -> None:
    """Create the table and the triggers that fill it."""
    is_sqlite = sessions.engine.dialect.name == "sqlite"
    with sessions.engine.begin() as connection:
        for statement in _build_sqlite_statements() if is_sqlite else _build_postgres_statements():
            connection.exec_driver_sql(statement)


def read_writes(sessions: SessionFactory) -> list[Write]:
    """Return all writes, oldest first."""
    query = "SELECT job_id, epoch, state, attempt, writer, holder, job_state FROM chaos_writes ORDER BY number"
    with sessions.read() as session:
        rows = session.execute(text(query)).all()
    return [Write(_to_uuid(row[0]), *row[1:]) for row in rows]


def find_resumed_jobs(writes: list[Write]) -> set[UUID]:
    """Return the jobs that a later attempt continued from a checkpoint instead of from the beginning."""
    first_epochs: dict[tuple[UUID, int], int] = {}
    for write in writes:
        if write.epoch is not None:
            first_epochs.setdefault((write.job_id, write.attempt), write.epoch)
    return {job_id for (job_id, attempt), epoch in first_epochs.items() if attempt > 1 and epoch > 0}


def _to_uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _build_sqlite_statements() -> list[str]:
    table = _TABLE.format(autoincrement="AUTOINCREMENT", uuid="TEXT")
    triggers = [
        f"CREATE TRIGGER chaos_{name} AFTER INSERT ON {name} BEGIN {body.format(writer=_SQLITE_WRITER)}; END"
        for name, body in (("epochs", _INSERT_EPOCH), ("transitions", _INSERT_TRANSITION))
    ]
    return [table, *triggers]


def _build_postgres_statements() -> list[str]:
    statements = [_TABLE.format(autoincrement="GENERATED ALWAYS AS IDENTITY", uuid="uuid")]
    for name, body in (("epochs", _INSERT_EPOCH), ("transitions", _INSERT_TRANSITION)):
        function_body = f"BEGIN {body.format(writer=_POSTGRES_WRITER)}; RETURN NULL; END"
        statements += [
            f"CREATE FUNCTION chaos_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ {function_body} $$",
            f"CREATE TRIGGER chaos_{name} AFTER INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION chaos_{name}()",
        ]
    return statements
