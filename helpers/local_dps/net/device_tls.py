"""TLS that requests a certificate from every device, and completes the handshake with any chain.

The real service answers an untrusted chain with a status and a reason. If the server aborted the handshake instead, the
device would see only a reset connection. The standard library's `ssl` can only abort, so this uses OpenSSL through
pyOpenSSL. The handshake still proves that the device holds the private key that matches its certificate (TLS 1.2:
CertificateVerify, RFC 5246 7.4.8; TLS 1.3: RFC 8446 4.4.3).
"""

import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from cryptography import x509
from OpenSSL import SSL

from ..x509.chain import MAX_CHAIN_BYTES, chain_size
from .tls import ServerIdentity

__all__ = ["DeviceTls", "device_context", "presented_chain"]

_Result = TypeVar("_Result")
_CHUNK_BYTES = 64 * 1024


def device_context(
    identity: ServerIdentity, failed: Callable[[str], None], *, allow_tls_1_3: bool = False
) -> ssl.SSLContext:
    """Return a context that asyncio accepts as an `ssl.SSLContext`, and that uses pyOpenSSL.

    Args:
        failed: called with the reason when a handshake fails.
        allow_tls_1_3: Azure documents TLS 1.2 only for DPS (tls-support.md).
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION if allow_tls_1_3 else SSL.TLS1_2_VERSION)
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection needs no buffers
    # A resumed session has no chain. Without a session id, OpenSSL would reset a client that tries to resume one.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_id(b"local-dps")
    return _Context.around(context, failed)


def presented_chain(tls: object) -> tuple[x509.Certificate, ...]:
    """Return the certificates that the client of a connection sent, its own first; () if it sent none.

    Args:
        tls: the `ssl_object` of the transport.
    """
    return tls.chain() if isinstance(tls, DeviceTls) else ()


class _Context(ssl.SSLContext):
    """asyncio requires an SSLContext, but calls only its `wrap_bio`."""

    _openssl: SSL.Context
    _failed: Callable[[str], None]

    @classmethod
    def around(cls, context: SSL.Context, failed: Callable[[str], None]) -> "_Context":
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._openssl, made._failed = context, failed
        return made

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> Any:
        return DeviceTls(self._openssl, incoming, outgoing, self._failed)


class DeviceTls:
    """The server's side of one connection: the methods of `ssl.SSLObject` that asyncio calls, and the client's chain."""

    def __init__(
        self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, failed: Callable[[str], None]
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._failed = failed
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self.context = None

    def chain(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates that the client sent, its own first."""
        try:
            leaf = self._connection.get_peer_certificate(as_cryptography=True)
            # On a server, OpenSSL stores the client's own certificate apart from the rest. pyOpenSSL may add it in front.
            rest = self._connection.get_peer_cert_chain(as_cryptography=True) or []
            chain = (leaf, *(each for each in rest if each != leaf)) if leaf else ()
            if chain_size(chain) <= MAX_CHAIN_BYTES:  # a larger chain is rejected without being read
                for each in chain:
                    each.subject, each.issuer  # noqa: B018 - the parser is lazy
        except (
            ValueError,
            x509.InvalidVersion,
            SSL.Error,
        ):  # OpenSSL accepts some certificates that `cryptography` can't read
            return ()
        return chain

    def do_handshake(self) -> None:
        try:
            self._drive(self._connection.do_handshake)
        except SSL.ZeroReturnError as error:
            raise ssl.SSLEOFError(
                ssl.SSL_ERROR_EOF, "The client closed the connection during the handshake."
            ) from error
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            self._failed(str(error.args[-1]))
            raise

    def read(self, size: int = _CHUNK_BYTES, buffer: Any = None) -> Any:
        try:
            data = self._drive(lambda: self._connection.recv(size))
        except SSL.ZeroReturnError:
            data = b""
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return self._drive(lambda: self._connection.send(bytes(data)))

    def unwrap(self) -> None:
        if not self._drive(self._connection.shutdown):
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "The client has not closed the connection yet.")

    def getpeercert(self, binary_form: bool = False) -> None:
        """Return None. `chain` has all certificates."""

    def cipher(self) -> tuple[str | None, str, None]:
        return self._connection.get_cipher_name(), self._connection.get_protocol_version_name(), None

    def compression(self) -> None:
        """Return None, because TLS compression is off."""

    def _drive(self, action: Callable[[], _Result]) -> _Result:
        """Feed the received bytes to OpenSSL, run the action, and take out the bytes to send.

        Errors are raised as the standard library raises them.
        """
        while self._incoming.pending:
            self._connection.bio_write(self._incoming.read(_CHUNK_BYTES))
        try:
            return action()
        except SSL.WantReadError as error:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "OpenSSL needs more bytes.") from error
        except SSL.ZeroReturnError:
            raise
        except SSL.SysCallError as error:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "The client dropped the connection.") from error
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error
        finally:
            self._take_out()

    def _take_out(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_CHUNK_BYTES))
            except SSL.WantReadError:
                return
