"""Special texts are found the longest first, wherever they stand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from memory64.inference.tokenizer.fragments import SpecialTexts

SPECIALS = st.lists(st.text("<a>", min_size=1, max_size=4), max_size=6, unique=True)


def test_the_longer_one_is_found_though_the_shorter_begins_before() -> None:
    specials = SpecialTexts([("<a", 1), ("a>>", 2)])
    assert specials.split("x<a>>y<a") == ["x<", 2, "y", 1]


def test_nothing_to_find() -> None:
    assert SpecialTexts([]).split("text") == ["text"]
    assert SpecialTexts([("<a>", 1)]).split("") == []


@settings(deadline=None)
@given(specials=SPECIALS, text=st.text("<a>x", max_size=30))
def test_all_are_found_and_nothing_is_lost(specials: list[str], text: str) -> None:
    texts = dict(enumerate(specials))
    fragments = SpecialTexts((special, token) for token, special in texts.items()).split(text)
    assert "".join(texts[part] if isinstance(part, int) else part for part in fragments) == text
    for part in fragments:
        assert isinstance(part, int) or not any(special in part for special in specials)
