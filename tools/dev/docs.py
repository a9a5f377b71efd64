#!/usr/bin/python3
"""Writes docs/reference/ anew from what a fresh server says of itself, so the pages cannot lie.

Commands come from COMMAND DOCS and COMMAND INFO, parameters and their defaults from CONFIG GET, metrics
from INFO; what kilnd answers comes from its API. With --check nothing is written: the exit status is 1
if a page is not as it would be.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.config
import botocore.exceptions
import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = os.environ.get("KILN_SERVER", str(ROOT / "build/release/bin/kiln-server"))
NOTE = "<!-- Written by ./dev docs from the server's tables; changes made here are lost. -->\n\n"


def text(value):
    """A value of a reply as one cell of a table."""
    words = value if isinstance(value, (list, set, tuple)) else [value]
    words = [word.decode() if isinstance(word, bytes) else str(word) for word in words]
    return " ".join(words).replace("|", "\\|")


def pairs(flat):
    """A RESP2 map as a dictionary with text keys."""
    return {text(key): value for key, value in zip(flat[::2], flat[1::2])}


def ask(client, *words):
    """A reply as it is: the client's own parser stops at eight levels, which COMMAND DOCS goes beyond."""
    connection = redis.UnixDomainSocketConnection(path=client.connection_pool.connection_kwargs["path"],
                                                  parser_class=redis.connection.PythonParser)
    connection.send_command(*words)
    reply = connection.read_response()
    connection.disconnect()
    return reply


def words_of(argument):
    """One argument as its syntax is written: what redis-cli's help shows too."""
    argument = pairs(argument)
    flags = [text(flag) for flag in argument.get("flags", [])]
    kind, token = text(argument["type"]), text(argument.get("token", ""))
    children = [words_of(child) for child in argument.get("arguments", [])]
    if kind == "pure-token":
        said = token or '""'
    elif kind == "oneof":
        said = " \\| ".join(children)
        said = f"<{said}>" if token or "multiple" in flags or "optional" not in flags else said
    else:
        said = " ".join(children) if kind == "block" else text(argument["display_text"])
    if token and kind != "pure-token":
        said = f"{token} {said}"
    if "multiple" in flags:
        again = said if "multiple_token" in flags or not token else said[len(token) + 1:]
        said = f"{said} [{again} ...]"
    return f"[{said}]" if "optional" in flags else said


def documents(client):
    """The rows of COMMAND DOCS by name, subcommands in place of their containers."""
    found = {}

    def add(flat):
        for name, document in zip(flat[::2], flat[1::2]):
            document = pairs(document)
            if "subcommands" not in document or text(name) == "command":
                found[text(name).replace("\\|", " ")] = document
            add(document.get("subcommands", []))
    add(ask(client, "COMMAND", "DOCS"))
    return found


def differences():
    """What docs/differences.md says of commands, by their names in upper case."""
    rows = (ROOT / "docs/differences.md").read_text().split("## From memcached")[0].splitlines()
    found = {}
    for row in rows:
        cells = [cell.strip() for cell in row.replace("\\|", "\0").strip("| ").split("|")]
        if row.startswith("| ") and len(cells) == 4:
            for name in re.findall(r"\b[A-Z]{3,}(?:[ _-][A-Z]{2,})*\b", cells[0]):
                said = f"{cells[0]}: {cells[1]} in Redis; here {cells[2]}"
                found.setdefault(name, []).append(said.replace("\0", "\\|"))
    return found


def command_lines(name, document, different):
    """A heading, the syntax, what it does and costs, and what Kiln does otherwise than Redis."""
    said = " ".join([name.upper(), *(words_of(argument) for argument in document.get("arguments", []))])
    # Code needs no escapes.
    said = said.replace("\\|", "|")
    facts = [f"Since {text(document['since'])}"]
    if "complexity" in document:
        facts.append(f"cost {text(document['complexity'])}")
    if "deprecated_since" in document:
        facts.append(f"deprecated since {text(document['deprecated_since'])}: {text(document['replaced_by'])}")
    lines = [f"### {name.upper()}", "", f"`{said}`", "", text(document["summary"]) + " " + "; ".join(facts) + "."]
    words = name.upper().split()
    for other in different.get(name.upper(), []) + (different.get(words[0], []) if len(words) > 1 else []):
        lines += ["", f"Differs. {other}."]
    return [*lines, ""]


def commands(client):
    """Every command by group. What differs from Redis is what docs/differences.md says of it."""
    groups, different = {}, differences()
    for name, document in documents(client).items():
        groups.setdefault(text(document["group"]), {})[name] = document
    lines = ["Times are those of Redis's versions. What a command does otherwise than in Redis is said with it;",
             "what is not about one command stands in ../differences.md.", ""]
    for group in sorted(groups):
        lines += [f"## {group}", ""]
        for name in sorted(groups[group]):
            lines += command_lines(name, groups[group][name], different)
    return lines


HIDDEN = ["admin-socket", "managed-node"]  # CONFIG GET tells them only by their names


def parameters(client):
    lines = ["| parameter | default |", "| --- | --- |"]
    rows = client.config_get("*")
    for name in HIDDEN:
        rows |= client.config_get(name)
    for name, value in sorted(rows.items()):
        if name not in ("dir", "unixsocket", "pidfile", "logfile"):  # differ from run to run
            lines.append(f"| {name} | {'`' + text(value) + '`' if value else ''} |")
    return lines


def metrics(client):
    """The fields by section, less those of single commands and errors."""
    lines, connection = [], client.connection_pool.get_connection("INFO")
    connection.send_command("INFO")
    for section in text(connection.read_response()).split("# ")[1:]:
        title, *fields = section.splitlines()
        names = [field.partition(":")[0] for field in fields if ":" in field]
        names = [name for name in names if not name.startswith(("cmdstat_", "errorstat_"))]
        lines += [f"## {title}", "", *(f"- `{name}`" for name in names), ""]
    return lines


PAGES = {
    "commands.md": ("Commands", commands),
    "parameters.md": ("Parameters", parameters),
    "metrics.md": ("Metrics: the fields of INFO", metrics),
}


def operations(client):
    """Every operation of the API, called without parameters: those not built say so."""
    lines = ["| operation | state |", "| --- | --- |"]
    for name in client.meta.service_model.operation_names:
        code = ""
        try:
            client._make_api_call(name, {})
        except botocore.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
        lines.append(f"| {name} | {'planned' if code == 'UnsupportedOperation' else 'answers'} |")
    return lines


def families(client):
    """The parameters of each parameter group family."""
    names = {version["CacheParameterGroupFamily"]: None
             for version in client.describe_cache_engine_versions()["CacheEngineVersions"]}
    lines = []
    for family in names:
        lines += [f"## {family}", "", "| parameter | default | allowed | modifiable | takes effect |",
                  "| --- | --- | --- | --- | --- |"]
        pages = client.get_paginator("describe_engine_default_parameters").paginate(CacheParameterGroupFamily=family)
        for row in (row for page in pages for row in page["EngineDefaults"]["Parameters"]):
            change = "after a reboot" if row.get("ChangeType") == "requires-reboot" else "at once"
            modifiable = "yes" if row["IsModifiable"] else "no"
            lines.append(f"| {row['ParameterName']} | {row.get('ParameterValue', '')} | "
                         f"{row.get('AllowedValues', '').replace(',', ', ')} | {modifiable} | {change} |")
        lines.append("")
    return lines


SERVICE_PAGES = {
    "operations.md": ("Operations of the ElastiCache API", operations),
    "parameter-groups.md": ("Parameters of parameter groups", families),
}


def written(titles, client):
    return {name: f"# {title}\n\n{NOTE}" + "\n".join(write(client)).rstrip() + "\n"
            for name, (title, write) in titles.items()}


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def node_pages(folder):
    """From a server of our own on a socket of its own."""
    socket = folder + "/socket"
    process = subprocess.Popen([SERVER, "--port", "0", "--unixsocket", socket, "--dir", folder],
                               stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(socket))
        return written(PAGES, redis.Redis(unix_socket_path=socket))
    finally:
        process.terminate()
        process.wait()


def service_pages(folder):
    """From a kilnd of our own, without nodes."""
    log = pathlib.Path(folder, "log")
    with log.open("wb") as output:
        process = subprocess.Popen([str(pathlib.Path(SERVER).with_name("kilnd")), "--data-dir", folder + "/data",
                                    "--listen", "127.0.0.1:0", "--simulate-nodes"], stdout=output)
    try:
        wait_for(lambda: b"ready on" in log.read_bytes())
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = folder + "/data/credentials"
        url = log.read_text().split("ready on ")[1].split(". ")[0]
        config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1})
        return written(SERVICE_PAGES, boto3.client("elasticache", endpoint_url=url, region_name="us-east-1",
                                                   config=config))
    finally:
        process.terminate()
        process.wait()


def pages():
    """The text of each page."""
    with tempfile.TemporaryDirectory() as folder:
        return node_pages(folder) | service_pages(folder)


def main(check):
    folder, fresh = ROOT / "docs/reference", pages()
    stale = [name for name, page in fresh.items()
             if not (folder / name).exists() or (folder / name).read_text() != page]
    for name in stale:
        print(f"docs/reference/{name} " + ("is out of date; ./dev docs" if check else "written"))
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(fresh[name])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
