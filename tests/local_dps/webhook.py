"""A webhook that allocates devices to hubs, and answers when a test allows it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.local_dps.allocation import FAR
from tests.loopback import Answer, answering


@dataclass
class Webhook:
    """The webhook, and its next answer.

    Attributes:
        may: set once it may answer; until then it waits.
        asked: the questions that it got.
    """

    status: int = 200
    answer: object = field(default_factory=lambda: {"iotHubHostName": FAR})
    may: threading.Event = field(default_factory=threading.Event)
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    @property
    def definition(self) -> Mapping[str, Any]:
        """The fields of an enrollment that refer to the webhook."""
        return {
            "allocationPolicy": "custom",
            "customAllocationDefinition": {"webhookUrl": self.url, "apiVersion": "2021-10-01"},
        }


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """A webhook on loopback for as long as the block runs, which may answer at once."""
    hook = Webhook()
    hook.may.set()

    def answer(_path: str, asked: Any) -> Answer:
        hook.asked.append(asked)
        hook.may.wait(30)
        content = hook.answer if isinstance(hook.answer, bytes) else json.dumps(hook.answer).encode()
        return hook.status, {"Location": hook.url}, content

    with answering(answer) as url:
        hook.url = f"{url}/allocate"
        try:
            yield hook
        finally:
            hook.may.set()
