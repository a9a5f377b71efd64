"""Debian's PostgreSQL as one of the servers that tests start: its own files, its own port, no password.

It is a child of the test, not of pg_ctl, so that it cannot outlive the run that started it. It refuses
to run as root; then it runs as the user `postgres`, whom Debian's package makes.
"""

import os
import pathlib
import shutil
import signal
import subprocess

import psycopg2

from servers import HOST, Server

DEBIAN = "/usr/lib/postgresql"  # one folder for each major version
USER = "postgres"


class PostgreSQL(Server):
    name = "postgresql"

    @classmethod
    def binary(cls, name="postgres"):
        return str(max(pathlib.Path(DEBIAN).glob(f"*/bin/{name}"), default=name))

    @property
    def url(self):
        return f"postgresql://kiln@{HOST}:{self.port}/postgres"

    def as_user(self, *words):
        drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
        return [*(drop if os.geteuid() == 0 else []), *map(str, words)]

    def start(self):
        if os.geteuid() == 0:
            shutil.chown(self.directory, USER, USER)
        subprocess.run(
            self.as_user(self.binary("initdb"), "--pgdata", self.directory / "data", "--username=kiln",
                         "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
            cwd=self.directory, check=True, stdout=subprocess.DEVNULL)
        super().start()

    def argv(self):
        # -F: no fsync; the data of a test need not survive the machine.
        return self.as_user(self.binary(), "-D", self.directory / "data", "-h", HOST, "-p", self.port,
                            "-k", self.directory, "-F")

    def is_answering(self):
        try:
            psycopg2.connect(self.url).close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # ends its clients' connections; SIGTERM waits for them
        super().stop()
