verdicts = {"A": "group disabled", "B": "accepted", "C": "another key"}

walkthrough.try_exercise("05_create_enrollment_group", verdicts)
