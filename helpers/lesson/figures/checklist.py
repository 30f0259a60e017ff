"""A task for a person in the portal: the files that they need, the clicks, and what to do afterwards."""

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
        steps: the clicks; **bold** marks a label of the portal.
        then: what to do in the notebook afterwards.
        files: certificates to upload, by file name. Their type keeps private keys out.
    """

    heading: str
    steps: Sequence[str]
    then: str
    files: Mapping[str, x509.Certificate] = field(default_factory=dict)

    def html(self) -> Markup:
        files = joined(
            # The link contains the file, so it also works in an exported notebook.
            "<li><a download='{0}' href='data:application/pkix-cert;base64,{1}'>{0}</a> (download)</li>",
            ((name, base64.b64encode(_der(each)).decode()) for name, each in self.files.items()),
        )
        return Markup("<div class='card'><h4>▶ {}</h4>{}{}<p><b>Then:</b> {}</p></div>").format(
            self.heading,
            Markup("<p>You need:</p><ul>{}</ul>").format(files) if files else "",
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
    """Return clicks as a numbered list."""
    return listed((ours(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(step)))) for step in steps), ordered=True)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
