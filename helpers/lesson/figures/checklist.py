"""What a person is to do with their own hands: the files to take along, the clicks, and what comes then."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from markupsafe import Markup, escape

from helpers.lesson.figures.picture import Picture, joined, listed, ours

__all__ = ["Checklist", "clicks"]


@dataclass(frozen=True, repr=False)
class Checklist(Picture):
    """A task in the portal.

    Attributes:
        steps: what to click; **bold** is what the portal calls a thing.
        then: what to do here once it is done.
        files: certificates to be uploaded there, by file name. A private key can't be among them.
    """

    heading: str
    steps: Sequence[str]
    then: str
    files: Mapping[str, x509.Certificate] = field(default_factory=dict)

    def html(self) -> Markup:
        files = joined(
            # the file itself is in the link, so that it can be saved wherever this picture is looked at
            "<li><a download='{0}' href='data:application/pkix-cert;base64,{1}'>{0}</a> (download)</li>",
            ((name, base64.b64encode(_der(each)).decode()) for name, each in self.files.items()),
        )
        return Markup("<div class='card'><h4>▶ {}</h4>{}{}<p><b>Then:</b> {}</p></div>").format(
            self.heading,
            Markup("<p>Take along:</p><ul>{}</ul>").format(files) if files else "",
            clicks(self.steps),
            self.then,
        )

    def text(self) -> str:
        return "\n".join(
            [
                f"▶ {self.heading}",
                *(f"  file: {name}" for name in self.files),
                *(f"  {number}. {step.replace('**', '')}" for number, step in enumerate(self.steps, 1)),
                f"  Then: {self.then}",
            ]
        )


def clicks(steps: Sequence[str]) -> Markup:
    """Clicks as a numbered list."""
    return listed((ours(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(step)))) for step in steps), ordered=True)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
