"""The executed notebooks: every form is used, every exercise can be solved, and every object shows itself."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import walkthrough
from helpers.certificates import certificate_pem, read_certificates
from helpers.dps import CaReference, EnrollmentGroup, connect_local, start_local_dps
from helpers.lesson.forms import values as inputs
from helpers.notebook import Notebook
from helpers.workspace import Workspace
from tests.notebooks.walking import STEPS, cells, go, notebook

SOLUTIONS = walkthrough.PROJECT / "notebooks" / "solutions"
# Report all forms in the kernel, in any variable of the notebook, and the result of the exercise.
LOOK = """
import gc, json
from helpers.lesson.forms import Form
from helpers.lesson.course.exercises.exercise import ExerciseCard
earlier = {id(each) for each in gc.get_objects() if type(each) in (Form, ExerciseCard)}  # of another notebook
"""
ASK = """
made = [each for each in gc.get_objects() if type(each) in (Form, ExerciseCard) and id(each) not in earlier]
forms = [each for each in made if type(each) is Form]
cards = [each for each in made if type(each) is ExerciseCard]
print("ASKED " + json.dumps({
    "forms": [[each._model.__name__, all(field.is_touched or not field.is_shown for field in each._fields)] for each in forms],
    "solved": [each.solved for each in cards],
}))
"""


def with_solution(source: Path, folder: Path) -> Path:
    """Return a copy whose exercise, if it has one, is solved, and which reports its forms at its end."""
    copy = nbformat.read(source, as_version=4)
    for cell in copy.cells:
        if "exercise" in cell.metadata.get("tags", []):
            cell.source = (SOLUTIONS / f"{source.stem}.py").read_text()
    copy.cells = [nbformat.v4.new_code_cell(LOOK), *copy.cells, nbformat.v4.new_code_cell(ASK)]
    nbformat.write(copy, folder / source.name)
    return folder / source.name


def asked(outcome: walkthrough.NotebookRun) -> dict[str, Any]:
    *_, last = cells(outcome)
    (output,) = last.outputs
    return dict(json.loads(output.text.removeprefix("ASKED ")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "copies"
    place.mkdir()
    return place


@pytest.mark.usefixtures("reused_kernels")
def test_every_form_of_every_notebook_is_driven_and_every_exercise_is_solved_by_its_solution(
    workspace: Workspace, folder: Path
) -> None:
    outcomes = go(workspace, [with_solution(source, folder) for source in walkthrough.NOTEBOOKS])
    assert [outcome.failure for outcome in outcomes] == [None] * len(walkthrough.NOTEBOOKS)
    driven: set[str] = set()
    for outcome in outcomes:
        heard = asked(outcome)
        assert heard["solved"] == [True] * (outcome.name != Notebook.FINAL_TEST), outcome.name
        assert all(done for _, done in heard["forms"]), f"{outcome.name}: a form that the run has not driven: {heard}"
        driven |= {model for model, _ in heard["forms"]}
    assert driven == {each.__name__ for each in inputs.FORMS}, "a typed value whose form is in no notebook"


# --- the target portal, through papermill, by a person's hands ---


@pytest.mark.usefixtures("reused_kernels", "local_dps_goes_on")
def test_the_target_portal_stops_at_each_step_for_the_person_and_continues_when_it_is_done(
    workspace: Workspace,
) -> None:
    with closing(connect_local(start_local_dps(workspace.local_dps_folder))) as dps:
        scope = dps.describe().id_scope
    values = walkthrough.read_parameters(walkthrough.PROJECT / "data" / "parameters" / "portal.yaml")
    told: dict[str, Any] = {**values, "provisioning_service": "my-dps", "id_scope": scope}

    def take(step: str, **more: Any) -> walkthrough.NotebookRun:
        """Run one notebook. The local DPS keeps running, as a person's own service would."""
        (outcome,) = go(workspace, [notebook(step)], **{**told, **more})
        return outcome

    def stops(step: str) -> None:
        outcome = take(step)
        assert "It is your turn in the portal" in (outcome.failure or ""), outcome.failure
        assert "Then:" in outcome.html.read_text(), "the checklist is shown"

    def goes_on(step: str, **more: Any) -> None:
        assert take(step, **more).failure is None

    def by_hand() -> Any:
        return closing(connect_local(start_local_dps(workspace.local_dps_folder)))

    goes_on("00")
    goes_on("01")
    stops("02")
    with by_hand() as dps:
        dps.certificates.upload("walkthrough-ca", workspace.public_part("intermediate").read_bytes())
        code = dps.certificates.generate_verification_code(dps.certificates.get("walkthrough-ca")).verification_code
    goes_on("02", done_in_portal=True)
    stops("03")
    goes_on("03", verification_code=code)
    stops("04")
    with by_hand() as dps:
        (proof,) = read_certificates(workspace.proof_file.with_suffix(".cer").read_bytes(), "")
        assert dps.certificates.verify(dps.certificates.get("walkthrough-ca"), certificate_pem(proof)).verified
    goes_on("04", done_in_portal=True)
    stops("05")
    with by_hand() as dps:
        dps.enrollment_groups.create(EnrollmentGroup("walkthrough-devices", CaReference("walkthrough-ca")))
    goes_on("05", done_in_portal=True)
    for step in ("06", "07", "08"):  # 09 and 10 are the same with every target
        goes_on(step)
    with by_hand() as dps:
        assert len(dps.devices.records("walkthrough-devices")) >= 11
    stops(STEPS[-1])
    goes_on(STEPS[-1], done_in_portal=True)
    assert workspace.facts.certificate_name is None
    assert list(workspace.facts.reached) == [*STEPS[:9], STEPS[-1]]
