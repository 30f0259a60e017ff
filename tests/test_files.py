"""Files are written atomically, and with their final permissions from the start."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import Timeout

from helpers.files import (
    PRIVATE,
    PUBLIC,
    can_others_read,
    file_lock,
    make_private_folder,
    read_bytes,
    remove_folder,
    write_atomically,
)
from helpers.problem import Problem
from tests.certificates.watching import kill_at_every_line, watch, write_with_full_disk
from tests.modes import has_mode

OLD, NEW = b"old" * 100, b"new" * 100
WRITE_NEW = """
from helpers.files import write_atomically
from tests.modes import has_mode

write_atomically(folder / "file", b"new" * 100, mode=0o600)
"""


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("mode", [PRIVATE, PUBLIC])
def test_a_new_file_has_the_content_and_the_mode(tmp_path: Path, mode: int) -> None:
    write_atomically(tmp_path / "file", NEW, mode=mode)
    assert (tmp_path / "file").read_bytes() == NEW
    assert has_mode(tmp_path / "file", mode)
    assert names(tmp_path) == ["file"]


@pytest.mark.unix
def test_a_world_readable_file_becomes_private_when_written_again(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(OLD)
    target.chmod(0o666)
    write_atomically(target, NEW, mode=PRIVATE)
    assert has_mode(target, PRIVATE)


@pytest.mark.unix
def test_a_private_file_is_never_readable_by_others_even_under_umask_0(tmp_path: Path) -> None:
    seen = watch(tmp_path, WRITE_NEW)
    assert {sight.mode for sight in seen} == {0o600}
    assert any(sight.name != "file" and sight.content == NEW for sight in seen), "the scratch file was not seen"


@pytest.mark.unix
def test_a_reader_sees_either_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    assert {sight.content for sight in watch(tmp_path, WRITE_NEW) if sight.name == "file"} == {OLD, NEW}


@pytest.mark.unix
def test_a_process_killed_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    left = kill_at_every_line(tmp_path, WRITE_NEW)
    assert {sight.content for sight in left if sight.name == "file"} == {OLD, NEW}
    assert {sight.mode for sight in left if sight.name != "file"} == {0o600}


@pytest.mark.unix
def test_a_full_disk_leaves_the_old_file_whole_and_no_scratch_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    what, why, next_step = write_with_full_disk(tmp_path, WRITE_NEW, largest=100)
    assert "file could not be written" in what
    assert "too large" in why
    assert "full" in next_step
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == OLD


def test_a_folder_at_the_files_path_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "inside").write_bytes(OLD)
    with pytest.raises(Problem) as caught:
        write_atomically(tmp_path / "file", NEW, mode=PRIVATE)
    assert "directory" in caught.value.why
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file" / "inside").read_bytes() == OLD


def test_writing_into_a_missing_folder_is_a_problem_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        write_atomically(tmp_path / "missing" / "file", NEW, mode=PRIVATE)
    assert str(tmp_path / "missing") in caught.value.why


def test_a_link_is_replaced_and_its_target_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(OLD)
    (tmp_path / "file").symlink_to(tmp_path / "elsewhere")
    write_atomically(tmp_path / "file", NEW, mode=PRIVATE)
    assert (tmp_path / "elsewhere").read_bytes() == OLD
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.unix
def test_only_the_owner_may_enter_a_private_folder(tmp_path: Path) -> None:
    made = make_private_folder(tmp_path / "above" / "private")
    assert has_mode(made, 0o700)
    assert make_private_folder(made) == made


def test_a_private_folder_at_the_path_of_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(Problem) as caught:
        make_private_folder(tmp_path / "file")
    assert "exists" in caught.value.why
    assert (tmp_path / "file").read_bytes() == OLD


@pytest.mark.parametrize(("size", "limit"), [(0, 10), (10, 10)])
def test_a_file_up_to_the_limit_is_read_whole(tmp_path: Path, size: int, limit: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    assert read_bytes(tmp_path / "file", limit=limit) == b"x" * size


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1_001)
    with pytest.raises(Problem, match="larger than 1,000 bytes"):
        read_bytes(tmp_path / "file", limit=1_000)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "directory")])
def test_an_unreadable_file_is_a_problem_that_names_it(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(Problem) as caught:
        read_bytes(tmp_path / name)
    assert str(tmp_path / name) in caught.value.what
    assert reason in caught.value.why


# --- locks ---


def test_a_lock_has_one_holder_at_a_time_and_its_file_stays_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with file_lock(file), pytest.raises(Timeout), file_lock(file, wait=False):
        pass
    with file_lock(file, wait=False):
        assert has_mode(file, PRIVATE)
    assert names(tmp_path) == ["lock"]


def test_a_lock_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from helpers.files import file_lock\n"
    code += "with file_lock(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(Timeout), file_lock(tmp_path / "lock", wait=False):
            pass
        holder.kill()
    with file_lock(tmp_path / "lock", wait=False):
        pass


# --- Windows ---


def fails_at_first(action: Callable[..., Any]) -> Callable[..., Any]:
    """As Windows denies it while another process has the file open."""
    waiting = [PermissionError(13, "Permission denied")]

    def act(*given: Any, **options: Any) -> Any:
        if waiting:
            raise waiting.pop()
        return action(*given, **options)

    return act


def test_on_windows_an_action_on_a_file_that_is_open_elsewhere_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "replace", fails_at_first(os.replace))
    monkeypatch.setattr(shutil, "rmtree", fails_at_first(shutil.rmtree))
    write_atomically(tmp_path / "file", NEW, mode=PRIVATE)
    monkeypatch.setattr(Path, "open", fails_at_first(Path.open))
    assert read_bytes(tmp_path / "file") == NEW
    remove_folder(tmp_path / "folder")
    assert names(tmp_path) == ["file"]


def test_an_action_that_is_denied_for_good_is_a_problem_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_given: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    for platform in ("linux", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        with pytest.raises(Problem, match="Permission denied"):
            write_atomically(tmp_path / "file", NEW, mode=PRIVATE)
    assert names(tmp_path) == []


@pytest.mark.unix
@pytest.mark.parametrize(("mode", "readable"), [(0o600, False), (0o640, True), (0o604, True)])
def test_others_can_read_what_the_bits_allow_and_windows_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, readable: bool
) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    assert can_others_read(file) is readable
    monkeypatch.setattr(sys, "platform", "win32")
    assert not can_others_read(file)


def test_a_problem_says_what_why_and_what_next_in_that_order() -> None:
    text = str(Problem("It broke.", "It fell.", "Fix it."))
    assert text.index("It broke.") < text.index("It fell.") < text.index("Fix it.")


def test_a_problem_can_be_passed_between_processes() -> None:
    copy = pickle.loads(pickle.dumps(Problem("It broke.", "It fell.", "Fix it.")))
    assert (copy.what, copy.why, copy.next_step) == ("It broke.", "It fell.", "Fix it.")
