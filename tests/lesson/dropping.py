"""A file dropped on a form, as a browser sends it."""

from typing import Any

from helpers.lesson.forms import Form
from helpers.lesson.forms.file_drop import FileDrop

__all__ = ["drop"]


def drop(form: Form[Any], field_name: str, file: str, content: bytes) -> str:
    """Drop a file on a field, and return the form's message."""
    (field,) = (each for each in form._fields if each.name == field_name)
    (place,) = (child for child in field.box.children if isinstance(child, FileDrop))
    place._receive(place, {"name": file}, [memoryview(content)])
    return str(place.said)
