"""One request after the other, and what is answered to it."""

import json
import signal
from typing import BinaryIO

from service.datasets.dataset_source import CSV
from service.prediction.protocol import Answer, Kind, Request
from service.subprocess import framing
from worker.prediction.network_cache import Damaged, Networks
from worker.prediction.predict import NotAlone, predict
from worker.prediction.row_faults import Refused


def serve(requests: BinaryIO, answers: BinaryIO, seconds: int, idle: float) -> None:
    """Answer requests until there are no more, or none comes for a while.

    Args:
        requests: frames, one at a time.
        answers: where the frames of the answers go.
        seconds: for one request; a longer one ends the process.
        idle: seconds to wait for the next.

    """
    networks = Networks()

    def answered(parts: list[bytes]) -> tuple[bytes, bytes]:
        request, rows = parts
        return answer(Request.model_validate_json(request), rows, networks).parts()

    signal.alarm(0)
    framing.serve(requests, answers, answered, seconds, idle)


def answer(request: Request, rows: bytes, networks: Networks) -> Answer:
    """What goes back.

    Args:
        request: which job, and how the rows are written.
        rows: as they came over HTTP.
        networks: to find the job's in.

    """
    try:
        predicted = predict(request, rows, networks)
    except Refused as refused:
        problems = [problem.model_dump() for problem in refused.problems]
        return Answer(Kind.REFUSAL, json.dumps(problems).encode())
    except NotAlone as error:
        return Answer(Kind.INABILITY, str(error).encode())
    except Damaged as error:
        return Answer(Kind.DAMAGE, str(error).encode())
    return Answer(Kind.PREDICTIONS, predicted.csv() if request.accept == CSV else predicted.json())
