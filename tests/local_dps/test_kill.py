"""Killed at random moments under load, on one state: every acknowledged write is there at the next start."""

import http.client
import random
import shutil
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.processes import cpu_seconds
from tests.crafting import root
from tests.length import LONG
from tests.local_dps.client import Client
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, Reply, group_body, upload_body

KILLS = 50 if LONG else 12
WRITERS = 4
NAMES = 3  # of each kind, for each writer
SIGNING = root().pem


@dataclass
class Ledger:
    """The answers to one writer: the ETag and the code of each of its names; a missing name does not exist."""

    etags: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str | None] = field(default_factory=dict)
    under_way: str | None = None  # the name that a call without an answer is about
    acknowledged: int = 0


class Writer:
    """A writer that uploads, generates codes, and creates and deletes groups, one after the other, until the process is
    killed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ledger = Ledger()
        self.wrong: list[Reply] = []
        self._random = random.Random(number)

    @property
    def names(self) -> list[str]:
        return [f"{kind}-{self.number}-{each}" for kind in ("ca", "group") for each in range(NAMES)]

    def work(self, dps: LocalService, begun: threading.Barrier) -> None:
        try:
            with Client(dps) as client:
                client.own_line.connect()
                begun.wait(30)
                while not self.wrong:
                    self._write(client, self._random.choice(self.names))
        except (OSError, http.client.HTTPException):
            pass

    def _write(self, client: Client, name: str) -> None:
        etag = self.ledger.etags.get(name)
        remove = etag is not None and self._random.random() < 0.3
        self.ledger.under_way = name
        if name.startswith("group"):
            reply = self._write_group(client, name, etag, remove=remove)
        else:
            reply = self._write_certificate(client, name, etag, remove=remove)
        if reply.status not in (200, 204):
            self.wrong.append(reply)
            return
        if remove:
            del self.ledger.etags[name]
            self.ledger.codes.pop(name, None)
        else:
            self.ledger.etags[name] = reply.json["etag"]
            if not name.startswith("group"):
                self.ledger.codes[name] = reply.json["properties"].get("verificationCode")
        self.ledger.under_way = None
        self.ledger.acknowledged += 1

    def _write_group(self, client: Client, name: str, etag: str | None, *, remove: bool) -> Reply:
        body = None if remove else group_body(name, signing=SIGNING)
        return client.serve("DELETE" if remove else "PUT", f"/enrollmentGroups/{name}", body, if_match=etag)

    def _write_certificate(self, client: Client, name: str, etag: str | None, *, remove: bool) -> Reply:
        path = f"/certificates/{name}"
        if remove:
            return client.manage("DELETE", path, if_match=etag)
        if etag is None:
            return client.manage("PUT", path, upload_body(SIGNING))
        return client.manage("POST", f"{path}/generateVerificationCode", if_match=etag)

    def check(self, etags: Mapping[str, str], codes: Mapping[str, str | None]) -> None:
        """Check that every acknowledged change exists. Only the request in progress may have taken effect or not."""
        for name in self.names:
            if name != self.ledger.under_way:
                assert etags.get(name) == self.ledger.etags.get(name), name
                assert codes.get(name) == self.ledger.codes.get(name), name
        own = set(self.names)
        self.ledger.etags = {name: etag for name, etag in etags.items() if name in own}
        self.ledger.codes = {name: code for name, code in codes.items() if name in own}
        self.ledger.under_way = None


def found(dps: LocalService) -> dict[str, str]:
    """Return the current ETags from the service."""
    certificates = {each["name"]: each["etag"] for each in dps.manage("GET", "/certificates").json["value"]}
    groups: list[Any] = dps.serve("POST", "/enrollmentGroups/query", {"query": "SELECT *"}).json
    return certificates | {each["enrollmentGroupId"]: each["etag"] for each in groups}


def assert_is_whole(state: Path, scratch: Path) -> None:
    """Check a copy of the file, because opening the file itself would already recover it, which the next start must do."""
    scratch.mkdir()
    for file in state.glob("dps.sqlite3*"):
        shutil.copy(file, scratch)
    with closing(sqlite3.connect(scratch / "dps.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    shutil.rmtree(scratch)


def test_kills_under_load_lose_no_acknowledged_write(server: Server, tmp_path: Path) -> None:
    writers = [Writer(number) for number in range(WRITERS)]
    moment = random.Random(50)
    tokens: dict[str, str] = {}
    starts, cut_off = [], 0
    for _ in range(KILLS + 1):
        dps = server.start()
        starts.append(cpu_seconds(server.process.pid))  # the time of the process, and not of the whole machine
        for name in ("management_token", "service_token"):  # of the first start: they outlive a kill as well
            dps.__dict__[name] = tokens.setdefault(name, tokens.get(name) or getattr(dps, name))
        etags, codes = found(dps), dps.codes()
        assert set(etags) <= {name for writer in writers for name in writer.names}
        cut_off += sum(writer.ledger.under_way is not None for writer in writers)
        for writer in writers:
            writer.check(etags, codes)
        if len(starts) > KILLS:
            break

        begun = threading.Barrier(WRITERS + 1)
        threads = [threading.Thread(target=writer.work, args=(dps, begun)) for writer in writers]
        for thread in threads:
            thread.start()
        begun.wait(30)
        threading.Event().wait(moment.uniform(0.02, 0.25))  # the random moment
        server.kill()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        assert [reply for writer in writers for reply in writer.wrong] == []
        assert_is_whole(server.state, tmp_path / "copy")

    assert max(starts) < 3
    assert cut_off >= KILLS  # some kills did interrupt a request
    assert all(writer.ledger.acknowledged >= KILLS for writer in writers)
    assert "Traceback" not in server.log.read_text()
