"""The typed value that each notebook's form gathers. A gallery's predictions are not inputs."""

from helpers import lesson
from helpers.lesson.forms import Inputs

FORMS_OF: dict[str, list[type[Inputs]]] = {
    "00_start_here": [lesson.StartHere],
    "01_create_ca": [lesson.CreateCa],
    "02_upload_ca": [lesson.UploadCa],
    "03_sign_verification_code": [lesson.SignCode],
    "04_verify_ca": [lesson.VerifyCa],
    "05_create_enrollment_group": [lesson.CreateEnrollmentGroup],
    "06_provision_devices": [lesson.ProvisionDevices],
    "07_when_access_ends": [lesson.EndAccess],
    "08_gallery_of_wrong_proofs": [],
    "09_the_attack": [],
    "10_clean_up": [lesson.CleanUp],
}
