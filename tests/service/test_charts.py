"""Charts: their documents, and the process that renders them."""

import math
import os
import re
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.charts import confusion_chart, curve_chart, panels, residuals_chart, scales, text_format
from service.charts.chart_style import ChartStyle
from service.charts.colors import PALETTES, compute_contrast, select_text_color
from service.charts.renderer import Renderer
from service.errors import Unavailable
from service.history.metric_history import History
from tests.polling import wait_until

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {"data": {"values": [{"t": "here"}]}, "mark": "text", "encoding": {"text": {"field": "t"}}}
VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def shared_renderer():
    renderer = Renderer()
    yield renderer
    renderer.close()


@pytest.fixture
def renderer():
    """A renderer for one test, which may kill its process."""
    renderer = Renderer()
    yield renderer
    renderer.close()


@pytest.fixture
def render_svg(shared_renderer):
    """Return a function that renders a document and parses the SVG."""
    return lambda document: ET.fromstring(shared_renderer.render_chart(document, "svg"))  # noqa: S314  # our renderer output


def build_history(**metrics):
    return History(range(len(next(iter(metrics.values())))), metrics)


def build_chart(history, look=None, scale="auto"):
    return curve_chart.build_curve_chart(history, "A title", "A subtitle", look or ChartStyle(), scale)


def list_texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def list_lines(root):
    """Return the paths of lines, each with its color, its dashes, and a segment for each run of points."""
    paths = [element.attrib for element in root.iter(f"{SVG}path")]
    return [line for line in paths if line.get("fill") in (None, "none") and "L" in line["d"] and len(line["d"]) > 40]


def get_process():
    """Return the rendering process that was started last."""
    children = [child for child in psutil.Process().children() if _is_running(child.pid)]
    return max((child for child in children if "service.charts" in child.cmdline()), key=psutil.Process.create_time)


# Documents


def test_validation_is_dashed_in_another_shade_of_the_hue(render_svg):
    epochs = [1 / (epoch + 1) for epoch in range(50)]
    training, validation = list_lines(
        render_svg(build_chart(build_history(loss=epochs, val_loss=[2 * value for value in epochs])))
    )
    hue = PALETTES["light"].hues[0]
    assert (training["stroke"], validation["stroke"]) == (hue.plain, hue.strong)
    assert validation["stroke-dasharray"] == "5,3"
    assert training.get("stroke-dasharray", "1,0") == "1,0"


def test_nonfinite_values_leave_a_gap_and_a_mark(render_svg):
    history = build_history(loss=[math.nan if 20 <= epoch < 30 else 1 / (epoch + 1) for epoch in range(50)])
    root = render_svg(build_chart(history))
    [line] = list_lines(root)
    assert line["d"].count("M") == 2
    assert "NaN at epoch 20" in list_texts(root)


def test_mark_names_the_line_if_others_are_finite(render_svg):
    root = render_svg(build_chart(build_history(loss=[3.0, 2.0, 1.0], val_loss=[3.0, -math.inf, math.nan])))
    assert "-Infinity at epoch 1 (Validation)" in list_texts(root)


def test_isolated_finite_value_is_drawn_as_a_point():
    history = build_history(loss=[1.0] * 20 + [math.nan, 0.5, math.nan] + [1.0] * 40)
    rows = build_chart(history)["vconcat"][0]["data"]["values"]
    assert [row["epoch"] for row in rows if row["point"]] == [21]


def test_metrics_of_different_magnitudes_or_directions_have_separate_panels():
    metrics = {
        "loss": [0.5],
        "right": [0.6],
        "mse": [900.0],
        "roc": [0.9],
        "val_loss": [0.6],
        "mae": [0.4],
        "lost": [math.nan],
    }
    columns = [panel.columns for panel in panels.group_metrics(metrics, {"right", "roc"})]
    assert columns == [["loss", "val_loss", "mae"], ["right", "roc"], ["mse"], ["lost"]]


def test_long_history_is_thinned_and_keeps_its_spike(shared_renderer):
    loss = [1 / (epoch + 1) + 0.001 * math.sin(epoch) for epoch in range(10_000)]
    loss[7_777] = 40.0
    history = build_history(loss=loss, val_loss=[2 * value for value in loss])
    assert len(shared_renderer.render_chart(build_chart(history), "svg")) < 200_000
    rows = build_chart(history)["vconcat"][0]["data"]["values"]
    assert len(rows) < 2_000
    assert {"epoch": 7_777, "value": 40.0} in [{"epoch": row["epoch"], "value": row["value"]} for row in rows]


@pytest.mark.parametrize("width", [320, 640, 1200])
@pytest.mark.parametrize(
    "metrics",
    [
        {"loss": [3.0, 2.0, 1.0]},
        {"loss": [3.0, 2.0, math.nan], "val_loss": [3e9, 2.0, 1e-9]},
        {"loss": [0.3], "val_loss": [0.4], "accuracy": [0.6], "auc": [0.7], "val_accuracy": [0.6], "mse": [9e6]},
    ],
)
def test_chart_has_the_requested_size(render_svg, width, metrics):
    history = build_history(**metrics)
    for height in (curve_chart.compute_min_height(history, width), 900):
        root = render_svg(build_chart(history, ChartStyle(width=width, height=height)))
        assert float(root.attrib["width"]) == pytest.approx(width, abs=12)
        assert float(root.attrib["height"]) == pytest.approx(height, abs=16)


def format_ticks(axis):
    """Format the ticks as d3 does."""
    fixed = re.fullmatch(r",\.(\d+)f", axis.number_format)
    if fixed:
        return [f"{tick:,.{fixed[1]}f}" for tick in axis.ticks]
    return [f"{tick:.{re.fullmatch(r'.(.)~e', axis.number_format)[1]}e}" for tick in axis.ticks]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.05, 1.25], ["0.0", "0.5", "1.0", "1.5"]),
        ([0.35, 1.0], ["0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([-3, 41], ["-20", "0", "20", "40", "60"]),
        ([1.02, 1.04], ["1.020", "1.025", "1.030", "1.035", "1.040"]),
        ([0], ["-0.5", "0.0", "0.5"]),
    ],
)
def test_ticks_of_a_linear_axis_are_round_numbers(values, labels):
    assert format_ticks(scales.build_axis(values, "linear", 5)) == labels


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        (1, 40, [1, 5, 10, 15, 20, 25, 30, 35, 40]),
        (1, 3, [1, 2, 3]),
        (7, 7, [7]),
        (98, 230, [100, 120, 140, 160, 180, 200, 220]),
        (1, 10_000, [1, 2_000, 4_000, 6_000, 8_000, 10_000]),
    ],
)
def test_ticks_of_the_epochs_are_epochs_of_the_history(first, last, ticks):
    assert scales.choose_integer_ticks(first, last, 9) == ticks


def test_labels_are_centered_on_their_ticks_and_the_axis_extends_beyond_the_epochs(render_svg):
    history = History(range(1, 41), {"loss": [1 / (epoch + 1) for epoch in range(40)]})
    document = build_chart(history)
    low, high = document["vconcat"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 1
    assert high > 40
    labels = [element for element in render_svg(document).iter(f"{SVG}text") if element.text in {"1", "40"}]
    assert [label.attrib["text-anchor"] for label in labels] == ["middle", "middle"]


def test_a_long_noisy_history_is_drawn_as_medians_over_its_faint_values(render_svg):
    loss = [1.0 + (0.5 if epoch % 3 else 0.0) + (math.nan if epoch == 700 else 0.0) for epoch in range(1_500)]
    document = build_chart(build_history(loss=loss, val_loss=[2 * value for value in loss]))
    faint, _, line, *_ = document["vconcat"][0]["layer"]
    rows = line["data"]["values"]
    assert len(rows) == 2 * 150
    assert {row["value"] for row in rows if row["series"] == "Training"} == {1.5}
    assert [rows[0]["epoch"], rows[149]["epoch"]] == [4.5, 1494.5]
    assert faint["mark"]["opacity"] < 0.5
    root = render_svg(document)
    assert {"Training", "Validation"} <= set(list_texts(root))
    assert len(list_lines(root)) >= 4


def test_medians_leave_a_gap_where_no_value_is_finite(render_svg):
    history = build_history(loss=[1.0] * 400 + [math.nan] * 400 + [2.0] * 400)
    rows = build_chart(history)["vconcat"][0]["layer"][2]["data"]["values"]
    assert [row["value"] for row in rows] == [1.0] * 50 + [None] * 50 + [2.0] * 50
    assert "NaN at epoch 400" in list_texts(render_svg(build_chart(history)))


@given(st.lists(VALUES, min_size=1, max_size=30), st.sampled_from(["auto", "linear", "log"]))
def test_axis_includes_every_value_that_it_can_show(values, scale):
    axis = scales.build_axis(values, scale)
    low, high = axis.domain
    assert low < high
    assert all(low <= value <= high for value in values if axis.can_show(value))
    assert all(low <= tick <= high for tick in axis.ticks or [])
    if not axis.is_log:
        assert low < min(values) or low == 0 == axis.ticks[0]
        assert high > max(values) or high == 0 == axis.ticks[-1]
        assert 2 <= len(axis.ticks) <= 7
        assert len(set(axis.ticks)) == len(axis.ticks)
        assert axis.number_format.endswith("e") or len(set(format_ticks(axis))) == len(axis.ticks)
    assert axis.is_log == (all(value > 0 for value in values) and min(values) <= max(values) / 100) or scale != "auto"
    assert not axis.is_log or scale != "linear"


@given(st.lists(VALUES, min_size=1, max_size=8))
@hypothesis_settings(max_examples=25, deadline=None)
def test_any_values_can_be_rendered(shared_renderer, values):
    for scale in ("auto", "log"):
        assert shared_renderer.render_chart(build_chart(build_history(loss=values), scale=scale), "svg").startswith(
            b"<svg"
        )


def test_lines_and_text_have_sufficient_contrast_in_both_themes():
    for palette in PALETTES.values():
        background = palette.background
        shades = [shade for hue in palette.hues for shade in (hue.plain, hue.strong)]
        assert min(compute_contrast(shade, background) for shade in shades) >= 3
        assert (
            min(compute_contrast(color, background) for color in (palette.text, palette.muted, palette.warning)) >= 4.5
        )
        cells = [palette.interpolate_ramp(share / 20) for share in range(21)]
        assert min(compute_contrast(select_text_color(cell), cell) for cell in cells) >= 4.5
        assert all(compute_contrast(hue.plain, hue.strong) > 1.5 for hue in palette.hues)


def test_matrix_shows_counts_and_class_names(render_svg):
    confusion = {"classes": ["1", 1, True], "matrix": [[12_345, 0, 1], [0, 7, 0], [2, 0, 0]]}
    shown = list_texts(render_svg(confusion_chart.build_confusion_chart(confusion, "A title", "", ChartStyle())))
    assert {"12,345", "7", "2", "Actual", "Predicted", "1", "1 (2)", "True"} <= set(shown)
    assert [text for text in shown if text and text.endswith("%")] == [
        *(">99%", "0%", "<1%"),
        *("0%", "100%", "0%"),
        *("100%", "0%", "0%"),
    ]


def test_percentages_are_of_the_actual_class_and_need_room(render_svg):
    confusion = {"classes": ["a", "b"], "matrix": [[2, 1], [0, 0]]}
    chart = confusion_chart.build_confusion_chart(confusion, "A title", "", ChartStyle())
    assert [text for text in list_texts(render_svg(chart)) if text and text.endswith("%")] == ["67%", "33%"]
    small = ChartStyle(height=220)
    chart = confusion_chart.build_confusion_chart(confusion, "A title", "", small)
    assert not [text for text in list_texts(render_svg(chart)) if text and text.endswith("%")]


def test_large_matrix_has_no_counts(render_svg):
    confusion = {"classes": list(range(100)), "matrix": [[int(i == j) for j in range(100)] for i in range(100)]}
    root = render_svg(confusion_chart.build_confusion_chart(confusion, "A title", "", ChartStyle()))
    assert len(list(root.iter(f"{SVG}path"))) >= 10_000
    assert float(root.attrib["width"]) <= 640


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, 5e-324])
def test_equal_residuals_can_be_drawn(render_svg, value):
    residuals = {
        "column": "strength",
        "pairs": [[value, 0.0]],
        "histogram": {"edges": sorted([value, math.nextafter(value, 1.0)]), "counts": [3]},
    }
    assert {"3", "Rows"} <= set(
        list_texts(render_svg(residuals_chart.build_residuals_chart(residuals, "A title", "", ChartStyle())))
    )


# Text


@given(st.text(max_size=60), st.integers(20, 300))
def test_long_text_is_shortened_between_characters(text, room):
    shortened = text_format.shorten_text(text, room, 12)
    whole = text_format.to_single_line(text)
    assert shortened == whole or (shortened.endswith("…") and whole.startswith(shortened[:-1].rstrip()))
    assert "\n" not in shortened
    assert shortened.isprintable()


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=40))
@hypothesis_settings(max_examples=25, deadline=None)
def test_text_that_fits_by_the_estimate_fits_when_rendered(shared_renderer, text):
    document = {**PLAIN, "data": {"values": [{"t": text}]}, "padding": 0, "width": 1, "height": 1}
    document |= {"mark": {"type": "text", "fontSize": 12, "font": "Liberation Sans"}, "view": {"stroke": None}}
    document["encoding"] = {"text": {"field": "t", "type": "nominal"}}
    width = float(re.search(rb'width="([\d.]+)"', shared_renderer.render_chart(document, "svg"))[1])
    assert text_format.shorten_text(text, width - 3, 12) != text or width < 10


@given(st.text(min_size=1, max_size=120))
@hypothesis_settings(max_examples=30, deadline=None)
def test_any_text_can_be_rendered(shared_renderer, text):
    confusion = {"classes": [text, "b"], "matrix": [[1, 0], [0, 1]]}
    chart = confusion_chart.build_confusion_chart(confusion, text, text, ChartStyle())
    ET.fromstring(shared_renderer.render_chart(chart, "svg"))  # noqa: S314  # as above


def test_single_line_has_no_breaks_and_no_formatting_characters():
    assert text_format.to_single_line("two\n lines \u202e\u200dand \x01") == "two lines and \N{REPLACEMENT CHARACTER}"


def test_metric_names_are_formatted_as_words():
    names = {
        name: text_format.format_metric_name(name)
        for name in ("val_loss", "binary_accuracy", "mae", "auc_1", "r2_score")
    }
    assert list(names.values()) == ["Loss", "Binary accuracy", "MAE", "AUC 1", "R2 score"]


# The process


def test_document_cannot_read_urls_or_files(shared_renderer, tmp_path):
    (tmp_path / "secret.csv").write_text("t\nsecret\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}/x.csv"
        urls = [f"http://{address}", f"//{address}", f"{tmp_path}/secret.csv", f"file://{tmp_path}/secret.csv"]
        for url in urls:
            reference = {**PLAIN, "data": {"url": url, "format": {"type": "csv"}}}
            image = {"data": {"values": [{"u": url}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}
            for document, image_format in ((reference, "svg"), (image, "png")):
                with suppress(RuntimeError):
                    assert b"secret" not in shared_renderer.render_chart(document, image_format)
        assert not select.select([server], [], [], 0)[0]


def test_invalid_document_does_not_end_the_process(renderer):
    renderer.render_chart(PLAIN, "svg")
    pid = get_process().pid
    with pytest.raises(RuntimeError):
        renderer.render_chart({"mark": "nonsense"}, "svg")
    assert renderer.render_chart(PLAIN, "png").startswith(b"\x89PNG")
    assert get_process().pid == pid


def test_killed_process_is_restarted(renderer):
    renderer.render_chart(PLAIN, "svg")
    get_process().send_signal(signal.SIGKILL)
    assert renderer.render_chart(PLAIN, "svg").startswith(b"<svg")


def test_idle_process_ends_and_another_starts():
    renderer = Renderer(idle_timeout_s=1)
    renderer.render_chart(PLAIN, "svg")
    process = get_process()
    wait_until(lambda: process.status() == "zombie")
    assert renderer.render_chart(PLAIN, "svg").startswith(b"<svg")
    renderer.close()


def test_slow_image_is_aborted():
    renderer = Renderer(timeout_s=1)
    rows = [{"a": index % 997, "b": index % 1013} for index in range(300_000)]
    slow = {"data": {"values": rows}, "mark": "point", "encoding": {"x": {"field": "a"}, "y": {"field": "b"}}}
    with pytest.raises(Unavailable) as caught:
        renderer.render_chart(slow, "svg")
    assert caught.value.code == "chart_failed"
    renderer.close()


def test_memory_of_the_process_is_limited(renderer):
    renderer.render_chart(PLAIN, "svg")
    process = get_process()
    assert process.rlimit(psutil.RLIMIT_DATA) == (2**30, 2**30)
    assert process.memory_info().rss < 400 * 2**20


def test_process_gets_no_secrets(monkeypatch):
    monkeypatch.setenv("STACKYARD_TOKEN", "secret")
    renderer = Renderer()
    renderer.render_chart(PLAIN, "svg")
    assert not [name for name in get_process().environ() if name.startswith("STACKYARD_")]
    renderer.close()


def test_process_ends_with_its_parent():
    program = (
        "import os, psutil; from service.charts.renderer import Renderer; renderer = Renderer();"
        f"renderer.render_chart({PLAIN!r}, 'svg'); print(psutil.Process().children()[0].pid, flush=True); os._exit(9)"
    )
    parent = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert parent.returncode == 9, parent.stderr
    wait_until(lambda: not _is_running(int(parent.stdout)))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return psutil.Process(pid).status() != "zombie"
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def test_request_that_waits_too_long_is_rejected():
    renderer = Renderer(wait_timeout_s=0.05)
    renderer.render_chart(PLAIN, "svg")
    process = get_process()
    process.suspend()
    with ThreadPoolExecutor(2) as pool:
        requests = [pool.submit(renderer.render_chart, PLAIN, "svg") for _ in range(2)]
        [rejected] = wait(requests, timeout=10, return_when=FIRST_COMPLETED).done
        process.resume()
    error = rejected.exception()
    assert isinstance(error, Unavailable)
    assert error.code == "charts_busy"
    renderer.close()
