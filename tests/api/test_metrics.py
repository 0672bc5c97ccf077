"""`/metrics`: what Prometheus reads, and who may read it."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError
from sqlalchemy import update

from models import Job, JobState, SweepState
from service.db.database import get_current_time
from service.jobs import attempts, recovery
from service.jobs.attempts import Conclusion, EpochMetrics
from service.settings import Settings
from tests.attempt_factories import claim_job
from tests.factories import build_registration, record_heartbeat

BEARER = "Bearer for prometheus only"


class Scrape:
    """The samples of one scrape, by name and labels."""

    def __init__(self, client):
        response = client.get("/metrics")
        assert response.status_code == 200, response.text
        families = list(text_string_to_metric_families(response.text))
        names = [family.name for family in families]
        assert len(names) == len(set(names))
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def get(self, name, **labels):
        return self._samples.get((f"stackyard_{name}", frozenset(labels.items())))

    @property
    def counters(self):
        return {key: value for key, value in self._samples.items() if key[0].endswith("_total")}


def conclude(sessions, claim, state=JobState.SUCCEEDED):
    with sessions.begin() as session:
        attempts.conclude_attempt(session, claim, Conclusion(state))


def record_epochs(sessions, claim, first, count):
    with sessions.begin() as session:
        epochs = [EpochMetrics(epoch, [0.5]) for epoch in range(first, first + count)]
        attempts.record_epochs(session, claim, ["loss"], epochs, {})


class TestState:
    def test_an_empty_installation(self, client):
        samples = Scrape(client)
        assert samples.get("database_up") == samples.get("broker_up") == 1
        assert 0 < samples.get("database_latency_seconds") < 10
        assert 0 < samples.get("disk_free_bytes") <= samples.get("disk_size_bytes")
        assert {samples.get("jobs", state=state.value) for state in JobState} == {0}
        assert {samples.get("sweeps", state=state.value) for state in SweepState} == {0}
        assert samples.get("queue_jobs", queue="cpu", reason="no_worker") == 0
        assert samples.get("slots", queue="gpu") == 0

    def test_jobs_wait_for_the_reasons_that_the_api_names(self, client, submit, sessions):
        for _ in range(5):
            submit()
        assert Scrape(client).get("queue_jobs", queue="cpu", reason="no_worker") == 5
        record_heartbeat(sessions, build_registration(concurrency=2))
        for running in range(3):
            samples = Scrape(client)
            reasons = [job["waiting"]["code"] for job in client.get("/v1/jobs?state=queued").json()["items"]]
            assert len(reasons) == 5 - running
            for code in ("no_worker", "starting", "next", "behind"):
                assert samples.get("queue_jobs", queue="cpu", reason=code) == reasons.count(code)
            assert (samples.get("slots", queue="cpu"), samples.get("slots_busy", queue="cpu")) == (2, running)
            claim_job(sessions)
        assert samples.get("queue_oldest_wait_seconds", queue="cpu") > 0
        assert samples.get("queue_oldest_wait_seconds", queue="gpu") == 0
        assert samples.get("workers", queue="cpu", state="serving") == 1

    def test_workers_that_drain_or_are_lost(self, client, sessions):
        record_heartbeat(sessions, build_registration("gpu"), draining=True)
        record_heartbeat(sessions, build_registration("gpu"), lasts_s=-1)
        samples = Scrape(client)
        assert samples.get("workers", queue="gpu", state="draining") == 1
        assert samples.get("workers", queue="gpu", state="lost") == 1
        assert samples.get("slots", queue="gpu") == 0

    def test_without_a_database_its_health_is_reported(self, client, settings):
        Scrape(client)
        client.app.state.stackyard.sessions.dispose()
        (settings.data_dir / "stackyard.db").rename(settings.data_dir / "moved.db")
        (settings.data_dir / "stackyard.db").mkdir()
        samples = Scrape(client)
        assert (samples.get("database_up"), samples.get("broker_up")) == (0, 1)
        assert samples.get("jobs", state="queued") is None
        assert samples.get("http_requests_in_flight") == 1


class TestProgress:
    def test_a_job_between_two_scrapes(self, client, submit, sessions):
        before = Scrape(client)
        submit()
        record_epochs(sessions, claim := claim_job(sessions), 0, 3)
        conclude(sessions, claim)
        after = Scrape(client)

        def grow(name, **labels):
            return after.get(name, **labels) - before.get(name, **labels)

        assert grow("jobs_submitted_total") == 1
        assert grow("jobs_ended_total", state="succeeded") == 1
        assert grow("epochs_trained_total", queue="cpu") == 3
        assert 0 < grow("training_seconds_total", queue="cpu") < 5
        assert grow("claim_latency_seconds_count", queue="cpu") == 1
        assert 0 < grow("claim_latency_seconds_sum", queue="cpu") < 5
        changed = {name for name, _ in after.counters.items() - Scrape(client).counters.items()}
        assert {name for name, _ in changed} <= {"process_cpu_seconds_total"}

    def test_a_running_job_counts_once(self, client, submit, sessions):
        submit()
        claim = claim_job(sessions)
        for number in range(3):
            record_epochs(sessions, claim, number, 1)
            samples = Scrape(client)
            assert samples.get("epochs_trained_total", queue="cpu") == number + 1
        conclude(sessions, claim)
        with sessions.read() as session:
            job = session.get_one(Job, claim.job_id)
        expected = (job.finished_at - job.started_at).total_seconds()
        assert Scrape(client).get("training_seconds_total", queue="cpu") == pytest.approx(expected)

    def test_a_lost_lease_and_the_next_attempt(self, client, submit, sessions):
        submit()
        record_epochs(sessions, lost := claim_job(sessions), 0, 2)
        assert Scrape(client).get("attempts_released_total", reason="attempt_lost") == 0
        with sessions.begin() as session:
            session.execute(update(Job).values(lease_until=get_current_time(session) - timedelta(seconds=1)))
            assert recovery.end_attempt_if_lost(session, lost.job_id)
        assert Scrape(client).get("attempts_released_total", reason="attempt_lost") == 1
        conclude(sessions, claim_job(sessions), JobState.DIVERGED)
        samples = Scrape(client)
        assert samples.get("jobs_ended_total", state="diverged") == 1
        assert samples.get("claim_latency_seconds_count", queue="cpu") == 2

    def test_deleted_jobs_stay_counted(self, client, submit):
        job = submit()
        client.post(f"/v1/jobs/{job['id']}/cancel")
        assert Scrape(client).get("jobs_ended_total", state="cancelled") == 1
        assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
        assert Scrape(client).get("jobs_ended_total", state="cancelled") == 1


class TestRequests:
    def test_labels_come_from_routes_and_not_from_clients(self, client, submit):
        job = submit()
        client.get(f"/v1/jobs/{job['id']}")
        for number in range(20):
            client.get(f"/nothing/{number}")
            client.request(f"X{number}", "/v1/jobs")
        samples = Scrape(client)

        def count(route, method, status):
            return samples.get("http_request_duration_seconds_count", route=route, method=method, status=status)

        assert count("/v1/jobs/{job_id}", "GET", "200") == 1
        assert count("none", "GET", "404") == 20
        assert count("/v1/jobs", "other", "405") == 20
        assert samples.get("http_requests_in_flight") == 1  # the scrape itself


class TestAccess:
    @pytest.fixture
    def guarded(self, settings, make_client):
        tokens = {"token": SecretStr("secret"), "metrics_token": SecretStr(BEARER.removeprefix("Bearer "))}
        return make_client(settings.model_copy(update=tokens))

    @pytest.mark.parametrize(
        ("authorization", "status"),
        [
            (BEARER, 200),
            (BEARER.replace("Bearer", "bearer"), 200),
            ("Bearer secret", 200),
            ("Bearer other", 401),
            ("", 401),
            ("Basic x", 401),
        ],
    )
    def test_either_token_admits(self, guarded, authorization, status):
        response = guarded.get("/metrics", headers={"Authorization": authorization})
        assert response.status_code == status
        assert "X-Request-ID" in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(("method", "path"), [("GET", "/v1/jobs"), ("GET", "/metrics/"), ("POST", "/metrics")])
    def test_the_token_of_the_metrics_admits_to_nothing_else(self, guarded, method, path):
        assert guarded.request(method, path, headers={"Authorization": BEARER}).status_code == 401

    def test_openmetrics_on_request(self, client):
        response = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert response.text.endswith("# EOF\n")

    @pytest.mark.parametrize("token", ["", "   ", " padded "])
    def test_a_blank_token_is_refused(self, token):
        with pytest.raises(ValidationError, match="token"):
            Settings(metrics_token=token)

    def test_the_token_may_come_from_a_file(self, tmp_path, monkeypatch):
        (tmp_path / "token").write_text("of a file\n")
        monkeypatch.setenv("STACKYARD_METRICS_TOKEN_FILE", str(tmp_path / "token"))
        assert Settings().metrics_token == SecretStr("of a file")
