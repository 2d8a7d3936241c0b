"""Figures have room for what they show."""

from dcgan.reports.figures import add_legend, panels


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
