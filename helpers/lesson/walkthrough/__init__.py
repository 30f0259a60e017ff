"""One walkthrough: its workspace, its target and service, its forms and pictures. The notebooks' cells hang on it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from cryptography import x509

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    Examination,
    describe,
    read_certificates,
)
from helpers.dps import EnrollmentGroup, Event, RegisteredCertificate, Registration
from helpers.files import read_bytes
from helpers.lesson import experiments
from helpers.lesson.course.checkpoint import Checkpoint, checkpoint
from helpers.lesson.course.exercises import ExerciseCard, try_exercise
from helpers.lesson.course.journey import JourneyMap, journey, run_first
from helpers.lesson.course.machine import examine_machine, examine_way_of_devices
from helpers.lesson.figures import (
    AccessCard,
    CertificatesPage,
    ChainTree,
    EtagTrail,
    GroupPicture,
    HubCard,
    Listing,
    ProofSequence,
    RecordsCard,
    Verdicts,
)
from helpers.lesson.forms import Form, Inputs, Secret
from helpers.lesson.forms.setting import OPENS_KEYS, TELLS_OF_PORTAL, setting_of
from helpers.lesson.forms.values import CleanUp, CreateEnrollmentGroup, EndAccess, ProvisionDevices, StartHere
from helpers.lesson.targets import Dps, Service, Target, target_of
from helpers.lesson.walkthrough import access, clean_up, views
from helpers.lesson.walkthrough.memory import Memory
from helpers.lesson.walkthrough.what_happened import WhatJustHappened, what_just_happened
from helpers.problem import Problem
from helpers.workspace import Facts, Role, Workspace

__all__ = ["Walkthrough"]

Value = TypeVar("Value", bound=Inputs)


class Walkthrough:
    """What the cells of every notebook begin with: `walkthrough = lesson.open(workspace)`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._secret: Secret | None = None
        self._told: Callable[[], Any] = lambda: None
        self.before_clean_up: Facts | None = None  # what the workspace knew of the service before 10 has removed it
        memory = Memory(workspace, lambda: self._secret.take() if self._secret else None)
        self.stored, self.store, self.needed = memory.stored, memory.store, memory.needed
        self._memory = memory

    def __repr__(self) -> str:
        return f"Walkthrough({self.workspace.folder.name!r}, target {self.workspace.facts.target})"

    # --- the service ---

    @property
    def target(self) -> Target:
        """The target that was chosen in 00.

        Raises:
            Problem: none was (run 00_start_here).
        """
        return target_of(self.workspace)

    @cached_property
    def dps(self) -> Dps:
        """The walkthrough's provisioning service; a local DPS is started if it does not run."""
        dps = self.target.connect()
        dps.listen_to(lambda: self._told())
        return dps

    @cached_property
    def rehearsal(self) -> Service:
        """A service to try things at: the walkthrough's own, or with the target portal a local DPS."""
        return self.target.rehearse()

    @property
    def uploaded(self) -> tuple[x509.Certificate, ...]:
        """The CAs that 07 has uploaded besides the walkthrough's own."""
        return tuple(self.rehearsal.certificates.uploaded) if "rehearsal" in self.__dict__ else ()

    def choose(self, chosen: StartHere) -> None:
        """Remember the target. A walkthrough that has begun with one can't go on with another.

        Raises:
            Problem: a CA is registered with another target already.
        """
        facts = self.workspace.facts
        values = chosen.model_dump()
        if facts.certificate_name is not None and any(getattr(facts, name) != value for name, value in values.items()):
            raise Problem(
                f"This walkthrough has begun with the target {facts.target}.",
                f"The CA is registered there as “{facts.certificate_name}”.",
                f"Put {facts.target} back, or run 10_clean_up first.",
            )
        self.workspace.update(**values)
        self.__dict__.pop("dps", None)

    # --- forms ---

    def form(self, model: type[Value], parameters: Mapping[str, Any]) -> Form[Value]:
        """A form for one of the notebook's values.

        Args:
            parameters: the notebook's, by name; others than the form's fields don't matter, so `globals()` will do.
        """
        hubs = self.dps.describe().iot_hubs if model is CreateEnrollmentGroup else ()
        form = Form(model, parameters, setting_of(model, self.workspace, hubs))
        if model in OPENS_KEYS:
            self._secret = form.secret
        if model is ProvisionDevices:
            self.workspace.forget_outcomes("06_provision_devices")  # the notebook begins again
        if model in TELLS_OF_PORTAL:
            self._told = lambda: form.value
        return form

    # --- what is at DPS ---

    def registered(self) -> RegisteredCertificate:
        """The walkthrough's CA as DPS has it now.

        Raises:
            Problem: none is registered (run 02_upload_ca).
        """
        name = self.workspace.facts.certificate_name
        if name is None:
            raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
        return self.dps.certificates.get(name)

    def verified(self) -> RegisteredCertificate:
        """The walkthrough's CA as DPS has it now, which must be verified.

        Raises:
            Problem: it was never verified (run 04_verify_ca), or is no longer (run 03_sign_verification_code).
        """
        if not self.workspace.facts.verified:
            raise run_first("04_verify_ca", "No verified CA is known in this workspace.")
        registered = self.registered()
        if not registered.verified:
            raise run_first("03_sign_verification_code", "DPS no longer says that the CA is verified.")
        return registered

    def group(self) -> EnrollmentGroup:
        """The walkthrough's enrollment group as DPS has it now.

        Raises:
            Problem: there is none (run 05_create_enrollment_group).
        """
        group = self.workspace.facts.enrollment_group_id
        if group is None:
            raise run_first("05_create_enrollment_group", "No enrollment group is known in this workspace.")
        return self.dps.enrollment_groups.get(group)

    # --- what is here ---

    def public_part(self, role: Role) -> x509.Certificate:
        """A CA's certificate, which may leave this machine; its private key need not be opened for it.

        Raises:
            Problem: there is no such CA (run 01_create_ca).
        """
        roles = self.workspace.authority_roles()
        if not roles:
            raise run_first("01_create_ca", "This workspace holds no CA.")
        if role not in roles:
            raise Problem(
                f"This workspace holds no {role} CA with its key.",
                f"It holds the {roles[0]}.",
                f"Set register_ca to {roles[0]}.",
            )
        file = self.workspace.public_part(role)
        return read_certificates(read_bytes(file), file.name)[0]

    def registered_part(self) -> x509.Certificate:
        """The certificate of the CA that is registered with DPS.

        Raises:
            Problem: none is (run 02_upload_ca).
        """
        role = self.workspace.facts.registered_role
        if role is None:
            raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
        return self.workspace.authority_certificate(role)

    def authority(self, role: Role) -> CertificateAuthority:
        """A CA with its private key.

        Raises:
            Problem: it is not there (run 01_create_ca), or its key can't be opened.
        """
        return self._memory.authority(role)

    def registered_authority(self) -> CertificateAuthority:
        """The CA that is registered with DPS, with its private key.

        Raises:
            Problem: none is (run 02_upload_ca), or its key can't be opened.
        """
        role = self.workspace.facts.registered_role
        if role is None:
            raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
        return self.authority(role)

    def signing_authority(self) -> CertificateAuthority:
        """The CA that signs devices, with its private key: the registered one, or one below it.

        Raises:
            Problem: none is registered (run 02_upload_ca), or its key can't be opened.
        """
        if self.workspace.facts.registered_role is None:
            raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
        return self.authority(self.workspace.authority_roles()[-1])

    def examine_proof(self) -> Examination:
        """The examiner's verdicts about the stored proof.

        After the verification it is judged by the code that was used, on a day on which it was good: it has done its work.
        """
        return views.examine_stored_proof(self.workspace, self.registered_part())

    # --- pictures ---

    def journey(self) -> JourneyMap:
        """The map of the notebooks, and how far this walkthrough has come."""
        return journey(self.workspace)

    def examine_machine(self) -> Verdicts:
        """Whether this machine is fit."""
        return Verdicts(examine_machine(self.workspace))

    def examine_way_of_devices(self) -> Verdicts:
        """Whether devices can reach the service from here."""
        return Verdicts(examine_way_of_devices(self.workspace))

    def proof_so_far(self) -> ProofSequence:
        """How far the conversation with DPS has come."""
        return views.proof_so_far(self.workspace)

    def etags(self) -> EtagTrail:
        """The certificate's ETags so far."""
        return EtagTrail(self.workspace.facts.etags)

    def authorities(self, caption: str = "Your CAs") -> ChainTree:
        """The CAs of this workspace, and who signed whom."""
        return views.show_authorities(self.workspace, caption)

    def chain(self, device: DeviceCredential) -> ChainTree:
        """A device below its CAs: what it sends in its handshake, and what DPS knows."""
        return views.show_chain(self.workspace, device, self.dps.certificates.list())

    def all_certificates(self) -> CertificatesPage:
        """Every certificate in the workspace."""
        return views.show_all_certificates(self.workspace, self.dps.certificates.list())

    def landed(self, registrations: Sequence[Registration]) -> GroupPicture:
        """The walkthrough's group, and at which hubs devices have landed."""
        group = self.group()
        return GroupPicture(group, group.iot_hubs or self.dps.describe().iot_hubs, registrations)

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubCard:
        """A device as its IoT hub knows it."""
        hub_device = self.target.at_hub(device, registration)
        return HubCard(registration.assigned_hub, hub_device, describe(device.certificate))

    def records(self) -> RecordsCard:
        """The service's registration records; with the target portal, what the devices were told."""
        return RecordsCard(self.dps.devices.records(self.group().group_id), told=self.target.asks_a_person)

    def what_just_happened(self, step: str, *, events: Sequence[Event] = (), **known: Any) -> WhatJustHappened:
        """A step behind the scenes: what went over the wire, and the same step in three other ways.

        Args:
            events: what a device said. known: names that the workspace does not know, such as `device_id`.
        """
        return what_just_happened(
            self.workspace, self._spoken_to(step), step, events=events, facts=self.before_clean_up, **known
        )

    def _spoken_to(self, step: str) -> Dps | None:
        if step in ("create_ca", "sign"):
            return None  # nothing is sent
        made: Mapping[str, Dps] = self.__dict__  # a service that nothing was sent to is not started for its picture
        return made.get("rehearsal") or made.get("dps")

    # --- the course ---

    def checkpoint(self, notebook: str) -> Checkpoint:
        """The notebook's checkpoint, judged by what is on disk and at the service.

        Raises:
            Problem: an expectation is not met; each is named with what to do.
        """
        return checkpoint(self, notebook)

    def try_exercise(self, notebook: str, answer: Callable[..., Any]) -> ExerciseCard:
        """Try the learner's answer to a notebook's exercise."""
        return try_exercise(self.workspace, notebook, answer)

    # --- 07: access ends ---

    def two_devices(self, wanted: EndAccess) -> list[DeviceCredential]:
        """A device and its neighbour with certificates of the walkthrough's CA, and the group as 05 has left it.

        Raises:
            Problem: there is no group yet (run 05_create_enrollment_group), or the CA's key can't be opened.
        """
        return access.two_devices(self, wanted)

    def try_devices(self, moment: str, devices: Sequence[DeviceCredential]) -> AccessCard:
        """Let devices register, and show which of them get a hub at this moment."""
        return access.try_devices(self, moment, devices)

    def renew(self, device: DeviceCredential, authority: CertificateAuthority) -> DeviceCredential:
        """The same device with a new key and a certificate from another CA; its old files stay."""
        return access.renew(device, authority)

    def put_back(self) -> EnrollmentGroup:
        """The group enabled and bound to the walkthrough's CA alone; no device revoked, and no next CA."""
        return access.put_back(self)

    # --- experiments ---

    def try_stale_etag(self) -> experiments.StaleEtag:
        """Prove a CA that is made for this alone with a stale ETag, and then with the present one."""
        return experiments.try_stale_etag(self.workspace)

    def compare_with_self_attestation(self) -> experiments.TwoWays:
        """Register a CA whose key was deleted, by proof and by self-attestation."""
        return experiments.compare_with_self_attestation(self.workspace, self.registered())

    def gallery(self) -> experiments.Gallery:
        """The gallery of wrong proofs."""
        return experiments.Gallery(self.workspace)

    def attack(self) -> experiments.Attack:
        """The attack."""
        return experiments.Attack(self.workspace)

    def audit(self) -> experiments.Audit | Listing:
        """Which of the CAs at the service are yours."""
        return experiments.audit(self.workspace, None if self.target.asks_a_person else self.dps.certificates.list())

    # --- 10 ---

    def clean_up(self, wanted: CleanUp) -> Listing:
        """Remove from the service what this walkthrough has made there, and its CAs here if asked to."""
        return clean_up.clean_up(self, wanted)
