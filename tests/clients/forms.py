"""Azure's Python clients in both their forms, sync and aio, so that one test body proves both."""

import asyncio
import inspect
from collections.abc import AsyncIterable, Iterator
from contextlib import ExitStack
from importlib import import_module
from operator import attrgetter
from typing import Any

from azure.core.polling import AsyncLROPoller

from tests.local_dps.wire import LocalService


class Waited:
    """An aio client, or a part of one, called like the sync one: each awaitable result is awaited."""

    def __init__(self, aio: Any, runner: asyncio.Runner) -> None:
        self.aio = aio
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        return self._waited(getattr(self.aio, name))

    def __iter__(self) -> Iterator[Any]:
        items = aiter(self.aio)
        while True:
            try:
                yield self._waited(self._runner.run(anext(items)))
            except StopAsyncIteration:
                return

    def _waited(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            return self._waited(self._runner.run(value))
        if inspect.isroutine(value):
            return lambda *arguments, **options: self._waited(value(*arguments, **options))
        is_part = isinstance(value, AsyncIterable | AsyncLROPoller) or type(value).__name__.endswith("Operations")
        return Waited(value, self._runner) if is_part else value


class Clients:
    """Makes Azure's clients and credentials in one form, trusting the local DPS; closed at the end of the test."""

    def __init__(self, form: str, dps: LocalService, stack: ExitStack) -> None:
        self.is_aio = form == "aio"
        self._dps = dps
        self._stack = stack
        self._runner = stack.enter_context(asyncio.Runner()) if self.is_aio else None

    def make(self, module: str, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a class, or its classmethod, of a package or of the package's aio twin."""
        factory = attrgetter(name)(import_module(f"{module}.aio" if self.is_aio else module))
        options = {"connection_verify": self._dps.connection["ca_file"]} | options
        made = factory(*(each.aio if isinstance(each, Waited) else each for each in arguments), **options)
        if self._runner:
            made = Waited(made, self._runner)
        self._stack.callback(made.close)
        return made

    def credential(self, name: str = "ClientSecretCredential", *arguments: Any, **options: Any) -> Any:
        """A credential of azure-identity; without arguments, by the secret of the connection."""
        given = self._dps.connection
        if not arguments and name == "ClientSecretCredential":
            arguments = (given["tenant_id"], given["client_id"], given["client_secret"])
        options = {"authority": given["authority"], "disable_instance_discovery": True} | options
        return self.make("azure.identity", name, *arguments, **options)

    def management(self, credential: Any = None) -> Any:
        """azure-mgmt-iothubprovisioningservices."""
        given = self._dps.connection
        return self.make(
            "azure.mgmt.iothubprovisioningservices",
            "IotDpsClient",
            credential or self.credential(),
            given["subscription_id"],
            base_url=given["management_endpoint"],
        )

    def service(self, credential: Any = None, endpoint: str | None = None) -> Any:
        """azure-iot-deviceprovisioning; without a credential, by the connection string."""
        given = self._dps.connection
        module, name = "azure.iot.deviceprovisioning", "DeviceProvisioningClient"
        if credential is None:
            return self.make(module, f"{name}.from_connection_string", given["connection_string"])
        return self.make(module, name, endpoint or given["service_endpoint"], credential)
