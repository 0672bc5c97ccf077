"""The caller's side of predictions: admit requests, send them to the process, and translate its responses."""

import sys

import structlog
from pydantic import TypeAdapter

from models import Backend
from service.errors import Conflict, InvalidInput, Unavailable
from service.prediction.prediction_artifacts import OpenedArtifacts
from service.prediction.protocol import PredictionRequest, PredictionResponse, ResponseKind
from service.settings import Settings
from service.subprocess.admission import BoundedLock
from service.subprocess.environment import build_environment_without_secrets
from service.subprocess.persistent_process import PersistentProcess, ProcessExited
from stackyard.spec import Fault

_MAX_WAITING = 8
"""Maximum number of waiting requests; each occupies a thread of the API."""
_EXIT_TIMEOUT_S = 5
"""Seconds that the process may take to exit after its own alarm."""
_FAULTS_ADAPTER: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Fault, ...])

log = structlog.get_logger()


class Predictor:
    """Predicts the rows of one request at a time; it is thread-safe.

    A model predicts on the backend that trained it. The process of a backend starts with its first request, which
    therefore takes longer, and ends when it is idle.
    """

    def __init__(self, settings: Settings) -> None:
        self._max_rows = settings.max_predict_rows
        self._lock = BoundedLock(
            max_waiting=_MAX_WAITING,
            timeout_s=settings.prediction_timeout_s,
            code="predictions_busy",
            message="Too many predictions are waiting; repeat the request later.",
        )
        self._is_closed = False
        # The start of the process and the first request may each take this long.
        timeout_s = 2 * settings.prediction_timeout_s + _EXIT_TIMEOUT_S
        command, environment = _build_command(settings), build_environment_without_secrets()
        self._processes = {
            backend: PersistentProcess(command, environment | {"KERAS_BACKEND": backend.value}, timeout_s)
            for backend in Backend
        }

    def predict(self, artifacts: OpenedArtifacts, rows: bytes, media_type: str, accept: str) -> bytes:
        """Predict rows with a job's model.

        Args:
            artifacts: the files of the job.
            rows: the rows as received over HTTP.
            media_type: media type of the rows: JSON or CSV.
            accept: media type of the result: JSON or CSV.

        Returns:
            The predictions, in the requested media type.

        Raises:
            InvalidInput: the rows are invalid; the error has all faults.
            Conflict: the job's model cannot predict rows.
            Unavailable: too many requests wait, or the rows need more time or memory than the limits.
            RuntimeError: an unexpected error, which is in the log with its traceback.

        """
        request = PredictionRequest(
            spec=artifacts.spec,
            model=artifacts.model,
            preprocessing=artifacts.preprocessing,
            media_type=media_type,
            accept=accept,
            max_rows=self._max_rows,
        )
        with self._lock.acquire():
            if self._is_closed:
                raise Unavailable("shutting_down", "The server is shutting down.")
            return _get_predictions(self._send_request(artifacts.backend, request, rows))

    def close(self) -> None:
        """Kill the processes, which have no state to lose. Waiting requests are rejected."""
        self._is_closed = True
        for process in self._processes.values():
            process.kill()
        with self._lock.mutex:
            for process in self._processes.values():
                process.stop()

    def _send_request(self, backend: Backend, request: PredictionRequest, rows: bytes) -> PredictionResponse:
        parts = [request.model_dump_json().encode(), rows]
        try:
            return PredictionResponse.from_frame(self._processes[backend].request(parts))
        except ProcessExited as exited:
            status, model = exited.exit_status, request.model.sha256
            log.warning("prediction failed", action="prediction_failed", status=status, model=model)
            raise _build_limit_error() from None


def _build_command(settings: Settings) -> list[str]:
    """Return the command, with the worker's module by name: the service must not import it."""
    command = [sys.executable, "-m", "worker.prediction", "--memory", str(settings.prediction_memory)]
    command += ["--seconds", str(max(1, round(settings.prediction_timeout_s)))]
    return [*command, "--idle", str(settings.prediction_idle_s)]


def _build_limit_error() -> Unavailable:
    message = "The prediction took more time or memory than allowed; try fewer rows per request."
    return Unavailable("prediction_failed", message)


def _get_predictions(response: PredictionResponse) -> bytes:
    """Return the content of a successful response, or raise the error of another one."""
    match response.kind:
        case ResponseKind.PREDICTIONS:
            return response.content
        case ResponseKind.INVALID_ROWS:
            raise InvalidInput(_FAULTS_ADAPTER.validate_json(response.content))
        case ResponseKind.NOT_PREDICTABLE:
            raise Conflict("not_predictable", response.content.decode())
        case ResponseKind.CORRUPT_FILE:
            log.error("corrupt file", action="artifact_damaged", error=response.content.decode())
            raise Conflict("model_damaged", "A file of the job is corrupt; train the job again.")
        case ResponseKind.OUT_OF_MEMORY:
            raise _build_limit_error()
        case ResponseKind.FAILED:
            raise RuntimeError(f"the prediction failed; its error is in the log as {response.content.decode()}")
