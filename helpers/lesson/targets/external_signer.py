"""Somebody else signs the verification code: the holder of a CA's key that this notebook can't or shall not read."""

from pathlib import Path

from cryptography import x509

from helpers.certificates import (
    VerificationCertificate,
    accept_verification_certificate,
    describe,
    request_verification_certificate,
)
from helpers.files import PUBLIC, make_private_folder, read_bytes, write_atomically
from helpers.lesson.figures import Checklist
from helpers.lesson.recipes import Names
from helpers.lesson.targets.your_turn import YourTurn
from helpers.problem import Problem
from helpers.workspace import Role, Workspace

__all__ = ["ExternalSigner"]

_WHY = "The form says that somebody else signs, so this notebook does not use the CA's private key."
_FILL_IN = "put the certificate that comes back into the field “Signed certificate” of the form above, and run this cell again."


class ExternalSigner:
    """Signs a code as a CA does, but the signature comes from outside: its method asks a person for it."""

    def __init__(self, workspace: Workspace, role: Role, signed: Path | None) -> None:
        """
        Args:
            role: the CA to prove, whose certificate is in the workspace.
            signed: the file that came back; None as long as there is none.
        """
        self._workspace, self._role, self._signed = workspace, role, signed
        self._certificate = workspace.authority_certificate(role)

    def sign_verification_code(self, code: str) -> VerificationCertificate:
        """Return the proof that came back, after examining it. It need not be for the last request, only for this code.

        Raises:
            YourTurn: nothing has come back yet; a request is in the workspace, and the checklist says what to do with it.
            Problem: DPS would reject the certificate.
        """
        if self._signed is None:
            request = request_verification_certificate(code)
            file = self._workspace.request_file
            make_private_folder(file.parent)
            write_atomically(file, request, mode=PUBLIC)
            files = {file.name: x509.load_pem_x509_csr(request)}
            raise YourTurn(Checklist("have the request signed", self._steps(), _FILL_IN, files), where="", why=_WHY)
        try:
            content = read_bytes(self._signed)
            return accept_verification_certificate(content, self._certificate, code, self._signed.name)
        except Problem as problem:
            raise Problem(problem.what, problem.why, f"{problem.next_step} Then {_FILL_IN}") from problem

    def _steps(self) -> list[str]:
        names = Names.of(self._workspace, None)
        request = names.path(self._workspace.request_file.relative_to(self._workspace.folder).as_posix())
        authority, key = (names.path(f"ca/{self._role}{ending}") for ending in (".pem", ".key.pem"))
        name = describe(self._certificate).common_name
        command = f'openssl x509 -req -in "{request}" -days 3 -out signed.pem -CA "{authority}" -CAkey KEY'
        give = f"Give the file `{request}` to the holder of the private key of “{name}”. It is not secret."
        sign = f"With OpenSSL, the holder runs `{command}`. KEY is the file with the key, or its PKCS#11 URI if it is in an HSM."
        try_it = f'To try this with the CA of this workspace, use `"{key}"`.'
        vault = "Key Vault signs only digests: a program builds the certificate from the request, and `az keyvault key sign`"
        return [give, f"{sign} {try_it}", f"{vault} signs its digest."]
