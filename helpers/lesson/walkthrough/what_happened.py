"""What just happened: the requests of a step, and the same step in three other ways, with the learner's own names."""

from collections.abc import Sequence
from typing import Any

from helpers.dps import Chapter, Event
from helpers.lesson.figures.happened import WhatJustHappened
from helpers.lesson.recipes import Names, recipe
from helpers.lesson.targets import Dps
from helpers.workspace import Facts, Workspace

__all__ = ["WhatJustHappened", "what_just_happened"]


def what_just_happened(
    workspace: Workspace,
    dps: Dps | None,
    step: str,
    *,
    events: Sequence[Event] = (),
    facts: Facts | None = None,
    **known: Any,
) -> WhatJustHappened:
    """Return a look behind the scenes of a step.

    Args:
        dps: the service that received the requests; None for a step that sends nothing.
        step: the step's name among the recipes.
        events: the events of a device's registration.
        facts: earlier facts of the workspace, if it no longer has them.
        known: names that the workspace does not have, such as `registration_id`.
    """
    names = Names.of(workspace, dps, facts, **known)
    return WhatJustHappened(dps.wire[step] if dps else Chapter(), events, recipe(step, names))
