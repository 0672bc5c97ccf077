"""One trace from the request to the model, as a collector of OpenTelemetry receives it."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import select

from models import Job
from service.tracing import start_tracing, stop_tracing
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer

ROOT = Path(__file__).parents[2]
TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


class Collector:
    """The spans that arrived over OTLP, and their services."""

    def __init__(self):
        self.spans = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.path == "/v1/traces"
                request = ExportTraceServiceRequest()
                request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
                collector.add(request)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def add(self, request):
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def by_name(self):
        names = [span.name for span in self.spans]
        assert len(names) == len(set(names)), names
        return {span.name: span for span in self.spans}


@pytest.fixture
def collector(monkeypatch):
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    stop_tracing()
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


def test_one_trace_has_the_request_the_wait_and_the_attempt(collector, client, settings):
    trainer = Trainer(client, settings)
    client.get("/healthz")
    client.get("/metrics")
    body, headers = json.dumps(iris_spec()), {"Content-Type": "application/json", "traceparent": TRACEPARENT}
    job_id = client.post("/v1/jobs", content=body, headers=headers).json()["id"]
    assert start_tracing("the same process") is not None
    assert trainer.run_next_job(job_id)["state"] == "succeeded"
    stop_tracing()  # which exports what is left
    spans = collector.by_name()

    assert spans.keys() == {
        *("POST /v1/jobs", "GET /v1/jobs/{job_id}", "queue wait", "attempt", "preparation", "training", "evaluation"),
        *("publication", "conclusion"),
    }
    assert spans.pop("GET /v1/jobs/{job_id}").trace_id.hex() != TRACE_ID
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE_ID}
    assert spans["POST /v1/jobs"].parent_span_id.hex() == SPAN_ID
    for name in ("queue wait", "attempt"):
        assert spans[name].parent_span_id == spans["POST /v1/jobs"].span_id
    for name in ("preparation", "training", "evaluation", "publication", "conclusion"):
        span = spans[name]
        assert span.parent_span_id == spans["attempt"].span_id
        assert spans["attempt"].start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= spans["attempt"].end_time_unix_nano
    wait = spans["queue wait"]
    assert 0 < wait.end_time_unix_nano - wait.start_time_unix_nano < 120e9
    attributes = {item.key: item.value for item in spans["attempt"].attributes}
    assert attributes["stackyard.job"].string_value == job_id
    assert attributes["stackyard.attempt"].int_value == 1


@pytest.mark.usefixtures("collector")
def test_concurrent_submits_keep_their_own_traces(client):
    """One of the waiting requests inserts the jobs of all of them."""

    def submit(number):
        headers = {"Content-Type": "application/json", "traceparent": f"00-{number:032x}-{SPAN_ID}-01"}
        client.post("/v1/jobs", content=json.dumps(iris_spec(name=str(number))), headers=headers)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for job in _list_jobs(client):
        assert int(job.trace_context.split("-")[1], 16) == int(job.name)


def _list_jobs(client):
    with client.app.state.stackyard.sessions.read() as session:
        jobs = session.scalars(select(Job)).all()
    assert len(jobs) == 8
    return jobs


def test_without_an_endpoint_nothing_is_imported():
    code = (
        "import sys; from service.tracing import read_trace_context, start_tracing, trace_span\n"
        "assert start_tracing('x') is read_trace_context() is None\n"
        "with trace_span('x'): pass\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_without_traces_a_job_has_no_context(client):
    client.post("/v1/jobs", json=iris_spec(), headers={"traceparent": TRACEPARENT})
    with client.app.state.stackyard.sessions.read() as session:
        assert session.scalars(select(Job.trace_context)).all() == [None]
