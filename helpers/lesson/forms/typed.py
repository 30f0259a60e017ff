"""The typed value of which a form is a view."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from helpers.lesson.forms.reasons import reasons
from helpers.problem import Problem
from helpers.urls import holds_key

__all__ = ["Inputs", "ShownWhen", "marker"]

Marker = TypeVar("Marker")


@dataclass(frozen=True)
class ShownWhen:
    """In a field's Annotated type: the field is shown if the form's values fulfil this; hidden, it counts as its default.

    Attributes:
        holds: of the form's values and the walkthrough's `target`. says: when that is, for an error if it is given otherwise.
    """

    holds: Callable[[dict[str, Any]], bool]
    says: str


def marker(info: FieldInfo, kind: type[Marker]) -> Marker | None:
    """What the field's Annotated type says of that kind."""
    return next((each for each in info.metadata if isinstance(each, kind)), None)


class Inputs(BaseModel):
    """The typed value behind a form. A field's title is its label, the description its help."""

    # pydantic's own message, which a traceback may show, would repeat a key that was given by mistake.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """The value, from whatever was given.

        Raises:
            Problem: a name is unknown or a value invalid; the error names it.
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
                reason if holds_key(given) else f"{reason} It was {given}.",
                "Give another value.",
            ) from error

    @classmethod
    def without_effect(cls, about: Mapping[str, Any]) -> frozenset[str]:  # noqa: ARG003 - for those that override it
        """The fields that do not count in a walkthrough: they are neither shown nor checked."""
        return frozenset()

    def missing(self) -> dict[str, str]:
        """For each field that must be filled in because of what another holds, the reason why."""
        return {}

    def require_complete(self) -> None:
        """Raises a Problem that names the first field of `missing`, if there is one."""
        for name, reason in self.missing().items():
            title = type(self).model_fields[name].title
            raise Problem(
                f"The parameter {name} is missing ({title}).", reason, "Fill in the field, or give the parameter."
            )

    def require_meaning(self, given: Iterable[str], about: Mapping[str, Any]) -> None:
        """Raises a Problem for a field that was given although, beside the others, it would not be shown.

        Args:
            given: names of fields. about: what a field's visibility may depend on besides the others.
        """
        values = {**about, **dict(self)}
        for name in given:
            info = type(self).model_fields[name]
            shown = marker(info, ShownWhen)
            if shown and not shown.holds(values) and values[name] != info.default:
                raise Problem(
                    f"The parameter {name} does not apply here ({info.title}).",
                    f"It is used only {shown.says}.",
                    "Leave it out, or change what it depends on.",
                )
