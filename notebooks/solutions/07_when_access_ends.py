from helpers.dps import IndividualEnrollment


def revocation(registration_id, certificate):
    return IndividualEnrollment(registration_id, certificate, enabled=False)


walkthrough.try_exercise("07_when_access_ends", revocation)
