"""One SQLite file: transactions that outlive a power cut once they are acknowledged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["Database"]

_MAX_PAGE_BYTES = 1024 * 1024  # a page is made and sent in one go, while everybody else waits


class Database:
    """An open file, for one thread of one process."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it, readable by its owner alone.

        Raises:
            sqlite3.Error: it can't be opened.
        """
        path.touch(mode=0o600)
        path.chmod(0o600)  # one that was there may have been readable by others
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # an acknowledged write outlives a power cut
        self._connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what happens inside is kept, or none of it. The write lock is taken at once."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled it back already
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: undo what happens inside if it raises, and nothing else."""
        self._connection.execute("SAVEPOINT inner")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO inner")
                self._connection.execute("RELEASE inner")
            raise
        self._connection.execute("RELEASE inner")

    def execute(self, statement: str, *values: object) -> None:
        """Run a statement that returns nothing."""
        self._connection.execute(statement, values)

    def insert(self, statement: str, *values: object) -> int:
        """Run an INSERT; the number of the new row."""
        return self._connection.execute(statement, values).lastrowid or 0

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a SELECT."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def page(self, statement: str, *values: object, size: int) -> tuple[list[sqlite3.Row], bool]:
        """At most `size` rows of a SELECT, fewer if their documents are large; and whether there are more."""
        found: list[sqlite3.Row] = []
        weight = 0
        with closing(self._connection.execute(statement, values)) as cursor:
            for row in cursor:
                if len(found) == size or weight > _MAX_PAGE_BYTES:
                    return found, True
                found.append(row)
                weight += len(row["document"])
        return found, False

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        with closing(self._connection.execute(statement, values)) as cursor:
            found: sqlite3.Row | None = cursor.fetchone()
            return found

    def count(self, statement: str, *values: object) -> int:
        """The one number that a SELECT gives."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return int(cursor.fetchone()[0])
