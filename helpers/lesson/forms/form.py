"""A form is a view of a typed value: the learner edits it, and the notebook's next cell reads the value.

In a headless run the form is not edited, so the notebook's parameters are the value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import ipywidgets as widgets
from markupsafe import Markup
from pydantic import ValidationError

from helpers.lesson.figures import STYLE, Picture
from helpers.lesson.figures.picture import card, table
from helpers.lesson.forms.field import Field, KeepFile
from helpers.lesson.forms.own_keys import OwnKeys
from helpers.lesson.forms.reasons import reasons
from helpers.lesson.forms.secret import Secret
from helpers.lesson.forms.typed import NEW_WALKTHROUGH, Inputs
from helpers.problem import Problem

__all__ = ["Form", "Setting"]

_NOTHING_TO_FILL_IN = "There is nothing to fill in here. Run the next cell."
Value = TypeVar("Value", bound=Inputs)


def _ignore(_value: Any) -> None:
    return


def _no_problems(_value: Any) -> Mapping[str, Problem]:
    return {}


@dataclass(frozen=True)
class Setting:
    """The context of a form.

    Attributes:
        about: other values on which a field's visibility may depend, besides the form's own values.
        remembered: the user's earlier choices; one of them replaces a parameter that was left at its default.
        secret: a password field besides the model's fields.
        choices: the texts to choose from in a field, by the field's name.
        keep_file: stores a file that was dropped on a field, and returns its path.
        check: returns, for each field whose value is not possible in this workspace, the Problem.
        note: called with each value that a cell reads.
    """

    about: Mapping[str, Any] | None = None
    remembered: Mapping[str, Any] | None = None
    secret: Secret | None = None
    choices: Mapping[str, tuple[str, ...]] | None = None
    keep_file: KeepFile | None = None
    check: Callable[[Any], Mapping[str, Problem]] = _no_problems
    note: Callable[[Any], None] = _ignore


class Form(Generic[Value]):
    """Shows a field for each of the model's fields."""

    def __init__(self, model: type[Value], parameters: Mapping[str, Any], setting: Setting | None = None) -> None:
        """
        Args:
            model: the type of the form's value.
            parameters: the initial values, by field; other names are ignored.

        Raises:
            Problem: a parameter is invalid, or conflicts with the others; the error names it.
        """
        self._model = model
        self._setting = setting or Setting()
        self.secret = self._setting.secret
        self._about = {**NEW_WALKTHROUGH, **(self._setting.about or {})}
        idle = model.without_effect(self._about)
        given = {name: parameters[name] for name in model.model_fields if name in parameters and name not in idle}
        first = model.checked(**{**given, **_not_given(model, given, self._setting.remembered or {})})
        first.require_meaning(given, self._about)
        self._idle = {name: getattr(first, name) for name in idle}
        choices = {name: among for name, among in (self._setting.choices or {}).items() if among}
        for name, among in choices.items():
            _require_chosen(name, getattr(first, name), among)
        self._fields = [
            Field(name, info, getattr(first, name), self._setting.keep_file, choices.get(name, ()))
            for name, info in model.model_fields.items()
            if name not in idle
        ]
        self._rows = [*self._fields, *([self.secret] if self.secret else [])]
        self._nothing = widgets.HTML(Markup("<p class='dps-nothing'>{}</p>").format(_NOTHING_TO_FILL_IN))
        boxes = [row.box for row in self._rows]
        self.box = widgets.VBox([widgets.HTML(STYLE), OwnKeys(), *boxes, self._nothing]).add_class("dps-form")
        for field in self._fields:
            field.is_touched = field.name in given and given[field.name] != model.model_fields[field.name].default
            field.control.observe(lambda _change, field=field: self._edited(field), names="value")
        self._look()

    @property
    def value(self) -> Value:
        """The value that the fields hold now.

        Raises:
            Problem: a field is invalid, or is empty although another field makes it necessary, or this workspace does not
                allow the value; the error names the field.
        """
        for field in self._fields:
            field.let_go()
            field.is_touched = True  # from now on the field shows its reason, even if it was never edited
        self._look()
        value = self._model.checked(**self._typed())
        value.require_complete(self._shown_names())
        for problem in self._setting.check(value).values():
            raise problem
        self._setting.note(value)
        return value

    def __repr__(self) -> str:
        return "\n".join(f"{label}: {text}" for label, text in self._shown())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the widgets, and a table of the values for places without widgets: exports and logs."""
        html = Picture.framed(card("The form", table(self._shown())))
        live: dict[str, Any] = self.box._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": repr(self), "text/html": html}

    def _shown(self) -> list[tuple[str, str]]:
        rows = [(field.label, field.said) for field in self._fields if field.is_shown]
        rows += [(self.secret.label, self.secret.state)] if self.secret and self.secret.is_shown else []
        return rows or [("Form", _NOTHING_TO_FILL_IN)]

    def _typed(self) -> dict[str, Any]:
        return {**self._idle, **{field.name: field.value for field in self._fields}}

    def _edited(self, field: Field) -> None:
        """From now on, show a reason under the field while its value is invalid."""
        field.is_touched = True
        for each in self._fields:
            each.reset_by_edit(field)
        self._look()

    def _shown_names(self) -> set[str]:
        return {field.name for field in self._fields if field.is_shown}

    def _look(self) -> None:
        held = {**self._about, **self._idle, **{field.name: field.control.value for field in self._fields}}
        for row in self._rows:
            row.show_among(held)
        self._nothing.layout.display = "none" if any(row.is_shown for row in self._rows) else None
        wrong = self._reasons()
        for field in self._fields:
            field.say(wrong.get(field.name, "") if field.is_touched and field.is_shown else "")

    def _reasons(self) -> dict[str, str]:
        """Return, for each field whose value is invalid, the reason."""
        try:
            value = self._model.model_validate(self._typed())
        except ValidationError as error:
            return reasons(error)
        problems = self._setting.check(value)
        return {**{name: f"{each.why} {each.next_step}" for name, each in problems.items()}, **value.missing()}


def _require_chosen(name: str, value: str, among: Sequence[str]) -> None:
    """Raise a Problem unless the list offers the value: a list shows only its choices, so any other would be lost silently."""
    known = {each.lower() for each in among}
    if not all(each.strip().lower() in known for each in value.split(",") if each.strip()):
        raise Problem(
            f"The parameter {name} is invalid.",
            f"It must be one or several of {', '.join(among)}. The value was {value!r}.",
            "Choose another value, or leave it empty.",
        )


def _not_given(model: type[Inputs], given: Mapping[str, Any], remembered: Mapping[str, Any]) -> dict[str, Any]:
    """Return the remembered values of the fields whose parameters were left at their defaults."""
    return {
        name: value
        for name, value in remembered.items()
        if value is not None and given.get(name, model.model_fields[name].default) == model.model_fields[name].default
    }
