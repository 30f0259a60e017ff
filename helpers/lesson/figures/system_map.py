"""The whole system as a map, with the place where the reader is."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, card, joined
from helpers.lesson.figures.shapes import HERE, IconName, Mark, flag, icon, link, route, station

__all__ = ["Place", "SystemMap"]

Place: TypeAlias = Literal["", "root", "intermediate", "upload", "code", "proof", "verify", "group", "device", "end"]

_TITLE = "The whole system"
_MACHINE = "Your side: the private keys stay here"
_AZURE = "Azure: it holds certificates, and no private key of yours"
# In the order in which a learner reaches them.
_PLACES: dict[Place, tuple[str, str]] = {
    "root": ("Root CA", "the top of the chain; its key signs the intermediate CA"),
    "intermediate": ("Intermediate CA", "its key signs devices' certificates, and the proof"),
    "upload": ("Upload", "the CA's certificate"),
    "code": ("Code", "DPS sends a random code"),
    "proof": ("Proof", "the code, signed with the CA's key"),
    "verify": ("DPS", "checks the proof: the CA is verified"),
    "group": ("Enrollment group", "accepts devices below this CA"),
    "device": ("Device", "has a key and a certificate of its own"),
    "end": ("End of access", "revoke, disable, delete, clean up"),
}


@dataclass(frozen=True, repr=False)
class SystemMap(Picture):
    """The way from the root CA to the hubs.

    Attributes:
        here: the place where the reader is; the places before it are marked as done. "" for none: then each place has a
            description, which later only the reader's place has.
    """

    here: Place = ""

    def html(self) -> Markup:
        machine = (
            self._station("root", "key"),
            link("signs"),
            self._station("intermediate", "key"),
            link("signs"),
            self._station("device", "device"),
        )
        azure = (
            self._station("verify", "cloud"),
            link("trusts"),
            self._station("group", "group"),
            link("assigns"),
            station("hub", "IoT hubs", *self._described("", "the device's new home"), marked=self._over()),
        )
        return card(
            _TITLE,
            _lane("", "key", _MACHINE, machine),
            Markup("<ol class='crossings' aria-label='Messages to and from DPS'>{}</ol>").format(
                joined(
                    "<li class='{}'>{}<b><span aria-hidden='true'>{}</span> {}</b> {}</li>",
                    (
                        self._crossing("upload", "↓"),
                        self._crossing("code", "↑"),
                        self._crossing("proof", "↓"),
                        self._past("Register", "the device proves that it has its key"),
                        self._crossing("end", "■", stays="stays"),
                    ),
                )
            ),
            _lane("cloud", "cloud", _AZURE, azure),
        )

    def text(self) -> str:
        signs = {"here": f"▶ {HERE}: ", "done": "✔ ", "": "  "}
        lines = [f"{signs[self._mark(place)]}{title}: {says}" for place, (title, says) in _PLACES.items()]
        return "\n".join([_TITLE, *(f"  {line}" for line in lines)])

    def _described(self, place: Place, says: str) -> list[str]:
        return [says] if self.here in ("", place) else []

    def _mark(self, place: Place) -> Mark:
        if place == self.here:
            return "here"
        order = list(_PLACES)
        return "done" if self.here and order.index(place) < order.index(self.here) else ""

    def _over(self) -> Mark:
        """The mark of what has no place of its own: it is done when the reader is at the end."""
        return "done" if self.here == "end" else ""

    def _past(self, title: str, says: str) -> tuple[str, Markup, str, str, str]:
        return self._over(), Markup(), "✔" if self._over() else "↓", title, " ".join(self._described("", says))

    def _station(self, place: Place, name: IconName) -> Markup:
        title, says = _PLACES[place]
        return station(name, title, *self._described(place, says), marked=self._mark(place))

    def _crossing(self, place: Place, arrow: str, *, stays: str = "") -> tuple[str, Markup, str, str, str]:
        marked, (title, says) = self._mark(place), _PLACES[place]
        return (
            f"{marked} {stays}",
            flag() if marked == "here" else Markup(),
            "✔" if marked == "done" else arrow,
            title,
            " ".join(self._described(place, says)),
        )


def _lane(kind: str, name: IconName, title: str, parts: tuple[Markup, ...]) -> Markup:
    return Markup("<div class='lane {}'><p class='lane-name'>{}{}</p>{}</div>").format(
        kind, icon(name), title, route(parts)
    )
