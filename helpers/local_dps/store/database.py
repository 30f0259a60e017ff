"""One SQLite database whose committed transactions survive a power failure, unless it is in memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["Database"]

_MAX_PAGE_BYTES = 1024 * 1024  # a page is built in one turn of the event loop, while all other requests wait


class Database:
    """An open SQLite database, for use by one thread of one process."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or create it. Only its owner may read it.

        Args:
            path: None for a database in memory.

        Raises:
            sqlite3.Error: the file can't be opened.
        """
        if path is not None:
            path.touch(mode=0o600)
            path.chmod(0o600)  # an existing file may have been readable by others
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(
            "PRAGMA synchronous = FULL"
        )  # fsync, so that a committed write survives a power failure
        self._connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the file. Committed changes stay."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all changes made inside, or none if it raises. The write lock is taken at the start."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # on a full disk, SQLite may have rolled back already
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction, undo only the changes made inside if it raises."""
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

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a SELECT."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def page(self, statement: str, *values: object, size: int) -> tuple[list[sqlite3.Row], bool]:
        """Return at most `size` rows of a SELECT, fewer if their documents are large, and whether there are more."""
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
        """Return the first row of a SELECT, or None."""
        with closing(self._connection.execute(statement, values)) as cursor:
            found: sqlite3.Row | None = cursor.fetchone()
            return found

    def count(self, statement: str, *values: object) -> int:
        """Return the one number that a SELECT yields."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return int(cursor.fetchone()[0])
