"""Masking of secrets in URLs. A webhook's URL often holds one, and a client may send it in the wrong place."""

import re

__all__ = ["mask_url_secrets"]

# Each character may be escaped (%63 for c), and escaped again if the whole URL is part of another URL's query.
_BEGIN = r"(?:[?&;#]|%(?:25)*(?:3F|26|3B|23))"
_CODE = r"(?:c|%(?:25)*[46]3)(?:o|%(?:25)*[46]F)(?:d|%(?:25)*[46]4)(?:e|%(?:25)*[46]5)"
_SIG = r"(?:s|%(?:25)*[57]3)(?:i|%(?:25)*[46]9)(?:g|%(?:25)*[46]7)"
_SECRET_PARAMETER = re.compile(rf'({_BEGIN}(?:{_CODE}|{_SIG})(?:=|%(?:25)*3D))[^&#\s"<>]*', re.IGNORECASE)
_USER_INFO = re.compile(r'(://)[^/?#\s"<>]*@')


def mask_url_secrets(text: str) -> str:
    """Return the text with "..." in place of each `code` and `sig` in a query, and of each user and password in a URL."""
    return _USER_INFO.sub(r"\1...@", _SECRET_PARAMETER.sub(r"\1...", text))
