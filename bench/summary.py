"""Figures from rounds of measurements: medians, ratios with their spread, and Markdown tables. Pure."""

import math
import statistics


def alternate(rounds: int, subjects: dict) -> dict:
    """Calls each subject in turn, `rounds` times over; returns the lists of what they returned."""
    values = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, measure in subjects.items():
            values[name].append(measure())
    return values


def median(values) -> float:
    return statistics.median(values)


def percentile(ordered, fraction: float) -> float:
    """Of values in ascending order: the first that at least this fraction of them does not exceed."""
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def ratios(ours, theirs) -> list:
    """Round by round, since what disturbs a round disturbs both of its sides."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def spread(values, digits: int = 2) -> str:
    """median (min..max)"""
    low, middle, high = min(values), median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def verdict(value: float, limit: float, unit: str = "") -> str:
    """A target and whether a value reaches it."""
    return f"<= {limit:g}{unit}: {'met' if value <= limit else 'missed'}"


def markdown(headers, rows) -> str:
    """A table; the first column is text, the others are figures."""
    lines = [headers, ["---"] + ["---:"] * (len(headers) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
