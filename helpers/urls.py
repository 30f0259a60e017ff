"""URLs that contain a key: an Azure function's `code`, a signature, or a user name and a password."""

import re
from urllib.parse import quote

__all__ = ["holds_key", "key_parameter", "mask_keys", "replace_keys", "with_key"]

_ESCAPE = "%(?:25)*"  # escaped once, or several times when one URL contains another


def _name(name: str) -> str:
    """Return a pattern for the name in any case, with or without each letter percent-encoded."""
    return "".join(f"(?:{letter}|{_ESCAPE}(?:{ord(letter):x}|{ord(letter.upper()):x}))" for letter in name)


_KEY = re.compile(
    rf"((?:[?&;#]|{_ESCAPE}(?:3f|26|3b|23))(?:{_name('code')}|{_name('sig')})(?:=|{_ESCAPE}3d))[^&#\s\"<>”]*",
    re.IGNORECASE,
)
_USER = re.compile(r"(://)[^/?#\s\"<>”]*@")


def holds_key(text: str) -> bool:
    """Return whether a URL in the text contains a key."""
    return bool(_KEY.search(text) or _USER.search(text))


def mask_keys(text: str) -> str:
    """Return the text with each key in its URLs replaced by “…”, so that it can be shown, logged or stored."""
    return replace_keys(text, "…")


def replace_keys(text: str, replacement: str) -> str:
    """Return the text with each `code` and `sig` in its URLs replaced, and each user name and password by “…”."""
    return _USER.sub(r"\1…@", _KEY.sub(lambda match: match[1] + replacement, text))


def key_parameter(url: str) -> str:
    """Return the parameter that holds the key in a webhook's URL, from the rest of the URL.

    It is `code` for an Azure function. The URL of a logic app contains a shared access signature: `sp`, `sv` (its version) and
    `sig` (the signature, which is the key).
    """
    return "sig" if all(re.search(f"[?&]{name}=", url) for name in ("sp", "sv")) else "code"


def with_key(url: str, key: str) -> str:
    """Return a webhook's URL with its key, in the parameter where that webhook expects it.

    Args:
        key: either plain, or percent-encoded as in the URL in the portal.
    """
    address, hash_sign, fragment = url.partition("#")
    separator = "&" if "?" in address else "?"
    return f"{address}{separator}{key_parameter(url)}={quote(key, safe='%')}{hash_sign}{fragment}"
