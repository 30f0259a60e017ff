"""One field of a form: a control that suits the type, the help below it, and under it the reason why the value is invalid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin

import ipywidgets as widgets
from markupsafe import Markup
from pydantic.fields import FieldInfo

from helpers.lesson.forms.file_drop import FileDrop
from helpers.lesson.forms.typed import HelpFor, ResetByEdits, ShownWhen, marker
from helpers.urls import mask_keys

__all__ = ["CONTROL_WIDTH", "LABEL_WIDTH", "DroppedFile", "Field", "KeepFile", "MaskedUrl", "Row"]

KeepFile: TypeAlias = Callable[[str, str, bytes], Path]
"""Stores a dropped file so that only its owner can read it: (field, the file's own name, content) -> the stored file."""
LABEL_WIDTH = "13em"
CONTROL_WIDTH = "46em"  # with the label: wide enough for choices that are sentences
_HOW_TO_CHOOSE = " Ctrl+click (on a Mac, ⌘+click) selects another one, or deselects it."


@dataclass(frozen=True)
class DroppedFile:
    """In a field's Annotated type: the path of a file, which can also be dropped; `endings` has the form `.pem,.cer`."""

    endings: str


@dataclass(frozen=True)
class MaskedUrl:
    """In a field's Annotated type: a URL. A key in it is masked at once, because a saved notebook stores the field's text."""


class Row:
    """A part of a form that the form's other values can hide."""

    def __init__(self, parts: list[widgets.Widget], shown: ShownWhen | None) -> None:
        self.box = widgets.VBox(parts)
        self._shown = shown

    @property
    def is_shown(self) -> bool:
        """Whether the row is visible at the form's present values."""
        return bool(self.box.layout.display != "none")

    def show_among(self, values: dict[str, Any]) -> None:
        """Show or hide the row, depending on the form's values."""
        shown = self._shown is None or self._shown.holds(values)
        self.box.layout.display = None if shown else "none"


class Field(Row):
    """A row for one field of the form's value."""

    def __init__(
        self, name: str, info: FieldInfo, value: Any, keep_file: KeepFile | None, choices: Sequence[str] = ()
    ) -> None:
        """
        Args:
            choices: the texts to choose from; () for a free text. Several chosen texts are joined with commas.
        """
        self.name = name
        self.label = info.title or name
        self.control = _control(self.label, info, value, choices)
        self.is_touched = False
        self._is_chosen = isinstance(self.control, widgets.SelectMultiple)
        self._reason = widgets.HTML(layout=widgets.Layout(display="none"))
        self._default = info.default
        self._dropped: Path | None = None
        self._judged = widgets.Box([self.control, self._reason]).add_class("dps-field")
        parts: list[widgets.Widget] = [self._judged]
        dropped = marker(info, DroppedFile)
        if dropped and keep_file:
            parts.append(self._drop(dropped, keep_file))
        self._help_for = marker(info, HelpFor)
        self._help = widgets.HTML()
        if info.description or self._help_for:
            parts.append(self._help)
        self._explain(info.description or "")
        self._is_reset_by_edits = marker(info, ResetByEdits) is not None
        super().__init__(parts, marker(info, ShownWhen))
        if marker(info, MaskedUrl):
            self.control.observe(self._mask_keys, names="value")

    @property
    def value(self) -> Any:
        """The field's value before any check: the control's content, or the default while the field is hidden."""
        if not self.is_shown:
            return self._default
        return ",".join(self.control.value) if self._is_chosen else self.control.value

    def show_among(self, values: dict[str, Any]) -> None:
        """Show or hide the field, and explain it, depending on the form's values."""
        super().show_among(values)
        if self._help_for and self.is_shown:
            self._explain(self._help_for.text(values))

    def reset_by_edit(self, edited: "Field") -> None:
        """Go back to the default, if the field's type says so and another field was edited."""
        if self._is_reset_by_edits and edited is not self:
            self.control.value = self._default

    @property
    def said(self) -> str:
        """The value as text, for exports and logs."""
        return str(self.value)

    def let_go(self) -> None:
        """Empty the field if it holds the path of a dropped file that no longer exists, because a step has stored its content."""
        if self._dropped and self.control.value == str(self._dropped) and not self._dropped.exists():
            self.control.value = ""

    def say(self, reason: str) -> None:
        """Show the reason why the value is invalid under the control; screen readers announce it. "" shows none."""
        self._reason.layout.display = None if reason else "none"
        (self._judged.add_class if reason else self._judged.remove_class)("dps-wrong")
        self._reason.value = (
            Markup("<span role='alert' class='dps-reason'>✘ {}</span>").format(reason) if reason else ""
        )

    def _explain(self, text: str) -> None:
        how = _HOW_TO_CHOOSE if self._is_chosen else ""
        self._help.value = Markup("<div class='dps-help'>{}{}</div>").format(text, how)

    def _mask_keys(self, change: Any) -> None:
        self.control.value = mask_keys(change["new"])

    def _drop(self, dropped: DroppedFile, keep_file: KeepFile) -> widgets.Widget:
        def take(name: str, content: bytes) -> None:
            self._dropped = keep_file(self.name, name, content)
            self.control.value = str(self._dropped)

        def left(change: Any) -> None:
            drop.said = ""
            if (
                self._dropped and not change["new"]
            ):  # the field was emptied: don't leave an unused copy, perhaps of a key
                self._dropped.unlink(missing_ok=True)

        drop = FileDrop(f"{self.label}: choose the file, or drop it here", dropped.endings, take)
        self.control.observe(left, names="value")
        return drop


def _control(label: str, info: FieldInfo, value: Any, choices_of_text: Sequence[str]) -> Any:
    look = {
        "description": label,
        "tooltip": label,
        "style": {"description_width": LABEL_WIDTH},
        "layout": widgets.Layout(width=CONTROL_WIDTH),
    }
    kind: Any = info.annotation
    if choices_of_text:
        named = {each.strip().lower() for each in value.split(",")}
        chosen_texts = [each for each in choices_of_text if each.lower() in named]
        return widgets.SelectMultiple(
            options=choices_of_text, value=chosen_texts, rows=min(len(choices_of_text), 5), **look
        )
    if get_origin(kind) is Literal:
        return widgets.Dropdown(options=list(get_args(kind)), value=value, **look)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return widgets.Dropdown(options=[(str(choice), choice) for choice in kind], value=value, **look)
    if kind is bool:
        return widgets.Checkbox(value=value, indent=True, **look)
    # Numbers use a text control, too: a number control turns 1.5 into 15. The text is sent when the user leaves the field. If
    # each letter were sent, those typed while the kernel is busy would wait in the browser, and the next cell would run without
    # them.
    return widgets.Text(value=str(value), continuous_update=False, **look)
