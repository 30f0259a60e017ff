"""A passphrase or a key from the environment, or typed in; never a parameter, never stored in the notebook."""

import os
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from helpers.lesson.forms.field import CONTROL_WIDTH, LABEL_WIDTH, Row
from helpers.lesson.forms.typed import ShownWhen

__all__ = ["Secret"]


class Secret(Row):
    """A password field whose text is taken out of the widget as soon as it is entered.

    A widget's value would be written into the saved notebook. What was entered stays in this kernel's memory only.
    Headless, and as the default, it is an environment variable.
    """

    def __init__(self, label: str, variable: str, purpose: str, *, shown: ShownWhen | None = None) -> None:
        """
        Args:
            variable: of the environment. purpose: what the secret does, in sentences. shown: always unless given.
        """
        self.label = label
        self._variable = variable
        self._entered: str | None = None
        self._purpose = purpose
        self.control = widgets.Password(
            description=label,
            continuous_update=False,
            style={"description_width": LABEL_WIDTH},
            layout=widgets.Layout(width=CONTROL_WIDTH),
        )
        self._help = widgets.HTML()
        self._forget = widgets.Button(description="Forget it", tooltip="Forget what was entered")
        self._forget.on_click(lambda _button: self._take_back())
        super().__init__([widgets.Box([self.control, self._forget]).add_class("dps-field"), self._help], shown)
        self.control.observe(self._take, names="value")
        self._explain()

    def __repr__(self) -> str:
        return f"{self.label}: {self.state}"

    @property
    def state(self) -> str:
        """Whether there is one, in a word."""
        return "set" if self.take() else "none"

    def take(self) -> str | None:
        """What was entered, or else the environment's; None when there is neither."""
        return self._entered or os.environ.get(self._variable) or None

    def _take(self, change: Any) -> None:
        if change["new"]:
            self._entered = change["new"]
            self.control.value = ""
            self._explain()

    def _take_back(self) -> None:
        self._entered = None
        self._explain()
        self.control.focus()

    def _explain(self) -> None:
        # Hidden, it still takes its place: the cell below must not move while the mouse is pressed on it.
        self._forget.layout.visibility = "visible" if self._entered else "hidden"
        if self._entered:
            says = "Taken, and out of this field: it is kept for this session alone. Enter another to replace it."
        elif os.environ.get(self._variable):
            says = f"The one in the environment's {self._variable} is used, unless you enter another."
        else:
            says = self._purpose
        self._help.value = Markup("<div class='dps-help' role='status'>{}</div>").format(says)
