"""URLs that carry a key: an Azure function's `code`, a signature, or a user and a password."""

import re
from urllib.parse import quote

__all__ = ["holds_key", "mask_keys", "replace_keys", "with_key"]

_ESCAPE = "%(?:25)*"  # escaped once, or again in a URL inside of a URL


def _name(name: str) -> str:
    """The name in any case, each letter of it escaped or not."""
    return "".join(f"(?:{letter}|{_ESCAPE}(?:{ord(letter):x}|{ord(letter.upper()):x}))" for letter in name)


_KEY = re.compile(
    rf"((?:[?&;#]|{_ESCAPE}(?:3f|26|3b|23))(?:{_name('code')}|{_name('sig')})(?:=|{_ESCAPE}3d))[^&#\s\"<>”]*",
    re.IGNORECASE,
)
_USER = re.compile(r"(://)[^/?#\s\"<>”]*@")


def holds_key(text: str) -> bool:
    """Whether a URL in the text carries a key."""
    return bool(_KEY.search(text) or _USER.search(text))


def mask_keys(text: str) -> str:
    """The text with “…” for the keys in its URLs: to show, log or store it."""
    return replace_keys(text, "…")


def replace_keys(text: str, replacement: str) -> str:
    """The text with something else for each `code` and `sig` in its URLs, and “…” for each user and password."""
    return _USER.sub(r"\1…@", _KEY.sub(lambda match: match[1] + replacement, text))


def with_key(url: str, key: str) -> str:
    """The URL at which an Azure function accepts its key.

    Args:
        key: as it is, or escaped as the portal shows it in the function's URL.
    """
    address, hash_sign, fragment = url.partition("#")
    separator = "&" if "?" in address else "?"
    return f"{address}{separator}code={quote(key, safe='%')}{hash_sign}{fragment}"
