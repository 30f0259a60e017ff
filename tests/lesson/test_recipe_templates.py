"""The templates of the recipes are files that a linter can read, and the scripts made from them have no undefined name."""

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from helpers.dps import AllocationPolicy, CaReference, CustomAllocation, EnrollmentGroup
from helpers.lesson.recipes import CHANGE_GROUP, STEPS, Names, portal_clicks, recipe

TEMPLATES = Path(str(files("helpers.lesson.recipes") / "templates"))


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.py")), ids=lambda file: file.name)
def test_a_python_template_compiles(template: Path) -> None:
    compile(template.read_text(), template.name, "exec")


@pytest.mark.unix
@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.sh")), ids=lambda file: file.name)
def test_bash_accepts_a_shell_template(template: Path) -> None:
    subprocess.run(["bash", "-n", template], check=True)


def test_each_step_has_clicks_commands_and_python() -> None:
    names = {suffix: {file.stem for file in TEMPLATES.glob(f"*.{suffix}")} for suffix in ("txt", "sh", "py")}
    assert names["txt"] == {*STEPS, CHANGE_GROUP}
    assert names["sh"] == {*STEPS, "sign_in_azure", "sign_in_local"}
    assert names["py"] >= set(STEPS) - {"register"}
    assert {file.suffix for file in TEMPLATES.iterdir() if file.is_file()} == {".txt", ".sh", ".py"}


def test_the_scripts_use_every_import_and_no_undefined_name_and_no_placeholder_is_left(tmp_path: Path) -> None:
    webhook = CustomAllocation("https://my-function.example/choose?code=abc")
    groups = (
        EnrollmentGroup("plain", CaReference("my-ca")),
        EnrollmentGroup(
            "static",
            CaReference("my-ca"),
            allocation_policy=AllocationPolicy.STATIC,
            iot_hubs=("a-hub.azure-devices.net",),
        ),
        EnrollmentGroup(
            "custom", CaReference("my-ca"), allocation_policy=AllocationPolicy.CUSTOM, custom_allocation=webhook
        ),
    )
    for target in ("local", "azure", "portal"):
        for group in groups:
            names = Names(target, "my-subscription", "my-resource-group", "my-dps", tmp_path, group=group)
            assert "$" not in "\n".join(portal_clicks(CHANGE_GROUP, names))
            for step in STEPS:
                shown = recipe(step, names)
                (tmp_path / f"{target}_{group.group_id}_{step}.py").write_text(f"{shown.python}\n")
                assert not re.search(
                    r"\$(?!AZURE_CONFIG_DIR|WEBHOOK_KEY)[A-Z]", "\n".join((*shown.clicks, shown.commands))
                )
                assert "$" not in shown.python
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--quiet", "."]
    found = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
