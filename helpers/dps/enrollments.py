"""What can be done with enrollments of either kind on the service plane."""

import builtins
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat, settle
from helpers.problem import Problem

__all__ = ["ENROLLMENT_ID", "Enrollments"]

ENROLLMENT_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")
"""Of either kind (concepts-service.md): up to 128 characters, compared without case."""


class _Enrollment(Protocol):
    """A dataclass with the ETag that the service gave it; None until it has it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def etag(self) -> str | None: ...


Value = TypeVar("Value", bound=_Enrollment)


class Enrollments(ABC, Generic[Value]):
    """The enrollments of one kind in one provisioning service.

    Every method raises DpsError when the service refuses.
    """

    noun: ClassVar[str]
    collection: ClassVar[str]

    def __init__(self, operations: Any) -> None:
        """
        Args:
            operations: of Azure's client, for this kind.
        """
        self._operations = operations

    def create(self, value: Value) -> Value:
        """Create it. The same again changes nothing and returns what is there; another of that name is an error (409)."""
        document = self._document(value)

        def create() -> Value:
            with translated(f"create the {self._named(value)}"):
                return self._value(self._operations.create_or_update(self._id(value), document), value)

        return settle(create, lambda: self._like(value))

    def get(self, name: str) -> Value:
        """What it is now."""
        return self._get(name, None)

    def list(self) -> builtins.list[Value]:
        """All of them, however many pages they fill."""

        def read() -> builtins.list[Value]:
            with translated(f"list the {self.noun}s"):
                query = {"query": f"SELECT * FROM {self.collection}"}  # noqa: S608 - our own word
                return [self._value(each, None) for each in self._operations.query(query)]

        return repeat(read)

    def update(self, value: Value) -> Value:
        """Replace it by this value, if it has not changed since the value was read (else 412)."""
        document = self._document(value)
        etag = self._etag(value, "updated")

        def update() -> Value:
            with translated(f"update the {self._named(value)}"):
                return self._value(self._operations.create_or_update(self._id(value), document, if_match=etag), value)

        return settle(update, lambda: self._like(value))

    def delete(self, value: Value) -> None:
        """Remove it, if it has not changed since the value was read (else 412)."""
        etag = self._etag(value, "deleted")

        def delete() -> bool:
            with translated(f"delete the {self._named(value)}"):
                self._operations.delete(self._id(value), if_match=etag)
            return True

        settle(delete, lambda: self._find(self._id(value), None) is None or None)

    @abstractmethod
    def _id(self, value: Value) -> str: ...

    @abstractmethod
    def _document(self, value: Value) -> dict[str, Any]:
        """The body of a PUT (dps.md, api-version 2021-10-01).

        Raises:
            Problem: it can't be right.
        """

    @abstractmethod
    def _value(self, answer: Mapping[str, Any], sent: Value | None) -> Value:
        """What an answer tells; and what the service never returns, from the value that was sent."""

    def _get(self, name: str, sent: Value | None) -> Value:
        def read() -> Value:
            with translated(f"read the {self.noun} “{name}”"):
                return self._value(self._operations.get(name), sent)

        return repeat(read)

    def _find(self, name: str, sent: Value | None) -> Value | None:
        try:
            return self._get(name, sent)
        except DpsError as error:
            if error.status == 404:
                return None
            raise

    def _like(self, value: Value) -> Value | None:
        """What is there, if it says what this value says."""
        present = self._find(self._id(value), value)
        return present if present and replace(present, etag=None) == replace(value, etag=None) else None

    def _named(self, value: Value) -> str:
        return f"{self.noun} “{self._id(value)}”"

    def _etag(self, value: Value, changed: str) -> str:
        """Without an ETag the service would change it whatever it is now."""
        if value.etag is None:
            raise Problem(
                f"The {self._named(value)} was not {changed}.",
                "The value has no ETag, so it was never read from the service.",
                "Read it first and use what you read.",
            )
        return value.etag
