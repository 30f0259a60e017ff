from helpers.dps import IndividualEnrollment


def revocation(registration_id, certificate):
    return IndividualEnrollment(registration_id, certificate, enabled=False)


lesson.try_exercise(kept, "07_when_access_ends", revocation)
