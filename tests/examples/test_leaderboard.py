"""Leaderboards: order, ranks and neighbours; no points are lost."""

import pytest

from leaderboard import Leaderboard

from .threads import together


@pytest.fixture
def board(cache):
    return Leaderboard(cache, "test")


def test_the_best_come_first(board):
    board.set_scores({"ann": 310, "ben": 250.5, "cem": 420, "dua": 90})
    assert board.top(3) == [("cem", 420.0), ("ann", 310.0), ("ben", 250.5)]
    assert [board.rank(player) for player in ("cem", "ann", "ben", "dua", "eva")] == [1, 2, 3, 4, None]


def test_equal_scores_have_different_ranks(board):
    board.set_scores({"ann": 100, "ben": 100, "cem": 100})
    assert board.top(10) == [("cem", 100), ("ben", 100), ("ann", 100)]
    assert sorted(board.rank(player) for player in ("ann", "ben", "cem")) == [1, 2, 3]


def test_a_best_score_never_falls_whatever_the_order(board):
    together(8, lambda number: [board.record_best("ann", score) for score in (number * 37 % 8, 3, number)])
    assert board.top(1) == [("ann", 7.0)]


def test_points_of_concurrent_games_add_up(board):
    together(8, lambda number: [board.add_points(f"p{game % 5}", 1) for game in range(100)])
    assert board.top(10) == [(f"p{number}", 160.0) for number in (4, 3, 2, 1, 0)]


def test_a_player_between_neighbours(board):
    board.set_scores({f"p{number}": number for number in range(1, 10)})
    assert board.around("p5", 1) == [(4, "p6", 6.0), (5, "p5", 5.0), (6, "p4", 4.0)]
    assert board.around("p9", 2) == [(1, "p9", 9.0), (2, "p8", 8.0), (3, "p7", 7.0)]
    assert board.around("p1", 1) == [(8, "p2", 2.0), (9, "p1", 1.0)]
    assert board.around("nobody") == []


def test_a_player_who_leaves_has_no_rank(board):
    board.set_scores({"ann": 1, "ben": 2})
    board.remove("ben")
    assert board.rank("ben") is None and board.rank("ann") == 1
