"""A provisioning service for one test of the Azure CLI."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A provisioning service for one test, alone in its resource group."""

    name: str
    group: str
    path: str

    @property
    def place(self) -> tuple[str, ...]:
        return ("--dps-name", self.name, "--resource-group", self.group)
