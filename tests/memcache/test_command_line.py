"""Every option of memcached's command line, given to memcached and to kiln-memcached: both must say the same.

What is refused must be refused with the same status and the same first line; what is taken must show in the same
lines of "stats settings".
"""

import os
import pathlib
import re
import signal
import socket
import stat
import subprocess

import pytest

from conftest import require
from servers import HOST, KilnMemcached, Memcached, free_port, wait_until

# Lines of things that Kiln has not.
FOREIGN = re.compile(r"ext_|ssl_|slab_automove_freeratio")

REFUSED = [
    "-q", "--bogus", "-p", "--port", "-B", "-I",
    "-c 0", "-c -5", "-c x", "-t 0", "-t -1", "-R 0", "-f 1", "-f 0.5", "-f x", "-n 0", "-N 0", "-N 9", "-B foo",
    "-p 65536", "-U 65536", "-m 0", "-I 1000", "-I 1023", "-I 33m", "-I 600k -m 1", "-I 1025m -m 3000", "-I 0", "-I x",
    "-Y /nowhere -B binary", "-Y /nowhere -B auto", "-S -B ascii", "-S -B auto",
    "-o foo", "-o foo=1", "-o modern,foo", "-o =", "-o proxy_config=x",
    "-o hashpower", "-o hashpower=5", "-o hashpower=11", "-o hashpower=33", "-o hashpower=x",
    "-o slab_automove=3", "-o slab_automove=-1", "-o slab_automove_ratio", "-o slab_automove_ratio=0",
    "-o slab_automove_ratio=1.5", "-o slab_automove_window", "-o slab_automove_window=2",
    "-o tail_repair_time", "-o tail_repair_time=9", "-o hash_algorithm", "-o hash_algorithm=md5",
    "-o lru_crawler_sleep", "-o lru_crawler_sleep=1000001", "-o lru_crawler_sleep=-1",
    "-o lru_crawler_tocrawl", "-o lru_crawler_tocrawl=x",
    "-o hot_lru_pct", "-o hot_lru_pct=0", "-o hot_lru_pct=80", "-o warm_lru_pct", "-o warm_lru_pct=80",
    "-o hot_lru_pct=60", "-o hot_lru_pct=40,warm_lru_pct=41",
    "-o hot_max_factor", "-o hot_max_factor=0", "-o warm_max_factor", "-o warm_max_factor=0",
    "-o temporary_ttl", "-o no_lru_maintainer,temporary_ttl=5", "-o idle_timeout",
    "-o watcher_logbuf_size", "-o watcher_logbuf_size=x", "-o worker_logbuf_size", "-o worker_logbuf_size=x",
    "-o read_buf_mem_limit", "-o read_buf_mem_limit=x",
    "-l tag[]:127.0.0.1:1", "-l tag[123456789]:127.0.0.1:1", "-l 127.0.0.1:x", "-l notls:127.0.0.1:1",
    "-u no-such-user",
]

TAKEN = [
    "", "-m 100", "--memory-limit=100", "-M", "--disable-evictions", "-c 100", "--conn-limit 100", "-k",
    "--lock-memory",
    "-r", "--enable-coredumps", "-v", "-vv", "-vvv", "--verbose", "-A", "--enable-shutdown",
    "-f 1.5", "--slab-growth-factor=2", "-n 96", "--slab-min-size=10", "-t 2", "--threads=3", "-L", "-D .", "-D ab",
    "-R 50", "--max-reqs-per-event=1", "-C", "--disable-cas", "-b 99", "--listen-backlog=5",
    "-B auto", "-B ascii", "--protocol=ascii", "-I 2m", "-I 512k -o slab_chunk_max=256", "--max-item-size=1048576",
    "-I 1m", "-I 16777216", "-I 1024m -m 2048", "-F", "--disable-flush-all", "-X", "--disable-dumping",
    "-W", "--disable-watch", "-U 0", "--udp-port=0", "-a 777",
    "-o modern", "-o no_modern", "-o maxconns_fast", "-o no_maxconns_fast", "-o hashpower=20", "-o no_hashexpand",
    "-o slab_reassign", "-o no_slab_reassign", "-o slab_automove", "-o slab_automove=2", "-o no_slab_automove",
    "-o slab_automove_ratio=0.5", "-o slab_automove_window=10", "-o tail_repair_time=30",
    "-o hash_algorithm=jenkins", "-o hash_algorithm=xxh3", "-o lru_crawler", "-o no_lru_crawler",
    "-o lru_crawler_sleep=200", "-o lru_crawler_tocrawl=50", "-o lru_maintainer", "-o no_lru_maintainer",
    "-o hot_lru_pct=10,warm_lru_pct=30", "-o hot_max_factor=0.5", "-o warm_max_factor=3", "-o temporary_ttl=100",
    "-o idle_timeout=30", "-o watcher_logbuf_size=128", "-o read_buf_mem_limit=16",
    "-o slab_chunk_max=256", "-o track_sizes", "-o no_inline_ascii_resp", "-o inline_ascii_resp",
    "-o no_chunked_items", "-o drop_privileges", "-o no_drop_privileges", "-o resp_obj_mem_limit=5",
    "-o hashpower=16,modern",
]


def argv(kind, options: str) -> list:
    user = ["-u", "nobody"] if os.geteuid() == 0 and "-u" not in options.split() else []
    return [kind.binary(), *user, *options.split()]


def refusal(kind, options: str) -> tuple:
    """The exit status and the first line of what is said."""
    done = subprocess.run(argv(kind, options), capture_output=True, text=True, timeout=20, check=False)
    line = (done.stderr.splitlines() or [""])[0]
    return done.returncode, line.replace(kind.binary(), "memcached")


@pytest.mark.parametrize("options", REFUSED)
def test_what_memcached_refuses_is_refused_alike(options):
    ours = refusal(require(KilnMemcached), options)
    assert ours == refusal(require(Memcached), options)
    assert ours[0] != 0


def settings_of(server) -> dict:
    with server.connect() as client:
        client.send_raw(b"stats settings\r\n")
        data = b""
        while not data.endswith(b"END\r\n"):
            data += client.socket.recv(1 << 16)
    rows = [line.split(" ", 2)[1:] for line in data.decode().splitlines()[:-1]]
    return {row[0]: row[1] for row in rows if not FOREIGN.match(row[0])}


def warning_of(server) -> str:
    """What it says on standard error before anything else; Kiln's own log is on standard output."""
    lines = [line for line in server.log_tail().splitlines() if not re.match(r"\d+:[A-Z] ", line)]
    return lines[0] if lines else ""


@pytest.mark.parametrize("options", TAKEN)
def test_what_memcached_takes_shows_in_its_settings(options):
    port = free_port()
    told = []
    for kind in (Memcached, KilnMemcached):
        server = require(kind)(*options.split())
        server.port = port
        with server:
            told.append((settings_of(server), warning_of(server) if "-v" not in options else ""))
            server.process.kill()  # memcached takes up to a second to end by itself
    peer, ours = told
    assert ours == peer
    assert list(ours[0]) == list(peer[0])


def test_help_version_and_license_end_well():
    for options in ("-h", "--help", "-V", "--version", "-i", "--license", "-p 1 -h"):
        done = subprocess.run(argv(require(KilnMemcached), options), capture_output=True, text=True, timeout=20,
                              check=False)
        assert done.returncode == 0 and done.stdout and not done.stderr, options
    kiln = subprocess.run([KilnMemcached.binary(), "-h"], capture_output=True, text=True, check=False).stdout
    peer = subprocess.run([require(Memcached).binary(), "-h"], capture_output=True, text=True, check=False).stdout
    names = set(re.findall(r"--[a-z-]+", peer)) - {"--napi"}
    assert names <= set(re.findall(r"--[a-z-]+", kiln))


# What is refused although memcached takes it: it would promise something that is not there.
@pytest.mark.parametrize("options", ["-Z", "--enable-ssl", "-o ssl_key=/x", "-o ssl_chain_cert=/x", "-U 11211",
                                     "-o ext_path=/tmp/x:1G", "-o ext_item_size=512"])
def test_what_is_not_there_is_refused(options):
    status, line = refusal(require(KilnMemcached), options)
    assert status in (1, 64)
    assert line.startswith(("This server is not built with", "Illegal suboption"))


# What is taken although memcached refuses it: there are no slabs that sizes must fit.
@pytest.mark.parametrize("options,expected", [
    ("-I 3000", 3000), ("-I 1500k", 1536000), ("-I 1g -m 2048", 1 << 30), ("-o slab_chunk_max=5", 1 << 20),
])
def test_sizes_need_not_fit_slabs(options, expected):
    with require(KilnMemcached)(*options.split()) as server:
        assert settings_of(server)["item_size_max"] == str(expected)


# ---- Listeners ----

def answers(address, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5) as client:
            client.sendall(b"version\r\n")
            return client.recv(100).startswith(b"VERSION")
    except OSError:
        return False


class Listening:
    """A server with these options alone; its own process, so that no port is taken for granted."""

    def __init__(self, kind, directory: pathlib.Path, *options: str, environment=None):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.log = (directory / f"{kind.name}.log").open("wb")
        self.process = subprocess.Popen([require(kind).binary(), *user, *options], cwd=directory, stdout=self.log,
                                        stderr=subprocess.STDOUT, env=dict(os.environ, **(environment or {})))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.log.close()


@pytest.fixture(name="folder")
def folder_for_anybody(tmp_path):
    """A directory that the user "nobody" may write to as well."""
    for path in (tmp_path, *tmp_path.parents):
        if path.owner() != "root" or path == pathlib.Path("/tmp"):
            break
        path.chmod(path.stat().st_mode | 0o755)
    tmp_path.chmod(0o777)
    return tmp_path


KINDS = pytest.mark.parametrize("kind", [Memcached, KilnMemcached], ids=lambda kind: kind.name)


@KINDS
def test_several_addresses_with_ports_of_their_own(kind, folder):
    a, b, c, d = (free_port() for _ in range(4))
    with Listening(kind, folder, "-p", str(a), "-l", f"127.0.0.1,127.0.0.2:{b};127.0.0.3", "-l", f"[::1]:{c}",
                   "-l", f"tag[x]:127.0.0.4:{d}"):
        wait_until(lambda: answers("127.0.0.4", d), what="the last address answers")
        assert answers(HOST, a) and answers("127.0.0.2", b) and answers("127.0.0.3", a) and answers("::1", c)
        assert not answers("127.0.0.2", a) and not answers(HOST, b) and not answers("::1", a)


@KINDS
def test_a_name_means_all_its_addresses(kind, folder):
    port = free_port()
    names = {at[4][0] for at in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)}
    with Listening(kind, folder, "-p", str(port), "-l", "localhost"):
        for name in names:
            wait_until(lambda name=name: answers(name, port), what=f"{name} answers")


@KINDS
def test_an_unenclosed_ipv6_address_has_no_port(kind, folder):
    port = free_port()
    with Listening(kind, folder, "-p", str(port), "-l", "::1"):
        wait_until(lambda: answers("::1", port), what="it answers")
        assert not answers(HOST, port)


@KINDS
def test_the_ports_taken_are_told_in_a_file(kind, folder):
    named = folder / "ports"
    with Listening(kind, folder, "-p", "-1", "-l", "127.0.0.1,[::1],127.0.0.2",
                   environment={"MEMCACHED_PORT_FILENAME": str(named)}):
        wait_until(named.exists, what="the file is there")
        lines = named.read_text().splitlines()
        assert [line.rpartition(" ")[0] for line in lines] == ["TCP INET:", "TCP INET6:", "TCP INET:"]
        ports = [int(line.rpartition(" ")[2]) for line in lines]
        for address, port in zip((HOST, "::1", "127.0.0.2"), ports):
            wait_until(lambda at=address, port=port: answers(at, port), what=f"{address} answers")
        assert not (folder / "ports.lck").exists()


@KINDS
def test_a_unix_socket_takes_the_place_of_the_network(kind, folder):
    path, port = folder / "socket", free_port()
    with Listening(kind, folder, "-s", str(path), "-a", "0766", "-p", str(port)):
        def says_its_version():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"version\r\n")
                return client.recv(100).startswith(b"VERSION")
        wait_until(path.exists, what="the socket is there")
        wait_until(says_its_version, what="it answers")
        assert stat.S_IMODE(path.stat().st_mode) == 0o766
        assert not answers(HOST, port)


@KINDS
def test_port_0_is_no_port(kind, folder):
    port, path = free_port(), folder / "pid"
    with Listening(kind, folder, "-p", "0", "-l", f"127.0.0.1:{port}", "-P", str(path)):
        wait_until(path.exists, what="it has started")
        assert not answers(HOST, port)


@KINDS
def test_a_port_that_is_taken_ends_the_start(kind):
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        status, line = refusal(kind, f"-p {port} -l 127.0.0.1")
        assert (status, line) == (71, "failed to listen on one of interface(s) 127.0.0.1: Address already in use")


# ---- The process ----

@KINDS
def test_a_daemon_writes_its_pid_and_takes_the_file_away(kind, folder):
    path, port = folder / "pid", free_port()
    done = subprocess.run(argv(require(kind), f"-d -P {path} -p {port} -l 127.0.0.1"), capture_output=True, timeout=20,
                          check=False)
    assert done.returncode == 0
    wait_until(path.exists, what="the file is there")
    pid = int(path.read_text())
    assert answers(HOST, port)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not path.exists(), what="the file is gone")


@KINDS
def test_in_the_foreground_the_pid_file_stays(kind, folder):
    path, port = folder / "pid", free_port()
    with Listening(kind, folder, "-P", str(path), "-p", str(port), "-l", HOST) as server:
        wait_until(path.exists, what="the file is there")
        assert int(path.read_text()) == server.process.pid
    assert path.exists()


@KINDS
def test_memory_is_locked(kind, folder):
    port = free_port()
    with Listening(kind, folder, "-k", "-p", str(port), "-l", HOST) as server:
        wait_until(lambda: answers(HOST, port), what="it answers")
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        log = (folder / f"{kind.name}.log").read_text()
        is_refused = "warning: -k invalid, mlockall() failed" in log
        assert is_refused or int(re.search(r"VmLck:\s+(\d+)", status)[1]) > 0


@KINDS
def test_clients_above_the_limit_are_told_or_wait(kind):
    # memcached counts its own listeners and logs as connections.
    limit = 40
    with require(kind)("-c", str(limit), "-t", "1") as server:
        said = fill(server, limit + 20)
        assert b"ERROR Too many open connections" in said
    if kind is Memcached:  # has been seen to leave the last one waiting for minutes
        return
    with require(kind)("-c", str(limit), "-t", "1", "-o", "no_maxconns_fast") as server:
        assert said_by_last_of(server, limit + 5) == b""


def fill(server, count: int) -> bytes:
    clients = [socket.create_connection((HOST, server.port)) for _ in range(count)]
    try:
        said = b""
        for client in clients:
            client.settimeout(10)
            try:
                client.sendall(b"version\r\n")
                said += client.recv(100)
            except ConnectionError:
                said += b""
        return said
    finally:
        for client in clients:
            client.close()


def said_by_last_of(server, count: int) -> bytes:
    """What the last client is told while the others are there; it is served when they are gone."""
    clients = [socket.create_connection((HOST, server.port)) for _ in range(count)]
    last = socket.create_connection((HOST, server.port))
    last.sendall(b"version\r\n")
    last.settimeout(0.3)
    try:
        said = last.recv(100)
    except TimeoutError:
        said = b""
    for client in clients:
        client.close()
    last.settimeout(20)
    assert last.recv(100).startswith(b"VERSION")
    last.close()
    return said


# ---- What the options forbid ----

def ask(server, *lines: bytes) -> list:
    replies = []
    with server.connect() as client:
        for line in lines:
            client.send_raw(line + b"\r\nmn\r\n")
            data = b""
            while not data.endswith(b"MN\r\n"):
                data += client.socket.recv(1 << 16)
            replies.append(data[:-4])
    return replies


@pytest.mark.parametrize("option,lines", [
    ("-F", [b"flush_all", b"flush_all 0", b"flush_all noreply"]),
    ("-X", [b"stats cachedump 1 0", b"lru_crawler metadump all"]),
    ("-W", [b"watch fetchers", b"watch"]),
    ("-C", [b"set k 0 0 1\r\na", b"gets k", b"cas k 0 0 1 0\r\nb", b"mg k c"]),
    ("-A", [b"shutdown nonsense"]),
    ("-I 2m", [b"set k 0 0 1800000\r\n" + b"x" * 1800000, b"set k 0 0 2097152\r\n" + b"x" * 2097152, b"get k"]),
])
def test_what_an_option_forbids_is_forbidden_alike(option, lines):
    replies = []
    for kind in (Memcached, KilnMemcached):
        with require(kind)(*option.split()) as server:
            replies.append(ask(server, *lines))
    assert replies[1] == replies[0]


def test_keys_are_counted_by_prefix():
    lines = [b"set a:1 0 0 1\r\nx", b"set a:2 0 0 1\r\nx", b"add a:1 0 0 1\r\nx", b"get a:1 a:9 b:1 plain", b"gets a:2",
             b"delete a:1", b"delete b:7", b"set plain 0 0 1\r\nx", b"incr a:2 1", b"append b:2 0 0 1\r\nx",
             b"gat 5 a:2"]
    for options, setup in (("-D :", []), ("", [b"stats detail on"]), ("-D 1", [])):
        dumps = []
        for kind in (Memcached, KilnMemcached):
            with require(kind)(*options.split()) as server:
                ask(server, *setup, *lines)
                dumps.append(sorted(ask(server, b"stats detail dump")[0].splitlines()))
                ask(server, b"stats detail off", b"get a:1")
                assert sorted(ask(server, b"stats detail dump")[0].splitlines()) == dumps[-1]
                ask(server, b"stats reset")
                assert ask(server, b"stats detail dump", b"stats detail what") == [
                    b"END\r\n", b"CLIENT_ERROR usage: stats detail on|off|dump\r\n"]
        assert dumps[1] == dumps[0]


def test_a_deep_pipeline_is_served_whatever_r_says():
    with require(KilnMemcached)("-R", "1", "-t", "1") as server, server.connect() as client:
        client.send_raw(b"mn\r\n" * 5000)
        data = b""
        while len(data) < 4 * 5000:
            data += client.socket.recv(1 << 16)
        assert data == b"MN\r\n" * 5000
