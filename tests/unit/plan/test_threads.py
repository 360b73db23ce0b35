"""What ties a message to others, and why it is among them."""

from mua.plan.threads import AFTER, BEFORE, Letter, Tie, Word, answers, server_name, ties, why


def test_a_persons_word_is_stronger_than_the_servers_and_that_than_references() -> None:
    shared = server_name(1, "T1")
    assert ties("c", ["a", "b"]) == (("c", "a", "b"), True)
    assert ties("c", ["a", "b"], shared) == (("c", shared), True)
    assert ties("c", ["a", "b"], shared, {"c": Word(apart=True)}) == (("c",), True)
    assert ties("c", ["a", "b"], shared, {"b": Word(apart=True)}) == (("c", "b"), True)
    assert ties("c", [], "", {"c": Word(joined="z")}) == (("c", "z"), False)
    assert ties("", [""]) == ((), False)


def test_the_last_message_that_was_set_apart_counts() -> None:
    words = {"a": Word(apart=True), "c": Word(apart=True)}
    assert ties("e", ["a", "b", "c", "d"], "", words)[0] == ("e", "c", "d")


def test_when_a_subject_ties() -> None:
    asked = Letter(("q",), 10_000_000, 1, "plan", authors=frozenset({"ann"}), people=frozenset({"ann", "bob"}))
    answer = Letter(("r",), 10_000_000, 1, "plan", True, frozenset({"bob"}), frozenset({"bob", "ann"}))

    def at(time: int) -> Letter:
        return Letter(("r",), time, 1, "plan", True, frozenset({"bob"}), frozenset({"bob", "ann"}))

    assert answers(answer, asked)
    assert not answers(asked, answer)
    assert answers(at(asked.time + BEFORE), asked)
    assert not answers(at(asked.time + BEFORE + 1), asked)
    assert answers(at(asked.time - AFTER), asked)
    assert not answers(at(asked.time - AFTER - 1), asked)
    other = Letter(("q",), 10_000_000, 2, "plan", authors=frozenset({"ann"}), people=frozenset({"ann"}))
    assert not answers(answer, other)  # of another account
    list_mail = Letter(("q",), 10_000_000, 1, "plan", authors=frozenset({"eve"}), list_id="board.example.org")
    by_list = Letter(("r",), 10_000_000, 1, "plan", True, frozenset({"bob"}), frozenset({"bob"}), "board.example.org")
    assert answers(by_list, list_mail)
    assert not answers(answer, list_mail)


def test_each_message_is_named_once_and_by_its_strongest_tie() -> None:
    shared = server_name(1, "T")
    letters = [
        Letter(("a",), own="a"),
        Letter(("b", "a"), own="b"),
        Letter(("c", "a", "b"), own="c"),
        Letter(("d", "z"), own="d"),
        Letter(("e", "z"), own="e"),
        Letter(("f", shared), own="f"),
        Letter(("g", shared), own="g"),
        Letter(("h", "a"), own="h"),
        Letter(("a",), own="a"),
    ]
    words = {"h": Word(joined="a")}
    assert why(letters, 2) == [(Tie.ANSWERS, [1])]
    assert why(letters, 0, words) == [(Tie.JOINED, [7]), (Tie.SAME, [8]), (Tie.ANSWERED, [1, 2])]
    assert why(letters, 3) == [(Tie.MISSING, [4])]
    assert why(letters, 5) == [(Tie.SERVER, [6])]
    assert why(letters, 7, words) == [(Tie.JOINED, [0, 8])]
    assert why([Letter((), own="")], 0) == []
