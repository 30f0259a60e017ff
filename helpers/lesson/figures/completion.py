"""The certificate of completion: as a card in the notebook, and as a page to print."""

import base64
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from markupsafe import Markup

from helpers.certificates import CertificateDescription, bare_name, describe
from helpers.lesson.figures.certificates import show_certificate
from helpers.lesson.figures.picture import Picture, card, fold, joined, pill

__all__ = ["CompletionCard", "draw_completion"]

_WIDTH, _HEIGHT = 1188, 840  # A4 landscape, 4 units for a millimetre
_SMALLEST = 22  # font size, for a card that is half as wide
_INK, _QUIET, _BLUE, _GREEN = "#1f2430", "#5b6475", "#1257a8", "#1b6e33"
# On a dark screen, the page is dark, too; printed, it is white.
_DARK = Markup(
    "@media screen and (prefers-color-scheme:dark){{"
    "[fill='#ffffff']{{fill:#1b1e25}}[fill='#eef3fa']{{fill:#172a43}}[fill='#eef7f0']{{fill:#16301f}}"
    "[fill='{ink}']{{fill:#e8eaee}}[fill='{quiet}']{{fill:#aab2c0}}[fill='{blue}']{{fill:#8dbaff}}[fill='{green}']{{fill:#7bd797}}"
    "[stroke='{blue}']{{stroke:#8dbaff}}[stroke='{green}']{{stroke:#7bd797}}}}"
    "@media screen and (forced-colors:active) and (prefers-color-scheme:dark){{"
    "[fill='#ffffff'],[fill='#eef3fa'],[fill='#eef7f0']{{fill:#000}}}}"
).format(ink=_INK, quiet=_QUIET, blue=_BLUE, green=_GREEN)
_FONT = "font-family='Segoe UI, Helvetica Neue, Arial, sans-serif'"
_COURSE = "Proof of possession of an X.509 CA"
_SERVICE = "Azure IoT Hub Device Provisioning Service"


@dataclass(frozen=True, repr=False)
class CompletionCard(Picture):
    """The certificate of completion, as the page to print and with its fields.

    Attributes:
        drawn: the page, SVG. folder: where the files are.
    """

    certificate: x509.Certificate
    drawn: Markup
    folder: Path

    def html(self) -> Markup:
        address = f"data:image/svg+xml;base64,{base64.b64encode(self.drawn.encode()).decode()}"
        name = describe(self.certificate).common_name
        return card(
            "Your certificate of completion",
            Markup("<p>{} {}</p>").format(pill("accepted", "passed"), self._says()),
            Markup("<p><img src='{}' alt='Certificate of completion for {}' width='100%'></p>").format(address, name),
            Markup("<p><a download='certificate-of-completion.svg' href='{}'>Save the page to print</a></p>").format(
                address
            ),
            fold("The certificate", show_certificate(self.certificate).html()),
            kind="accepted",
        )

    def text(self) -> str:
        return "\n".join(
            ["Your certificate of completion", f"  {self._says()}", show_certificate(self.certificate).text()]
        )

    def _says(self) -> str:
        return (
            f"It is an X.509 certificate, issued by {bare_name(describe(self.certificate).issuer)}. The folder "
            f"{self.folder.name} in your workspace has it as certificate.pem, and as certificate.svg to print."
        )


def draw_completion(chain: Sequence[x509.Certificate], score: str) -> Markup:
    """Return the page to print: SVG, A4 landscape, without a script.

    Args:
        chain: the certificate of completion, then the CAs above it. score: as in "11 of 12".
    """
    facts = describe(chain[0])
    return Markup(
        "<svg xmlns='http://www.w3.org/2000/svg' width='297mm' height='210mm' viewBox='0 0 {w} {h}' role='img' {font}>"
        "<title>Certificate of completion for {name}</title><style>{dark}</style>"
        "<rect width='{w}' height='{h}' fill='#ffffff'/>"
        "<rect x='36' y='36' width='{inner_w}' height='{inner_h}' rx='14' fill='none' stroke='{blue}' stroke-width='3'/>"
        "<rect x='36' y='36' width='14' height='{inner_h}' rx='7' fill='{blue}'/>"
        "<text x='594' y='122' text-anchor='middle' font-size='26' letter-spacing='7' fill='{blue}'>CERTIFICATE OF COMPLETION"
        "</text>"
        "<text x='594' y='222' text-anchor='middle' font-size='{size:.0f}' font-weight='600' fill='{ink}'>{name}</text>"
        "<path d='M394 252H794' stroke='{blue}' stroke-width='2'/>"
        "<text x='594' y='296' text-anchor='middle' font-size='24' fill='{ink}'>has completed the course</text>"
        "<text x='594' y='338' text-anchor='middle' font-size='32' font-weight='600' fill='{ink}'>{course}</text>"
        "<text x='594' y='374' text-anchor='middle' font-size='22' fill='{quiet}'>{service}</text>"
        "<text x='594' y='416' text-anchor='middle' font-size='24' fill='{green}'>✔ final test passed: {score} right</text>"
        "{links}{below}"
        "</svg>"
    ).format(
        dark=_DARK,
        w=_WIDTH,
        h=_HEIGHT,
        inner_w=_WIDTH - 72,
        inner_h=_HEIGHT - 72,
        font=Markup(_FONT),  # noqa: S704 - a constant
        ink=_INK,
        quiet=_QUIET,
        blue=_BLUE,
        green=_GREEN,
        name=facts.common_name,
        size=_fitting(facts.common_name, 1000, 68),
        course=_COURSE,
        service=_SERVICE,
        score=score,
        links=_draw_chain([describe(each).common_name for each in reversed(chain)]),
        below=_write_below(facts),
    )


def _write_below(facts: CertificateDescription) -> Markup:
    """Return the lines below the chain: the fields of the certificate, and what it is for."""
    groups = [facts.sha256[at : at + 4] for at in range(0, 64, 4)]
    numbers = Markup("<tspan font-family='Consolas, Menlo, monospace'>{}</tspan>")
    lines = (
        f"Issued {facts.not_before:%Y-%m-%d} · valid until {facts.not_after:%Y-%m-%d}",
        Markup("Serial number {}").format(numbers.format(facts.serial)),
        Markup("SHA-256 {}").format(numbers.format(" ".join(groups[:8]))),
        numbers.format(" ".join(groups[8:])),
        "This page shows the X.509 certificate in certificate.pem.",
        "It is for no device: its extended key usage has no TLS client.",
    )
    return joined(
        f"<text x='85' y='{{}}' font-size='{_SMALLEST}' fill='{_QUIET}'>{{}}</text>",
        ((628 + 29 * number, line) for number, line in enumerate(lines)),
    )


def _draw_chain(names: Sequence[str]) -> Markup:
    """Return the chain from the root to the learner, as boxes with arrows between them; a long name has two lines."""
    gap = 44
    width = min(310, (_WIDTH - 120 - (len(names) - 1) * gap) // len(names))
    left = (_WIDTH - len(names) * width - (len(names) - 1) * gap) / 2
    boxes = Markup()
    for at, name in enumerate(names):
        x, is_last = left + at * (width + gap), at == len(names) - 1
        lines = [name] if _fitting(name, width - 20, _SMALLEST) == _SMALLEST else _halves(name)
        size = min(_fitting(line, width - 20, _SMALLEST) for line in lines)
        boxes += Markup(
            "<rect x='{x:.0f}' y='446' width='{width}' height='130' rx='10' fill='{fill}' stroke='{line}' stroke-width='2'/>"
            "<text x='{middle:.0f}' y='480' text-anchor='middle' font-size='{smallest}' fill='{quiet}'>{kind}</text>{written}"
        ).format(
            x=x,
            middle=x + width / 2,
            width=width,
            fill="#eef7f0" if is_last else "#eef3fa",
            line=_GREEN if is_last else _BLUE,
            smallest=_SMALLEST,
            quiet=_QUIET,
            kind="this certificate" if is_last else "root CA" if at == 0 else "intermediate CA",
            written=joined(
                f"<text x='{x + width / 2:.0f}' y='{{}}' text-anchor='middle' font-size='{size:.0f}' font-weight='600' "
                f"fill='{_INK}'>{{}}</text>",
                ((518 + 30 * number, line) for number, line in enumerate(lines)),
            ),
        )
        if not is_last:
            start = x + width
            boxes += Markup(
                "<path d='M{:.0f} 511h{} l-8 -5 m8 5 l-8 5' stroke='{}' stroke-width='2' fill='none'/>"
            ).format(start + 6, gap - 12, _BLUE)
    return boxes


def _halves(name: str) -> list[str]:
    """Return a name as two lines of about the same length; one word is one line."""
    between = [at for at, each in enumerate(name) if each == " "]
    if not between:
        return [name]
    middle = min(between, key=lambda at: abs(len(name) / 2 - at))
    return [name[:middle], name[middle + 1 :]]


def _fitting(text: str, width: float, largest: float) -> float:
    """Return the font size at which a text fits into a width. East Asian characters are as wide as they are high."""
    ems = sum(1.0 if unicodedata.east_asian_width(each) in "WF" else 0.62 for each in text)
    return min(largest, width / max(ems, 1))
