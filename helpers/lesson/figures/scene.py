"""The story of the attack as a scene: Contoso, Mallory, their two services, and the pump."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from markupsafe import Markup

from helpers.lesson.figures.picture import Kind, Picture, joined, pill
from helpers.lesson.figures.shapes import IconName, icon, station

__all__ = ["PumpAt", "Scene"]

PumpAt: TypeAlias = Literal["contoso", "mallory"]
Sender: TypeAlias = Literal["contoso", "mallory", "pump"]
_ACTS = 5  # of notebook 09
_SENDERS: dict[Sender, str] = {"contoso": "Contoso", "mallory": "Mallory", "pump": "The pump"}
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
        act: its number; 0 before the attack. sender, sends: who sends what to a service in this act.
    """

    title: str
    pump_at: PumpAt
    contoso: str
    mallory: str
    says: str
    kind: Kind
    act: int
    sender: Sender
    sends: str

    def html(self) -> Markup:
        return Markup(
            "<div class='card {}'>{}<h2>{}</h2><div class='columns stage'>{}{}</div><p class='says'>{} {}</p></div>"
        ).format(
            self.kind,
            self._stepper(),
            self.title,
            self._side("contoso", "Contoso", "makes pumps, and has the CA's private key", "person", self.contoso),
            self._side(
                "mallory", "Mallory", "has a copy of the CA's certificate, but not its key", "mask", self.mallory
            ),
            pill(self.kind, _WORDS[self.kind]),
            self.says,
        )

    def text(self) -> str:
        where = {"contoso": "at Contoso's hub", "mallory": "STOLEN: at Mallory's hub"}
        return "\n".join(
            [
                f"{self._step()}: {self.title}",
                f"  {_SENDERS[self.sender]} sends: {self.sends}",
                f"  Contoso's service: {_CA_STATES[self.contoso][1]}",
                f"  Mallory's service: {_CA_STATES[self.mallory][1]}",
                f"  Contoso's pump: {where[self.pump_at]}",
                f"  {_WORDS[self.kind]}: {self.says}",
            ]
        )

    def _side(self, owner: PumpAt, name: str, about: str, face: IconName, state: str) -> Markup:
        kind, says = _CA_STATES[state]
        by_pump = self.sender == "pump" and self.pump_at == owner
        return Markup("<div class='lane side'><p class='lane-name'>{}{} <small>{}</small></p>{}{}{}{}</div>").format(
            icon(face),
            name,
            about,
            self._sent("down") if self.sender == owner else "",
            station("cloud", f"{name}'s DPS", says, kind=kind),
            self._sent("up") if by_pump else "",
            self._pump(owner) if self.pump_at == owner else Markup("<p class='no-pump'>no device</p>"),
        )

    def _step(self) -> str:
        return f"Act {self.act} of {_ACTS}" if self.act else "Before the attack"

    def _stepper(self) -> Markup:
        steps = joined("<i class='{}'></i>", (("past" if act <= self.act else "",) for act in range(1, _ACTS + 1)))
        return Markup("<p class='stepper'>{} <span aria-hidden='true'>{}</span></p>").format(self._step(), steps)

    def _sent(self, way: Literal["down", "up"]) -> Markup:
        return Markup("<p class='sent {}'><b>{} sends</b> {}</p>").format(way, _SENDERS[self.sender], self.sends)

    def _pump(self, owner: PumpAt) -> Markup:
        if owner == "contoso":
            return station("device", "Contoso's pump", "at Contoso's hub", kind="accepted", word="assigned")
        # DPS has done its work here, but for the pump's owner this is a theft, and not a success.
        return station("warning", "Contoso's pump", "at Mallory's hub", kind="error", word="stolen")


_WORDS: dict[Kind, str] = {"accepted": "safe", "rejected": "rejected", "error": "stolen", "note": "so far"}
