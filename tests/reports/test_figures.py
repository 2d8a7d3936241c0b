"""Figures have room for what they show."""

from dcgan.reports.ablation import Ablation
from dcgan.reports.figures import add_legend, draw_curves, panels
from tests.reports.test_conclusions import RATIO, make_arm


def test_many_long_names_leave_the_panel_its_size() -> None:
    heights = []
    for count in (1, 20):
        figure, (axis,) = panels(1, 1, 7.5, 3.6)
        for i in range(count):
            axis.plot([0, 1], [0, 1], label=f"the first line of name {i}\nand the second")
        add_legend(figure)
        figure.draw_without_rendering()
        heights.append(axis.get_window_extent().height / figure.dpi)
    assert min(heights) > 2.5
    assert max(heights) - min(heights) < 0.3


def test_a_legend_is_no_wider_than_its_figure() -> None:
    arms = [make_arm(f"an arm with a long name, number {i}", [[1.0], [2.0]]) for i in range(14)]
    figure = draw_curves(Ablation(arms, [RATIO], [0, 100], [], []))
    (legend,) = figure.legends
    assert legend.get_window_extent().width <= figure.bbox.width
    assert len(legend.get_texts()) == 14
