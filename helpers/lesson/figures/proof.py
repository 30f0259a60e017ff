"""The proof: as a conversation with DPS, by its ETags, and as the examiner sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import Examination
from helpers.lesson.figures.picture import Picture, Row, Table, joined, mark

__all__ = ["CodeCard", "EtagTrail", "ProofSequence", "Verdicts"]

_YOU, _DPS, _HEIGHT = 90, 510, 46


@dataclass(frozen=True)
class Message:
    """One message of the conversation: `says`, from left to right, the other way, or (None) on this machine alone."""

    says: str
    to_dps: bool | None


@dataclass(frozen=True, repr=False)
class ProofSequence(Picture):
    """What you and DPS say to one another until a CA is verified; the first `done` messages have been said.

    Attributes:
        name: of the CA at DPS. code: the verification code, or "" before it is known.
    """

    done: int
    name: str = ""
    code: str = ""

    def messages(self) -> tuple[Message, ...]:
        code = f"{self.code[:8]}…" if self.code else "a random code"
        named = f" as “{self.name}”" if self.name else ""
        return (
            Message(f"1  the CA's certificate{named}: unverified", True),
            Message("2  give me a code", True),
            Message(f"3  {code}", False),
            Message("4  sign it with the CA's private key", None),
            Message("5  the signed certificate: the proof", True),
            Message("6  verified: the code is used up", False),
        )

    def html(self) -> Markup:
        messages = self.messages()
        bottom = 40 + _HEIGHT * len(messages)
        return Markup(
            "<div class='card'><svg role='img' aria-label='{}' viewBox='0 0 600 {}' width='600' height='{}'>"
            "<text x='{}' y='18' text-anchor='middle' font-weight='bold'>you</text>"
            "<text x='{}' y='18' text-anchor='middle' font-weight='bold'>DPS</text>"
            "<path class='line faint' d='M{} 26V{} M{} 26V{}'/>{}</svg></div>"
        ).format(
            self.text(),
            bottom,
            bottom,
            _YOU,
            _DPS,
            _YOU,
            bottom,
            _DPS,
            bottom,
            Markup().join(self._drawn(index, each) for index, each in enumerate(messages)),
        )

    def text(self) -> str:
        signs = {True: "you → DPS", False: "DPS → you", None: "you      "}
        return "\n".join(
            f"{'✔' if index < self.done else '▶' if index == self.done else ' '} {signs[each.to_dps]}  {each.says}"
            for index, each in enumerate(self.messages())
        )

    def _drawn(self, index: int, message: Message) -> Markup:
        y = 40 + _HEIGHT * index
        kind = "" if index < self.done else "here" if index == self.done else "faint"
        sign = "✔ " if index < self.done else "▶ " if index == self.done else ""
        if message.to_dps is None:
            path, x, anchor = f"M{_YOU} {y + 12}h36v20h-30 l6 -4 m-6 4 l6 4", _YOU + 46, "start"
            height = y + 26
        else:
            start, end, back = (_YOU, _DPS - 4, -7) if message.to_dps else (_DPS, _YOU + 4, 7)
            path = f"M{start} {y + 26}H{end} l{back} -5 m{-back} 5 l{back} 5"
            x, anchor, height = (_YOU + _DPS) // 2, "middle", y + 18
        return Markup(
            "<path class='line {0}' d='{1}'/><text class='{0}' x='{2}' y='{3}' text-anchor='{4}'>{5}{6}</text>"
        ).format(kind, path, x, height, anchor, sign, message.says)


@dataclass(frozen=True, repr=False)
class EtagTrail(Picture):
    """The ETags of one certificate so far: each change brought a new one, and only the last is good."""

    etags: Sequence[tuple[str, str]]

    def html(self) -> Markup:
        last = len(self.etags) - 1
        steps = [
            Markup("<div class='card'><b>{}</b><br><span class='code {}'>{}</span><br>{}</div>").format(
                step,
                "" if index == last else "stale",
                etag,
                Markup("<span class='good'>good now</span>")
                if index == last
                else Markup("<span class='bad'>stale</span>"),
            )
            for index, (step, etag) in enumerate(self.etags)
        ]
        arrow = Markup("<span class='arrow' aria-hidden='true'>→</span>")
        shown = arrow.join(steps) if steps else Markup("<p>No ETag is known here: {}</p>").format(_NO_ETAG)
        return Markup("<div class='card'><h4>ETags</h4><div class='flow'>{}</div></div>").format(shown)

    def text(self) -> str:
        last = len(self.etags) - 1
        return "\n".join(
            [
                "ETags",
                *(
                    f"  {step}  {etag}  {'← good now' if index == last else '(stale)'}"
                    for index, (step, etag) in enumerate(self.etags)
                ),
                *([] if self.etags else [f"  none is known here: {_NO_ETAG}"]),
            ]
        )


_NO_ETAG = "the portal reads the certificate anew before each change."


@dataclass(frozen=True, repr=False)
class Verdicts(Picture):
    """What the examiner found, one line a check."""

    examination: Examination

    def html(self) -> Markup:
        lines = joined(
            "<tr><td>{}</td><th scope='row'>{}</th><td>{}{}</td></tr>",
            (
                (
                    mark(check.passed),
                    check.name,
                    check.reason,
                    Markup("<br><b>Mend it:</b> {}").format(check.remedy) if check.remedy else "",
                )
                for check in self.examination.checks
            ),
        )
        return Markup("<div class='card'><h4>{}</h4><table>{}</table></div>").format(self.examination.title, lines)

    def text(self) -> str:
        lines = [
            f"  {'✔' if check.passed else '✘'} {check.name}: {check.reason}{f' → {check.remedy}' if check.remedy else ''}"
            for check in self.examination.checks
        ]
        return "\n".join([self.examination.title, *lines])


@dataclass(frozen=True, repr=False)
class CodeCard(Table):
    """The verification code that waits to be signed, if one does.

    Attributes:
        waited: it was there before, and none was asked for.
    """

    code: str | None
    waited: bool = False

    def title(self) -> str:
        return "This code was waiting already; none was asked for" if self.waited else "The verification code"

    def rows(self) -> list[Row]:
        if self.code is None:
            return [("Code", "none is waiting: this CA is verified already")]
        return [
            ("Code", Markup("<span class='code'>{}</span>").format(self.code)),
            ("It is", f"{len(self.code)} hexadecimal characters, {len(self.code) // 2} random bytes"),
            ("It goes into", "the common name (CN) of the certificate that you sign, to the letter"),
        ]
