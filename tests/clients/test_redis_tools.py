"""redis-cli and redis-benchmark, as installed, against the server."""

import json
import os
import pty
import shutil
import signal
import subprocess

import pytest

from servers import HOST, wait_until

TIMEOUT_S = 60


@pytest.fixture(scope="module")
def server(server_name, shared_servers):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    return shared_servers(server_name)


@pytest.fixture
def cli(server):
    if not shutil.which("redis-cli"):
        pytest.skip("redis-cli is not there")

    def run(*words, stdin=None):
        done = subprocess.run(["redis-cli", "-h", HOST, "-p", str(server.port), *words], input=stdin,
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()
    run("FLUSHALL")
    return run


@pytest.fixture
def watched_cli(server):
    """Runs redis-cli on a terminal until what it has shown satisfies a condition; the text shown."""
    if not shutil.which("redis-cli"):
        pytest.skip("redis-cli is not there")

    def run(*words, until):
        ours, its = pty.openpty()
        process = subprocess.Popen(["redis-cli", "-h", HOST, "-p", str(server.port), *words],
                                   stdin=its, stdout=its, stderr=its, close_fds=True)
        os.close(its)
        os.set_blocking(ours, False)
        shown = []

        def is_enough():
            try:
                shown.append(os.read(ours, 65536).decode("utf-8", "replace"))
            except BlockingIOError:
                return False
            return until("".join(shown))
        try:
            wait_until(is_enough, TIMEOUT_S, " ".join(words))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(ours)
        return "".join(shown)
    return run


def test_commands_and_reply_forms(cli):
    assert cli("SET", "k", "v") == "OK\n"
    assert cli("GET", "k") == "v\n"
    assert cli("--no-raw", "GET", "missing") == "(nil)\n"
    assert cli("--no-raw", "INCR", "n") == "(integer) 1\n"
    assert cli("--no-raw", "RPUSH", "l", "a", "b") == "(integer) 2\n"
    assert cli("--no-raw", "LRANGE", "l", "0", "-1") == '1) "a"\n2) "b"\n'
    assert cli("-3", "--no-raw", "HGETALL", "missing") == "(empty hash)\n"
    assert cli("-3", "--json", "CONFIG", "GET", "maxmemory") == '{"maxmemory":"0"}\n'
    assert cli("-n", "3", "SET", "db3", "x") == "OK\n"
    assert cli("-n", "3", "EXISTS", "db3") == "1\n"


def test_script_from_standard_input(cli):
    said = b"SET a 1\nINCR a\nMULTI\nINCR a\nEXEC\nECHO 'two words'\n"
    assert cli(stdin=said).split("\n") == ["OK", "2", "OK", "QUEUED", "3", "two words", ""]


def test_mass_insertion_through_a_pipe(cli):
    said = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nk%d\r\n$1\r\nv\r\n" % (len(str(n)) + 1, n) for n in range(10_000))
    assert "errors: 0, replies: 10000" in cli("--pipe", stdin=said)
    assert cli("DBSIZE") == "10000\n"


def test_scan_bigkeys_and_eval(cli, tmp_path):
    cli(stdin=b"".join(b"SET key:%d %s\n" % (n, b"v" * n) for n in range(1, 200)))
    assert len(cli("--scan", "--pattern", "key:1*").split()) == 111
    assert "Biggest string found" in cli("--bigkeys")
    (tmp_path / "s.lua").write_text("return {KEYS[1], ARGV[1]}")
    assert cli("--eval", str(tmp_path / "s.lua"), "k", ",", "a") == "k\na\n"


def test_memkeys_and_hotkeys(cli):
    cli("SET", "big", "v" * 1000)
    cli("RPUSH", "list", *(str(n) for n in range(100)))
    assert "Biggest string found" in cli("--memkeys")
    assert "Biggest   list found" in cli("--memkeys-samples", "0")
    cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    try:
        for _ in range(20):
            cli("GET", "big")
        assert '"big"' in cli("--hotkeys")
    finally:
        cli("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_latency_modes(cli, watched_cli):
    least, most, mean, samples = (float(word) for word in cli("--latency").split())
    assert least <= mean <= most and samples >= 1
    watched_cli("--latency-history", "-i", "1", until=lambda text: "second" in text)
    watched_cli("--latency-dist", "-i", "1", until=lambda text: "milliseconds" in text)


def test_stat_shows_keys_memory_and_clients(cli, watched_cli):
    cli("MSET", "a", "1", "b", "2")
    text = watched_cli("--stat", "-i", "0.05", until=lambda text: text.count("(+") >= 3)
    header = next(line for line in text.splitlines() if line.startswith("keys"))
    assert header.split() == ["keys", "mem", "clients", "blocked", "requests", "connections"]
    line = next(line for line in text.splitlines() if line.startswith("2 "))
    assert line.split()[3] == "0"


def test_arguments_from_standard_input_and_output_forms(cli):
    assert cli("-x", "SET", "k", stdin=b"bo\0dy") == "OK\n"
    assert cli("STRLEN", "k") == "5\n"
    assert cli("-X", "here", "MSET", "a", "here", "b", "2", stdin=b"one") == "OK\n"
    assert cli("--csv", "MGET", "a", "b", "none") == '"one","2",NULL\n'
    assert cli("-2", "--json", "HELLO") != ""
    assert json.loads(cli("-3", "--json", "HELLO"))["proto"] == 3
    assert json.loads(cli("--json", "MGET", "a", "none")) == ["one", None]
    assert cli("-r", "3", "-i", "0.01", "INCR", "n") == "1\n2\n3\n"
    assert cli("-d", "+", "MGET", "a", "b") == "one+2\n"
    assert cli("--no-auth-warning", "--quoted-input", "SET", '"\\x00k"', "v") == "OK\n"
    assert cli("--quoted-pattern", '"\\x00*"', "--scan", "--no-raw") == '"\\x00k"\n'


def test_help_comes_from_command_docs(cli, server_name):
    assert "GET" in cli("COMMAND", "DOCS", "get") or "get" in cli("COMMAND", "DOCS", "get")
    shown = cli("help", "SET")
    assert "key value [NX|XX] [GET] [EX seconds|PX milliseconds|" in shown
    if server_name == "kiln":
        assert "Sets a string" in shown


def test_help_of_a_group_lists_its_commands(watched_cli):
    shown = watched_cli("help", "@stream", until=lambda text: "XTRIM" in text)
    assert "XREADGROUP" in shown


def test_info_sections_are_readable(cli):
    text = cli("INFO")
    for section in ("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Keyspace"):
        assert f"# {section}" in text


BENCHMARKS = ["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd", "hset",
              "spop", "zadd", "zpopmin", "lrange_100", "mset"]


@pytest.mark.parametrize("extra", [[], ["-P", "16"], ["--threads", "2", "-P", "4"]],
                         ids=["single", "pipeline", "threads"])
def test_redis_benchmark_runs_every_test(server, extra):
    if not shutil.which("redis-benchmark"):
        pytest.skip("redis-benchmark is not there")
    done = subprocess.run(["redis-benchmark", "-h", HOST, "-p", str(server.port), "-n", "2000", "-c", "20", "-q", "-t",
                           ",".join(BENCHMARKS), *extra], capture_output=True, timeout=TIMEOUT_S, check=False)
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, text
    assert "rror" not in text, text
    assert text.count("requests per second") >= len(BENCHMARKS)
