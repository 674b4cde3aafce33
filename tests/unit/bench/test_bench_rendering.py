"""The page and the chart that a run leaves behind."""

import xml.etree.ElementTree as ET

from rig.chart import render_chart
from rig.figures import Failure, Results, Sample
from rig.machine import Machine
from rig.rows import Load, Row
from rig.table import Circumstances, amount, goal, render, table

ROWS = (
    Row("h", "requests & more", "µs a request", "time", Load("/", 1, 1), most_share=0.68),
    Row("i", "idle", "KiB each", "idle", Load("/", 1, 1), most_value=6.0),
)
HOW = Circumstances(
    machine=Machine("A processor", 2, 24000, "Linux 6", "Debian", "2026-03-01", "0123abc"),
    versions={"port443": "0.1.0", "nginx": "1.22.1"},
    command="bench/run.py --runs 1",
    runs=1,
    seconds=4.0,
    idle_connections=2000,
    suite="TLS_AES_128_GCM_SHA256",
    group="x25519",
)
SAMPLES = (
    Sample("h", "port443", 10.04, user=2.0, system=8.04, run=1),
    Sample("h", "nginx", 20.08, user=5.0, system=15.08, run=1),
    Sample("i", "port443", 7.0, run=1),
)


def results(others: float = 0.0, failures: tuple[Failure, ...] = ()) -> Results:
    noisy = Sample("i", "nginx", 14.0, run=1, others=others)
    return Results(ROWS, ["port443", "nginx", "<floor>"], "nginx", (*SAMPLES, noisy), failures)


def test_numbers_have_the_digits_that_mean_something() -> None:
    """A tenth below a hundred, none above."""
    assert [amount(value) for value in (0.0, 9.96, 99.4, 100.4, 1536.2)] == [
        "0.0",
        "10.0",
        "99.4",
        "100",
        "1536",
    ]


def test_goals_are_told_as_share_or_with_their_unit() -> None:
    """A reader sees whether a goal is a share or a number of its own."""
    assert [goal(row) for row in ROWS] == ["≤ 0.68", "≤ 6 KiB each"]


def test_a_table_has_as_many_cells_in_every_line() -> None:
    """Markdown shows a table only when head, rule and lines agree."""
    lines = table(["work", "a", "b"], [["x", "1", "2"]]).splitlines()
    assert lines == ["| work | a | b |", "| --- | --: | --: |", "| x | 1 | 2 |"]


def test_the_page_tells_costs_shares_and_goals() -> None:
    """Each row has a cost, a share of the baseline, its goal, and whether it was reached."""
    page = render(results(), HOW)
    assert "| requests & more | 0.50 | ≤ 0.68 | yes | 1.00 | - |" in page
    assert "| idle | 0.50 | ≤ 6 KiB each | no | 1.00 | - |" in page
    assert "| requests & more (µs a request) | 10.0 | 20.1 | - |" in page
    assert "| requests & more (µs a request) | 2.0 + 8.0 (10.0 to 10.0) |" in page
    assert "Versions: port443 0.1.0 · nginx 1.22.1" in page
    assert "Figures that could not be taken" not in page


def test_a_noisy_run_says_so_first() -> None:
    """Figures from a busy machine carry their warning above the tables."""
    assert "busy with other work" not in render(results(others=0.05), HOW)
    noisy = render(results(others=0.31), HOW)
    assert "up to 31%" in noisy
    assert noisy.index("busy with other work") < noisy.index("## As a share")


def test_a_figure_that_could_not_be_taken_is_named_with_its_reason() -> None:
    """A failure is part of the results, not a gap in them."""
    page = render(results(failures=(Failure("h", "<floor>", 2, "it ended at once"),)), HOW)
    assert "- <floor>, h, run 2: it ended at once" in page


def test_the_chart_is_xml_with_a_bar_for_every_share() -> None:
    """Bars and their numbers are drawn for figures with a share; names are escaped."""
    chart = ET.fromstring(render_chart(results()))  # noqa: S314 # made by us, a line above
    texts = [element.text for element in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("0.50") == 2
    assert texts.count("1.00") == 2
    assert {"requests & more", "idle", "<floor>"} <= set(texts)


def test_a_bar_beyond_the_scale_is_cut_and_keeps_its_number() -> None:
    """A peer that costs many times as much does not push the others out of the picture."""
    long = Sample("h", "<floor>", 2008.0, run=1)
    whole = Results(ROWS, ["port443", "nginx", "<floor>"], "nginx", (*SAMPLES, long))
    chart = ET.fromstring(render_chart(whole))  # noqa: S314 # made by us, a line above
    edge = float(chart.get("width", "0"))
    bars = list(chart.iter("{http://www.w3.org/2000/svg}rect"))
    assert all(float(bar.get("x", "0")) + float(bar.get("width", "0")) <= edge for bar in bars)
    assert "100.00" in [element.text for element in chart.iter("{http://www.w3.org/2000/svg}text")]
