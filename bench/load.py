"""The clients written in C++, run on the load core: load-generator and stall-probe."""

import contextlib
import json
import signal
import subprocess

import peers

LIMIT_S = 180  # of one client; none takes half of it


class Failed(Exception):
    """A measurement that would say nothing."""


def _start(*words, courtesy: int = 0):
    """Runs a client; `courtesy` is by how much it is nicer than the servers."""
    command = ["nice", "-n", str(courtesy), "taskset", "-c", peers.LOAD_CORE, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process) -> dict:
    """Waits for its end and returns what it says."""
    try:
        output, errors = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"a client had no end within {LIMIT_S} s") from None
    if process.returncode != 0:
        raise Failed(f"a client ended with {process.returncode}: {errors.strip()[-300:]}")
    return json.loads(output)


def start(server, patterns, **options):
    """A load that runs beside other things until finish() is called."""
    if isinstance(patterns, str):
        patterns = [patterns]
    courtesy = options.pop("courtesy", 0)
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    return _start(peers.program("load-generator"), "--port", server.port, "--protocol", server.protocol,
                  *words, *patterns, courtesy=courtesy)


def replay(server, **options) -> dict:
    """Runs trace-client, whose options these are."""
    words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), value)]
    return finish(_start(peers.program("trace-client"), "--port", server.port, *words))


def _checked(server, patterns, result: dict, may_miss: bool) -> dict:
    if result["errors"]:
        raise Failed(f"{server.label}: {patterns}: {result['errors']} errors: {result['first_error']}")
    if result["misses"] and not may_miss:
        raise Failed(f"{server.label}: {patterns}: {result['misses']} misses")
    return result


def run(server, patterns, may_miss: bool = False, **options) -> dict:
    """Sends requests (options are load-generator's); adds `cpu_us`, the server's CPU time for each."""
    before = server.cpu_s()
    result = finish(start(server, patterns, **options))
    result["cpu_us"] = (server.cpu_s() - before) / result["requests"] * 1e6
    return _checked(server, patterns, result, may_miss)


@contextlib.contextmanager
def background(server, patterns, may_miss: bool = False, **options):
    """The same beside something else, which should take less time than the load."""
    process = start(server, patterns, **options)
    try:
        yield
        if process.poll() is not None:
            raise Failed(f"{server.label}: the load ended before the measurement")
    finally:
        result = finish(process)
    _checked(server, patterns, result, may_miss)


@contextlib.contextmanager
def probe(server):
    """Probes for stalls while the body runs; yields a dict that holds the outcome afterwards."""
    process = _start(peers.program("stall-probe"), server.port)
    outcome = {}
    try:
        yield outcome
    finally:
        process.send_signal(signal.SIGTERM)
        outcome.update(finish(process))
