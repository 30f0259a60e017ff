"""The three planes of a provisioning service: who calls, how they sign in, and which role they need."""

from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, Row, card
from helpers.lesson.figures.shapes import IconName, station_head

__all__ = ["ThreePlanes"]

_TITLE = "The three planes"
_PLANES: tuple[tuple[IconName, str, tuple[Row, ...]], ...] = (
    (
        "person",
        "Management plane",
        (
            ("Address", "Azure Resource Manager: management.azure.com"),
            ("Who calls", "you: the portal, the Azure CLI, a script"),
            ("Purpose", "upload a CA, get a code, verify; the service itself"),
            ("Sign-in", "a token of Microsoft Entra ID"),
            ("Role", "Contributor, or Owner, of the service or its resource group"),
        ),
    ),
    (
        "cloud",
        "Service plane",
        (
            ("Address", "the service: NAME.azure-devices-provisioning.net"),
            ("Who calls", "you, or your back end"),
            ("Purpose", "enrollment groups, enrollments, registration records"),
            ("Sign-in", "a token of Microsoft Entra ID, or a shared access signature"),
            ("Role", "Device Provisioning Service Data Contributor; Data Reader to read"),
        ),
    ),
    (
        "device",
        "Device plane",
        (
            ("Address", "the same for every service: global.azure-devices-provisioning.net, and the ID scope"),
            ("Who calls", "devices, over HTTPS, MQTT or AMQP"),
            ("Purpose", "register, and learn the assigned hub"),
            ("Sign-in", "TLS with the device's certificate and private key"),
            ("Role", "none: the device's enrollment decides"),
        ),
    ),
)


@dataclass(frozen=True, repr=False)
class ThreePlanes(Picture):
    """The planes side by side."""

    def html(self) -> Markup:
        planes = (
            Markup("<div class='station plane-card'>{}<dl>{}</dl></div>").format(
                station_head(name, title),
                Markup().join(Markup("<dt>{}</dt><dd>{}</dd>").format(label, _breakable(says)) for label, says in rows),
            )
            for name, title, rows in _PLANES
        )
        return card(_TITLE, Markup("<div class='columns'>{}</div>").format(Markup().join(planes)))

    def text(self) -> str:
        lines = [_TITLE]
        for _, title, rows in _PLANES:
            lines += [f"  {title}", *(f"    {label:9}  {says}" for label, says in rows)]
        return "\n".join(lines)


def _breakable(text: str) -> Markup:
    """A text in which a browser may break a host name after each of its dots."""
    return Markup(".<wbr>").join(text.split("."))
