verdicts = {
    "A": "group disabled",
    "B": "accepted",
    "C": "certificate missing",
    "D": "another key",
    "E": "CA unverified",
}

walkthrough.try_exercise("05_create_enrollment_group", verdicts)
