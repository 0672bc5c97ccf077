"""A record that the database itself keeps of who wrote what, by triggers: what a row looks like later cannot tell."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from service.db.database import Sessions

_TABLE = """
CREATE TABLE chaos_writes (
    number INTEGER PRIMARY KEY {autoincrement},
    job_id {uuid} NOT NULL, epoch INTEGER, state TEXT, attempt INTEGER NOT NULL,
    writer INTEGER NOT NULL, holder TEXT, held TEXT NOT NULL
)
"""
_EPOCH = """
INSERT INTO chaos_writes (job_id, epoch, state, attempt, writer, holder, held)
SELECT new.job_id, new.epoch, NULL, attempt, {writer}, worker, state FROM jobs WHERE id = new.job_id
"""
_STATE = """
INSERT INTO chaos_writes (job_id, epoch, state, attempt, writer, holder, held)
SELECT new.job_id, NULL, new.to_state, new.attempt, {writer}, worker, state FROM jobs WHERE id = new.job_id
"""
_SQLITE_WRITER = "chaos_writer()"
_POSTGRES_WRITER = "coalesce(nullif(current_setting('application_name'), '')::integer, 0)"
_ENDED_BY_ITS_HOLDER = ("succeeded", "diverged")


@dataclass(frozen=True)
class Write:
    """A row that came to be: an epoch or a step in a job's life, written by a process while another may hold the job.

    `held` is the job's state once the row was there; `holder` the `jobs.worker` of that moment.
    """

    job_id: UUID
    epoch: int | None
    state: str | None
    attempt: int
    writer: int
    holder: str | None
    held: str

    @property
    def stale(self) -> bool:
        """Whether somebody wrote who did not hold the job, what only its holder may write."""
        if self.epoch is None and self.state not in _ENDED_BY_ITS_HOLDER:
            return False
        ours = self.holder is not None and self.holder.rpartition(":")[2] == str(self.writer)
        return not ours or (self.epoch is not None and self.held != "running")


def install(sessions: Sessions) -> None:
    """Have the database keep its record from now on."""
    sqlite = sessions.engine.dialect.name == "sqlite"
    with sessions.engine.begin() as connection:
        for statement in _sqlite() if sqlite else _postgres():
            connection.exec_driver_sql(statement)


def writes(sessions: Sessions) -> list[Write]:
    """The record, oldest first."""
    query = "SELECT job_id, epoch, state, attempt, writer, holder, held FROM chaos_writes ORDER BY number"
    with sessions.read() as session:
        rows = session.execute(text(query)).all()
    return [Write(_uuid(row[0]), *row[1:]) for row in rows]


def resumed(written: list[Write]) -> set[UUID]:
    """The jobs that a later attempt took up where a checkpoint was, and not from the beginning."""
    first: dict[tuple[UUID, int], int] = {}
    for write in written:
        if write.epoch is not None:
            first.setdefault((write.job_id, write.attempt), write.epoch)
    return {job_id for (job_id, attempt), epoch in first.items() if attempt > 1 and epoch > 0}


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _sqlite() -> list[str]:
    table = _TABLE.format(autoincrement="AUTOINCREMENT", uuid="TEXT")
    triggers = [
        f"CREATE TRIGGER chaos_{name} AFTER INSERT ON {name} BEGIN {body.format(writer=_SQLITE_WRITER)}; END"
        for name, body in (("epochs", _EPOCH), ("transitions", _STATE))
    ]
    return [table, *triggers]


def _postgres() -> list[str]:
    statements = [_TABLE.format(autoincrement="GENERATED ALWAYS AS IDENTITY", uuid="uuid")]
    for name, body in (("epochs", _EPOCH), ("transitions", _STATE)):
        does = f"BEGIN {body.format(writer=_POSTGRES_WRITER)}; RETURN NULL; END"
        statements += [
            f"CREATE FUNCTION chaos_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ {does} $$",
            f"CREATE TRIGGER chaos_{name} AFTER INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION chaos_{name}()",
        ]
    return statements
