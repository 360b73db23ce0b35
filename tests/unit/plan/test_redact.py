"""What strangers may read."""

from hypothesis import given
from hypothesis import strategies as st

from mua.plan.redact import redacted


def test_people_are_taken_out_and_servers_stay():
    text = "imap.example.org refused ann@example.org (user ann.lee, Ann): no folder “Love letters” in Taxes/2026"
    clean = redacted(text, ["ann.lee", "Ann", "Taxes", "example"], ["imap.example.org"])
    assert clean == "imap.example.org refused <address> (user <private>, <private>): no folder “...” in <private>/2026"


def test_letter_case_and_short_words():
    assert redacted("ANN and a", ["ann", "a"]) == "<private> and a"


@given(st.text(max_size=60), st.lists(st.text(min_size=3, max_size=8), max_size=4), st.text(max_size=20))
def test_no_private_word_is_left(text, private, more):
    clean = redacted(text + "".join(private) + more, private)
    for word in private:
        if word.lower() not in "<private><address>“...”".lower():
            rest = clean.replace("<private>", "\n").replace("<address>", "\n").replace("“...”", "\n")
            assert word not in rest
