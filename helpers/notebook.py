"""The notebooks' names, in one place, so that every message names a notebook that exists."""

from enum import StrEnum

__all__ = ["Notebook"]


class Notebook(StrEnum):
    """A notebook's file name without its extension. The order is the one in which a learner runs the notebooks."""

    START_HERE = "00_start_here"
    CREATE_CA = "01_create_ca"
    UPLOAD_CA = "02_upload_ca"
    SIGN_VERIFICATION_CODE = "03_sign_verification_code"
    VERIFY_CA = "04_verify_ca"
    CREATE_ENROLLMENT_GROUP = "05_create_enrollment_group"
    PROVISION_DEVICES = "06_provision_devices"
    WHEN_ACCESS_ENDS = "07_when_access_ends"
    YOU_ARE_DPS = "08_you_are_dps"
    THE_ATTACK = "09_the_attack"
    FINAL_TEST = "10_final_test"
    CLEAN_UP = "11_clean_up"
