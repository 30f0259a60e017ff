"""A passphrase or a key, typed in or from the environment. It is never a parameter, and never stored in the notebook."""

import os
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from helpers.lesson.forms.field import CONTROL_WIDTH, LABEL_WIDTH, Row
from helpers.lesson.forms.typed import HelpFor, ShownWhen

__all__ = ["Secret"]


class Secret(Row):
    """A password field whose text is taken out of the widget as soon as it is entered.

    A saved notebook contains the values of its widgets, so the secret stays in this kernel's memory only. Without an entered
    secret, as in a headless run, an environment variable supplies it.
    """

    def __init__(self, label: str, variable: str, purpose: HelpFor, *, shown: ShownWhen | None = None) -> None:
        """
        Args:
            variable: the name of the environment variable. purpose: the use of the secret, in sentences.
            shown: when the field is shown; always by default.
        """
        self.label = label
        self._variable = variable
        self._entered: str | None = None
        self._purpose = purpose
        self._purpose_text = ""
        self.control = widgets.Password(
            description=label,
            continuous_update=False,
            style={"description_width": LABEL_WIDTH},
            layout=widgets.Layout(width=CONTROL_WIDTH),
        )
        self._help = widgets.HTML()
        self._forget = widgets.Button(description="Forget it", tooltip="Delete the entered secret from memory")
        self._forget.on_click(lambda _button: self._delete())
        super().__init__([widgets.Box([self.control, self._forget]).add_class("dps-field"), self._help], shown)
        self.control.observe(self._accept, names="value")

    def __repr__(self) -> str:
        return f"{self.label}: {self.state}"

    @property
    def state(self) -> str:
        """The word `set` if there is a secret, otherwise `none`."""
        return "set" if self.value else "none"

    @property
    def value(self) -> str | None:
        """The entered secret, or else the environment variable's; None if there is neither, or while the field is hidden."""
        return (self._entered or os.environ.get(self._variable) or None) if self.is_shown else None

    def show_among(self, values: dict[str, Any]) -> None:
        """Show or hide the field, and explain it, depending on the form's values."""
        super().show_among(values)
        self._purpose_text = self._purpose.text(values)
        self._explain()

    def _accept(self, change: Any) -> None:
        if change["new"]:
            self._entered = change["new"]
            self.control.value = ""
            self._explain()

    def _delete(self) -> None:
        self._entered = None
        self._explain()
        self.control.focus()

    def _explain(self) -> None:
        # A hidden button still occupies its space: the cell below must not move while the mouse button is down on it.
        self._forget.layout.visibility = "visible" if self._entered else "hidden"
        if self._entered:
            says = "Accepted and removed from this field: it stays in memory until the kernel ends. Enter another to replace it."
        elif os.environ.get(self._variable):
            says = f"The environment variable {self._variable} is used unless you enter something here."
        else:
            says = self._purpose_text
        self._help.value = Markup("<div class='dps-help' role='status'>{}</div>").format(says)
