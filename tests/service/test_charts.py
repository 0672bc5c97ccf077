"""Charts: what a document draws, and the process that draws it."""

import math
import os
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.charts import confusion_chart, curve_chart, panels, renderer, residuals_chart, scales, text_format
from service.charts.chart_style import Look
from service.charts.colors import PALETTES, contrast, on
from service.charts.renderer import Renderer
from service.errors import Unavailable
from service.history.metric_history import History
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {"data": {"values": [{"t": "here"}]}, "mark": "text", "encoding": {"text": {"field": "t"}}}
VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def warm():
    made = Renderer()
    yield made
    made.close()


@pytest.fixture
def own():
    """A renderer of this test's own, whose process it may mistreat."""
    made = Renderer()
    yield made
    made.close()


@pytest.fixture
def svg(warm):
    """The elements of a document's picture."""
    return lambda document: ET.fromstring(warm.draw(document, "svg"))  # noqa: S314  # what is tested wrote it


def history(**metrics):
    return History(range(len(next(iter(metrics.values())))), metrics)


def drawn(told, look=None, scale="auto"):
    return curve_chart.document(told, "A title", "and what is below", look or Look(), scale)


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def lines(root):
    """The paths of lines: each has its colour, its dashes, and a piece for every run of points."""
    found = [element.attrib for element in root.iter(f"{SVG}path")]
    return [line for line in found if line.get("fill") in (None, "none") and "L" in line["d"] and len(line["d"]) > 40]


def child(made):
    """The process of a renderer."""
    return psutil.Process(made._process._process.pid)


# What is drawn


def test_training_and_validation_are_two_shades_of_a_hue_and_the_latter_is_dashed(svg):
    epochs = [1 / (epoch + 1) for epoch in range(50)]
    training, validation = lines(svg(drawn(history(loss=epochs, val_loss=[2 * value for value in epochs]))))
    hue = PALETTES["light"].hues[0]
    assert (training["stroke"], validation["stroke"]) == (hue.plain, hue.strong)
    assert validation["stroke-dasharray"] == "5,3"
    assert training.get("stroke-dasharray", "1,0") == "1,0"


def test_values_that_are_not_finite_leave_a_gap_and_a_mark(svg):
    told = history(loss=[math.nan if 20 <= epoch < 30 else 1 / (epoch + 1) for epoch in range(50)])
    root = svg(drawn(told))
    [line] = lines(root)
    assert line["d"].count("M") == 2
    assert "NaN at epoch 20" in texts(root)


def test_the_mark_says_which_line_it_is_where_others_go_on(svg):
    root = svg(drawn(history(loss=[3.0, 2.0, 1.0], val_loss=[3.0, -math.inf, math.nan])))
    assert "-Infinity at epoch 1 (Validation)" in texts(root)


def test_a_single_finite_value_between_others_is_still_to_be_seen():
    told = history(loss=[1.0] * 20 + [math.nan, 0.5, math.nan] + [1.0] * 40)
    rows = drawn(told)["vconcat"][0]["data"]["values"]
    assert [row["epoch"] for row in rows if row["point"]] == [21]


def test_metrics_of_different_sizes_or_senses_have_panels_of_their_own():
    metrics = {
        "loss": [0.5],
        "accuracy": [0.6],
        "mse": [900.0],
        "auc": [0.9],
        "val_loss": [0.6],
        "mae": [0.4],
        "lost": [math.nan],
    }
    divided = [panel.columns for panel in panels.divide(metrics)]
    assert divided == [["loss", "val_loss", "mae"], ["accuracy", "auc"], ["mse"], ["lost"]]


def test_ten_thousand_epochs_become_a_small_picture_with_their_spike(warm):
    loss = [1 / (epoch + 1) + 0.001 * math.sin(epoch) for epoch in range(10_000)]
    loss[7_777] = 40.0
    told = history(loss=loss, val_loss=[2 * value for value in loss])
    assert len(warm.draw(drawn(told), "svg")) < 200_000
    rows = drawn(told)["vconcat"][0]["data"]["values"]
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
def test_a_picture_is_as_large_as_was_asked_for(svg, width, metrics):
    told = history(**metrics)
    for height in (curve_chart.least_height(told, width), 900):
        root = svg(drawn(told, Look(width=width, height=height)))
        assert float(root.attrib["width"]) == pytest.approx(width, abs=12)
        assert float(root.attrib["height"]) == pytest.approx(height, abs=16)


@given(st.lists(VALUES, min_size=1, max_size=30), st.sampled_from(["auto", "linear", "log"]))
def test_an_axis_holds_every_value_that_it_can_show(values, scale):
    axis = scales.fit(values, scale)
    low, high = axis.domain
    assert low < high
    assert all(low <= value <= high for value in values if axis.shows(value))
    assert all(low <= tick <= high for tick in axis.ticks or [])
    assert axis.log == (all(value > 0 for value in values) and min(values) <= max(values) / 100) or scale != "auto"
    assert not axis.log or scale != "linear"


@given(st.lists(VALUES, min_size=1, max_size=8))
@hypothesis_settings(max_examples=25, deadline=None)
def test_whatever_the_values_are_there_is_a_picture(warm, values):
    for scale in ("auto", "log"):
        assert warm.draw(drawn(history(loss=values), scale=scale), "svg").startswith(b"<svg")


def test_lines_and_letters_stand_out_from_the_background_in_both_themes():
    for palette in PALETTES.values():
        ground = palette.background
        shades = [shade for hue in palette.hues for shade in (hue.plain, hue.strong)]
        assert min(contrast(shade, ground) for shade in shades) >= 3
        assert min(contrast(letters, ground) for letters in (palette.text, palette.muted, palette.warning)) >= 4.5
        cells = [palette.shade(share / 20) for share in range(21)]
        assert min(contrast(on(cell), cell) for cell in cells) >= 4.5
        assert all(contrast(hue.plain, hue.strong) > 1.5 for hue in palette.hues)


def test_a_matrix_has_its_counts_and_the_names_of_its_classes(svg):
    told = {"classes": ["1", 1, True], "matrix": [[12_345, 0, 1], [0, 7, 0], [2, 0, 0]]}
    shown = texts(svg(confusion_chart.document(told, "A title", "", Look())))
    assert {"12,345", "7", "2", "Actual", "Predicted", "1", "1 (2)", "True"} <= set(shown)


def test_a_large_matrix_is_drawn_without_counts(svg):
    told = {"classes": list(range(100)), "matrix": [[int(i == j) for j in range(100)] for i in range(100)]}
    root = svg(confusion_chart.document(told, "A title", "", Look()))
    assert len(list(root.iter(f"{SVG}path"))) >= 10_000
    assert float(root.attrib["width"]) <= 640


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, 5e-324])
def test_residuals_that_are_all_the_same_are_drawn(svg, value):
    told = {
        "column": "strength",
        "pairs": [[value, 0.0]],
        "histogram": {"edges": sorted([value, math.nextafter(value, 1.0)]), "counts": [3]},
    }
    assert {"3", "Rows"} <= set(texts(svg(residuals_chart.document(told, "A title", "", Look()))))


# Words


@given(st.text(max_size=60), st.integers(20, 300))
def test_a_text_that_is_too_long_is_cut_between_characters(text, room):
    cut = text_format.fitted(text, room, 12)
    whole = text_format.line(text)
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1].rstrip()))
    assert "\n" not in cut
    assert cut.isprintable()


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=40))
@hypothesis_settings(max_examples=25, deadline=None)
def test_a_text_that_fits_by_our_estimate_fits(warm, text):
    document = {**PLAIN, "data": {"values": [{"t": text}]}, "padding": 0, "width": 1, "height": 1}
    document |= {"mark": {"type": "text", "fontSize": 12, "font": "Liberation Sans"}, "view": {"stroke": None}}
    document["encoding"] = {"text": {"field": "t", "type": "nominal"}}
    width = float(re.search(rb'width="([\d.]+)"', warm.draw(document, "svg"))[1])
    assert text_format.fitted(text, width - 3, 12) != text or width < 10


@given(st.text(min_size=1, max_size=120))
@hypothesis_settings(max_examples=30, deadline=None)
def test_any_text_can_be_drawn(warm, text):
    told = {"classes": [text, "b"], "matrix": [[1, 0], [0, 1]]}
    ET.fromstring(warm.draw(confusion_chart.document(told, text, text, Look()), "svg"))  # noqa: S314  # as above


def test_a_line_has_no_breaks_and_no_characters_that_only_steer_others():
    assert text_format.line("two\n lines \u202e\u200dand \x01") == "two lines and \N{REPLACEMENT CHARACTER}"


def test_metrics_are_named_in_words():
    names = {name: text_format.metric(name) for name in ("val_loss", "binary_accuracy", "mae", "auc_1", "r2_score")}
    assert list(names.values()) == ["Loss", "Binary accuracy", "MAE", "AUC 1", "R2 score"]


# The process


def test_a_document_reads_no_address_and_no_file(warm, tmp_path):
    (tmp_path / "secret.csv").write_text("t\nsecret\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}/x.csv"
        urls = [f"http://{address}", f"//{address}", f"{tmp_path}/secret.csv", f"file://{tmp_path}/secret.csv"]
        for url in urls:
            asks = {**PLAIN, "data": {"url": url, "format": {"type": "csv"}}}
            image = {"data": {"values": [{"u": url}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}
            for document, form in ((asks, "svg"), (image, "png")):
                with suppress(RuntimeError):
                    assert b"secret" not in warm.draw(document, form)
        assert not select.select([server], [], [], 0)[0]


def test_a_document_that_cannot_be_drawn_does_not_end_the_process(own):
    own.draw(PLAIN, "svg")
    before = child(own).pid
    with pytest.raises(RuntimeError):
        own.draw({"mark": "nonsense"}, "svg")
    assert own.draw(PLAIN, "png").startswith(b"\x89PNG")
    assert child(own).pid == before


def test_a_process_that_was_killed_is_started_again(own):
    own.draw(PLAIN, "svg")
    child(own).send_signal(signal.SIGKILL)
    assert own.draw(PLAIN, "svg").startswith(b"<svg")


def test_a_process_with_nothing_to_draw_ends_and_another_starts(monkeypatch):
    monkeypatch.setattr(renderer, "_IDLE_S", 1)
    own = Renderer()
    own.draw(PLAIN, "svg")
    process = child(own)
    until(lambda: process.status() == "zombie")
    assert own.draw(PLAIN, "svg").startswith(b"<svg")
    own.close()


def test_a_picture_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(renderer, "_SECONDS", 1)
    own = Renderer()
    rows = [{"a": place % 997, "b": place % 1013} for place in range(300_000)]
    slow = {"data": {"values": rows}, "mark": "point", "encoding": {"x": {"field": "a"}, "y": {"field": "b"}}}
    with pytest.raises(Unavailable) as failed:
        own.draw(slow, "svg")
    assert failed.value.code == "chart_failed"
    own.close()


def test_its_memory_is_bounded(own):
    own.draw(PLAIN, "svg")
    process = child(own)
    assert process.rlimit(psutil.RLIMIT_DATA) == (2**30, 2**30)
    assert process.memory_info().rss < 400 * 2**20


def test_it_is_told_no_secret(monkeypatch):
    monkeypatch.setenv("STACKYARD_TOKEN", "secret")
    own = Renderer()
    own.draw(PLAIN, "svg")
    assert not [name for name in child(own).environ() if name.startswith("STACKYARD_")]
    own.close()


def test_it_ends_when_whoever_started_it_is_gone():
    program = (
        "import os, psutil; from service.charts.renderer import Renderer; kept = Renderer();"
        f"kept.draw({PLAIN!r}, 'svg'); print(psutil.Process().children()[0].pid, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 9, done.stderr
    until(lambda: not _runs(int(done.stdout)))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        return psutil.Process(process).status() != "zombie"
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def test_more_than_can_wait_are_turned_away(monkeypatch):
    monkeypatch.setattr(renderer, "_PATIENCE_S", 0.05)
    own = Renderer()
    with own._turns.lock, pytest.raises(Unavailable) as busy:
        own.draw(PLAIN, "svg")
    assert busy.value.code == "charts_busy"
