"""The four ids that are easily confused, in one picture."""

from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, card
from helpers.lesson.figures.shapes import IconName, station_head

__all__ = ["FourIds"]

_TITLE = "The four ids"


@dataclass(frozen=True, repr=False)
class FourIds(Picture):
    """The four ids: which part of the system has which, who chooses it, and where it appears."""

    id_scope: str
    registration_id: str
    device_id: str
    enrollment_id: str

    def html(self) -> Markup:
        cards = (
            Markup(
                "<div class='station'>{}<p><code class='id'>{}</code></p><small>{}</small><small>{}</small></div>"
            ).format(station_head(name, title), value, says, where)
            for name, title, value, says, where in self._ids()
        )
        return card(_TITLE, Markup("<div class='columns'>{}</div>").format(Markup().join(cards)))

    def text(self) -> str:
        return "\n".join(
            [_TITLE, *(f"  {title}: {value}. {says} {where}" for _, title, value, says, where in self._ids())]
        )

    def _ids(self) -> tuple[tuple[IconName, str, str, str, str], ...]:
        return (
            (
                "cloud",
                "ID scope",
                self.id_scope,
                "It names the provisioning service. Azure chooses it.",
                "The device sends it when it registers; the portal shows it on the overview.",
            ),
            (
                "group",
                "Enrollment id",
                self.enrollment_id,
                "It names the enrollment group, or an individual enrollment. You choose it.",
                "The service has it. A device never sends it: DPS finds the enrollment.",
            ),
            (
                "device",
                "Registration id",
                self.registration_id,
                "It names the device at DPS. In a group, it is the CN of the device's certificate.",
                "The device sends it; DPS keeps a registration record by this name.",
            ),
            (
                "hub",
                "Device id",
                self.device_id,
                "It names the device at its IoT hub. In a group, DPS sets it to the registration id.",
                "DPS returns it to the device, which then connects to its hub with it.",
            ),
        )
