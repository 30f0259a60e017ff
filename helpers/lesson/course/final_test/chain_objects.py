"""Registrations: what a device sends, what DPS has, and which enrollments there are."""

from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509

from helpers.certificates import CertificateAuthority, DeviceCertificate, describe
from helpers.dps import RegisteredCertificate
from helpers.lesson.course.exercises.chains import Bound
from helpers.lesson.course.final_test.objects import Cast, Shown, Together, Trial, maker, new_cast
from helpers.lesson.figures import Listing, show_tree

__all__ = ["name_at_dps"]


def name_at_dps(authority: CertificateAuthority) -> str:
    """Return the name under which a CA is registered, made from its common name."""
    return describe(authority.certificate).common_name.removesuffix(" CA").lower().replace(" ", "-")


def _registered(bound: Bound) -> RegisteredCertificate:
    facts = describe(bound.authority.certificate)
    name = name_at_dps(bound.authority)
    return RegisteredCertificate(name, f"CN={facts.common_name}", facts.sha1, facts.not_after, bound.verified, etag="*")


def _shown(cast: Cast, trial: Trial, *further: str, others: Sequence[x509.Certificate] = ()) -> Shown:
    """Return the picture of a registration.

    Args:
        further: more lines about what DPS has. others: more certificates for the tree.
    """
    authorities = (
        cast.root.certificate,
        cast.factory.certificate,
        *(each.authority.certificate for each in trial.at_dps),
    )
    tree = show_tree(
        f"A device registers with the id {trial.registration_id}",
        [*authorities, *others, *trial.sent],
        known=[_registered(each) for each in trial.at_dps],
        notes=dict.fromkeys(trial.sent, "sent by the device"),
    )
    groups = [
        f"Enrollment group bound to “{name_at_dps(each.authority)}”: {'enabled' if each.enabled else 'disabled'}"
        for each in (*trial.at_dps, *trial.deleted)
        if each.enabled is not None
    ]
    names = {
        "device": cast.device_id,
        "ca": describe(cast.factory.certificate).common_name,
        "root": describe(cast.root.certificate).common_name,
        "company": cast.company,
    }
    return Shown(Together([tree, Listing("At DPS", [*groups, *further])]), names, trial)


def _trial(
    cast: Cast, *at_dps: Bound, sends: Sequence[CertificateAuthority] = (), device: DeviceCertificate | None = None
) -> Trial:
    """Return the registration of the cast's device, or another one, which sends its own certificate and those of some CAs."""
    chosen = device or cast.device
    sent = (chosen.certificate, *(each.certificate for each in sends))
    return Trial(chosen, sent, describe(chosen.certificate).common_name, at_dps)


@maker
def leaf_alone_below_root() -> Shown:
    cast = new_cast()
    return _shown(cast, _trial(cast, Bound(cast.root, True, True)))


@maker
def leaf_alone_below_factory() -> Shown:
    cast = new_cast()
    return _shown(cast, _trial(cast, Bound(cast.factory, True, True)))


@maker
def root_sent_as_well() -> Shown:
    cast = new_cast()
    return _shown(cast, _trial(cast, Bound(cast.factory, True, True), sends=(cast.factory, cast.root)))


@maker
def another_registration_id() -> Shown:
    cast = new_cast()
    trial = Trial(
        cast.device, (cast.device.certificate,), f"{cast.device_id}-spare", (Bound(cast.factory, True, True),)
    )
    return _shown(cast, trial)


@maker
def id_in_capitals() -> Shown:
    cast = new_cast()
    bound = Bound(cast.factory, True, True)
    return _shown(cast, Trial(cast.device, (cast.device.certificate,), cast.device_id.upper(), (bound,)))


@maker
def two_groups_match() -> Shown:
    cast = new_cast()
    trial = _trial(cast, Bound(cast.root, True, True), Bound(cast.factory, True, True), sends=(cast.factory,))
    return _shown(cast, trial)


@maker
def nearest_group_disabled() -> Shown:
    cast = new_cast()
    trial = _trial(cast, Bound(cast.root, True, True), Bound(cast.factory, True, False), sends=(cast.factory,))
    return _shown(cast, trial)


@maker
def nearest_group_deleted() -> Shown:
    cast = new_cast()
    trial = _trial(cast, Bound(cast.root, True, True), Bound(cast.factory, True, None), sends=(cast.factory,))
    return _shown(cast, trial, f"The group bound to “{name_at_dps(cast.factory)}” was deleted this morning")


@maker
def unverified_ca_with_group() -> Shown:
    cast = new_cast()
    return _shown(cast, _trial(cast, Bound(cast.factory, False, True), sends=(cast.factory,)))


@maker
def ca_was_deleted() -> Shown:
    cast = new_cast()
    trial = Trial(
        cast.device,
        (cast.device.certificate, cast.factory.certificate),
        cast.device_id,
        deleted=(Bound(cast.factory, True, True),),
    )
    return _shown(cast, trial, f"The CA certificate “{name_at_dps(cast.factory)}” was deleted this morning")


@maker
def revoked_device() -> Shown:
    cast = new_cast()
    trial = Trial(
        cast.device, (cast.device.certificate,), cast.device_id, (Bound(cast.factory, True, True),), individual=False
    )
    return _shown(cast, trial, f"Individual enrollment for {cast.device_id}: disabled")


@maker
def renewed_certificate() -> Shown:
    cast = new_cast()
    renewed = cast.factory.issue_device(cast.device_id)
    trial = _trial(cast, Bound(cast.factory, True, True), device=renewed)
    return _shown(
        cast,
        trial,
        "The last registration used the other certificate of the same name, which expires this week",
        others=[cast.device.certificate],
    )


@maker
def forged_by_namesake() -> Shown:
    """A device's certificate from another CA with the factory's name."""
    cast = new_cast()
    forger = CertificateAuthority.create_root(describe(cast.factory.certificate).common_name)
    trial = _trial(cast, Bound(cast.factory, True, True), device=forger.issue_device(cast.device_id))
    return _shown(cast, trial, others=[forger.certificate])


@maker
def device_of_sibling_factory() -> Shown:
    cast = new_cast()
    device = cast.sibling.issue_device(cast.device_id)
    trial = _trial(cast, Bound(cast.factory, True, True), sends=(cast.sibling,), device=device)
    return _shown(cast, trial)


@maker
def new_factory_below_root() -> Shown:
    cast = new_cast()
    device = cast.sibling.issue_device(cast.device_id)
    trial = _trial(cast, Bound(cast.root, True, True), sends=(cast.sibling,), device=device)
    return _shown(cast, trial, f"Nobody has registered “{describe(cast.sibling.certificate).common_name}” with DPS")


@maker
def only_the_next_ca() -> Shown:
    """The group was moved to the next CA, and the device still has a certificate from the CA before."""
    cast = new_cast()
    trial = _trial(cast, Bound(cast.sibling, True, True))
    return _shown(cast, trial, f"Until yesterday, the group was also bound to “{name_at_dps(cast.factory)}”")


@maker
def lured_to_another_service() -> Shown:
    """Another company's service, in which the CA was marked as verified without a proof."""
    cast = new_cast()
    trial = _trial(cast, Bound(cast.factory, True, True))
    return _shown(
        cast,
        trial,
        f"This service belongs to Mallory, who uploaded the certificate of {cast.company}'s CA with isVerified",
        f"The device is {cast.company}'s own. Somebody has written Mallory's ID scope into it",
    )


@maker
def expired_device() -> Shown:
    """A device whose certificate expired."""
    cast = new_cast()
    expired = _expired(cast)
    trial = _trial(cast, Bound(cast.factory, True, True), device=expired)
    until = f"{expired.certificate.not_valid_after_utc:%Y-%m-%d}"
    made = _shown(cast, trial, f"The device's certificate was valid until {until}")
    return Shown(made.picture, {**made.names, "until": until}, trial)


def _expired(cast: Cast) -> DeviceCertificate:
    """Return a device whose certificate is from the same factory, and was valid until two days ago."""
    ended = cast.device.certificate.not_valid_before_utc - timedelta(days=2)
    template = cast.device.certificate
    builder = x509.CertificateBuilder().subject_name(template.subject).issuer_name(template.issuer)
    builder = builder.public_key(template.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(ended - timedelta(days=365)).not_valid_after(ended)
    for each in template.extensions:
        builder = builder.add_extension(each.value, each.critical)
    certificate = builder.sign(cast.factory.private_key, template.signature_hash_algorithm)  # type: ignore[arg-type]
    return DeviceCertificate(certificate, cast.device.private_key, (certificate, *cast.factory.above_devices))
