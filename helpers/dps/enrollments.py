"""Create, read, list, update and delete enrollments on the service plane: individual ones and groups."""

import builtins
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from helpers.dps.retries import found, retry_change, retry_read
from helpers.problem import Problem

__all__ = ["ENROLLMENT_ID", "EnrollmentCollection"]

ENROLLMENT_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")
"""An id of an individual enrollment or a group (concepts-service.md): up to 128 characters, case-insensitive."""


class _Enrollment(Protocol):
    """A dataclass with the service's ETag, which is None until the service has created the enrollment."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def etag(self) -> str | None: ...


Value = TypeVar("Value", bound=_Enrollment)


class EnrollmentCollection(ABC, Generic[Value]):
    """The enrollments of one kind in one provisioning service.

    Every method raises DpsError if the service rejects the request.
    """

    noun: ClassVar[str]
    collection: ClassVar[str]

    def __init__(self, operations: Any) -> None:
        """
        Args:
            operations: the operations of Azure's client for this kind.
        """
        self._operations = operations

    def create(self, value: Value) -> Value:
        """Create an enrollment. An equal one is returned unchanged; a different one with that id is an error (409)."""
        document = self._document(value)
        return retry_change(
            f"create the {self._named(value)}",
            lambda: self._value(self._operations.create_or_update(self._id(value), document), value),
            lambda: self._like(value),
        )

    def get(self, name: str) -> Value:
        """Return the enrollment's present state."""
        return self._get(name, None)

    def list(self) -> builtins.list[Value]:
        """Return all enrollments of this kind, from all pages of the service's answer."""
        query = {"query": f"SELECT * FROM {self.collection}"}  # noqa: S608 - a class attribute, not input
        return retry_read(
            f"list the {self.noun}s", lambda: [self._value(each, None) for each in self._operations.query(query)]
        )

    def update(self, value: Value) -> Value:
        """Replace the enrollment with this value, unless it has changed since the value was read (412)."""
        document = self._document(value)
        etag = self._etag(value, "updated")
        return retry_change(
            f"update the {self._named(value)}",
            lambda: self._value(self._operations.create_or_update(self._id(value), document, if_match=etag), value),
            lambda: self._like(value),
        )

    def delete(self, value: Value) -> None:
        """Delete the enrollment, unless it has changed since the value was read (412)."""
        etag = self._etag(value, "deleted")

        def delete() -> bool:
            self._operations.delete(self._id(value), if_match=etag)
            return True

        retry_change(
            f"delete the {self._named(value)}",
            delete,
            lambda: found(lambda: self.get(self._id(value))) is None or None,
        )

    @abstractmethod
    def _id(self, value: Value) -> str: ...

    @abstractmethod
    def _document(self, value: Value) -> dict[str, Any]:
        """Return the body of a PUT (dps.md, api-version 2021-10-01).

        Raises:
            Problem: the service can't accept this value.
        """

    @abstractmethod
    def _value(self, answer: Mapping[str, Any], sent: Value | None) -> Value:
        """Return the enrollment in an answer, with certificates, which the service never returns, from `sent`."""

    def _get(self, name: str, sent: Value | None) -> Value:
        return retry_read(f"read the {self.noun} “{name}”", lambda: self._value(self._operations.get(name), sent))

    def _like(self, value: Value) -> Value | None:
        """Return the enrollment at the service if it equals this value, apart from the ETag."""
        present = found(lambda: self._get(self._id(value), value))
        return present if present and replace(present, etag=None) == replace(value, etag=None) else None

    def _named(self, value: Value) -> str:
        return f"{self.noun} “{self._id(value)}”"

    def _etag(self, value: Value, changed: str) -> str:
        """Return the value's ETag. Without one, the service would also change an enrollment that is newer than the value."""
        if value.etag is None:
            raise Problem(
                f"The {self._named(value)} was not {changed}.",
                "The value has no ETag, so it did not come from the service.",
                "Read it from the service first, and use that value.",
            )
        return value.etag
