"""Learning curves in a terminal."""

from stackyard.cli.output import terminal_curve


def test_a_curve_has_axes_a_legend_and_gaps():
    picture = terminal_curve.draw_curve(
        [0, 1, 2], {"loss": [3.0, float("nan"), 1.0], "val_loss": [2.5, 2.0, 1.5]}
    ).plain

    assert "loss" in picture
    assert "val_loss" in picture
    assert "epoch" in picture
    lines = picture.splitlines()
    assert lines[0].strip().startswith("3 ┤")
    assert lines[13].strip().startswith("1 ┤")
    assert lines[15].split()[0] == "1"
    assert lines[15].split()[-1] == "3"


def test_a_curve_without_finite_values_says_that_there_is_nothing_to_draw():
    assert "nothing to draw" in terminal_curve.draw_curve([0], {"loss": [float("inf")]}).plain


def test_a_constant_metric_is_drawn():
    assert "epoch" in terminal_curve.draw_curve([0, 1], {"loss": [1.0, 1.0]}).plain
