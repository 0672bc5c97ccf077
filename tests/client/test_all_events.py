"""The stream of all jobs over real HTTP."""

import json
import threading

import httpx2

from tests import attempt_factories
from tests.client.conftest import TOKEN
from tests.factories import iris_spec
from tests.polling import wait_until


class Page:
    """Collects the events of one stream in a thread, until it has seen `count` of one kind."""

    def __init__(self, url, jobs, last=("jobs", 1), event_id=None):
        self.events = []
        self.last, self.event_id = last, event_id
        self.thread = threading.Thread(target=self._read, args=(url, jobs))
        self.thread.start()

    def _read(self, url, jobs):
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Last-Event-ID": self.event_id} if self.event_id else {})
        with (
            httpx2.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as http,
            http.stream("GET", "/v1/events", params={"job": jobs}) as response,
        ):
            assert response.headers["Content-Type"].startswith("text/event-stream")
            fields = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                fields[name] = value
                if line == "" and "event" in fields:
                    self.events.append((fields["id"], fields["event"], json.loads(fields["data"])))
                    fields = {}
                if len(self.list_data(self.last[0])) >= self.last[1]:
                    return

    def list_data(self, kind):
        return [data for _, name, data in self.events if name == kind]

    def finish(self):
        self.thread.join(30)
        assert not self.thread.is_alive()
        return self


def test_a_page_sees_jobs_and_chosen_epochs_and_continues_where_it_was(url, stackyard, sessions):
    job = stackyard.submit(iris_spec())
    page = Page(url, [str(job.id)], last=("epochs", 1))
    wait_until(lambda: page.list_data("start"))
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(2))
    page.finish()
    listed = page.list_data("jobs")[-1]["changed"]
    assert [(item["id"], item["progress"]["epochs_done"]) for item in listed] == [(str(job.id), 2)]
    [epochs] = page.list_data("epochs")
    assert epochs["history"] == {"epochs": [0, 1], "metrics": {"loss": [0.0, 1.0]}, "nonfinite": {}}

    attempt_factories.conclude_attempt(sessions, claimed)
    again = Page(url, [str(job.id)], event_id=page.events[-1][0]).finish()
    assert not again.list_data("reset")
    assert again.list_data("jobs")[0]["changed"][0]["state"] == "succeeded"
