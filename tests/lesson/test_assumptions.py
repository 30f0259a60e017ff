"""The notebooks mark what is only known inside Microsoft as an assumption."""

import nbformat
import pytest

from helpers import walkthrough


@pytest.mark.parametrize(
    ("notebook", "speaks_of"),
    [
        ("03_sign_verification_code", "undo the verification"),
        ("03_sign_verification_code", "the CA's own public key"),
        ("04_verify_ca", "only the newest code"),
        ("07_when_access_ends", "the deletion alone"),
        ("07_when_access_ends", "What Azure does in each case"),
    ],
)
def test_each_assumption_is_marked_in_its_notebook(notebook: str, speaks_of: str) -> None:
    cells = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    (paragraph,) = (line for cell in cells for line in cell.source.splitlines() if speaks_of in line)
    assert "*assumption" in paragraph or "is not known" in paragraph
