"""Plain reasons why values are invalid, by field, from pydantic's errors."""

from typing import Any

from pydantic import ValidationError

__all__ = ["reasons"]


def reasons(error: ValidationError) -> dict[str, str]:
    """Return, for each field that pydantic rejects, the reason. This includes names that the model does not have."""
    found: dict[str, str] = {}
    for each in error.errors():
        if each["loc"]:
            found.setdefault(str(each["loc"][0]), _reason(each))
    return found


def _reason(error: Any) -> str:
    limits: dict[str, Any] = error.get("ctx") or {}
    match error["type"]:
        case "value_error":  # one of our own validators: use its text
            return str(limits["error"])
        case "int_type" | "int_parsing" | "int_from_float":
            return "It must be a whole number."
        case "greater_than_equal":
            return f"It must be at least {limits['ge']}."
        case "less_than_equal":
            return f"It must be at most {limits['le']}."
        case "literal_error" | "enum":
            return f"It must be {limits['expected']}."
        case "bool_type" | "bool_parsing":
            return "It must be true or false."
        case "string_type":
            return "It must be a text."
        case "extra_forbidden":
            return "This notebook has no parameter of that name."
        case _:
            return str(error["msg"])
