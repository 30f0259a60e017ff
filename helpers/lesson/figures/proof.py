"""Pictures of the proof: the messages between you and DPS, the verification code, the ETags, and the examiner's findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import Examination
from helpers.lesson.figures.picture import Picture, Row, Table, joined, mark

__all__ = ["CodeCard", "EtagTrail", "ProofSequence", "Verdicts"]

_YOU, _DPS, _HEIGHT = 90, 510, 46


@dataclass(frozen=True)
class Message:
    """One message of the conversation; `to_dps` is None for a step that takes place on this machine only."""

    says: str
    to_dps: bool | None


@dataclass(frozen=True, repr=False)
class ProofSequence(Picture):
    """The messages between you and DPS until a CA is verified.

    Attributes:
        done: how many of the messages have been exchanged. name: of the CA at DPS, or "".
        code: the verification code, or "" while it is unknown.
    """

    done: int
    name: str = ""
    code: str = ""

    def messages(self) -> tuple[Message, ...]:
        code = f"{self.code[:8]}…" if self.code else "a random code"
        named = f" as “{self.name}”" if self.name else ""
        return (
            Message(f"1  upload the CA's certificate{named}: still unverified", True),
            Message("2  ask for a code", True),
            Message(f"3  {code}", False),
            Message("4  sign the code with the CA's private key", None),
            Message("5  upload the signed certificate: the proof", True),
            Message("6  the CA is verified, and the code used up", False),
        )

    def html(self) -> Markup:
        messages = self.messages()
        bottom = 40 + _HEIGHT * len(messages)
        drawn = Markup().join(self._drawn(index, each) for index, each in enumerate(messages))
        return Markup(
            "<div class='card'><svg role='img' aria-label='{label}' viewBox='0 0 600 {bottom}' width='600' height='{bottom}'>"
            "<text x='{you}' y='18' text-anchor='middle' font-weight='bold'>you</text>"
            "<text x='{dps}' y='18' text-anchor='middle' font-weight='bold'>DPS</text>"
            "<path class='line faint' d='M{you} 26V{bottom} M{dps} 26V{bottom}'/>{drawn}</svg></div>"
        ).format(label=self.text(), bottom=bottom, you=_YOU, dps=_DPS, drawn=drawn)

    def text(self) -> str:
        signs = {True: "you → DPS", False: "DPS → you", None: "you      "}
        return "\n".join(
            f"{self._progress(index)[0] or ' '} {signs[each.to_dps]}  {each.says}"
            for index, each in enumerate(self.messages())
        )

    def _progress(self, index: int) -> tuple[str, str]:
        """The sign of a message and the class of its style."""
        if index < self.done:
            return "✔", ""
        if index == self.done:
            return "▶", "here"
        return "", "faint"

    def _drawn(self, index: int, message: Message) -> Markup:
        y = 40 + _HEIGHT * index
        sign, kind = self._progress(index)
        if message.to_dps is None:
            path, x, anchor = f"M{_YOU} {y + 12}h36v20h-30 l6 -4 m-6 4 l6 4", _YOU + 46, "start"
            height = y + 26
        else:
            start, end, back = (_YOU, _DPS - 4, -7) if message.to_dps else (_DPS, _YOU + 4, 7)
            path = f"M{start} {y + 26}H{end} l{back} -5 m{-back} 5 l{back} 5"
            x, anchor, height = (_YOU + _DPS) // 2, "middle", y + 18
        return Markup(
            "<path class='line {0}' d='{1}'/><text class='{0}' x='{2}' y='{3}' text-anchor='{4}'>{5}{6}</text>"
        ).format(kind, path, x, height, anchor, f"{sign} " if sign else "", message.says)


@dataclass(frozen=True, repr=False)
class EtagTrail(Picture):
    """The ETags of one certificate so far: each change brought a new one, and only the last is current."""

    etags: Sequence[tuple[str, str]]

    def html(self) -> Markup:
        kinds = [("stale", "bad", "stale")] * (len(self.etags) - 1) + [("", "good", "current")]
        steps = [
            Markup(
                "<div class='card'><b>{}</b><br><span class='code {}'>{}</span><br><span class='{}'>{}</span></div>"
            ).format(step, code, etag, sign, word)
            for (step, etag), (code, sign, word) in zip(self.etags, kinds, strict=False)
        ]
        arrow = Markup("<span class='arrow' aria-hidden='true'>→</span>")
        shown = arrow.join(steps) if steps else Markup("<p>{}</p>").format(_NO_ETAG)
        return Markup("<div class='card'><h4>ETags</h4><div class='flow'>{}</div></div>").format(shown)

    def text(self) -> str:
        last = len(self.etags) - 1
        return "\n".join(
            [
                "ETags",
                *(
                    f"  {step}  {etag}  {'← current' if index == last else '(stale)'}"
                    for index, (step, etag) in enumerate(self.etags)
                ),
                *([] if self.etags else [f"  {_NO_ETAG}"]),
            ]
        )


_NO_ETAG = "The notebook knows no ETag here: the portal reads the certificate again before each change."


@dataclass(frozen=True, repr=False)
class Verdicts(Picture):
    """The examiner's findings, one line for each check."""

    examination: Examination

    def html(self) -> Markup:
        lines = joined(
            "<tr><td>{}</td><th scope='row'>{}</th><td>{}{}</td></tr>",
            (
                (
                    mark(check.passed),
                    check.name,
                    check.reason,
                    Markup("<br><b>Fix:</b> {}").format(check.remedy) if check.remedy else "",
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
    """The verification code that is waiting for its signature, if there is one.

    Attributes:
        waited: the code was already there, so the notebook did not ask DPS for one.
    """

    code: str | None
    waited: bool = False

    def title(self) -> str:
        return (
            "This code was already waiting, so DPS was not asked for another"
            if self.waited
            else "The verification code"
        )

    def rows(self) -> list[Row]:
        if self.code is None:
            return [("Code", "none is waiting: this CA is already verified")]
        return [
            ("Code", Markup("<span class='code'>{}</span>").format(self.code)),
            ("Format", f"{len(self.code)} hexadecimal characters, which are {len(self.code) // 2} random bytes"),
            ("Use", "put it into the common name (CN) of the certificate that you sign, exactly as it is"),
        ]
