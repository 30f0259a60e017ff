"""The contrast between two colours, by WCAG 2."""

import re
from collections.abc import Sequence

__all__ = ["BEHIND", "contrast"]

# In the browser: the background colours behind an element, the nearest first, down to the first opaque one.
BEHIND = """element => {
    const colours = [];
    for (let each = element.parentElement; each; each = each.parentElement) {
        colours.push(getComputedStyle(each).backgroundColor);
        if (colours.at(-1).startsWith('rgb(')) break;
    }
    return colours;
}"""


def contrast(colour: str, behind: Sequence[str], opacity: float = 1) -> float:
    """The ratio of a colour and what is behind it, from 1 (the same) to 21; colours as a browser writes them."""
    ground = [1.0, 1.0, 1.0]  # paper
    for each in reversed(behind):
        ground = _over(each, ground)
    darker, lighter = sorted(map(_luminance, (_over(colour, ground, opacity), ground)))
    return (lighter + 0.05) / (darker + 0.05)


def _over(colour: str, ground: list[float], opacity: float = 1) -> list[float]:
    """Return the visible colour: a colour may be partly transparent."""
    red, green, blue, *alpha = (float(number) for number in re.findall(r"[\d.]+", colour))
    covers = opacity * (alpha[0] if alpha else 1)
    return [covers * own / 255 + (1 - covers) * below for own, below in zip((red, green, blue), ground, strict=True)]


def _luminance(colour: list[float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
