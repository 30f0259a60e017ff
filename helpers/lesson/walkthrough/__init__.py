"""One walkthrough: its workspace, its target and service, its forms and pictures. Every cell of the notebooks uses it."""

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
from helpers.lesson.course.exercises.chains import ChainsToJudge
from helpers.lesson.course.exercises.exercise import ExerciseCard, try_exercise
from helpers.lesson.course.final_test import FinalTest, draw_test
from helpers.lesson.course.journey import JourneyMap, journey, run_first
from helpers.lesson.course.judging.you_are_dps import Exhibits
from helpers.lesson.course.machine import examine_device_connection, examine_machine
from helpers.lesson.course.place import YouAreHere, you_are_here
from helpers.lesson.course.questions.predictions import PredictionCard, predict
from helpers.lesson.course.questions.question import QuestionCard
from helpers.lesson.course.questions.recall import ask, recall
from helpers.lesson.figures import (
    AccessCard,
    AccessMatrix,
    CertificateAnatomy,
    CertificatesPage,
    ChainTree,
    EtagTrail,
    FourIds,
    GroupPicture,
    HubCard,
    Listing,
    Picture,
    ProofAnatomy,
    ProofSequence,
    RecordsCard,
    ThreePlanes,
    Verdicts,
)
from helpers.lesson.forms import Form, Inputs, Secret
from helpers.lesson.forms.setting import OPENS_KEYS, TELLS_OF_PORTAL, chosen_before, setting_of
from helpers.lesson.forms.values import (
    CleanUp,
    Completion,
    CreateEnrollmentGroup,
    EndAccess,
    ProvisionDevices,
    SignCode,
    StartHere,
)
from helpers.lesson.targets import Dps, ExternalSigner, Service, Target, target_of
from helpers.lesson.walkthrough import access, clean_up, completion, views
from helpers.lesson.walkthrough.memory import Memory
from helpers.lesson.walkthrough.what_happened import WhatJustHappened, what_just_happened
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Facts, Role, Workspace

__all__ = ["Walkthrough"]

Value = TypeVar("Value", bound=Inputs)


class Walkthrough:
    """The object with which every notebook begins: `walkthrough = lesson.open(workspace)`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._secret: Secret | None = None
        self._told: Callable[[], Any] = lambda: None
        self._pki_team: experiments.PkiTeam | None = None
        self.before_clean_up: Facts | None = None  # the facts about the service before the clean-up
        memory = Memory(workspace, lambda: self._secret.value if self._secret else None)
        self.stored, self.store, self.needed = memory.stored, memory.store, memory.needed
        self._memory = memory

    def __repr__(self) -> str:
        return f"Walkthrough({self.workspace.folder.name!r}, target {self.workspace.facts.target})"

    # --- the service ---

    @property
    def target(self) -> Target:
        """The target that was chosen in 00.

        Raises:
            Problem: no target was chosen (run 00_start_here).
        """
        return target_of(self.workspace)

    @cached_property
    def dps(self) -> Dps:
        """The walkthrough's provisioning service; a local DPS is started if it is not running."""
        dps = self.target.connect()
        dps.listen_to(lambda: self._told())
        return dps

    @cached_property
    def rehearsal(self) -> Service:
        """A service for experiments: the walkthrough's own, or a local DPS with the target portal."""
        return self.target.rehearse()

    @property
    def uploaded(self) -> tuple[x509.Certificate, ...]:
        """The CAs that are uploaded besides the walkthrough's own: the next CA of 07, and the PKI team's."""
        next_cas = self.rehearsal.certificates.uploaded if "rehearsal" in self.__dict__ else ()
        return (*next_cas, *([self._pki_team.certificate] if self._pki_team else ()))

    def choose(self, chosen: StartHere) -> None:
        """Store the target. A walkthrough that has begun with one target can't continue with another.

        Raises:
            Problem: a CA is already registered with another target.
        """
        facts = self.workspace.facts
        values = chosen.model_dump()
        if facts.certificate_name is not None and any(getattr(facts, name) != value for name, value in values.items()):
            raise Problem(
                f"This walkthrough has begun with the target {facts.target}.",
                f"The CA is registered there as “{facts.certificate_name}”.",
                f"Change the target back to {facts.target}, or run {Notebook.CLEAN_UP} first.",
            )
        self.workspace.update(**values)
        self.__dict__.pop("dps", None)

    # --- forms ---

    def form(self, model: type[Value], parameters: Mapping[str, Any]) -> Form[Value]:
        """Return a form for one of the notebook's values.

        Args:
            parameters: the notebook's parameters, by name; other names are ignored, so `globals()` can be passed.
        """
        hubs = self.dps.describe().iot_hubs if model is CreateEnrollmentGroup else ()
        form = Form(model, parameters, setting_of(model, self.workspace, hubs))
        if model in OPENS_KEYS:
            self._secret = form.secret
        if model is ProvisionDevices:
            self.workspace.forget_outcomes(Notebook.PROVISION_DEVICES)  # the notebook starts again
        if model in TELLS_OF_PORTAL:
            self._told = lambda: form.value
        return form

    def chosen(self, model: type[Value]) -> Value:
        """Return the value that was chosen in an earlier notebook's form: 07 creates the next CA like those of 01."""
        return chosen_before(model, self.workspace)

    # --- what is at DPS ---

    def registered(self) -> RegisteredCertificate:
        """Return the present state at DPS of the walkthrough's CA.

        Raises:
            Problem: no CA is registered (run 02_upload_ca).
        """
        return self.dps.certificates.get(self._name_at_dps())

    def _name_at_dps(self) -> str:
        name = self.workspace.facts.certificate_name
        if name is None:
            raise run_first(Notebook.UPLOAD_CA, "No CA is registered with DPS in this workspace.")
        return name

    def verified(self) -> RegisteredCertificate:
        """Return the present state at DPS of the walkthrough's CA, which must be verified.

        Raises:
            Problem: no CA is registered (run 02_upload_ca), it was never verified (run 04_verify_ca), or it no longer is (run
                03_sign_verification_code).
        """
        self._require_verified()
        registered = self.registered()
        if not registered.verified:
            raise run_first(Notebook.SIGN_VERIFICATION_CODE, "DPS no longer says that the CA is verified.")
        return registered

    def _require_verified(self) -> None:
        """Raise the error that names the first notebook to run, unless the CA was verified."""
        self._name_at_dps()
        if not self.workspace.facts.verified:
            raise run_first(Notebook.VERIFY_CA, "No verified CA is known in this workspace.")

    def group(self) -> EnrollmentGroup:
        """Return the present state at DPS of the walkthrough's enrollment group.

        Raises:
            Problem: there is no group; the error names the first notebook to run, 02, 04 or 05.
        """
        group = self.workspace.facts.enrollment_group_id
        if group is None:
            self._require_verified()
            raise run_first(Notebook.CREATE_ENROLLMENT_GROUP, "No enrollment group is known in this workspace.")
        return self.dps.enrollment_groups.get(group)

    # --- what is here ---

    def public_part(self, role: Role) -> x509.Certificate:
        """Return a CA's certificate, which may leave this machine, without opening its private key.

        Raises:
            Problem: there is no such CA (run 01_create_ca).
        """
        roles = self.workspace.authority_roles()
        if not roles:
            raise run_first(Notebook.CREATE_CA, "This workspace holds no CA.")
        if role not in roles:
            raise Problem(
                f"This workspace holds no {role} CA with its key.",
                f"It holds the {roles[0]}.",
                f"Set register_ca to {roles[0]}.",
            )
        file = self.workspace.public_part(role)
        return read_certificates(read_bytes(file), file.name)[0]

    def registered_part(self) -> x509.Certificate:
        """Return the certificate of the CA that is registered with DPS.

        Raises:
            Problem: no CA is registered (run 02_upload_ca).
        """
        return self.workspace.authority_certificate(self._registered_role())

    def authority(self, role: Role) -> CertificateAuthority:
        """Return a CA with its private key.

        Raises:
            Problem: there is no such CA (run 01_create_ca), or its key can't be opened.
        """
        return self._memory.authority(role)

    def registered_authority(self) -> CertificateAuthority:
        """Return the CA that is registered with DPS, with its private key.

        Raises:
            Problem: no CA is registered (run 02_upload_ca), or its key can't be opened.
        """
        return self.authority(self._registered_role())

    def signer(self, wanted: SignCode) -> CertificateAuthority | ExternalSigner:
        """Return the one who signs the code: the registered CA with its private key, or somebody else if the form says so.

        Raises:
            Problem: no CA is registered (run 02_upload_ca), or its key can't be opened.
        """
        if wanted.signed_by == "this notebook":
            return self.registered_authority()
        return ExternalSigner(self.workspace, self._registered_role(), wanted.signed_file)

    def signing_authority(self) -> CertificateAuthority:
        """Return the CA that issues the devices' certificates, with its private key: the registered one, or one below it.

        Raises:
            Problem: no CA is registered (run 02_upload_ca), or its key can't be opened.
        """
        self._registered_role()  # raises the error
        return self.authority(self.workspace.authority_roles()[-1])

    def _registered_role(self) -> Role:
        role = self.workspace.facts.registered_role
        if role is None:
            raise run_first(Notebook.UPLOAD_CA, "No CA is registered with DPS in this workspace.")
        return role

    def examine_proof(self) -> Examination:
        """Return the examiner's findings about the stored proof.

        After the verification, the proof is compared with the code that was used, at a time at which the proof was valid: it
        may have expired since, but is no longer needed.
        """
        return views.examine_stored_proof(self.workspace, self.registered_part())

    # --- pictures ---

    def journey(self) -> JourneyMap:
        """Return the map of the notebooks, with this walkthrough's progress."""
        return journey(self.workspace)

    def you_are_here(self, notebook: str) -> YouAreHere:
        """Return the map of the whole system, with the notebook's place in it."""
        return you_are_here(self.workspace, notebook)

    def certificate_anatomy(self, authority: CertificateAuthority) -> CertificateAnatomy:
        """Return a picture of what a certificate holds."""
        return CertificateAnatomy(authority.certificate)

    def proof_anatomy(self) -> ProofAnatomy:
        """Return a picture of the proof: which part is signed, with whose key, and who checks it with which key."""
        code = self.needed("code")
        return ProofAnatomy(code, describe(self.registered_part()).common_name)

    def planes(self) -> ThreePlanes:
        """Return a picture of the three planes: who calls, how one signs in, and which role that needs."""
        return ThreePlanes()

    def ids(self, registration: Registration) -> FourIds:
        """Return a picture of the four ids of a registered device."""
        group = self.group().group_id
        return FourIds(self.dps.describe().id_scope, registration.registration_id, registration.device_id, group)

    def access_matrix(self) -> AccessMatrix:
        """Return a matrix of the devices in 07 and the situations in which they have registered so far."""
        return access.access_matrix(self.workspace)

    def examine_machine(self) -> Verdicts:
        """Return the result of the machine's health check."""
        return Verdicts(examine_machine(self.workspace), is_brief=True)

    def examine_device_connection(self) -> Verdicts:
        """Return whether devices on this machine can reach the service."""
        return Verdicts(examine_device_connection(self.workspace))

    def proof_so_far(self) -> ProofSequence:
        """Return a picture of the messages that you and DPS have exchanged so far."""
        return views.proof_so_far(self.workspace)

    def etags(self) -> EtagTrail:
        """Return a picture of the certificate's ETags so far."""
        return EtagTrail(self.workspace.facts.etags)

    def authorities(self, caption: str = "Your CAs") -> ChainTree:
        """Return a tree of the CAs of this workspace, which shows who signed whom."""
        return views.show_authorities(self.workspace, caption)

    def chain(self, device: DeviceCredential) -> ChainTree:
        """Return a tree of a device and its CAs, which shows what the device sends in its handshake and which CAs DPS has."""
        return views.show_chain(self.workspace, device, self.dps.certificates.list())

    def all_certificates(self) -> CertificatesPage:
        """Return a page with every certificate in the workspace."""
        return views.show_all_certificates(self.workspace, self.dps.certificates.list())

    def landed(self, registrations: Sequence[Registration]) -> GroupPicture:
        """Return a picture of the walkthrough's group, and of the hubs to which DPS assigned its devices."""
        group = self.group()
        return GroupPicture(group, group.iot_hubs or self.dps.describe().iot_hubs, registrations)

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubCard:
        """Return a card with a device's entry in its IoT hub."""
        hub_device = self.target.at_hub(device, registration)
        is_told = self.workspace.facts.target != "local"
        return HubCard(registration.assigned_hub, hub_device, describe(device.certificate), is_told)

    def records(self) -> RecordsCard:
        """Return a card with the service's registration records; with the target portal, with the devices' answers."""
        return RecordsCard(self.dps.devices.records(self.group().group_id), told=self.target.asks_a_person)

    def what_just_happened(self, step: str, *, events: Sequence[Event] = (), **known: Any) -> WhatJustHappened:
        """Return a look behind the scenes of a step: its requests, and the same step in three other ways.

        Args:
            events: the events of a device's registration.
            known: names that the workspace does not have, such as `registration_id`.
        """
        return what_just_happened(
            self.workspace, self._spoken_to(step), step, events=events, facts=self.before_clean_up, **known
        )

    def _spoken_to(self, step: str) -> Dps | None:
        if step in ("create_ca", "sign"):
            return None  # these steps send nothing
        made: Mapping[str, Dps] = self.__dict__  # don't start a service that has received no request, only to show it
        return made.get("rehearsal") or made.get("dps")

    # --- the course ---

    def checkpoint(self, notebook: str) -> Checkpoint:
        """Return the notebook's checkpoint, judged by the present content of the disk and the service.

        Raises:
            Problem: an expectation is not met; the error names each of them, with what to do.
        """
        return checkpoint(self, notebook)

    def recall(self, notebook: str) -> QuestionCard:
        """Return two questions about earlier notebooks."""
        return recall(self.workspace, notebook)

    def ask(self, name: str) -> QuestionCard:
        """Return one question, which is explained as soon as it is answered."""
        return ask(name)

    def predict(self, experiment: str) -> PredictionCard:
        """Return the question before an experiment; its `beside` then shows the result beside the prediction."""
        return predict(self.workspace, experiment)

    def final_test(self) -> FinalTest:
        """Return a new final test: twelve questions over the whole course, which its `result` judges."""
        return draw_test(self.workspace)

    def certificate_of_completion(self, wanted: Completion) -> Picture:
        """Return the learner's certificate of completion; until the final test is passed, what is still to be done.

        Raises:
            Problem: the CA's key can't be opened, or the CA is not valid today.
        """
        return completion.certificate_of_completion(self, wanted)

    def chains_to_judge(self) -> ChainsToJudge:
        """Return the chains of 05's exercise."""
        return ChainsToJudge()

    def try_exercise(self, notebook: str, answer: Any) -> ExerciseCard:
        """Try the learner's answer to a notebook's exercise: a function, or decisions by name."""
        return try_exercise(self.workspace, notebook, answer)

    # --- 07: when access ends ---

    def two_devices(self, wanted: EndAccess) -> list[DeviceCredential]:
        """Return a device and its neighbour, with certificates from the walkthrough's CA, and restore the group as 05 left it.

        Raises:
            Problem: there is no group yet (run 05_create_enrollment_group), or the CA's key can't be opened.
        """
        return access.two_devices(self, wanted)

    def try_devices(self, moment: str, devices: Sequence[DeviceCredential]) -> AccessCard:
        """Let devices register, and return a card that shows which of them DPS assigns to a hub at this moment."""
        return access.try_devices(self, moment, devices)

    def renew(self, device: DeviceCredential, authority: CertificateAuthority) -> DeviceCredential:
        """Return the same device with a new key and a certificate from another CA. Its old files stay."""
        return access.renew(device, authority)

    def put_back(self) -> EnrollmentGroup:
        """Undo what 07 changed: enable the group, bind it to the walkthrough's CA only, end its revocation, drop the next CA."""
        return access.put_back(self)

    # --- experiments ---

    def send_both_etags(self) -> experiments.StaleEtag:
        """Prove a CA that exists only for this experiment, first with a stale ETag and then with the current one."""
        return experiments.send_both_etags(self.workspace)

    def pki_team(self) -> experiments.PkiTeam:
        """Return a PKI team with a new CA, whose private key is in another process; an earlier team's process ends."""
        if self._pki_team:
            self._pki_team.close()
        self._pki_team = experiments.PkiTeam(self.workspace)
        return self._pki_team

    def compare_with_self_attestation(self) -> experiments.TwoWays:
        """Register a CA whose key was deleted, by proof and by self-attestation."""
        return experiments.compare_with_self_attestation(self.workspace, self.registered())

    def device_trials(self) -> experiments.DeviceTrials:
        """Return the trials with a device, a CA and a group that exist for nothing else."""
        return experiments.DeviceTrials(self.workspace)

    def exhibits(self) -> Exhibits:
        """Send good and wrong proofs to the service, and return them under their numbers; the answers are sealed."""
        return Exhibits(self.workspace)

    def attack(self) -> experiments.Attack:
        """Return the attack, whose methods are its moves."""
        return experiments.Attack(self.workspace)

    def audit(self) -> experiments.Audit | Listing:
        """Return a table of the CAs at the service, which shows the ones that are yours."""
        return experiments.audit(self.workspace, None if self.target.asks_a_person else self.dps.certificates.list())

    # --- the clean-up ---

    def clean_up(self, wanted: CleanUp) -> Listing:
        """Remove what this walkthrough has created at the service and, if wanted, its CAs on this machine."""
        return clean_up.clean_up(self, wanted)
