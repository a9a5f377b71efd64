"""redis-cli and redis-benchmark, as installed, against the server."""

import shutil
import subprocess

import pytest

from servers import HOST

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


def test_help_comes_from_command_docs(cli):
    assert "GET" in cli("COMMAND", "DOCS", "get") or "get" in cli("COMMAND", "DOCS", "get")


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
