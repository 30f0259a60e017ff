"""The typed value that a form shows and edits."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from helpers.lesson.forms.reasons import reasons
from helpers.problem import Problem
from helpers.urls import holds_key

__all__ = ["NEW_WALKTHROUGH", "HelpFor", "Inputs", "ResetByEdits", "ShownWhen", "marker"]

Marker = TypeVar("Marker")
NEW_WALKTHROUGH: Mapping[str, Any] = {
    "target": None,
    "has_root": False,
    "has_cas": False,
    "keys_are_encrypted": False,
}
"""What a form knows of a walkthrough that has just begun, by the names that `ShownWhen` and `HelpFor` use."""


@dataclass(frozen=True)
class ShownWhen:
    """In a field's Annotated type: the condition on which the field is shown. While it is hidden, its value is its default.

    Attributes:
        holds: whether the condition holds for the form's values and what the form knows of the walkthrough.
        says: the condition in words, for the error if the field is given although it would be hidden.
    """

    holds: Callable[[dict[str, Any]], bool]
    says: str


@dataclass(frozen=True)
class HelpFor:
    """In a field's Annotated type: a help that depends on the form's values, in place of the field's description.

    Attributes:
        text: returns the help for the form's values and what the form knows of the walkthrough.
    """

    text: Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class ResetByEdits:
    """In a field's Annotated type: an edit of another field sets this one back to its default."""


def marker(info: FieldInfo, kind: type[Marker]) -> Marker | None:
    """Return the marker of that kind in the field's Annotated type, or None."""
    return next((each for each in info.metadata if isinstance(each, kind)), None)


class Inputs(BaseModel):
    """The typed value behind a form. A field's title is its label, and its description is its help."""

    # A traceback may show pydantic's own message, which would otherwise repeat a key that was given by mistake.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Return the value with these fields.

        Raises:
            Problem: a name is unknown, or a value is invalid; the error names it.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            name, reason = next(iter(reasons(error).items()), (cls.__name__, str(error)))
            if name not in cls.model_fields:
                raise Problem(
                    f"The parameter {name} is unknown.", reason, f"Its parameters are {', '.join(cls.model_fields)}."
                ) from error
            given = repr(values.get(name, cls.model_fields[name].default))
            raise Problem(
                f"The parameter {name} is invalid ({cls.model_fields[name].title}).",
                reason if holds_key(given) else f"{reason} The value was {given}.",
                "Choose another value.",
            ) from error

    @classmethod
    def without_effect(cls, about: Mapping[str, Any]) -> frozenset[str]:  # noqa: ARG003 - for those that override it
        """Return the fields that have no effect in a walkthrough: the form neither shows nor checks them."""
        return frozenset()

    def missing(self) -> dict[str, str]:
        """Return, for each empty field that another field makes necessary, the reason."""
        return {}

    def require_complete(self, shown: Collection[str] | None = None) -> None:
        """Raise a Problem that names the first field of `missing`, if there is one.

        Args:
            shown: the fields that have an effect; all by default.
        """
        for name, reason in self.missing().items():
            if shown is not None and name not in shown:
                continue
            title = type(self).model_fields[name].title
            raise Problem(
                f"The parameter {name} is missing ({title}).", reason, "Fill in the field, or give the parameter."
            )

    def require_meaning(self, given: Iterable[str], about: Mapping[str, Any]) -> None:
        """Raise a Problem for a given field that the other values would hide.

        Args:
            given: the names of the given fields. about: other values on which a field's visibility may depend.
        """
        values = {**about, **dict(self)}
        for name in given:
            info = type(self).model_fields[name]
            shown = marker(info, ShownWhen)
            if shown and not shown.holds(values) and values[name] != info.default:
                raise Problem(
                    f"The parameter {name} does not apply here ({info.title}).",
                    f"It is used only {shown.says}.",
                    "Leave it out, or change the parameter on which it depends.",
                )
