"""The README's table of clients stays true: its tests are there, its versions are those that CI installs."""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import helpers.local_dps
from tests.local_dps.pages import TESTS, names_of_tests, rows

CLIENTS = [row for row in rows(Path(helpers.local_dps.__file__).with_name("README.md")) if "client" in row]
# Clients are built on these packages, which have no row because they send nothing to a DPS by themselves.
PARTS = {"azure-core", "azure-mgmt-core", "azure-iot-mqtt-base", "azure-iot-security-x509"}


def pins() -> dict[str, set[str]]:
    """The versions that CI's environments pin, by package: ranges as they are written, exact versions without `==`."""
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    for file in (*TESTS.glob("*/requirements.txt"), *TESTS.glob("clients/*/requirements.txt")):
        lines += file.read_text().splitlines()
    found = defaultdict(set)
    for line in lines:
        if requirement := re.match(r"([\w-]+)([<>=]\S+)", line):
            found[requirement[1]].add(requirement[2].removeprefix("=="))
    for file in TESTS.glob("clients/*/package.json"):
        for name, version in json.loads(file.read_text())["dependencies"].items():
            found[name].add(version)
    return found


def is_run(row: Mapping[str, str]) -> bool:
    """Whether CI runs this client."""
    return row["test"].startswith("`")


def test_each_client_names_an_existing_test_or_says_that_no_test_runs_it() -> None:
    there = names_of_tests()
    for row in CLIENTS:
        named = re.findall(r"`(\w+)`", row["test"])
        assert set(named) <= there, row
        assert is_run(row) or row["test"].startswith(("by hand", "not run")), row
        assert named or row["test"].startswith("by hand"), row


def test_each_client_that_a_test_runs_has_the_version_that_is_pinned() -> None:
    pinned, told = pins(), set()
    for row in filter(is_run, CLIENTS):
        packages = re.findall(r"`([^`]+)`", row["client"])
        for package, version in zip(packages, re.findall(r"`([^`]+)`", row["version"]), strict=True):
            assert version in pinned[package], row
            told.add(package)
    assert {package for package in pinned if package.startswith("azure-")} - told == PARTS
