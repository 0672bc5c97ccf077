"""Pictures of curves and evaluations over HTTP: parameters, content and headers."""

import math
import re
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from models import Job, JobState
from service.jobs.attempts import Conclusion
from tests.factories import submit_job
from tests.recorded_jobs import create_recorded_job

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
SVG_ELEMENTS = {"svg", "g", "path", "text", "rect", "line", "defs", "clipPath"}
EPOCHS = 20
FALLING = [1 / (epoch + 1) for epoch in range(EPOCHS)]
METRICS = {
    "accuracy": [1 - value / 2 for value in FALLING],
    "loss": FALLING,
    "val_accuracy": [0.9 - value / 2 for value in FALLING],
    "val_loss": [value + 0.1 for value in FALLING],
}
CONFUSION = {"classes": ["setosa", "other"], "matrix": [[10, 0], [2, 8]]}
RESIDUALS = {
    "column": "strength",
    "count": 2,
    "mean": 0.5,
    "standard_deviation": 0.5,
    "mean_absolute": 0.5,
    "root_mean_square": 0.7,
    "quantiles": {"0": 0.0, "5": 0.0, "25": 0.2, "50": 0.5, "75": 0.7, "95": 1.0, "100": 1.0},
    "histogram": {"edges": [0.0, 0.5, 1.0], "counts": [1, 1]},
    "pairs": [[10.0, 10.0], [20.0, 19.0]],
}


def conclude_with_evaluation(**fields):
    evaluation = {"on": "test", "rows": 20, "rows_left_out": 0, "metrics": {"loss": 0.5}, "nonfinite": {}}
    evaluation |= {"confusion": None, "residuals": None} | fields
    return Conclusion(JobState.SUCCEEDED, evaluation=evaluation)


def build_path(job, picture="curve.svg"):
    return f"/v1/jobs/{job.id}/{picture}"


def parse_svg(response):
    assert response.status_code == 200, response.text
    return ET.fromstring(response.content)  # noqa: S314  # our own server wrote it


def list_texts(response):
    return [element.text for element in parse_svg(response).iter(f"{SVG}text")]


def get_fault(response):
    assert response.status_code == 422
    [error] = response.json()["errors"]
    return error["pointer"], error["message"]


@pytest.fixture
def job(sessions):
    return create_recorded_job(sessions, METRICS, Conclusion(JobState.SUCCEEDED))


def test_a_curve_names_its_job_and_its_metrics(client, job):
    response = client.get(build_path(job))
    assert response.headers["Content-Type"] == "image/svg+xml"
    texts = list_texts(response)
    assert {"iris", "Epoch", "Loss", "Training", "Validation"} <= set(texts)
    assert "Succeeded, 20 of 3 epochs · best validation loss 0.15 at epoch 20" in texts


def test_a_png_has_two_pixels_for_each_css_pixel(client, job):
    response = client.get(build_path(job, "curve.png"), params={"width": 500, "height": 300})
    assert response.headers["Content-Type"] == "image/png"
    width, height = struct.unpack(">II", response.content[16:24])
    assert response.content.startswith(b"\x89PNG\r\n")
    assert (width, height) == (pytest.approx(1000, abs=10), pytest.approx(600, abs=40))


def test_the_metrics_can_be_chosen(client, job):
    texts = list_texts(client.get(build_path(job), params={"metrics": "val_accuracy, loss"}))
    assert {"Accuracy", "Loss (log scale)", "Validation", "Training"} - set(texts) == {"Loss (log scale)"}


def test_an_unknown_metric_is_refused_with_a_list_of_the_metrics(client, job):
    pointer, message = get_fault(client.get(build_path(job), params={"metrics": "loss,acc"}))
    assert pointer == "/query/metrics"
    assert message == "expected some of accuracy, loss, val_accuracy, val_loss; received acc"


def test_too_many_metrics_for_a_picture_are_refused(client, sessions):
    many = create_recorded_job(sessions, {f"m{index}": [0.5] for index in range(17)})
    names = ",".join(f"m{index}" for index in range(17))
    assert get_fault(client.get(build_path(many), params={"metrics": names}))[0] == "/query/metrics"
    assert client.get(build_path(many)).status_code == 200


def test_the_first_epoch_can_be_chosen(client, job):
    texts = list_texts(client.get(build_path(job), params={"from_epoch": 12}))
    assert "13" in texts  # the epoch with index 12
    assert "12" not in texts
    assert "0" not in texts
    beyond = list_texts(client.get(build_path(job), params={"from_epoch": 500}))
    assert "No epoch from 501 on; the last so far is 20." in beyond


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"theme": "neon"}, "/query/theme"),
        ({"scale": "symlog"}, "/query/scale"),
        ({"width": 319}, "/query/width"),
        ({"width": 100_000}, "/query/width"),
        ({"height": 159}, "/query/height"),
        ({"height": 180, "metrics": "loss,accuracy"}, "/query/height"),
        ({"from_epoch": -1}, "/query/from_epoch"),
        ({"metrics": "loss\n"}, "/query/metrics"),
    ],
)
def test_an_invalid_parameter_is_refused_with_its_pointer(client, job, parameters, pointer):
    assert get_fault(client.get(build_path(job), params=parameters))[0] == pointer


def test_only_svg_and_png_are_drawn(client, job):
    assert get_fault(client.get(build_path(job, "curve.gif")))[0] == "/path/form"


def test_themes_have_different_colors(client, job):
    pictures = {theme: client.get(build_path(job), params={"theme": theme}).text for theme in ("light", "dark")}
    assert "#ffffff" in pictures["light"]
    assert "#ffffff" not in pictures["dark"]


def test_an_unchanged_picture_is_not_sent_again(client, job):
    first = client.get(build_path(job))
    again = client.get(build_path(job), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    other = client.get(build_path(job), params={"theme": "dark"}, headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_a_running_jobs_picture_changes_with_its_epochs(client, sessions):
    shorter = create_recorded_job(sessions, {"loss": [1.0]})
    longer = create_recorded_job(sessions, {"loss": [1.0, 0.5]})
    assert client.get(build_path(shorter)).headers["ETag"] != client.get(build_path(longer)).headers["ETag"]
    assert any("Running" in text for text in list_texts(client.get(build_path(longer))))


def test_a_job_without_epochs_has_a_picture_that_says_so(client, sessions):
    queued = submit_job(sessions)
    assert {"No epochs yet.", "Queued", "iris"} <= set(list_texts(client.get(build_path(queued))))
    client.post(f"/v1/jobs/{queued.id}/cancel")
    assert {"It ended before its first epoch.", "Cancelled"} <= set(list_texts(client.get(build_path(queued))))
    assert client.get(build_path(queued, "curve.png")).content.startswith(b"\x89PNG")


def test_a_diverged_job_is_drawn_with_the_epoch_of_divergence(client, sessions):
    diverged = create_recorded_job(sessions, {"loss": [1.0, 3.0, math.inf, math.nan]}, Conclusion(JobState.DIVERGED))
    assert "Infinity at epoch 3" in list_texts(client.get(build_path(diverged)))
    at_once = create_recorded_job(sessions, {"loss": [math.nan]}, Conclusion(JobState.DIVERGED))
    assert "NaN at epoch 1" in list_texts(client.get(build_path(at_once)))


@pytest.mark.parametrize("picture", ["curve.svg", "evaluation.svg"])
def test_a_missing_job_has_no_picture(client, picture):
    response = client.get(f"/v1/jobs/01a1fd25-0418-7664-918e-ae535a671b7a/{picture}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "name",
    [
        "</text><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "&lt;b&gt; & ]]> <!-- ",
        "مرحبا بالعالم \u202e gnp.exe",
        "👩‍🔬🌷" * 40,
        "W" * 200,
        "two\nlines\tand \x01 a control",
        "{datum.value} ${x}",
    ],
)
def test_a_name_is_drawn_as_text_only(client, sessions, name):
    job = create_recorded_job(
        sessions,
        METRICS,
        conclude_with_evaluation(confusion={"classes": [name, f"{name}!"], "matrix": [[1, 0], [0, 1]]}),
    )
    with sessions.begin() as session:
        session.get_one(Job, job.id).name = name
    for picture in ("curve.svg", "evaluation.svg"):
        response = client.get(build_path(job, picture))
        texts = list_texts(response)
        root = parse_svg(response)
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= SVG_ELEMENTS
        assert not any(attribute.startswith("on") for element in root.iter() for attribute in element.attrib)
        assert float(root.attrib["width"]) <= 660
        assert any(text and text[0] == name[0] for text in texts)
    assert client.get(build_path(job, "curve.png")).status_code == 200


def test_an_svg_may_not_run_or_load_anything(client, job):
    response = client.get(build_path(job))
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "http" not in response.text.replace("http://www.w3.org/", "")


def test_a_classifiers_evaluation_shows_its_confusion_matrix(client, sessions):
    texts = list_texts(
        client.get(
            build_path(
                create_recorded_job(sessions, METRICS, conclude_with_evaluation(confusion=CONFUSION)), "evaluation.svg"
            )
        )
    )
    assert {"setosa", "other", "Actual", "Predicted", "10", "2", "8"} <= set(texts)
    assert "Test set, 20 rows · 90.0% right · shaded by share of the actual class" in texts


def test_a_regressors_evaluation_shows_its_residuals(client, sessions):
    residuals = [RESIDUALS, RESIDUALS | {"column": "slump"}]
    job = create_recorded_job(sessions, METRICS, conclude_with_evaluation(residuals=residuals))
    texts = list_texts(client.get(build_path(job, "evaluation.svg")))
    assert {"Actual strength", "Predicted strength", "Residual (actual - predicted)", "Rows"} <= set(texts)
    assert "Test set, 20 rows · mean absolute error 0.5 · root mean square 0.7" in texts
    assert "Actual slump" in list_texts(client.get(build_path(job, "evaluation.svg"), params={"column": "slump"}))
    pointer, message = get_fault(client.get(build_path(job, "evaluation.svg"), params={"column": "flow"}))
    assert (pointer, message) == ("/query/column", "expected a column of the target: strength, slump")


def test_an_evaluation_without_a_chart_is_refused_with_the_reason(client, sessions):
    running = create_recorded_job(sessions, METRICS)
    neither = create_recorded_job(sessions, METRICS, Conclusion(JobState.SUCCEEDED))
    plain = create_recorded_job(sessions, METRICS, conclude_with_evaluation())
    empty = create_recorded_job(
        sessions, METRICS, conclude_with_evaluation(rows_left_out=20, residuals=[RESIDUALS | {"count": 0}])
    )
    lost = create_recorded_job(
        sessions, METRICS, Conclusion(JobState.DIVERGED, {"code": "x", "message": "It went to infinity."})
    )
    expected = [
        (running, "no_evaluation_yet", "when it has succeeded"),
        (neither, "no_evaluation", "neither a test set nor a validation set"),
        (plain, "no_evaluation_chart", "metrics alone"),
        (empty, "no_evaluation_chart", "No output of the network was finite"),
        (lost, "no_evaluation", "It went to infinity."),
    ]
    for job, code, message in expected:
        problem = client.get(build_path(job, "evaluation.svg")).json()
        assert (problem["status"], problem["code"]) == (409, code)
        assert message in problem["detail"]


def test_concurrent_requests_are_all_drawn(client, job):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda width: client.get(build_path(job), params={"width": width}), range(400, 424)))
    assert {answer.status_code for answer in answers} == {200}
    widths = [float(re.search(r'width="([\d.]+)"', answer.text)[1]) for answer in answers]
    assert widths == sorted(widths)


def test_the_api_does_not_import_the_renderer():
    program = "import sys, api.app; print('vl_convert' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.split() == ["False"]
