"""Which device DPS accepts in which situation, as one matrix that fills up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, card, joined, pill

__all__ = ["AccessMatrix"]

_TITLE = "Who is accepted, and when"
_UNKNOWN = "not tried"


@dataclass(frozen=True, repr=False)
class AccessMatrix(Picture):
    """Devices and situations.

    Attributes:
        devices: the rows, by registration id.
        situations: the columns in their order: for each, whether DPS accepted the device. A missing device was not tried;
            where all are missing, they are still to be tried.
        why: for some situations, the reason for their outcomes.
    """

    devices: Sequence[str]
    situations: Mapping[str, Mapping[str, bool]]
    why: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> Markup:
        head = joined("<th scope='col'>{}</th>", ((each,) for each in ("Device", *self.situations)))
        rows = joined(
            "<tr><th scope='row' class='name'>{}</th>{}</tr>",
            (
                (device, joined("<td>{}</td>", ((_cell(each, device),) for each in self.situations.values())))
                for device in self.devices
            ),
        )
        reasons = joined(
            "<li><b>{}</b>: {}</li>", ((each, self.why[each]) for each in self.situations if each in self.why)
        )
        return card(
            _TITLE,
            # A region that scrolls must be reachable with the keyboard.
            Markup(
                "<div class='wide-table' tabindex='0' role='region' aria-label='{}'><table class='matrix'><thead>"
                "<tr>{}</tr></thead><tbody>{}</tbody></table></div>"
            ).format(_TITLE, head, rows),
            Markup("<ul>{}</ul>").format(reasons) if reasons else Markup(),
        )

    def text(self) -> str:
        lines = [_TITLE]
        for situation, outcomes in self.situations.items():
            lines.append(f"  {situation}{f': {self.why[situation]}' if situation in self.why else ''}")
            lines += [f"    {device}: {_word(outcomes.get(device))}" for device in self.devices]
        return "\n".join(lines)


def _word(accepted: bool | None) -> str:
    return _UNKNOWN if accepted is None else "accepted" if accepted else "rejected"


def _cell(outcomes: Mapping[str, bool], device: str) -> Markup:
    if not outcomes:
        return Markup("<span class='empty' role='img' aria-label='{}'></span>").format(_UNKNOWN)
    if device not in outcomes:
        return Markup("<span class='quiet'>– {}</span>").format(_UNKNOWN)
    return pill("accepted" if outcomes[device] else "rejected", _word(outcomes[device]))
