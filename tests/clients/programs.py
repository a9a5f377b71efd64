"""Programs that use other people's libraries, each run against servers of its own.

A program is one file in tests/clients/LANGUAGE/. Its arguments are the ports of its servers, whose process ids are in
SERVER_PIDS for those that stop or kill one. It prints a line for each step that holds and "done" as its last line, and
exits with 0; otherwise it says what does not hold. What it shares with others lies in LANGUAGE/lib/.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from conftest import require

FOLDER = pathlib.Path(__file__).resolve().parent
NODE = FOLDER / "node"
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 90

INTERPRETERS = {
    ".mjs": ["node"],
    ".php": ["php", "-d", "zend.assertions=1"],
    ".rb": ["ruby"],
    ".pl": ["perl"],
    ".lua": ["lua5.1"],
    ".py": [sys.executable, "-B"],
}
# Programs that need more than one server.
SERVER_COUNTS = {"node/redlock.mjs": 5, "python/twemproxy.py": 2, "python/memcached_pylibmc.py": 2,
                 "python/memcached_python.py": 2, "python/memcached_bmemcached.py": 2,
                 "php/memcached_extension.php": 2, "node/memcached_memcached.mjs": 2,
                 "node/memcached_elasticache.mjs": 2}
# Options of their servers. The socket is in the server's own directory, /proc/PID/cwd.
SERVER_OPTIONS = {"node/memcached_elasticache.mjs": ["--admin-socket=admin", "--user=root"]}
# Programs that need what memcached has not.
KILN_ONLY = {"node/memcached_elasticache.mjs"}
NODE_20 = {"node/ioredis6.mjs"}


def node_version() -> int:
    if not shutil.which("node"):
        return 0
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return int(re.match(r"v(\d+)", text)[1])


def is_of_memcached(name: str) -> bool:
    return pathlib.Path(name).name.startswith("memcached_")


def programs() -> list:
    """Every program as "language/file", without those that this machine's Node is too old for."""
    found = (path for path in FOLDER.glob("*/*") if path.suffix in INTERPRETERS)
    names = sorted(str(path.relative_to(FOLDER)) for path in found)
    return [name for name in names if name not in NODE_20 or node_version() >= 20]


def install_node_packages():
    """Puts what node/package.json names into node/node_modules, once for each state of that file."""
    wanted = (NODE / "package.json").read_bytes()
    stamp = NODE / "node_modules" / ".installed-from"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
                          cwd=NODE, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"npm install failed: {done.stderr[-2000:]}"
    stamp.write_bytes(wanted)


def run_program(name: str, kind):
    """Starts the servers, runs the program in an empty directory, and checks what it says at its end."""
    interpreter = INTERPRETERS[pathlib.Path(name).suffix]
    if not shutil.which(interpreter[0]):
        pytest.skip(f"{interpreter[0]} is not there")
    with contextlib.ExitStack() as stack:
        options = SERVER_OPTIONS.get(name, [])
        servers = [stack.enter_context(require(kind)(*options)) for _ in range(SERVER_COUNTS.get(name, 1))]
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="kiln-program-"))
        pids = [server.process.pid for server in servers]
        stack.callback(lambda: [os.kill(pid, signal.SIGCONT) for pid in pids])
        output, status = run_to_the_end(
            [*interpreter, str(FOLDER / name), *(str(server.port) for server in servers)], directory,
            dict(os.environ, SERVER_PIDS=" ".join(map(str, pids)), HOME=directory, PYTHONDONTWRITEBYTECODE="1"))
        logs = "".join(server.log_tail(1500) for server in servers)
    lines = output.rstrip().splitlines()
    assert status == 0 and lines and lines[-1] == "done", f"status {status}\n{output[-8000:]}\n{logs}"


def run_to_the_end(command, directory, environment) -> tuple:
    """The output and the exit status; whatever the program started ends with it."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            status = f"none after {RUN_TIMEOUT_S} s"
        finally:
            end_session(process.pid)
            process.wait()
        log.seek(0)
        return log.read().decode("utf-8", "replace"), status


def end_session(session: int):
    """Ends a program and what it left behind: children in groups of their own are still in its session."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                os.kill(int(stat.parent.name), signal.SIGKILL)
