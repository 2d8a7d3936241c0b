"""What was timed, as text for people."""

from collections.abc import Mapping, Sequence
from typing import Any


def summary(result: Mapping[str, Any]) -> str:
    """What result.json holds, a line for every arm and for every other number."""
    machine = result["machine"]
    lines = [
        f"{machine['processor']}, {machine['device']}, {machine['num_threads']} threads,"
        f" load {machine['load_before']:.2f} before, torch {machine['torch']}",
        f"batches of {result['batch_size']}; median [quartiles] of {result['rounds']} rounds",
        *([f"Warning: {result['warning']}"] if result["warning"] else []),
        "",
        *_table(result["rows"]),
        "End to end: the row above it, and what logs, sample grids and checkpoints add on average.",
        "",
    ]
    for each in result["apart"]:
        size = f"{each['image_size']}x{each['image_size']}"
        for name, found in each["arms"].items():
            times, ms = _spread(found["ratio"], 2), _spread(found["ms"], 1)
            lines.append(
                f"In its own process      {size}, {name}: {ms} ms, {times} x plain, loader;"
                f" {found['page_faults']:,.0f} page faults a step"
            )
    for row in result["rows"]:
        if row["tracking_share"]:
            size = f"{row['image_size']}x{row['image_size']}, {row['precision']}"
            lines.append(f"Tracking, checkpoints   {row['tracking_share']:.2%} of a run at {size}")
    for each in result["breakdown"]:
        shares = ", ".join(f"{part} {share:.0%}" for part, share in each["shares"].items())
        size = f"{each['image_size']}x{each['image_size']}, {each['precision']}"
        lines.append(f"Where the time goes     {size}: {shares}")
    for precision, by_step in result["loss_difference_to_float64"].items():
        steps = ", ".join(f"{step} {value:.1e}" for step, value in by_step.items())
        lines.append(f"Loss against float64    {precision}: {steps}")
    for way, found in result["data"].items():
        cost, times = found["us_per_image"]["median"], found["times_resident"]["median"]
        lines.append(f"A real image            {cost:.1f} µs {way}, {times:.2f} times resident")
    for precision, by_situation in result.get("waiting", {}).items():
        for situation, found in by_situation.items():
            each = ", ".join(f"{way} {_spread(ms, 1)}" for way, ms in found.items())
            lines.append(f"Threads that wait       {precision}, {situation}: {each} ms a step")
    for curve in result.get("scaling", []):
        power = f"{curve['setting']}^{curve['exponent']:.2f}"
        lines.append(f"Cost of a step          ~ {power}, {result['precision']}")
    return "\n".join(lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for every arm, by size."""
    lines = [
        f"{'':<30} {'precision':<11} {'ms a step':<22} {'images/s':>8}"
        f"  {'x plain step':<19} {'x plain, loader':<19} {'GFLOP/s':>7}  of peak"
    ]
    size = None
    for row in rows:
        if (row["image_size"], row["filters"]) != size:
            size = row["image_size"], row["filters"]
            lines.append(f"{size[0]}x{size[0]}, {size[1]} filters")
        lines.append(
            f"  {row['name']:<28} {row['precision']:<11} {_spread(row['ms'], 1):<22}"
            f" {row['images_per_second']:>8.0f}  {_spread(row['ratio_to_step'], 2):<19}"
            f" {_spread(row['ratio_to_loader'], 2):<19} {row['gflops']:>7.0f}"
            f"  {row['share_of_peak']:>6.0%}"
        )
    return lines


def _spread(numbers: Mapping[str, float], digits: int) -> str:
    lower, median, upper = (numbers[key] for key in ("lower", "median", "upper"))
    return f"{median:.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"
