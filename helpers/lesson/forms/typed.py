"""The typed value of which a form is a view."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from helpers.lesson.forms.reasons import reasons
from helpers.problem import Problem

__all__ = ["Inputs"]


class Inputs(BaseModel):
    """The typed value behind a form. A field's title is its label, the description its help."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
            raise Problem(
                f"The parameter {name} is invalid ({cls.model_fields[name].title}).",
                f"{reason} It was {values.get(name)!r}.",
                "Give another value.",
            ) from error

    def missing(self) -> dict[str, str]:
        """For each field that must be filled in because of what another holds, the reason why."""
        return {}

    def require_complete(self) -> None:
        """Raises a Problem that names the first field of `missing`, if there is one."""
        for name, reason in self.missing().items():
            raise Problem(f"{name} is missing.", reason, "Fill in the field, or give the parameter.")
