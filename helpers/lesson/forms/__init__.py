"""Forms: the controls in which a learner edits a typed value."""

from helpers.lesson.forms.field import DroppedFile, MaskedUrl
from helpers.lesson.forms.form import Form, Setting
from helpers.lesson.forms.secret import Secret
from helpers.lesson.forms.typed import HelpFor, Inputs, ResetByEdits, ShownWhen

__all__ = ["DroppedFile", "Form", "HelpFor", "Inputs", "MaskedUrl", "ResetByEdits", "Secret", "Setting", "ShownWhen"]
