"""A task for a person outside the notebook: the files that they need, the steps, and what to do afterwards."""

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
    """A task outside the notebook.

    Attributes:
        steps: the clicks or acts; **bold** marks a label of the portal, and `code` a path or a command.
        then: what to do in the notebook afterwards.
        files: certificates to upload or requests to hand over, by file name. Their types keep private keys out.
    """

    heading: str
    steps: Sequence[str]
    then: str
    files: Mapping[str, x509.Certificate | x509.CertificateSigningRequest] = field(default_factory=dict)

    def html(self) -> Markup:
        files = joined(
            # The link contains the file, so it also works in an exported notebook.
            "<li><a download='{0}' href='data:{1};base64,{2}'>{0}</a> (download)</li>",
            ((name, *_content(each)) for name, each in self.files.items()),
        )
        return Markup("<div class='card'><h2>▶ {}</h2>{}{}<p><b>Then:</b> {}</p></div>").format(
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
                *(
                    f"  {number}. {step.replace('**', '').replace('`', '')}"
                    for number, step in enumerate(self.steps, 1)
                ),
                f"  Then: {self.then}",
            ]
        )


def clicks(steps: Sequence[str]) -> Markup:
    """Return clicks as a numbered list."""
    return listed(map(_marked_up, steps), ordered=True)


def _marked_up(step: str) -> Markup:
    with_labels = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(step)))
    return ours(re.sub(r"`(.+?)`", r"<code>\1</code>", with_labels))


def _content(file: x509.Certificate | x509.CertificateSigningRequest) -> tuple[str, str]:
    """Return a file's media type and its content in base64: a certificate as DER, for the portal; a request as PEM."""
    is_certificate = isinstance(file, x509.Certificate)
    content = file.public_bytes(Encoding.DER if is_certificate else Encoding.PEM)
    return "application/pkix-cert" if is_certificate else "application/pkcs10", base64.b64encode(content).decode()
