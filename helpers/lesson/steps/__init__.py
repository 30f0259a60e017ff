"""The steps of the walkthrough: each finds what is there already and goes on, or says which notebook to run first.

A notebook's cell calls one of these and shows what it returns; CI calls the same.
"""

from helpers.lesson.steps.access import (
    delete_next_ca,
    put_back,
    readmit_device,
    refer_to,
    register_next_ca,
    renew_device,
    revoke_device,
    switch_group,
    try_to_register,
    two_devices,
)
from helpers.lesson.steps.authorities import create_authorities
from helpers.lesson.steps.clean_up import CleanedUp, clean_up
from helpers.lesson.steps.enrollment import bind_enrollment_group, group_now, hubs_of
from helpers.lesson.steps.proof import (
    ask_for_code,
    examine_kept_proof,
    prove,
    sign_kept_code,
    verify_with_kept_proof,
)
from helpers.lesson.steps.provisioning import (
    issue_device,
    provision_device,
    provision_fleet,
    provision_stranger,
    read_records,
    see_at_hub,
)
from helpers.lesson.steps.registration import (
    known_certificates,
    register_authority,
    registered_certificate,
    registered_now,
)
from helpers.lesson.steps.rehearsal import connect_to_local, connect_to_rehearse
from helpers.lesson.steps.start import choose_target, connect

__all__ = [
    "CleanedUp",
    "ask_for_code",
    "bind_enrollment_group",
    "choose_target",
    "clean_up",
    "connect",
    "connect_to_local",
    "connect_to_rehearse",
    "create_authorities",
    "delete_next_ca",
    "examine_kept_proof",
    "group_now",
    "hubs_of",
    "issue_device",
    "known_certificates",
    "prove",
    "provision_device",
    "provision_fleet",
    "provision_stranger",
    "put_back",
    "read_records",
    "readmit_device",
    "refer_to",
    "register_authority",
    "register_next_ca",
    "registered_certificate",
    "registered_now",
    "renew_device",
    "revoke_device",
    "see_at_hub",
    "sign_kept_code",
    "switch_group",
    "try_to_register",
    "two_devices",
    "verify_with_kept_proof",
]
