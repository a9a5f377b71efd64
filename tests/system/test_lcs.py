"""LCS against the plain table of lengths, at sizes around the words that it counts in."""

import random

import redis
from conftest import require
from servers import HOST, Kiln

SIZES = [0, 1, 2, 5, 63, 64, 65, 127, 128, 129, 200]


def matches_and_length(a: bytes, b: bytes):
    """What LCS IDX is documented to say: the runs, the last one first."""
    table = [[0] * (len(b) + 1)]
    for x in a:
        above, row = table[-1], [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
        table.append(row)
    i, j, run, matches = len(a), len(b), 0, []
    while i > 0 and j > 0:
        if a[i - 1] == b[j - 1]:
            i, j, run = i - 1, j - 1, run + 1
            continue
        if run:
            matches.append([[i, i + run - 1], [j, j + run - 1]])
            run = 0
        if table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    if run:
        matches.append([[i, i + run - 1], [j, j + run - 1]])
    return matches, table[-1][-1]


def subsequence(a: bytes, matches) -> bytes:
    return b"".join(a[first:last + 1] for (first, last), _ in reversed(matches))


def test_random_strings_share_what_the_plain_table_says():
    rng = random.Random(1)
    with require(Kiln)() as server, redis.Redis(HOST, server.port) as client:
        for _ in range(150):
            letters = bytes(rng.sample(range(256), rng.choice([1, 2, 4, 20, 256])))
            a, b = (bytes(rng.choices(letters, k=rng.choice(SIZES))) for _ in range(2))
            client.mset({"a": a, "b": b})
            matches, length = matches_and_length(a, b)
            said = client.execute_command("LCS", "a", "b", "IDX")
            assert said == [b"matches", matches, b"len", length], (a, b)
            assert client.execute_command("LCS", "a", "b", "LEN") == length
            assert client.execute_command("LCS", "a", "b") == subsequence(a, matches)
