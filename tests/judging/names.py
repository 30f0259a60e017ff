"""Names of CAs and of proofs, in every spelling, and in some that mean another name."""

from collections.abc import Callable

from tests.judging.der import oid, sequence, set_of

__all__ = ["CA_NAMES", "FABRIKAM", "ISSUERS", "PARENT", "SUBJECTS", "Name", "encode_name"]

Part = tuple[str, int, bytes]  # an attribute's OID, its value's tag, and the value
Name = tuple[tuple[Part, ...], ...]  # of relative distinguished names

_CN, _ORGANIZATION, _UNIT = "2.5.4.3", "2.5.4.10", "2.5.4.11"
_SERIAL, _EMAIL, _DOMAIN = "2.5.4.5", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"
_UTF8, _NUMERIC, _PRINTABLE, _T61, _IA5, _GRAPHIC, _VISIBLE, _GENERAL, _UNIVERSAL, _BMP = (
    0x0C, 0x12, 0x13, 0x14, 0x16, 0x19, 0x1A, 0x1B, 0x1C, 0x1E,
)  # fmt: skip
_BITS, _OCTETS = 0x03, 0x04
_CODECS = {_UTF8: "utf-8", _BMP: "utf-16-be", _UNIVERSAL: "utf-32-be"}
_TYPES = {
    "UTF8String": _UTF8, "NumericString": _NUMERIC, "PrintableString": _PRINTABLE, "T61String": _T61, "IA5String": _IA5,
    "GraphicString": _GRAPHIC, "VisibleString": _VISIBLE, "GeneralString": _GENERAL, "UniversalString": _UNIVERSAL,
    "BMPString": _BMP, "OCTET STRING": _OCTETS, "BIT STRING": _BITS,
}  # fmt: skip


def encode_name(name: Name) -> bytes:
    """Its DER."""
    return sequence(
        *(set_of(*(sequence(oid(each), sequence(value, tag=tag)) for each, tag, value in parts)) for parts in name)
    )


def _part(kind: str, text: str, tag: int = _UTF8) -> Part:
    """Return an attribute, without the characters that its type can't hold."""
    return kind, tag, text.encode(_CODECS.get(tag, "latin-1"), "ignore")


def _one(*parts: Part) -> Name:
    return tuple((each,) for each in parts)


FABRIKAM, PARENT = _one(_part(_CN, "Fabrikam Root")), _one(_part(_CN, "Contoso Parent"))
CA_NAMES: dict[str, Name] = {
    "plain": _one(_part(_CN, "Contoso Root K")),
    "with an organization": _one(_part(_ORGANIZATION, "Contoso"), _part(_CN, "Contoso Root K")),
    "printable": _one(_part(_ORGANIZATION, "Contoso", _PRINTABLE), _part(_CN, "Contoso Root K", _PRINTABLE)),
    "two in one": (((_part(_ORGANIZATION, "Contoso"), _part(_CN, "Contoso Root K"))),),
    "beyond ASCII": _one(_part(_ORGANIZATION, "Würth Straße"), _part(_CN, "Contoso Ä Root K")),
    "T61": _one(_part(_CN, "Contoso Ä Root K", _T61)),
    "BMP": _one(_part(_CN, "Contoso Ä Root K", _BMP)),
    "universal": _one(_part(_CN, "Contoso Ä Root K", _UNIVERSAL)),
    "numeric": _one(_part(_SERIAL, "0123456789", _NUMERIC), _part(_CN, "Contoso Root K")),
    "domain": _one(_part(_DOMAIN, "example", _IA5), _part(_DOMAIN, "contoso", _IA5), _part(_CN, "Contoso Root K")),
    "spaces": _one(_part(_CN, "  Contoso   Root K ")),
    "mailbox": _one(_part(_EMAIL, "ca@contoso.example", _IA5), _part(_CN, "Contoso Root K")),
    "the same twice in one": ((_part(_CN, "Contoso Root K"), _part(_CN, "Contoso Root K")),),
    "two that differ in case in one": ((_part(_CN, "Contoso Root K"), _part(_CN, "contoso root k")),),
    "octets": _one(("2.5.4.45", _BITS, b"\0\x01\x02"), _part(_CN, "Contoso Root K")),
    "visible": _one(_part(_ORGANIZATION, "Contoso", _VISIBLE), _part(_CN, "Contoso Root K")),
    "empty": (),
}


def _text_of(given: Part) -> str:
    return given[2].decode(_CODECS.get(given[1], "latin-1"))


def _respell(change: Callable[[str], str], tag: int | None = None) -> Callable[[Name], Name]:
    """Change every value that is text, and its type."""

    def apply(name: Name) -> Name:
        return tuple(
            tuple(
                each if each[1] in (_BITS, _OCTETS) else _part(each[0], change(_text_of(each)), tag or each[1])
                for each in parts
            )
            for parts in name
        )

    return apply


ISSUERS: dict[str, Callable[[Name], Name]] = {
    "same": lambda name: name,
    "other": lambda _name: FABRIKAM,
    "upper case": _respell(str.upper),
    "lower case": _respell(str.lower),
    "upper case of ASCII": _respell(lambda text: "".join(each.upper() if each.isascii() else each for each in text)),
    "doubled spaces": _respell(lambda text: text.replace(" ", "  ")),
    "spaces around": _respell(lambda text: f" {text}  "),
    "a tab for a space": _respell(lambda text: text.replace(" ", "\t")),
    "a no-break space": _respell(lambda text: text.replace(" ", "\u00a0")),
    "a Kelvin sign": _respell(lambda text: text.replace("K", "\u212a")),
    "no spaces": _respell(lambda text: text.replace(" ", "")),
    "a vertical tab and a form feed": _respell(lambda text: text.replace(" ", "\v\f")),
    "a unit separator": _respell(lambda text: text.replace(" ", "\x1f")),
    "a NUL at the end": _respell(lambda text: f"{text}\0"),
    "decomposed": _respell(lambda text: text.replace("Ä", "A\u0308")),
    **{f"as {name}": _respell(str, tag) for name, tag in _TYPES.items()},
    "with bytes that are no UTF-8": lambda name: (*name, ((_ORGANIZATION, _UTF8, b"\xff\xfe"),)),
    "with a BMPString of three bytes": lambda name: (*name, ((_ORGANIZATION, _BMP, b"\0A\0"),)),
    "backwards": lambda name: name[::-1],
    "each alone": lambda name: tuple((each,) for parts in name for each in parts),
    "all in one": lambda name: (tuple(each for parts in name for each in parts),) if name else (),
    "one more": lambda name: (*name, (_part(_UNIT, "More"),)),
    "one fewer": lambda name: name[:-1],
    "an empty one more": lambda name: (*name, ()),
    "a part twice": lambda name: tuple((*parts, parts[0]) for parts in name),
    "a part once": lambda name: tuple(parts[:1] for parts in name),
    "an empty value more": lambda name: (*name, (_part(_UNIT, ""),)),
    "empty": lambda _name: (),
}

Subject = Callable[[str], Name]


def _written_as(tag: int) -> Subject:
    return lambda code: _one(_part(_CN, code, tag))


def _beside_organization(tag: int) -> Subject:
    return lambda code: _one(_part(_ORGANIZATION, "123", tag), _part(_CN, code))


SUBJECTS: dict[str, Subject] = {
    "the code": lambda code: _one(_part(_CN, code)),
    "another code": lambda code: _one(_part(_CN, code[::-1])),
    "lower case": lambda code: _one(_part(_CN, code.lower())),
    "space before": lambda code: _one(_part(_CN, f" {code}")),
    "space after": lambda code: _one(_part(_CN, f"{code} ")),
    "space within": lambda code: _one(_part(_CN, f"{code[:24]} {code[24:]}")),
    "newline after": lambda code: _one(_part(_CN, f"{code}\n")),
    "NUL after": lambda code: _one(_part(_CN, f"{code}\0")),
    "NUL and more": lambda code: _one(_part(_CN, f"{code}\0.example.com")),
    "byte order mark": lambda code: _one(_part(_CN, f"\ufeff{code}")),
    "full width": lambda code: _one(_part(_CN, "".join(chr(ord(each) + 0xFEE0) for each in code))),
    "truncated": lambda code: _one(_part(_CN, code[:-1])),
    "lengthened": lambda code: _one(_part(_CN, f"{code}0")),
    "quoted": lambda code: _one(_part(_CN, f'"{code}"')),
    "escaped": lambda code: _one(_part(_CN, f"x,CN={code}")),
    "a plus": lambda code: _one(_part(_CN, f"{code} + CN={code}")),
    "none": lambda _code: (),
    "empty": lambda _code: _one(_part(_CN, "")),
    "twice": lambda code: _one(_part(_CN, code), _part(_CN, code)),
    "twice in one": lambda code: ((_part(_CN, code), _part(_CN, code)),),
    "and another": lambda code: _one(_part(_CN, code), _part(_CN, "other")),
    "another and": lambda code: _one(_part(_CN, "other"), _part(_CN, code)),
    "and another in one": lambda code: ((_part(_CN, code), _part(_CN, "other")),),
    "with an organization": lambda code: _one(_part(_ORGANIZATION, "Contoso"), _part(_CN, code)),
    "with an organization after": lambda code: _one(_part(_CN, code), _part(_ORGANIZATION, "Contoso")),
    "with an organization in one": lambda code: ((_part(_CN, code), _part(_ORGANIZATION, "Contoso + Fabrikam, CN=x")),),
    "with an odd organization": lambda code: _one(_part(_CN, code), (_ORGANIZATION, _UTF8, b"\xff")),
    **{f"with an organization as {name}": _beside_organization(tag) for name, tag in _TYPES.items()},
    "elsewhere": lambda code: _one(_part(_UNIT, code)),
    "in the mailbox": lambda code: _one(_part(_EMAIL, code, _IA5)),
    "with an empty one": lambda code: (*_one(_part(_CN, code)), ()),
    "bytes that are no UTF-8": lambda code: _one((_CN, _UTF8, code.encode() + b"\xc3")),
    **{f"as {name}": _written_as(tag) for name, tag in _TYPES.items()},
}  # fmt: skip
