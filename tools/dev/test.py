#!/usr/bin/python3
"""Runs the tiers of tests, each against the build it needs, and adds up what they report.

A tier's tests are found, never listed: unit tests by ctest, Python tests by their folder under
tests/, fuzz targets by their name. Counts come from the JUnit files that GoogleTest and pytest
write; a program that dies without writing one, a build that fails and a sanitizer's report each
count as one failure. A program that outlives its limit is ended.
"""

import argparse
import concurrent.futures
import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "test"
JOBS = int(os.environ.get("JOBS", os.cpu_count()))
PLAIN_LAYOUT = ("setarch", "-R")  # no address randomization: ThreadSanitizer needs its own layout
LIMIT_S = 900  # of one program or build; none of ours needs half of it

# Sets of Python tests, by path under tests/; "system" is all those in no other.
FILES = {
    "tidy": ["dev/test_*.py"],
    "commands": ["test_commands.py", "test_memcache*.py"],
    "hostile": ["hostile/test_*.py"],
    "fuzz": ["test_*fuzz*.py"],
    "stress": ["stress/test_*.py"],
}
# Threads meet in these layers, so their unit tests run under ThreadSanitizer too.
THREADED = ("base", "net", "evict", "server", "http", "control_store", "control_metrics", "agent", "orchestrator")


class Tier:
    """One tier's run: its log, its counts and its environment."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.passed = self.failed = self.skipped = 0
        self.folder = OUT / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.reports = tempfile.mkdtemp(prefix="kiln-reports-")
        os.chmod(self.reports, 0o1777)  # a server that gives up root's rights reports too
        reports = f"log_path={self.reports}/report"
        self.environment = dict(
            os.environ,
            GTEST_OUTPUT=f"xml:{self.folder}/",
            # What is freed is kept back from reuse, but tests that bound memory need that bounded.
            ASAN_OPTIONS=f"detect_stack_use_after_return=1:quarantine_size_mb=24:{reports}",
            UBSAN_OPTIONS=f"print_stacktrace=1:halt_on_error=1:{reports}",
            TSAN_OPTIONS=f"second_deadlock_stack=1:{reports}",
            PYTHONDONTWRITEBYTECODE="1",
        )

    def say(self, text):
        print(f"{self.name:9} {text}", flush=True)

    def fail(self, text, log):
        """Counts a failure and shows the end of the log, where all but sanitizers say why."""
        self.failed += 1
        self.show("FAILED: " + text, log, slice(-60, None))

    def show(self, text, log, part):
        self.say(text)
        lines = log.read_text(errors="replace").splitlines()
        print("\n".join("    " + line for line in lines[part]), flush=True)

    def run(self, what, command, **environment):
        """Runs a program to its end or its limit. Returns the exit status and the output's log."""
        log = self.folder / (what + ".log")
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=ROOT, env={**self.environment, **environment},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True)
            try:
                return process.wait(LIMIT_S), log
            except subprocess.TimeoutExpired:
                output.write(f"ended after {LIMIT_S} s\n")
            finally:  # nothing that a test started outlives it
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return process.wait(), log

    def build(self, preset, *targets):
        """True when the targets (all, if none is named) of a preset are built."""
        started = time.monotonic()
        status, log = self.run("build-" + preset, [ROOT / "dev", "build", preset, *targets])
        if status:
            self.fail(f"the {preset} build", log)
        elif time.monotonic() - started > 5:
            self.say(f"built {preset} in {time.monotonic() - started:.0f} s")
        return status == 0

    def ctest(self, preset, pattern="^unit"):
        command = ["ctest", "--test-dir", ROOT / "build" / preset, "-R", pattern, "-j", JOBS,
                   "--timeout", 300, "--output-on-failure", "--no-tests=error"]
        status, log = self.run("ctest", [*PLAIN_LAYOUT, *command])
        self.count(status, log, "unit tests")

    def pytest(self, preset, files, *options):
        command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                   "-o", "junit_family=xunit1", f"--junitxml={self.folder}/pytest.xml", *options,
                   *self.options.pytest, *files]
        server = ROOT / "build" / preset / "bin" / "kiln-server"
        status, log = self.run("pytest", [*PLAIN_LAYOUT, *command], KILN_SERVER=str(server))
        self.count(0 if status == 5 else status, log, "pytest")  # 5: the options selected none

    def count(self, status, log, what):
        """Adds up the JUnit files of a run; a failure that none of them tells of counts too."""
        failed = 0
        for path in self.folder.glob("*.xml"):
            for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
                def number(*keys):
                    return sum(int(suite.get(key) or 0) for key in keys)
                bad, left_out = number("failures", "errors"), number("skipped", "disabled")
                failed += bad
                self.skipped += left_out
                self.passed += number("tests") - bad - left_out
            path.unlink()
        if status:
            self.fail(what, log)
            self.failed += max(failed - 1, 0)

    def close(self):
        """Shows sanitizers' reports; they fail a tier even if every test passed."""
        reports = sorted(pathlib.Path(self.reports).iterdir())
        for report in reports[:5]:
            self.show(f"FAILED: a sanitizer's report", report, slice(90))
        self.failed = max(self.failed, len(reports))
        shutil.rmtree(self.reports)


def python_tests(name):
    """The files of Python tests that belong to a set."""
    def matching(patterns):
        found = {path for pattern in patterns for path in (ROOT / "tests").glob(pattern)}
        return {path for path in found if "node_modules" not in path.parts}
    if name in FILES:
        return sorted(matching(FILES[name]))
    return sorted(matching(["**/test_*.py"]) - matching(sum(FILES.values(), [])))


def tidy(tier):
    status, log = tier.run("tidy", ["/usr/bin/python3", ROOT / "tools/dev/tidy.py"])
    if status:
        tier.fail("./dev tidy", log)
    else:
        tier.passed += 1
    tier.pytest("release", python_tests("tidy"))


def unit(tier):
    if tier.build("asan"):
        tier.ctest("asan")


def scripts(tier, preset, *sets):
    """Python tests; with a release build the judges run them too, which shows that the tests are right."""
    files = [path for name in sets for path in python_tests(name)]
    against = tier.options.against or ("both" if preset == "release" else "kiln")
    targets = ["kiln-server", "kiln-check", "kilnd"]
    if preset == "release":
        targets += ["kiln-clock", "kiln-faults"]  # What tests load before them; no sanitizer goes with that.
    if files and (":" in against or tier.build(preset, *targets)):
        tier.pytest(preset, files, "--against=" + against)


def instructions(tier):
    if tier.build("release", "kiln-server", "load-generator"):
        status, log = tier.run("instructions", ["/usr/bin/python3", ROOT / "bench/run.py", "--check"])
        if status:
            tier.fail("./dev bench --check", log)
        else:
            tier.passed += 1


def stress(tier):
    layers = [layer for layer in THREADED if unit_tests(layer)]
    files = python_tests("stress")
    targets = [layer + "_tests" for layer in layers] + (["kiln-server"] if files else [])
    if targets and tier.build("tsan", *targets):
        if layers:
            tier.ctest("tsan", "^unit\\.(%s)$" % "|".join(layers))
        if files:
            tier.pytest("tsan", files, "--against=kiln")


def unit_tests(layer):
    """The unit tests of a layer as CMakeLists.txt groups them: kiln_tests(layer folder...)."""
    row = re.search(r"kiln_tests\(%s ([^)]*)\)" % layer, (ROOT / "CMakeLists.txt").read_text())
    folders = row[1].split() if row else []
    return [path for folder in folders for path in ROOT.glob(f"src/{folder}/*_test.cc")]


def fuzz(tier):
    targets = sorted(path.stem for path in ROOT.glob("src/**/*_fuzz.cc"))
    if targets and tier.build("asan", *targets):
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda target: fuzz_one(tier, target), targets))
    scripts(tier, "asan", "fuzz")


def fuzz_one(tier, target):
    """Starts from the seeds in tests/fuzz/TARGET/; keeps what it finds under build/ for later."""
    corpus = ROOT / "build/fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = [path for path in [ROOT / "tests/fuzz" / target] if path.is_dir()]
    status, log = tier.run(target, [
        ROOT / "build/asan/bin" / target, f"-max_total_time={tier.options.seconds}",
        "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
        f"-artifact_prefix={corpus}-", corpus, *seeds])
    if status:
        return tier.fail(target, log)
    tier.passed += 1
    ran = re.search(r"number_of_executed_units:\s*(\d+)", log.read_text(errors="replace"))
    tier.say(f"{target}: {ran[1] if ran else 0} inputs")


TIERS = {
    "tidy": (tidy, "the rules of the house, and the tests of the tools"),
    "unit": (unit, "unit tests, with AddressSanitizer and UndefinedBehaviorSanitizer"),
    "commands": (lambda tier: scripts(tier, "release", "commands"), "command scripts"),
    "system": (lambda tier: scripts(tier, "release", "hostile", "system"), "clients, whole processes"),
    "count": (instructions, "what each kind of request costs, in instructions against those on record"),
    "asan": (lambda tier: scripts(tier, "asan", "commands", "hostile"), "scripts and hostile clients, sanitized"),
    "stress": (stress, "threads against each other, with ThreadSanitizer"),
    "fuzz": (fuzz, "every parser against made-up input (libFuzzer)"),
}


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__.splitlines()[0])
    parser.add_argument("tiers", nargs="*", metavar="tier",
                        help=", ".join(TIERS) + "; all when none is named")
    parser.add_argument("--list", action="store_true", help="say what each tier is")
    parser.add_argument("--seconds", type=int, default=20, help="time for each fuzz target")
    parser.add_argument("--against", default="", metavar="SERVER",
                        help="kiln, redis or HOST:PORT: run the scripts on this server only")
    parser.add_argument("-k", dest="only", metavar="WORDS",
                        help="only the Python tests whose names match")
    options = parser.parse_args()
    options.pytest = ["-k", options.only] if options.only else []
    if options.list:
        print("\n".join(f"{name:9} {text}" for name, (_, text) in TIERS.items()))
        return 0
    for name in options.tiers:
        if name not in TIERS:
            parser.error(f"no tier named {name}")

    passed = failed = skipped = 0
    for name in options.tiers or TIERS:
        started = time.monotonic()
        tier = Tier(name, options)
        TIERS[name][0](tier)
        tier.close()
        seconds = time.monotonic() - started
        tier.say(f"{tier.passed} passed, {tier.failed} failed in {seconds:.0f} s")
        passed, failed = passed + tier.passed, failed + tier.failed
        skipped += tier.skipped
    print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
