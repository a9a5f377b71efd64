"""Decides whether what was acknowledged is there after all has healed, once each and in each client's order."""

from collections import Counter
from typing import NamedTuple

from faults.history import APPEND, FAIL, OK


class Findings(NamedTuple):
    acknowledged: int
    lost: list  # acknowledged, and not there
    twice: list  # values that are there more than once
    refused: list  # there, though the server had said that it was not done
    unasked: list  # there, though nobody asked for it
    disordered: list  # there before one that the same client was told of earlier

    def are_clean(self) -> bool:
        return not (self.lost or self.twice or self.refused or self.unasked or self.disordered)

    def __str__(self):
        parts = [f"{name} {value[:5]}" for name, value in self._asdict().items() if name != "acknowledged" and value]
        return f"{len(self.lost)} of {self.acknowledged} acknowledged writes lost; " + "; ".join(parts or ["clean"])


def check_appends(operations, contents: dict, is_ordered=True) -> Findings:
    """`contents`: by key, the values that are there now. Lists are ordered, sets are not."""
    appends = [one for one in operations if one.op == APPEND]
    told = [one for one in appends if one.outcome == OK]
    counts = {key: Counter(values) for key, values in contents.items()}
    there = {(key, value) for key, values in counts.items() for value in values}
    refused = {(one.key, one.value) for one in appends if one.outcome == FAIL}
    asked = {(one.key, one.value) for one in appends}
    return Findings(
        len(told), [one for one in told if (one.key, one.value) not in there],
        sorted((key, value) for key, values in counts.items() for value, count in values.items() if count > 1),
        sorted(there & refused), sorted(there - asked), _disordered(told, contents) if is_ordered else [])


def _disordered(told, contents) -> list:
    """Pairs of one client's values that lie in a list the other way round than it was told of them."""
    places = {(key, value): place for key, values in contents.items() for place, value in enumerate(values)}
    last, found = {}, []
    for one in sorted(told, key=lambda one: one.start_ns):
        place = places.get((one.key, one.value))
        if place is None:
            continue
        before = last.get((one.client, one.key))
        if before and before[0] > place:
            found.append((before[1], one.value))
        last[one.client, one.key] = (place, one.value)
    return found
