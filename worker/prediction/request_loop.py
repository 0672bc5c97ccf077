"""Answer prediction requests one after another."""

import json
import signal
import uuid
from typing import BinaryIO

import structlog

from service.datasets.dataset_source import CSV
from service.prediction.protocol import PredictionRequest, PredictionResponse, ResponseKind
from service.subprocess import framing
from worker.prediction.network_cache import CorruptModelError, NetworkCache
from worker.prediction.predict import DependentRowsError, predict_rows
from worker.prediction.row_faults import InvalidRowsError
from worker.runtime.memory import is_out_of_memory
from worker.runtime.private_names import check_private_names

log = structlog.get_logger()


def serve_requests(requests: BinaryIO, answers: BinaryIO, max_request_s: int, max_idle_s: float) -> None:
    """Answer requests until the input ends or no request comes for a while.

    Args:
        requests: stream of request frames.
        answers: stream for answer frames.
        max_request_s: maximum duration of a request; a longer one ends the process.
        max_idle_s: seconds to wait for the next request.

    """
    check_private_names("keras")
    networks = NetworkCache()

    def answer_frame(parts: list[bytes]) -> tuple[bytes, bytes]:
        request, rows = parts
        return answer_request(PredictionRequest.model_validate_json(request), rows, networks).to_frame()

    signal.alarm(0)
    framing.serve_requests(requests, answers, answer_frame, max_request_s, max_idle_s)


def answer_request(request: PredictionRequest, rows: bytes, networks: NetworkCache) -> PredictionResponse:
    """Return the answer to one request, which may be an error.

    An unexpected error costs its own request only: the process and its networks serve the requests of others, too.

    Args:
        request: the job, and the format of the rows.
        rows: as received over HTTP.
        networks: cache that has or builds the job's network.

    """
    try:
        predictions = predict_rows(request, rows, networks)
    except InvalidRowsError as error:
        problems = [problem.model_dump() for problem in error.faults]
        return PredictionResponse(ResponseKind.INVALID_ROWS, json.dumps(problems).encode())
    except DependentRowsError as error:
        return PredictionResponse(ResponseKind.NOT_PREDICTABLE, str(error).encode())
    except CorruptModelError as error:
        return PredictionResponse(ResponseKind.CORRUPT_FILE, str(error).encode())
    except Exception as error:
        if is_out_of_memory(error):
            return PredictionResponse(ResponseKind.OUT_OF_MEMORY, b"")
        error_id = uuid.uuid4().hex
        log.exception("prediction failed", action="prediction_error", error_id=error_id)
        return PredictionResponse(ResponseKind.FAILED, error_id.encode())
    return PredictionResponse(
        ResponseKind.PREDICTIONS, predictions.to_csv() if request.accept == CSV else predictions.to_json()
    )
