"""An Azure function on loopback that chooses a hub for a device, and requires its key, as in Azure."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Answer, answering

__all__ = ["AzureFunction", "azure_function"]


@dataclass
class AzureFunction:
    """The function. It answers 401 without its key.

    Attributes:
        devices: for which it has chosen a hub.
    """

    url: str
    key: str
    devices: list[str] = field(default_factory=list)


@contextmanager
def azure_function(key: str) -> Iterator[AzureFunction]:
    """Run a function with that key during the `with` block."""

    def answer(path: str, asked: Any) -> Answer:
        if parse_qs(urlsplit(path).query).get("code") != [key]:
            return 401, {}, b""
        function.devices.append(asked["deviceRuntimeContext"]["registrationId"])
        return 200, {}, json.dumps({"iotHubHostName": asked["linkedHubs"][-1]}).encode()

    with answering(answer) as url:
        function = AzureFunction(f"{url}/api/choose", key)
        yield function
