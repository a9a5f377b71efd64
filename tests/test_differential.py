"""Kiln against redis-server on random commands: DIFFERENTIAL_SESSIONS (80) from DIFFERENTIAL_SEED (1) on.

Fixed by default, so that a red run means a change of ours; give DIFFERENTIAL_SEED=$RANDOM and more sessions to search.
"""

import os

from conftest import require
from differential import comparison, grammar, server_grammar
from differential.fuzzer import session
from servers import Kiln, Redis

COMMANDS = 1500


def test_grammar_names_each_command_once_per_line():
    speaker = grammar.Speaker(7)
    names = {comparison.name_of(speaker.command(speaker.commands)) for _ in range(20000)}
    assert {"GET", "ZADD", "SORT", "BITFIELD", "XADD"} <= names


def test_redis_agrees_with_itself():
    with require(Redis)() as one, Redis() as other:
        for seed in (1, 2):
            report, warnings = session(one, other, seed, COMMANDS)
            assert not report, report
            assert not warnings


def test_kiln_answers_as_redis():
    first = int(os.environ.get("DIFFERENTIAL_SEED", 1))
    sessions = int(os.environ.get("DIFFERENTIAL_SESSIONS", 80))
    with require(Kiln)() as kiln, require(Redis)() as peer:
        for seed in range(first, first + sessions):
            report, warnings = session(kiln, peer, seed, COMMANDS)
            assert not report, report
            for (name, ours, theirs), _ in warnings.items():
                print(f"error text of {name}: ours {ours!r}, peer {theirs!r}")


def test_every_command_is_said_or_its_silence_has_a_reason():
    said = {name for node in grammar.COMMANDS + grammar.BLOCKING_COMMANDS + grammar.SERVER_COMMANDS
            for name in grammar.names_of(node)}
    said |= {part[1][0][0][1] for dialogue in grammar.DIALOGUES for part in dialogue} | {"MULTI"}
    with require(Kiln)() as kiln, kiln.connect() as client:
        names = {name.decode().upper() for _, name in client.call("COMMAND", "LIST")[1]}
    silent = {name for name in names if "|" not in name} - said
    assert silent == names & server_grammar.LEFT_OUT.keys()
