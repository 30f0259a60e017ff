"""A form is a view of a typed value, with a button that takes the step for which the value is needed.

Headless, nobody edits it: the notebook's parameters are the value, and `result` takes the same step by the same function.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import ipywidgets as widgets
from IPython.display import display
from markupsafe import Markup
from pydantic import ValidationError

from helpers.lesson.figures import Showable, ours, problem_card
from helpers.lesson.forms.field import Field, KeepFile
from helpers.lesson.forms.own_keys import OwnKeys
from helpers.lesson.forms.reasons import reasons
from helpers.lesson.forms.secret import Secret
from helpers.lesson.forms.typed import Inputs
from helpers.problem import Problem

__all__ = ["Form"]

_STYLE = ours(f"<style>{Path(__file__).with_suffix('.css').read_text()}</style>")


_SECONDS_UNDER_WAY = 0.3
Value = TypeVar("Value", bound=Inputs)
Result = TypeVar("Result")


class Form(Generic[Value, Result]):
    """Shows a field for each of the model's fields, and a button that says what it will do."""

    def __init__(
        self,
        model: type[Value],
        button: str,
        step: Callable[[Value], Result],
        *,
        picture: Callable[[Result], Showable],
        secret: Secret | None = None,
        keep_file: KeepFile | None = None,
        walkthrough_target: str | None = None,
        remembered: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        """
        Args:
            model: what the form is a view of.
            button: what pressing it will do, in words.
            step: what the button and `result` do with the value; it may be taken again.
            picture: how the step's result is shown below the button.
            secret: a field for it, besides the model's.
            keep_file: where a file goes that is dropped on the form.
            walkthrough_target: for fields that depend on it.
            remembered: what was chosen here before; it counts where a parameter is left at its default.
            parameters: the first value; a name that the model does not have is an error.

        Raises:
            Problem: a parameter is unknown or invalid, or has no meaning beside the others; the error names it.
        """
        self._model, self._step, self._picture, self._target = model, step, picture, walkthrough_target
        self.secret = secret
        self._done: tuple[tuple[Value, str | None], Result] | None = None
        self._soon: asyncio.TimerHandle | None = None
        first = model.checked(**{**parameters, **_not_given(model, parameters, remembered or {})})
        first.require_meaning(parameters, target=walkthrough_target)
        self._fields = [Field(name, info, getattr(first, name), keep_file) for name, info in model.model_fields.items()]
        self._says = button
        self._button = widgets.Button(description=button, button_style="primary")
        self._button.on_click(lambda _button: self._press())
        self._outcome = widgets.HTML().add_class("dps-done")
        self._keys = OwnKeys()
        rows = [*(field.box for field in self._fields), *([secret.box] if secret else [])]
        self.box = widgets.VBox([widgets.HTML(_STYLE), self._keys, *rows, self._button, self._outcome]).add_class(
            "dps-form"
        )
        for field in self._fields:
            field.control.observe(self._edited, names="value")
        self._look()

    @property
    def value(self) -> Value:
        """The fields' present value.

        Raises:
            Problem: a field holds something invalid, or lacks what another field wants; the error names it.
        """
        value = self._model.checked(**self._typed())
        value.require_complete()
        return value

    @property
    def is_done(self) -> bool:
        """Whether the step has been taken with what the fields hold now."""
        try:
            return self._done is not None and self._done[0] == self._inputs()
        except Problem:
            return False

    def result(self) -> Result:
        """What the step gave, if the button has taken it with the present value; otherwise the step is taken now.

        Raises:
            Problem: the value is not good, or the step can't be taken.
        """
        if self._soon:  # pressed a moment ago
            self._soon.cancel()
            self._work()
        if not self.is_done:
            try:
                self._take_step()
            except Problem as problem:
                if isinstance(problem, Showable):
                    display(problem)  # type: ignore[no-untyped-call]
                raise
        assert self._done is not None
        return self._done[1]

    def __repr__(self) -> str:
        return "\n".join([*(f"{label}: {text}" for label, text in self._shown()), f"[{self._says}]"])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widgets where they can live, and a table of the values where they can't: exports and logs."""
        row = Markup("<tr><th scope='row' style='text-align:left'>{}</th><td style='text-align:left'>{}</td></tr>")
        rows = Markup().join(row.format(label, text) for label, text in self._shown())
        html = Markup("<table>{}</table><p>Its button: <b>{}</b></p>").format(rows, self._says)
        live: dict[str, Any] = self.box._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": repr(self), "text/html": html}

    def _shown(self) -> list[tuple[str, str]]:
        rows = [(field.label, str(field.value)) for field in self._fields if field.is_shown]
        return [*rows, (self.secret.label, self.secret.state)] if self.secret and self.secret.is_shown else rows

    def _typed(self) -> dict[str, Any]:
        return {field.name: field.value for field in self._fields}

    def _inputs(self) -> tuple[Value, str | None]:
        return self.value, self.secret.take() if self.secret else None

    def _take_step(self) -> None:
        self._done = None
        result = self._step(self.value)
        for field in self._fields:
            field.let_go()
        self._done = (self._inputs(), result)

    def _press(self) -> None:
        """The button: busy while the step is taken, then the result or the error in place.

        What was typed while the kernel was busy is still under way: ipywidgets holds it back until an earlier change has
        been read, but not the click. So the step waits a moment for it.
        """
        if self._button.disabled:  # pressed twice
            return
        self._button.disabled, self._button.description = True, "Working …"
        self._tell(Markup("<p>Working: {} …</p>").format(self._says))
        self._work_soon()

    def _work_soon(self) -> None:
        if self._soon:
            self._soon.cancel()
        try:
            self._soon = asyncio.get_running_loop().call_later(_SECONDS_UNDER_WAY, self._work)
        except RuntimeError:  # no browser, no loop
            self._work()

    def _work(self) -> None:
        self._soon = None
        try:
            self._take_step()
            assert self._done is not None
            self._tell(ours(self._picture(self._done[1])._repr_html_()))
        except Problem as problem:
            shown = problem if isinstance(problem, Showable) else problem_card(problem)
            self._tell(ours(shown._repr_html_()))
        except Exception as error:  # a defect of ours: told here too, for nobody looks into the log
            self._tell(Markup("<p>{}: {}</p>").format(type(error).__name__, error))
            raise
        finally:
            self._button.disabled, self._button.description = False, self._says
            self._keys.give_back_focus()

    def _tell(self, html: Markup) -> None:
        self._outcome.value = Markup("<div role='status'>{}</div>").format(html)

    def _edited(self, _change: Any) -> None:
        """While typing: the reason stands beside the field until it is mended; what was done before is no longer shown."""
        if self._soon:  # this is what the step waits for; there may be more
            self._work_soon()
        else:
            self._outcome.value = ""
        self._look()

    def _look(self) -> None:
        held = {"target": self._target, **{field.name: field.control.value for field in self._fields}}
        for row in [*self._fields, *([self.secret] if self.secret else [])]:
            row.show_among(held)
        try:
            wrong = self._model.model_validate(self._typed()).missing()
        except ValidationError as error:
            wrong = reasons(error)
        for field in self._fields:
            field.say(wrong.get(field.name, ""))


def _not_given(model: type[Inputs], parameters: Mapping[str, Any], remembered: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of fields whose parameter says nothing but the default."""
    return {
        name: value
        for name, value in remembered.items()
        if value is not None
        and parameters.get(name, model.model_fields[name].default) == model.model_fields[name].default
    }
