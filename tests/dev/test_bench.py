"""The arithmetic and the document of ./dev bench, and that its clients and servers still meet."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import baseline  # noqa: E402
import report  # noqa: E402
import summary  # noqa: E402


def test_alternating_takes_turns_and_keeps_the_rounds_apart():
    order = []
    values = summary.alternate(3, {"a": lambda: order.append("a") or len(order),
                                   "b": lambda: order.append("b") or len(order)})
    assert order == ["a", "b"] * 3
    assert values == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_ratios_are_taken_round_by_round():
    assert summary.ratios([1.0, 4.0], [2.0, 4.0]) == [0.5, 1.0]
    assert summary.spread([0.5, 1.0, 0.7]) == "0.70 (0.50..1.00)"
    with pytest.raises(ValueError):
        summary.ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize("fraction, value", [(0.5, 5), (0.99, 10), (1.0, 10), (0.0, 1), (0.11, 2)])
def test_percentile_is_a_value_that_was_measured(fraction, value):
    assert summary.percentile(list(range(1, 11)), fraction) == value


def test_a_verdict_names_its_limit():
    assert summary.verdict(0.6, 0.6) == "<= 0.6: met"
    assert summary.verdict(2.1, 2, " ms") == "<= 2 ms: missed"


def test_cells_cannot_break_a_table():
    assert summary.markdown(["a", "b"], [["x|y", 1]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def test_the_document_keeps_other_tables_in_order_and_drops_unknown_ones():
    text = report.merged("", {"b": "## b\n\nold b\n", "gone": "## gone\n\nx\n"}, ["a", "b", "gone"])
    text = report.merged(text, {"a": "## a\n\nnew a\n"}, ["a", "b"])
    assert text == report.INTRODUCTION + "\n## a\n\nnew a\n\n## b\n\nold b\n"


def test_a_request_that_costs_three_percent_more_than_on_record_fails_the_check():
    rows = baseline.verdicts({"GET": 1000, "SET": 1000, "DEL": 1000}, {"GET": 1031, "SET": 1029, "DEL": 900, "NEW": 5})
    assert [verdict for *_, verdict in rows] == ["DEARER", "", "cheaper: record it", "not on record"]


def test_a_small_table_can_be_measured():
    programs = [ROOT / "build/release/bin" / name for name in
                ("kiln-server", "noop-server", "load-generator", "stall-probe")]
    if os.cpu_count() < 2 or not all(program.exists() for program in programs):
        pytest.skip("needs two cores, and what ./dev bench builds")
    done = subprocess.run([sys.executable, ROOT / "bench/run.py", "--quick", "--rounds", "1", "cpu-get"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "| 64 |" in done.stdout
