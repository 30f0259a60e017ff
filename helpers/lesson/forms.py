"""A form is a view of a typed value: fields from a pydantic model, prefilled from the notebook's parameters."""

from enum import Enum
from html import escape
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

import ipywidgets as widgets
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from helpers.problem import Problem

__all__ = ["Form"]

Value = TypeVar("Value", bound=BaseModel)


class Form(Generic[Value]):
    """Shows a field for each of the model's fields; `.value` is what they hold now, checked.

    Headless, nobody edits it: the parameters are the value, and take the same way.
    """

    def __init__(self, model: type[Value], **parameters: Any) -> None:
        """
        Args:
            model: what the form is a view of.
            parameters: its first value; a name that the model does not have is an error.

        Raises:
            Problem: a parameter is unknown or invalid; the error names it.
        """
        self._model = model
        first = _checked(model, parameters)
        self._fields = {name: _field(name, info, getattr(first, name)) for name, info in model.model_fields.items()}
        self._message = widgets.HTML()
        self._box = widgets.VBox([*self._fields.values(), self._message])
        for field in self._fields.values():
            field.observe(self._check, names="value")

    @property
    def value(self) -> Value:
        """The fields' present value.

        Raises:
            Problem: a field holds something invalid; the error names it.
        """
        return _checked(self._model, {name: field.value for name, field in self._fields.items()})

    def __repr__(self) -> str:
        return "\n".join(f"{field.description}: {field.value}" for field in self._fields.values())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widgets where they can live, and a table of the values where they can't: exports and logs."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(field.description)}</th><td>{escape(str(field.value))}</td></tr>"
            for field in self._fields.values()
        )
        live: dict[str, Any] = self._box._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": repr(self), "text/html": f"<table>{rows}</table>"}

    def _check(self, _change: Any) -> None:
        """While typing: the reason stands below the fields until it is mended."""
        try:
            self.value  # noqa: B018
        except Problem as problem:
            self._message.value = f"<b role='alert'>{escape(problem.what)}</b> {escape(problem.why)}"
        else:
            self._message.value = ""


def _checked(model: type[Value], values: dict[str, Any]) -> Value:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else model.__name__
        unknown = first["type"] == "extra_forbidden"
        raise Problem(
            f"The parameter {name} is {'unknown' if unknown else 'invalid'}.",
            "This notebook has none of that name." if unknown else f"{first['msg']}; it was {first['input']!r}.",
            f"Its parameters are {', '.join(model.model_fields)}." if unknown else "Give another value.",
        ) from error


def _field(name: str, info: FieldInfo, value: Any) -> Any:
    """The widget for one field, chosen by the field's type."""
    look = {
        "description": info.title or name,
        "tooltip": info.description or info.title or name,
        "style": {"description_width": "18em"},
        "layout": widgets.Layout(width="46em"),
    }
    kind: Any = info.annotation
    if get_origin(kind) is Literal:
        return widgets.Dropdown(options=list(get_args(kind)), value=value, **look)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return widgets.Dropdown(options=[(str(choice.value), choice) for choice in kind], value=value, **look)
    if kind is bool:
        return widgets.Checkbox(value=value, indent=True, **look)
    if kind is int:
        return widgets.IntText(value=value, **look)
    return widgets.Text(value=value, placeholder=info.description or "", **look)
