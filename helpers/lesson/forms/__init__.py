"""Forms: one small way to show a typed value and to take the step that needs it."""

from helpers.lesson.forms.field import DroppedFile, MaskedUrl
from helpers.lesson.forms.form import Form
from helpers.lesson.forms.secret import Secret
from helpers.lesson.forms.typed import Inputs, ShownWhen

__all__ = ["DroppedFile", "Form", "Inputs", "MaskedUrl", "Secret", "ShownWhen"]
