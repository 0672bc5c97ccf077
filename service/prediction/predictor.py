"""The caller's side: whose turn it is, and what the answers mean."""

import sys

import structlog
from pydantic import TypeAdapter

from service.errors import Conflict, Invalid, Unavailable
from service.prediction.prediction_artifacts import Trained
from service.prediction.protocol import Answer, Kind, Request
from service.settings import Settings
from service.subprocess.admission import Turns
from service.subprocess.environment import without_secrets
from service.subprocess.persistent_process import Gone, KeptProcess
from stackyard.spec import Problem

_MOST_WAITING = 8
"""Requests beside the one that is answered: each of them takes a thread of the API."""
_GRACE_S = 5
"""How long after its own alarm the process may take to be gone."""
_PROBLEMS: TypeAdapter[tuple[Problem, ...]] = TypeAdapter(tuple[Problem, ...])

log = structlog.get_logger()


class Predictor:
    """Predicts one request's rows at a time; may be used by many threads.

    The process starts with the first request, which takes some seconds longer, and ends some minutes after the last.
    """

    def __init__(self, settings: Settings) -> None:
        self._max_rows = settings.max_predict_rows
        self._turns = Turns(
            waiting=_MOST_WAITING,
            patience=settings.prediction_timeout_s,
            code="predictions_busy",
            message="Too many predictions wait already; the request may be repeated.",
        )
        self._closed = False
        # Its start and the first request have each as long.
        self._process = KeptProcess(
            _command(settings), without_secrets(), 2 * settings.prediction_timeout_s + _GRACE_S
        )

    def predict(self, trained: Trained, rows: bytes, media_type: str, accept: str) -> bytes:
        """Have a job's network predict rows.

        Args:
            trained: the job's.
            rows: as they came over HTTP.
            media_type: what they are: JSON or CSV.
            accept: what the answer is to be, likewise.

        Returns:
            The answer, in that media type.

        Raises:
            Invalid: with everything that is wrong with the rows.
            Conflict: the job's network cannot predict any.
            Unavailable: too many others wait, or the rows need more time or memory than they may have.

        """
        request = Request(
            spec=trained.spec,
            model=trained.model,
            preprocessing=trained.preprocessing,
            media_type=media_type,
            accept=accept,
            max_rows=self._max_rows,
        )
        with self._turns.taken():
            if self._closed:
                raise Unavailable("shutting_down", "The server is about to end.")
            return _content(self._ask(request, rows))

    def close(self) -> None:
        """End the process, whatever it does: it has nothing to lose. Who waits for it is refused."""
        self._closed = True
        self._process.kill()
        with self._turns.lock:
            self._process.end()

    def _ask(self, request: Request, rows: bytes) -> Answer:
        try:
            return Answer.read(self._process.ask([request.model_dump_json().encode(), rows]))
        except Gone as gone:
            log.warning("no prediction", action="prediction_failed", status=gone.status, model=request.model.sha256)
            raise Unavailable(
                "prediction_failed",
                "The prediction took more time or memory than it may have; fewer rows at once may do.",
            ) from None


def _command(settings: Settings) -> list[str]:
    """By the module's name: nothing of the worker may be imported here."""
    command = [sys.executable, "-m", "worker.prediction", "--memory", str(settings.prediction_memory)]
    command += ["--seconds", str(max(1, round(settings.prediction_timeout_s)))]
    return [*command, "--idle", str(settings.prediction_idle_s)]


def _content(answer: Answer) -> bytes:
    match answer.kind:
        case Kind.PREDICTIONS:
            return answer.content
        case Kind.REFUSAL:
            raise Invalid(_PROBLEMS.validate_json(answer.content))
        case Kind.INABILITY:
            raise Conflict("not_predictable", answer.content.decode())
        case Kind.DAMAGE:
            log.error("damaged file", action="artifact_damaged", error=answer.content.decode())
            raise Conflict("model_damaged", "A file that the job made is damaged, so it is not used; train it again.")
