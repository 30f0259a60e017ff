"""The story of the attack as a scene: Contoso, Mallory, their two services, and the pump."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from markupsafe import Markup

from helpers.lesson.figures.picture import Kind, Picture, pill
from helpers.lesson.figures.shapes import IconName, icon, station

__all__ = ["PumpAt", "Scene"]

PumpAt: TypeAlias = Literal["contoso", "mallory", "nowhere"]
_CA_STATES: dict[str, tuple[Kind | None, str]] = {
    "verified": ("accepted", "Contoso's CA is VERIFIED here, by a proof"),
    "uploaded": ("note", "Contoso's CA is uploaded here, not verified yet"),
    "attested": ("error", "Contoso's CA counts as verified here, without a proof"),
    "none": (None, "Contoso's CA is not here"),
}


@dataclass(frozen=True, repr=False)
class Scene(Picture):
    """One act of the story.

    Attributes:
        pump_at: the service whose hub has Contoso's pump.
        contoso, mallory: the state of Contoso's CA at either service: verified, uploaded, attested or none.
        says: what happens in this act. kind: how the act ends for Contoso.
    """

    title: str
    pump_at: PumpAt
    contoso: str
    mallory: str
    says: str
    kind: Kind

    def html(self) -> Markup:
        return Markup(
            "<div class='card {}'><h2>{}</h2><div class='columns stage'>{}{}{}</div><p class='says'>{} {}</p></div>"
        ).format(
            self.kind,
            self.title,
            self._side("contoso", "Contoso", "makes pumps, and has the CA's private key", "person", self.contoso),
            self._adrift() if self.pump_at == "nowhere" else "",
            self._side(
                "mallory", "Mallory", "has a copy of the CA's certificate, and not its key", "mask", self.mallory
            ),
            pill(self.kind, _WORDS[self.kind]),
            self.says,
        )

    def text(self) -> str:
        where = {"contoso": "at Contoso's hub", "mallory": "STOLEN: at Mallory's hub", "nowhere": "at no hub"}
        return "\n".join(
            [
                self.title,
                f"  Contoso's service: {_CA_STATES[self.contoso][1]}",
                f"  Mallory's service: {_CA_STATES[self.mallory][1]}",
                f"  Contoso's pump: {where[self.pump_at]}",
                f"  {_WORDS[self.kind]}: {self.says}",
            ]
        )

    def _side(self, owner: PumpAt, name: str, about: str, face: IconName, state: str) -> Markup:
        kind, says = _CA_STATES[state]
        return Markup("<div class='lane side'><p class='lane-name'>{}{} <small>{}</small></p>{}{}</div>").format(
            icon(face),
            name,
            about,
            station("cloud", f"{name}'s DPS", says, kind=kind),
            self._pump(owner) if self.pump_at == owner else Markup("<p class='no-pump'>no device</p>"),
        )

    def _pump(self, owner: PumpAt) -> Markup:
        if owner == "contoso":
            return station("device", "Contoso's pump", "at Contoso's hub", kind="accepted", word="assigned")
        # DPS has done its work here, but for the pump's owner this is a theft, and not a success.
        return station("warning", "Contoso's pump", "at Mallory's hub", kind="error", word="stolen")

    def _adrift(self) -> Markup:
        return Markup("<div class='adrift'>{}</div>").format(
            station("device", "Contoso's pump", "at no hub", marked="absent")
        )


_WORDS: dict[Kind, str] = {"accepted": "safe", "rejected": "rejected", "error": "stolen", "note": "so far"}
