"""The walkthrough of a person who works in the portal."""

import base64
from pathlib import Path
from typing import Any

from helpers import walkthrough
from tests.local_dps.wire import group_body
from tests.notebooks.walking import STEPS, notebook
from tests.record.text import Record
from tests.record.walk import Walk

__all__ = ["portal"]

_CA, _GROUP = "walkthrough-ca", "walkthrough-devices"


def portal(folder: Path) -> str:
    """Return the record of a walkthrough with the target portal.

    The local DPS stands in for Azure, and plain requests for the person who works in the portal. 08 and 09 are left out:
    they use the local DPS with every target.
    """
    with Walk.begin(folder) as walk:
        record = Record(walk)
        with walk.service() as dps:
            scope = dps.connection["id_scope"]
        told: dict[str, Any] = {
            **walkthrough.read_parameters(walkthrough.PROJECT / "data" / "parameters" / "portal.yaml"),
            "provisioning_service": "my-dps",
            "id_scope": scope,
        }

        def in_base64(*place: str) -> str:
            return base64.b64encode(walk.workspace.folder.joinpath(*place).read_bytes()).decode()

        def take(step: str, **more: Any) -> None:
            walk.run({**told, **more}, [notebook(step)], record.notebook_ended)

        take("00")
        take("01")
        take("02")
        with walk.service() as dps:
            dps.upload(_CA, in_base64("ca", "intermediate.cer"))
        take("02", done_in_portal=True)
        take("03")
        with walk.service() as dps:
            code = dps.generate_code(_CA)["properties"]["verificationCode"]
        take("03", verification_code=code)
        take("04")
        with walk.service() as dps:
            assert dps.verify(_CA, in_base64("proof", "verification.cer")).status == 200
        take("04", done_in_portal=True)
        take("05")
        with walk.service() as dps:
            dps.put_group(group_body(_GROUP, reference=_CA))
        take("05", done_in_portal=True)
        take("06")
        take("07")
        record.state("before the clean-up", with_copies=False)
        take(STEPS[-1])
        with walk.service() as dps:
            assert dps.serve("DELETE", f"/enrollmentGroups/{_GROUP}").status == 204
            assert dps.manage("DELETE", f"/certificates/{_CA}", if_match="*").status == 200
        take(STEPS[-1], done_in_portal=True)
        record.state("at the end", with_copies=True)
        return str(record)
