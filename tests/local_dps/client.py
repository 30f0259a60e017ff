"""A client of a local DPS that holds one connection open."""

import http.client
from contextlib import AbstractContextManager, nullcontext
from typing import Self

from tests.local_dps.wire import LocalService


class Client(LocalService):
    """A client with its own connection, which stays open, and with the tokens that another client already has."""

    def __init__(self, dps: LocalService) -> None:
        super().__init__(dps.connection, dps.state)
        for name in ("context", "management_token", "service_token"):
            self.__dict__[name] = getattr(dps, name)
        self.own_line = self.new_line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.own_line.close()

    def line(self) -> AbstractContextManager[http.client.HTTPSConnection]:
        return nullcontext(self.own_line)
