"""Where a notebook is in the whole system, and what it does differently with the target portal."""

from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures import Picture, SystemMap
from helpers.lesson.figures.picture import card
from helpers.lesson.figures.system_map import Place
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["YouAreHere", "you_are_here"]

_PLACES: dict[Notebook, Place] = {
    Notebook.CREATE_CA: "root",
    Notebook.UPLOAD_CA: "upload",
    Notebook.SIGN_VERIFICATION_CODE: "code",
    Notebook.VERIFY_CA: "verify",
    Notebook.CREATE_ENROLLMENT_GROUP: "group",
    Notebook.PROVISION_DEVICES: "device",
    Notebook.WHEN_ACCESS_ENDS: "end",
    Notebook.YOU_ARE_DPS: "verify",
}
_PORTAL: dict[Notebook, str] = {
    Notebook.UPLOAD_CA: "The portal handles ETags for you, so this notebook knows none. At the end, compare the thumbprint on "
    "the card with the one that the portal shows.",
    Notebook.SIGN_VERIFICATION_CODE: "The experiments use a local DPS, so that you don't have to click them.",
    Notebook.VERIFY_CA: "The experiment and the exercise use a local DPS, so that you don't have to click them.",
    Notebook.PROVISION_DEVICES: "Your devices register with your own service. The trials use a local DPS. The notebook has no "
    "permission to ask your service and its hubs, so those cards show what the devices were told.",
    Notebook.WHEN_ACCESS_ENDS: "This notebook rehearses at a local DPS, with your CA and a group of the same name. Your own "
    "service stays as it is.",
    Notebook.YOU_ARE_DPS: "The exhibits go to a local DPS, so that you don't have to click them.",
}


@dataclass(frozen=True, repr=False)
class YouAreHere(Picture):
    """The map of the whole system; `note` is only for this walkthrough's target, or is ""."""

    system: SystemMap
    note: str = ""

    def html(self) -> Markup:
        note = (
            card("With the target portal", Markup("<p>{}</p>").format(self.note), kind="note", word="note")
            if self.note
            else ""
        )
        return Markup("{}{}").format(self.system.html(), note)

    def text(self) -> str:
        return "\n".join([self.system.text(), *([f"With the target portal: {self.note}"] if self.note else [])])


def you_are_here(workspace: Workspace, notebook: str) -> YouAreHere:
    """Return the map with the notebook's place, and a note if the target changes what the notebook does."""
    named = Notebook(notebook)
    note = _PORTAL.get(named, "") if workspace.facts.target == "portal" else ""
    return YouAreHere(SystemMap(_PLACES.get(named, "")), note)
