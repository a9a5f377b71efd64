"""A table of products, in SQLite or PostgreSQL, behind the three calls that the examples need.

    products = Products("sqlite:///products.db")          # or postgresql://user@host/name
    products.put({"id": "p1", "name": "Teapot", "price_cents": 1250})
    products.get("p1")                                    # the product, or None
    products.all()                                        # every product, by id

Each call is a transaction of its own. Calls may come from any thread; they take turns.
"""

import sqlite3
import threading

LOCK_WAIT_S = 60  # SQLite: how long a call waits for another process to finish writing

CREATE = """CREATE TABLE IF NOT EXISTS products
            (id TEXT PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL)"""
SELECT = "SELECT id, name, price_cents FROM products"
UPSERT = """INSERT INTO products (id, name, price_cents) VALUES (?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, price_cents = excluded.price_cents"""


class Products:
    def __init__(self, url):
        self._turn = threading.Lock()
        self._is_sqlite = url.startswith("sqlite:///")
        if self._is_sqlite:
            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=LOCK_WAIT_S,
                                               isolation_level=None, check_same_thread=False)
        else:
            import psycopg2  # only who uses PostgreSQL needs it
            self._connection = psycopg2.connect(url)
            self._connection.autocommit = True
        self._run(CREATE)

    def get(self, product_id):
        rows = self._run(SELECT + " WHERE id = ?", (product_id,))
        return as_product(rows[0]) if rows else None

    def put(self, product):
        self._run(UPSERT, (product["id"], product["name"], product["price_cents"]))

    def all(self):
        return [as_product(row) for row in self._run(SELECT + " ORDER BY id")]

    def close(self):
        self._connection.close()

    def _run(self, statement, values=()):
        if not self._is_sqlite:
            statement = statement.replace("?", "%s")
        with self._turn:
            cursor = self._connection.cursor()
            try:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
            finally:
                cursor.close()


def as_product(row):
    return {"id": row[0], "name": row[1], "price_cents": row[2]}
