"""All certificates of a workspace on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from markupsafe import Markup

from helpers.certificates import CertificateDescription
from helpers.lesson.figures.certificates import life, signer, validity_bar, with_pill
from helpers.lesson.figures.picture import Picture, column_name, joined, with_digits_grouped

__all__ = ["CertificatesPage", "PageLine"]


@dataclass(frozen=True)
class PageLine:
    """A certificate on the page.

    Attributes:
        status: its status at DPS. foreign: its issuer has the name of a CA of this workspace, but is another CA.
    """

    file: str
    facts: CertificateDescription
    status: str
    foreign: bool = False

    @property
    def issuer(self) -> str:
        """The name of its issuer, with a warning if the name is misleading."""
        name = signer(self.facts)
        return f"{name} (another CA of that name, not yours)" if self.foreign else name


@dataclass(frozen=True, repr=False)
class CertificatesPage(Picture):
    """Every certificate of a workspace, in groups, each with a heading."""

    groups: Mapping[str, Sequence[PageLine]]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def html(self) -> Markup:
        return Markup("<div class='card'>{}</div>").format(
            joined(
                "<h2>{}</h2><table class='certificates'><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
                ((heading, _headings(lines), self._body(lines)) for heading, lines in self.groups.items() if lines),
            )
        )

    def text(self) -> str:
        written = []
        for heading, lines in self.groups.items():
            if lines:
                written.append(heading)
            for each in lines:
                facts = each.facts
                shown = (facts.common_name, f"by {each.issuer}", facts.key, life(facts), each.status, each.file)
                written.append(f"  {'  '.join(shown)}")
        return "\n".join(written)

    def _body(self, lines: Sequence[PageLine]) -> Markup:
        return joined(
            "<tr><th scope='row' class='name'>{}<br><small>{}</small></th><td>{}{}</td><td>{}{}</td>"
            "<td class='short'>{}{}<br>to {}</td>{}</tr>",
            (
                (
                    with_digits_grouped(each.facts.common_name),
                    each.file,
                    column_name("Issuer's name"),
                    each.issuer,
                    column_name("Key"),
                    each.facts.key,
                    column_name("Validity"),
                    validity_bar(each.facts, self.at, 80),
                    f"{each.facts.not_after:%Y-%m-%d}",
                    Markup("<td>{}{}</td>").format(column_name("At DPS"), with_pill(each.status))
                    if _is_known(lines)
                    else "",
                )
                for each in lines
            ),
        )


def _headings(lines: Sequence[PageLine]) -> Markup:
    known = ("At DPS",) if _is_known(lines) else ()
    names = ("Name and file", "Issuer's name", "Key", "Validity", *known)
    return joined("<th scope='col'>{}</th>", ((name,) for name in names))


def _is_known(lines: Sequence[PageLine]) -> bool:
    return any(each.status for each in lines)
