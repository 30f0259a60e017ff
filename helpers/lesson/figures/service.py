"""Pictures of the provisioning service, and of an enrollment group with its hubs and their devices."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.dps import CaReference, EnrollmentGroup, Registration, ServiceDescription
from helpers.lesson.figures.picture import Kind, Picture, Row, Table, breaking, card, joined, table
from helpers.lesson.figures.shapes import link, station, station_head
from helpers.urls import mask_keys

__all__ = ["GroupPicture", "ServiceCard"]

_MAX_DOTS = 40


@dataclass(frozen=True, repr=False)
class ServiceCard(Table):
    """The provisioning service that the walkthrough uses."""

    target: str
    service: ServiceDescription

    def title(self) -> str:
        return self.service.name

    def rows(self) -> list[Row]:
        return [
            ("Target", self.target),
            ("Location", self.service.location or "unknown"),
            ("ID scope", self.service.id_scope or "not known yet"),
            ("Linked hubs", ", ".join(self.service.iot_hubs) or "unknown"),
        ]


@dataclass(frozen=True, repr=False)
class GroupPicture(Picture):
    """An enrollment group: its CA, how it chooses a hub, and how many devices each hub has.

    Attributes:
        hubs: the hubs among which the group chooses.
        registrations: the devices' registrations; None if the service was not asked for them.
    """

    group: EnrollmentGroup
    hubs: Sequence[str]
    registrations: Sequence[Registration] | None = None

    def html(self) -> Markup:
        group = self.group
        kind: Kind = "accepted" if group.enabled else "rejected"
        hubs = joined(
            "<div class='station hub'>{}{}<span class='dots' aria-hidden='true'>{}</span></div>",
            (
                (
                    station_head("hub", breaking(hub, r"(?=\.)")),
                    "" if self.registrations is None else Markup("<small>{}</small>").format(_devices(count)),
                    _dots(count),
                )
                for hub, count in self._counts().items()
            ),
        )
        return card(
            group.group_id,
            Markup("<div class='route grown'>{}</div>").format(
                Markup().join(
                    (
                        station("key", "CA", _bound_to(group)),
                        link("is trusted by"),
                        station(
                            "group", "Enrollment group", word="enabled" if group.enabled else "disabled", kind=kind
                        ),
                        link("assigns"),
                        Markup("<div class='station hubs'>{}{}</div>").format(
                            station_head("hub", self._landed()), hubs
                        ),
                    )
                )
            ),
            table(self._rows()),
        )

    def text(self) -> str:
        rows = [("Bound to", _bound_to(self.group)), *self._rows()]
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            [
                self.group.group_id,
                *(f"  {name:{width}}  {text}" for name, text in rows),
                f"  {self._landed()}",
                *(f"    {hub}  {self._told(count)}" for hub, count in self._counts().items()),
            ]
        )

    def _rows(self) -> list[Row]:
        again = self.group.reprovision_policy
        return [
            ("Status", "enabled" if self.group.enabled else "disabled: DPS rejects its devices"),
            ("Hub chosen by", _policy(self.group)),
            (
                "Registering again",
                "DPS applies the policy again" if again.update_hub_assignment else "the device stays at its hub",
            ),
        ]

    def _counts(self) -> dict[str, int]:
        landed = Counter(each.assigned_hub for each in self.registrations or ())
        return {hub: landed.get(hub, 0) for hub in dict.fromkeys((*self.hubs, *sorted(landed)))}

    def _told(self, count: int) -> str:
        return "no device yet" if self.registrations is None else f"{'█' * min(count, _MAX_DOTS)} {count}"

    def _landed(self) -> str:
        if self.registrations is None:
            return "IoT hubs"
        return f"IoT hubs: {_devices(len(self.registrations))}"


def _devices(count: int) -> str:
    return f"{count} {'device' if count == 1 else 'devices'}"


def _dots(count: int) -> Markup:
    """A dot for each device, and the number of those that are too many to draw."""
    dots = joined("<i style='--n:{}'></i>", ((number,) for number in range(min(count, _MAX_DOTS))))
    return Markup("{}{}").format(dots, f" + {count - _MAX_DOTS}" if count > _MAX_DOTS else "")


def _bound_to(group: EnrollmentGroup) -> str:
    if isinstance(group.attestation, CaReference):
        names = [name for name in (group.attestation.primary, group.attestation.secondary) if name]
        return f"registered as {' and '.join(f'“{name}”' for name in names)}"
    return "a signing certificate inside the group itself"


def _policy(group: EnrollmentGroup) -> str:
    if group.custom_allocation:
        return f"your own function at {mask_keys(group.custom_allocation.webhook_url)}"
    return group.allocation_policy.value if group.allocation_policy else "the service's own policy"
