"""The dashboard and the alerts in `examples/monitoring`, against the metrics of a server that has trained a job."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.settings import Settings
from tests.factories import iris_spec
from tests.polling import wait_until

pytestmark = pytest.mark.xdist_group("server")

MONITORING = Path(__file__).parents[2] / "examples" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana-dashboard.json").read_text())
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())
OF_PROMETHEUS = {"up"}
"""Metrics that Prometheus adds."""
ADDED_LABELS = {"job", "instance", "le"}


def list_expressions():
    targets = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    variables = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    return [item["expr"] for item in targets + rules] + [variable["query"] for variable in variables]


@pytest.fixture(scope="module")
def samples(server):
    """The labels of each sample by its name, once the server has counted a finished job."""
    job_id = server.submit(iris_spec())
    assert server.until_ended(job_id)["state"] == "succeeded"

    def scrape():
        text = server.http.get("/metrics").raise_for_status().text
        labels, values = {}, {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
                values[sample.name] = values.get(sample.name, 0) + sample.value
        return labels if values["stackyard_epochs_trained_total"] >= 3 else None

    return wait_until(scrape)


@pytest.mark.parametrize("expression", list_expressions())
def test_every_queried_metric_and_label_exists(samples, expression):
    names = set(re.findall(r"\b(?:stackyard|process)_\w+|\bup\b", expression))
    assert names
    assert names <= samples.keys() | OF_PROMETHEUS
    labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", expression))
    for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        labels.update(re.findall(r"\w+", group))
    known = {label for name in names & samples.keys() for label in samples[name]}
    assert labels <= known | ADDED_LABELS


def test_every_metric_of_the_server_is_documented(samples):
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "monitoring.md").read_text()
    missing = {
        name
        for name in samples
        if name.startswith("stackyard_") and re.sub(r"_(bucket|count|sum|created)$", "", name) not in guide
    }
    assert {name for name in missing if not name.endswith("_created")} == set()


def test_the_panels_do_not_overlap_and_have_queries():
    cells = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        area = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & area
        cells |= area
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"
    assert max(x for x, _ in cells) < 24


def test_prometheus_authenticates_with_the_token_of_the_metrics():
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    [scrape] = config["scrape_configs"]
    assert "credentials_file" in scrape["authorization"]
    assert "metrics_path" not in scrape  # Prometheus's default is our path
    assert "metrics_token" in Settings.model_fields
    assert all((MONITORING / name).exists() for name in config["rule_files"])
