"""CAs that issue device certificates, and a local DPS at which they are registered."""

from tests.crafting import Crafted, authority, craft, key, name
from tests.local_dps.devices import upload
from tests.local_dps.wire import LocalService, group_body

__all__ = ["INTERMEDIATE", "ROOT", "STRANGER", "WITHDRAWN", "device_certificate", "prepare"]

ROOT = authority(name("Root"), key(which=1))
INTERMEDIATE = authority(name("Intermediate"), key(which=2), issuer=ROOT)
WITHDRAWN = authority(name("Withdrawn"), key(which=3), issuer=ROOT)
STRANGER = authority(name("Root"), key(which=4))  # it has the name of our CA


def prepare(dps: LocalService) -> None:
    """Accept the devices below the root, except those of one intermediate."""
    upload(dps, "root", ROOT)
    dps.put_group(group_body("ours", reference="root"))
    dps.put_group(group_body("withdrawn", signing=WITHDRAWN.pem, provisioningStatus="disabled"))


def device_certificate(common_name: str, issuer: Crafted, kind: str = "P-256") -> Crafted:
    """A device's certificate, with a key of that kind."""
    return craft(name(common_name), key(kind, 8), issuer=issuer)
