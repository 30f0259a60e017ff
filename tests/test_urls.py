"""Keys in URLs are found and masked in any encoding."""

from collections.abc import Callable

import pytest

from helpers.local_dps.request.masking import mask_url_secrets as mask_in_local_dps
from helpers.problem import Problem
from helpers.urls import holds_key, mask_keys, replace_keys, with_key

KEYS = [
    "https://f.example/api?code=KEY",
    "https://f.example/api?a=1&Code=KEY&b=2",
    "https://f.example/api?a=1;SIG=KEY",
    "https://f.example/api?sp=%2Ftriggers&sig=KEY#top",
    "https://f.example/api?c%6Fde=KEY",
    "https://f.example/api?%43%4f%44%45=KEY",
    "https://f.example/api?%73%49g%3DKEY",
    "https://g.example/?next=https%3A%2F%2Ff.example%2Fapi%3Fcode%3DKEY",
    "https://g.example/?next=https%253A%252F%252Ff.example%252Fapi%253Fa%253D1%2526code%253DKEY",
    "https://f.example/api?code=%2FKEY%3D%3D",
    "https://f.example/api?code=it'sKEY",
    "https://user:KEY@f.example/api",
    "https://KEY@f.example",
    "https://user:p@KEY@f.example/api",
    "It says {'url': \"https://f.example/api?code=KEY\"} and https://f.example/?a=1&amp;sig=KEY.",
]
NO_KEYS = [
    "https://f.example/api?code2=1&decode=2&sign=3",
    "https://f.example/code=1",
    "https://f.example/api?a=me@example.org",
    "The verification code=1 is not in a URL; write to me@example.org.",
]


@pytest.mark.parametrize("text", KEYS)
@pytest.mark.parametrize("mask", [mask_keys, mask_in_local_dps])
def test_a_key_is_masked_and_the_rest_is_unchanged(mask: Callable[[str], str], text: str) -> None:
    assert holds_key(text)
    masked = mask(text)
    assert "KEY" not in masked
    assert "example" in masked
    assert mask(masked) == masked


@pytest.mark.parametrize("text", NO_KEYS)
@pytest.mark.parametrize("mask", [mask_keys, mask_in_local_dps])
def test_a_text_without_a_key_is_unchanged(mask: Callable[[str], str], text: str) -> None:
    assert not holds_key(text)
    assert mask(text) == text


def test_the_text_around_a_key_is_unchanged() -> None:
    assert mask_keys("https://f.example/?a=1&code=KEY&b=2#c") == "https://f.example/?a=1&code=…&b=2#c"
    assert replace_keys("https://u:p@f.example/?code=A&sig=B", "X") == "https://…@f.example/?code=X&sig=X"


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("https://f.example/api", "abc==", "https://f.example/api?code=abc%3D%3D"),
        ("https://f.example/api", "abc%3D%3D", "https://f.example/api?code=abc%3D%3D"),
        ("https://f.example/api?a=1", "a+b/c&d", "https://f.example/api?a=1&code=a%2Bb%2Fc%26d"),
        ("https://f.example/api#top", "abc", "https://f.example/api?code=abc#top"),
        ("https://f.example/api?sv=1", "abc", "https://f.example/api?sv=1&code=abc"),
        (
            "https://l.example/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0",
            "ab-c_d",
            "https://l.example/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=ab-c_d",
        ),
    ],
)
def test_a_webhook_gets_its_key_in_the_query(url: str, key: str, expected: str) -> None:
    assert with_key(url, key) == expected


def test_no_error_repeats_a_key() -> None:
    problem = Problem(*(f"{part} https://f.example/?code=KEY" for part in ("What", "Why", "Next")))
    assert "KEY" not in str(problem) + repr(problem) + problem.what + problem.why + problem.next_step
