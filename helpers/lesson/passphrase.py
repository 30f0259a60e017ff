"""A passphrase from the environment, or typed in; never a parameter, never stored in the notebook."""

import os
from typing import Any

import ipywidgets as widgets

__all__ = ["Passphrase"]

VARIABLE = "CA_PASSPHRASE"


class Passphrase:
    """A password field whose text is taken out of the widget as soon as it is entered.

    A widget's value would be written into the saved notebook. What was entered stays in this kernel's memory only.
    Headless, and as the default, it is the environment variable CA_PASSPHRASE.
    """

    def __init__(self) -> None:
        self._entered: str | None = None
        self._widget = widgets.Password(
            description="Passphrase",
            placeholder=f"of the CA's private key; or set {VARIABLE} before you start",
            continuous_update=False,
            style={"description_width": "18em"},
            layout=widgets.Layout(width="46em"),
        )
        self._widget.observe(self._take, names="value")

    def __repr__(self) -> str:
        return "Passphrase(set)" if self.take() else "Passphrase(none)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self._widget._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": repr(self)}

    def take(self) -> str | None:
        """What was entered, or else the environment's; None when there is neither: keys are then not encrypted."""
        return self._entered or os.environ.get(VARIABLE) or None

    def _take(self, change: Any) -> None:
        if change["new"]:
            self._entered = change["new"]
            self._widget.value = ""
            self._widget.placeholder = "kept for this session; enter another to replace it"
