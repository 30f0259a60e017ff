"""The page that lists what is checked, accepted and absent stays true."""

import re
from datetime import UTC, datetime
from pathlib import Path

import helpers.local_dps
from helpers.local_dps.control import Control
from helpers.local_dps.core import Core, faults
from helpers.local_dps.planes.device.allocation import HubLatencies
from helpers.local_dps.planes.identity.assertion import new_client_certificate
from helpers.local_dps.planes.management.management_door import SERVICE_PATH
from helpers.local_dps.request.endpoints import Endpoints
from helpers.local_dps.store import Store
from tests.local_dps.pages import names_of_tests, rows

PAGE = Path(helpers.local_dps.__file__).with_name("CONFORMANCE.md")


def test_each_row_says_one_of_three_things_and_a_checked_one_names_an_existing_test() -> None:
    there, found = names_of_tests(), 0
    for row in rows(PAGE):
        found += 1
        named = re.findall(r"`(\w+)`", row["test"])
        assert row["is"] in ("checked", "accepted", "absent"), row
        assert bool(named) == (row["is"] == "checked"), row
        assert set(named) <= there, row
    assert found > 100


def test_each_call_is_on_the_page_and_each_call_on_the_page_exists(tmp_path: Path) -> None:
    store = Store(tmp_path / "dps.sqlite3")
    core = Core(store, Endpoints(1), new_client_certificate(datetime.now(UTC))[1])
    unreliable = faults.FaultInjector(lambda _call: None, lambda _call: None, faults.Faults())  # type: ignore[arg-type,return-value]
    control = Control("", unreliable, store, HubLatencies(), b"")
    tables = [table.routes for table in core.tables.values()] + [control.routes]
    served = {
        f"{route.method} {route.template.replace(SERVICE_PATH, '{dps}')}" for routes in tables for route in routes
    }
    store.close()
    told = {
        call
        for row in rows(PAGE)
        if row.get("is") == "checked"
        for call in re.findall(r"`([A-Z]+ /?\S+)`", row.get("call", ""))
    }
    assert told == served
