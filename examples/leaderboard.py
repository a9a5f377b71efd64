"""A leaderboard: players ordered by score, in one sorted set.

What it promises:
- Every call takes O(log n) of the number of players, plus what it returns.
- Points of concurrent games add up; none is lost (ZINCRBY adds on the server).
- A best score never falls, whatever order results arrive in (ZADD with GT).
- Ranks start at 1. Players with equal scores have different ranks, in reverse order of their names.
"""

import redis

import arguments


class Leaderboard:
    def __init__(self, cache, name):
        self.cache, self.key = cache, f"leaderboard:{name}"

    def set_scores(self, scores):
        """Sets the scores of a dictionary {player: score}."""
        self.cache.zadd(self.key, scores)

    def record_best(self, player, score):
        """Keeps the higher of this score and the one before."""
        self.cache.zadd(self.key, {player: score}, gt=True)

    def add_points(self, player, points):
        """Returns the new score."""
        return self.cache.zincrby(self.key, points, player)

    def top(self, count):
        """The best players: [(player, score), ...]."""
        return self.cache.zrevrange(self.key, 0, count - 1, withscores=True)

    def rank(self, player):
        """1 for the best player; None for a player without a score."""
        rank = self.cache.zrevrank(self.key, player)
        return None if rank is None else rank + 1

    def around(self, player, distance=2):
        """The player between their neighbours: [(rank, player, score), ...]."""
        rank = self.cache.zrevrank(self.key, player)
        if rank is None:
            return []
        first = max(0, rank - distance)
        rows = self.cache.zrevrange(self.key, first, rank + distance, withscores=True)
        return [(first + number, name, score) for number, (name, score) in enumerate(rows, 1)]

    def remove(self, player):
        self.cache.zrem(self.key, player)


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    board = Leaderboard(cache, "demonstration")
    board.set_scores({"ann": 310, "ben": 250, "cem": 420, "dua": 90, "eva": 275})
    board.add_points("ben", 200)
    board.record_best("dua", 80)  # lower than before: changes nothing
    for rank, (player, score) in enumerate(board.top(3), 1):
        print(f"{rank}. {player} {score:.0f}")
    print("dua's rank:", board.rank("dua"), "around eva:", board.around("eva", 1))
    cache.delete(board.key)


if __name__ == "__main__":
    main()
