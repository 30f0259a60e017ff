"""Pictures of the proof: the messages between you and DPS, the verification code, the ETags, and the examiner's findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import Check, Examination
from helpers.lesson.figures.picture import (
    Kind,
    Picture,
    Row,
    Table,
    badge,
    card,
    copyable,
    fold,
    grouped,
    joined,
    mark,
    pill,
    with_digits_grouped,
)
from helpers.lesson.figures.shapes import icon

__all__ = ["CodeCard", "EtagTrail", "ProofSequence", "Verdicts"]


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
        drawn = Markup().join(self._drawn(index, each) for index, each in enumerate(messages))
        return card(
            "You prove that you have the CA's private key",
            Markup(
                "<div class='heads'><div class='head'>{} you</div><span></span><div class='head'>{} DPS</div></div>"
                "<ol class='sequence'>{}</ol>{}"
            ).format(icon("person"), icon("cloud"), drawn, _VERIFIED if self.done >= len(messages) else _UNVERIFIED),
        )

    def text(self) -> str:
        signs = {True: "you → DPS", False: "DPS → you", None: "you      "}
        return "\n".join(
            f"{self._progress(index)[0] or ' '} {signs[each.to_dps]}  {each.says}"
            for index, each in enumerate(self.messages())
        )

    def _progress(self, index: int) -> tuple[str, str]:
        """The sign of a message and the class of its style."""
        if index < self.done:
            return "✔", "done"
        if index == self.done:
            return "▶", "here"
        return "", ""

    def _drawn(self, index: int, message: Message) -> Markup:
        sign, kind = self._progress(index)
        way = {True: "right", False: "left", None: "local"}[message.to_dps]
        shaft = Markup() if message.to_dps is None else Markup("<span class='shaft'></span>")
        return Markup("<li><div class='message {} {}'><span>{}{}</span>{}</div></li>").format(
            way, kind, f"{sign} " if sign else "", message.says, shaft
        )


_VERIFIED = Markup(
    "<div class='verified'>{}<span>VERIFIED: DPS knows that you have the CA's private key</span></div>"
).format(icon("done"))
_UNVERIFIED = Markup("<div class='unverified'>not verified yet</div>")


@dataclass(frozen=True, repr=False)
class EtagTrail(Picture):
    """The ETags of one certificate so far: each change brought a new one, and only the last is current."""

    etags: Sequence[tuple[str, str]]

    def html(self) -> Markup:
        last = len(self.etags) - 1
        ends = [_ends(etag) for _, etag in self.etags]
        are_different = len(set(ends)) == len(ends)
        steps = [
            Markup(
                "<div class='card {}'><b>{}</b><br>"
                "<span class='code {}' role='img' aria-label='{}' title='{}'>{}</span><br>{}</div>"
            ).format(
                "accepted" if index == last else "",
                step,
                "" if index == last else "stale",
                etag,
                etag,
                ends[index] if are_different else etag,
                pill("accepted", "current") if index == last else badge("stale"),
            )
            for index, (step, etag) in enumerate(self.etags)
        ]
        arrow = Markup("<span class='arrow' aria-hidden='true'>→</span>")
        shown = arrow.join(steps) if steps else Markup("<p>{}</p>").format(_NO_ETAG)
        return card("ETags", Markup("<div class='flow'>{}</div>").format(shown))

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


def _ends(etag: str) -> str:
    """Return the first and the last characters of an ETag."""
    return etag if len(etag) <= 13 else f"{etag[:8]}…{etag[-4:]}"


_NO_ETAG = "The notebook knows no ETag here: the portal reads the certificate again before each change."


@dataclass(frozen=True, repr=False)
class Verdicts(Picture):
    """The examiner's findings, one line for each check.

    Attributes:
        is_brief: fold the checks that passed.
    """

    examination: Examination
    is_brief: bool = False

    def html(self) -> Markup:
        kind: Kind = "accepted" if self.examination.passed else "rejected"
        word = "passes" if self.examination.passed else "fails"
        content = [_checks(self.examination.checks)]
        if self.is_brief:
            passed = [each for each in self.examination.checks if each.passed]
            folded = fold(f"Show the checks that passed ({len(passed)})", _checks(passed))
            content = [_checks(self.examination.failed), folded]
        return card(self.examination.title, *content, kind=kind, word=word)

    def text(self) -> str:
        lines = [
            f"  {'✔' if check.passed else '✘'} {check.name}: {check.reason}{f' → {check.remedy}' if check.remedy else ''}"
            for check in self.examination.checks
        ]
        return "\n".join([self.examination.title, *lines])


def _checks(checks: Sequence[Check]) -> Markup:
    lines = joined(
        "<tr><td class='sign'>{}</td><th scope='row' class='name'>{}</th><td>{}{}</td></tr>",
        (
            (
                mark(check.passed),
                check.name,
                with_digits_grouped(check.reason),
                Markup("<br><b>Fix:</b> {}").format(check.remedy) if check.remedy else "",
            )
            for check in checks
        ),
    )
    return Markup("<table class='verdicts'>{}</table>").format(lines) if checks else Markup()


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
            ("Code", copyable(grouped(self.code))),
            ("Format", f"{len(self.code)} hexadecimal characters, which are {len(self.code) // 2} random bytes"),
            ("Use", "put it into the common name (CN) of the certificate that you sign, exactly as it is"),
        ]
