#!/usr/bin/python3
"""Checks the rules of the house that a script can check.

Prints `path:line: [rule] what is wrong` for each place; the exit status is 1 if there is one.

Exceptions are granted by name in tools/dev/ratchet.txt, one `rule subject value` a line. A value
there may only shrink: a subject that has improved or gone must be lowered or struck, which
`./dev tidy --ratchet` does. The ratchet never grows by script; a reviewer adds a line by hand.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

# Each layer and the layers it may include besides itself; what those may include follows.
LAYERS = {
    "base": "",
    "params": "base",
    "metrics": "base",
    "net": "params metrics",
    "http": "net",
    "protocol": "base",
    "engine/store/table": "base",
    "engine/store/types": "engine/store/table",
    "engine/store": "engine/store/types params metrics",
    "engine/store/evict": "engine/store",
    "engine/commands": "engine/store/evict protocol",
    "engine/script": "engine/commands",
    "engine/security": "engine/commands",
    "engine/journal": "engine/commands",
    "engine/persist": "engine/script engine/security engine/journal",
    "engine/replication": "engine/persist net",
    "engine/cluster": "engine/replication",
    "engine/server": "engine/cluster http",
    "control/model": "http protocol",
    "control/store": "control/model",
    "control/aws": "control/store",
    "control/metrics": "control/store",
    "control/backup": "control/store",
    "control/agent": "control/store",
    "control/failover": "control/store",
    "control/orchestrator": "control/aws control/metrics control/backup control/agent "
                            "control/failover",
    "bin": "engine/server control/orchestrator",
}
SOFT_LINES, HARD_LINES, FUNCTION_LINES = 500, 800, 70
COLUMNS = {".cc": 100, ".h": 100, ".py": 120}
BANNED = (  # pattern, why; searched in code without comments and strings
    (r"\bv?sprintf\s*\(|\bstr(?:cpy|cat)\s*\(", "no bound; use fmt or std::string"),
    (r"\bstd::w?s?regex|<regex>", "std::regex is slow and recurses"),
    (r"<iostream>", "iostream runs code in every program; use base/log.h"),
    (r"\bthrow\b(?!\s*\(\s*\))", "errors are values"),
)
NAKED = (r"(?<!operator )\bnew\b(?!\s*\()|(?<!operator )(?<!= )\bdelete\b",
         "outside base/ memory has owners; std::make_unique")
HEADER_FLAGS = ("-std=c++20", "-fsyntax-only", "-Isrc", "-I/usr/include/lua5.1",
                "-DKILN_JEMALLOC")
LEFTOVERS = {"util", "utils", "common", "misc", "helper", "helpers", "manager"}
SUFFIXES = {".cc", ".h", ".py", ".md", ".resp", ".mc", ".js", ".cmake"}
SKIPPED = {"node_modules", "__pycache__"}
COMMAND_ROW = re.compile(r'(?m)^\s*\{"([A-Z][A-Z0-9_|-]*)",\s*-?\d+,\s*Keys::')
DOCS_PATH = re.compile(r"(?<![\w/.-])docs/[\w./-]*\w")
PROSE_PATH = re.compile(r"(?<![\w/.-])(?:docs|src|tests|tools|bench|cmake|examples)/[\w./*-]*[\w*/]")


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    text: str
    subject: str = ""  # what the ratchet names, where the rule has one
    value: int = 1


class Source:
    """One file: its lines, and for C++ the same text with comments and strings blanked out."""

    def __init__(self, path, text):
        self.path, self.text, self.lines = path, text, text.splitlines()
        self.is_cxx = path.endswith((".cc", ".h"))
        self.code = blank(text) if self.is_cxx else text

    def matches(self, pattern, code=True):
        """(line number, match) of each place where a pattern occurs."""
        text = self.code if code else self.text
        for match in re.finditer(pattern, text):
            yield text.count("\n", 0, match.start()) + 1, match

    def unformatted(self):
        """The numbers of the lines between clang-format off and on: tables."""
        numbers, inside = set(), False
        for number, line in enumerate(self.lines, 1):
            inside = (inside or "// clang-format off" in line) and "// clang-format on" not in line
            if inside:
                numbers.add(number)
        return numbers


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|"""
    r"""(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'""", re.S)


def blank(text):
    """C++ text with comments and the insides of strings as spaces; positions and lines stay."""
    def space(match):
        quote = match[0][0] if match[0][0] in "\"'" else " "
        return quote + re.sub(r"[^\n]", " ", match[0][1:-1]) + quote
    return TOKEN.sub(space, re.sub(r'(#include )"([^"\n]*)"', r"\1<\2>", text))


MILESTONE = re.compile(
    r"(?m)^[ \t]*#(?:\\\n|[^\n])*|[(){};]|\b(?:public|private|protected):")


def name_of_function(head):
    """The name of the function whose body follows; nothing when a type or a table follows."""
    head = re.sub(r"^template\s*<.*?>\s*(?=[\w:]+[ &*]|\[\[)", "", head, flags=re.S)
    if head.endswith("=") or re.match(r"(?:class|struct|union|enum|namespace)\b", head):
        return None
    if test := re.match(r"TEST\w*\(\s*(\w+)\s*,\s*(\w+)", head):
        return ".".join(test.groups())
    name = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", head)
    return name and name[1]


def functions(code):
    """(name, first line, line count) of each function in blanked code, lambdas not apart.

    `head` is where the declaration under way began. Braces within parentheses, of a member's
    initializer and after "=" open no function; they are skipped to their end.
    """
    head, parens, skipping, depth, name = 0, 0, 0, 0, None
    for match in MILESTONE.finditer(code):
        token, brace = match[0], {"{": 1, "}": -1}.get(match[0], 0)
        if skipping or (brace and parens and not name):
            skipping += brace
        elif name:
            depth += brace
            if depth == 0:
                first = re.compile(r"\S").search(code, head).start()
                yield name, code.count("\n", 0, first) + 1, code.count("\n", first, match.end()) + 1
                head, name = match.end(), None
        elif token in "()":
            parens += 1 if token == "(" else -1
        elif token == "{":
            text = code[head:match.start()].strip()
            if text.endswith("=") or re.search(r"(?s)\)[\w\s]*:(?!:).*[\w>]$", text):
                skipping = 1
            elif name := name_of_function(text):
                depth = 1
            else:
                head = match.end()
        elif not parens:
            head = match.end()


def layer_of(path):
    """The layer a path under src/ lies in: the longest folder that has a row."""
    folder = str(pathlib.PurePosixPath(path).parent)
    while folder not in LAYERS and "/" in folder:
        folder = folder.rpartition("/")[0]
    return folder if folder in LAYERS else None


def may_include(layer):
    return {layer}.union(*(may_include(lower) for lower in LAYERS[layer].split()))


def check_layers(source):
    if not source.path.startswith("src/") or not source.is_cxx:
        return
    layer = layer_of(source.path[4:])
    if layer is None:
        yield Finding(source.path, 1, "layer", "not in a layer; give its folder a row in tidy.py")
        return
    allowed = may_include(layer)
    for number, match in source.matches(r'(?m)^#include "([^"]+)"', code=False):
        other = layer_of(match[1])
        if other is None:
            yield Finding(source.path, number, "layer", f"{match[1]}: name it from src/ on")
        elif other not in allowed:
            yield Finding(source.path, number, "layer", f"{layer} may not include {other}")


def check_size(source):
    columns = COLUMNS.get(pathlib.PurePosixPath(source.path).suffix)
    if columns is None:
        return
    tables = source.unformatted()
    lines = len(source.lines) - len(tables)
    if lines > HARD_LINES and "enerated by" not in source.lines[0]:
        yield Finding(source.path, 1, "file", f"{lines} lines of at most {HARD_LINES}",
                      source.path, lines)
    for number, line in enumerate(source.lines, 1):
        if len(line) > columns and number not in tables:
            yield Finding(source.path, number, "columns", f"{len(line)} columns")
    if source.is_cxx:
        for name, number, count in functions(source.code):
            if count > FUNCTION_LINES:
                text = f"{name}: {count} lines of at most {FUNCTION_LINES}"
                yield Finding(source.path, number, "function", text, f"{source.path}:{name}", count)


def check_words(source):
    words = set(pathlib.PurePosixPath(source.path).stem.split("_"))
    for word in sorted(words & LEFTOVERS):
        yield Finding(source.path, 1, "name", f'"{word}" collects leftovers; name the subject')
    if not source.path.endswith(("tidy.py", "test_tidy.py")):
        for number, match in source.matches(r"\b(?:TODO|FIXME)\b(?!\(#\d+\))", code=False):
            yield Finding(source.path, number, "todo", f"write {match[0]}(#123), with its issue")
    if not source.is_cxx:
        return
    in_base = source.path.startswith("src/base/")
    for pattern, why in BANNED if in_base else (*BANNED, NAKED):
        for number, match in source.matches(pattern):
            yield Finding(source.path, number, "banned", f"{match[0].strip()}: {why}")
    if source.path.endswith(".h") and not source.text.startswith("//"):
        yield Finding(source.path, 1, "header", "starts without saying what it is for")
    if source.path.endswith(".h") and "#pragma once" not in source.lines:
        yield Finding(source.path, 1, "header", "has no #pragma once")


def check_sorted(source):
    """Under a comment that ends in "Sorted by name.", the first strings of the rows rise."""
    last = None
    for number, line in enumerate(source.lines, 1):
        if re.search(r"(?://|#).*Sorted by name\.$", line):
            last = ""
        elif last is not None and re.match(r"\s*[}\])]", line):
            last = None
        elif last is not None and (row := re.match(r'\s*[{(]?\s*"([^"]*)"', line)):
            if row[1] < last:
                yield Finding(source.path, number, "sorted", f'"{row[1]}" stands after "{last}"')
            last = row[1]


def check_prose(source, root):
    """Each path that a page names, and each docs/ path in a comment, exists.

    Lines of a page that say "planned" or hold a <placeholder> are left out.
    """
    if source.path.startswith(("tools/dev/tidy", "tests/dev")):
        return
    is_page = source.path.endswith(".md")
    for number, line in enumerate(source.lines, 1):
        if is_page and re.search(r"\bplanned\b|<", line):
            continue
        for match in (PROSE_PATH if is_page else DOCS_PATH).finditer(line):
            written = match[0].startswith("docs/reference")  # by ./dev docs
            if not written and not any(root.glob(match[0].rstrip("/"))):
                yield Finding(source.path, number, "prose", f"there is no {match[0]}")


def check_scripts(sources):
    """Each command of a table has a script by its name: LPUSH lpush.resp, CONFIG|GET config_get.resp.

    A subcommand may instead be sent by its container's script, config.resp.
    """
    scripts = {pathlib.PurePosixPath(s.path).stem: s.text.upper() for s in sources if s.path.endswith(".resp")}
    for source in sources:
        if not re.match(r"src/engine/\w+/\w+(?<!_test)\.cc$", source.path):
            continue
        for number, row in source.matches(COMMAND_ROW, code=False):
            container = scripts.get(row[1].partition("|")[0].lower(), "")
            sent = "|" in row[1] and re.search(r"(?m)^\w*> *%s\b" % row[1].replace("|", " +"), container)
            if row[1].lower().replace("|", "_") not in scripts and not sent:
                yield Finding(source.path, number, "script", f"{row[1]} has no script", row[1])


def check_format(sources, root):
    paths = [source.path for source in sources if source.is_cxx]
    if paths:
        done = subprocess.run(["clang-format", "--dry-run", *paths], cwd=root,
                              capture_output=True, text=True)
        places = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error)", done.stderr, re.M)
        for path, line in dict(reversed(places)).items():
            yield Finding(path, int(line), "format", "not as clang-format writes it; ./dev fmt")


def closure(path, root, seen):
    """A header and all of ours that it includes, in a stable order."""
    if path not in seen and (root / path).exists():
        seen[path] = (root / path).read_bytes()
        for name in re.findall(rb'(?m)^#include "([^"]+)"', seen[path]):
            closure("src/" + name.decode(), root, seen)
    return seen


def compile_alone(path, root):
    """The first error of a header that stands alone in a file, or nothing."""
    done = subprocess.run(["g++", *HEADER_FLAGS, "-x", "c++", "-"], cwd=root, capture_output=True,
                          text=True, input=f'#include "{path[4:]}"\n')
    errors = [line for line in done.stderr.splitlines() if "error:" in line] or [done.stderr]
    return errors[0][:200] if done.returncode else ""


def check_headers(sources, root):
    """Each header compiles alone. Results are kept by the hash of all of ours that it reads."""
    kept = root / "build/tidy/headers.json"
    cache = json.loads(kept.read_text()) if kept.exists() else {}
    keys = {}
    for path in (source.path for source in sources if re.match(r"src/.*\.h$", source.path)):
        files = sorted(closure(path, root, {}).items())
        keys[path] = hashlib.sha256(repr((path, HEADER_FLAGS, files)).encode()).hexdigest()
    fresh = [path for path, key in keys.items() if key not in cache]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(fresh, pool.map(lambda path: compile_alone(path, root), fresh)))
    cache = {key: results[path] if path in results else cache[key] for path, key in keys.items()}
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(cache))
    for path, key in keys.items():
        if cache[key]:
            yield Finding(path, 1, "header", "does not compile alone: " + cache[key])


def check_ratchet(found, lines):
    """The findings that are not granted, and the lines that the ratchet should have."""
    worst = {}
    for finding in found:
        if finding.subject:
            key = (finding.rule, finding.subject)
            worst[key] = max(worst.get(key, 0), finding.value)
    granted, kept = {}, []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            kept.append(line)
            continue
        rule, subject, limit = words[0], " ".join(words[1:-1]), int(words[-1])
        granted[rule, subject] = limit
        now = worst.get((rule, subject), 0)
        if now:
            kept.append(f"{rule} {subject} {min(now, limit)}")
        if now < limit:
            text = f"{subject} is down to {now}; ./dev tidy --ratchet"
            found.append(Finding("tools/dev/ratchet.txt", number, "ratchet", text))
    return [f for f in found if f.value > granted.get((f.rule, f.subject), 0)], kept


def read_sources(root):
    folders = ("src", "tests", "tools", "bench", "docs", "cmake", "examples")
    paths = [path for folder in folders for path in root.glob(folder + "/**/*")]
    for path in sorted([*paths, *root.glob("*.md")]):
        if path.is_file() and path.suffix in SUFFIXES and not SKIPPED.intersection(path.parts):
            yield Source(str(path.relative_to(root)), path.read_text(errors="replace"))


def find_all(root):
    """Every finding, before the ratchet, and notes that are no findings."""
    sources = list(read_sources(root))
    each = (check_layers, check_size, check_words, check_sorted)
    found = [finding for source in sources for check in each for finding in check(source)]
    found += [finding for source in sources for finding in check_prose(source, root)]
    found += [*check_scripts(sources), *check_format(sources, root), *check_headers(sources, root)]
    notes = [f"note: {source.path} has {len(source.lines)} lines; the aim is {SOFT_LINES}"
             for source in sources if source.is_cxx
             and SOFT_LINES < len(source.lines) - len(source.unformatted()) <= HARD_LINES]
    return found, notes


def main(arguments, root=pathlib.Path(__file__).resolve().parents[2]):
    found, notes = find_all(root)
    ratchet = root / "tools/dev/ratchet.txt"
    left, kept = check_ratchet(found, ratchet.read_text().splitlines() if ratchet.exists() else [])
    if "--ratchet" in arguments:
        ratchet.write_text("\n".join(kept) + "\n")
        left = [finding for finding in left if finding.rule != "ratchet"]
    for finding in sorted(left):
        print(f"{finding.path}:{finding.line}: [{finding.rule}] {finding.text}")
    print("\n".join([*notes, f"{len(left)} findings" if left else "tidy"]))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
