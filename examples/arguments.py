"""The command line that the examples share: where the cache is and, for some, the database."""

import argparse
import pathlib
import tempfile

DATABASE = "sqlite:///" + str(pathlib.Path(tempfile.gettempdir()) / "products.db")


def parser(description, port=6379, database=False):
    """A parser of --host, --port and, if asked for, --database; callers may add to it."""
    result = argparse.ArgumentParser(description=description.splitlines()[0])
    result.add_argument("--host", default="127.0.0.1", help="where the cache is (%(default)s)")
    result.add_argument("--port", type=int, default=port, help="its port (%(default)s)")
    if database:
        result.add_argument("--database", default=DATABASE, metavar="URL",
                            help="sqlite:///PATH or postgresql://... (%(default)s)")
    return result
