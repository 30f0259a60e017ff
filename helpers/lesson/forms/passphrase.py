"""A passphrase from the environment, or typed in; never a parameter, never stored in the notebook."""

import os
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from helpers.lesson.forms.field import CONTROL_WIDTH, LABEL_WIDTH
from helpers.workspace import PASSPHRASE_VARIABLE

__all__ = ["Passphrase"]


class Passphrase:
    """A password field whose text is taken out of the widget as soon as it is entered.

    A widget's value would be written into the saved notebook. What was entered stays in this kernel's memory only.
    Headless, and as the default, it is the environment variable CA_PASSPHRASE.
    """

    def __init__(self, purpose: str) -> None:
        """
        Args:
            purpose: what it does, a sentence.
        """
        self._entered: str | None = None
        self._purpose = purpose
        self.control = widgets.Password(
            description="Passphrase",
            continuous_update=False,
            style={"description_width": LABEL_WIDTH},
            layout=widgets.Layout(width=CONTROL_WIDTH),
        )
        self._help = widgets.HTML()
        self._forget = widgets.Button(description="Forget it", tooltip="Forget the passphrase that was entered")
        self._forget.on_click(lambda _button: self._take_back())
        self.box = widgets.VBox([widgets.Box([self.control, self._forget]).add_class("dps-field"), self._help])
        self.control.observe(self._take, names="value")
        self._explain()

    def __repr__(self) -> str:
        return f"Passphrase: {'set' if self.take() else 'none'}"

    def take(self) -> str | None:
        """What was entered, or else the environment's; None when there is neither: keys are then not encrypted."""
        return self._entered or os.environ.get(PASSPHRASE_VARIABLE) or None

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
        # Its place is kept: what lies below must not move while somebody presses it.
        self._forget.layout.visibility = "visible" if self._entered else "hidden"
        if self._entered:
            says = "Taken, and out of this field: it is kept for this session alone. Enter another to replace it."
        elif os.environ.get(PASSPHRASE_VARIABLE):
            says = f"The one in the environment's {PASSPHRASE_VARIABLE} is used, unless you enter another."
        else:
            says = f"{self._purpose} It is never stored."
        self._help.value = Markup("<div class='dps-help' role='status'>{}</div>").format(says)
