"""Small mails whose conversations are known: what Jamie Zawinski's notes on threading and notmuch's suite are about.

Written for these tests.  A mail is ``id < refers | subject | from > to | hours``; what refers is a References field, or
with ``~`` an In-Reply-To as it stands.  ``CASES`` has, for each name, the mails and the conversations they make.
"""

from mua.mime.headers import envelope
from mua.model.message import Envelope

HOUR = 3_600
BEGAN = 1_700_000_000


def mail(line: str) -> tuple[str, Envelope, int]:
    """(its name, its envelope, when it came)"""
    head, subject, people, hours = (one.strip() for one in line.split("|"))
    name, _, refers = (one.strip() for one in head.partition("<"))
    sender, _, to = (one.strip() for one in people.partition(">"))
    fields = [f"From: {sender}@example.org", f"To: {', '.join(f'{one}@example.org' for one in to.split(','))}"]
    fields += [f"Subject: {subject}", f"Message-ID: <{name.rstrip('+')}@example.org>"]
    if refers.startswith("~"):
        fields.append(f"In-Reply-To: {refers[1:].strip()}")
    elif refers:
        fields.append(f"References: {' '.join(f'<{one}@example.org>' for one in refers.split())}")
    raw = "\r\n".join([*fields, "", ""]).encode()
    return name, envelope(raw), BEGAN + round(float(hours) * HOUR)


CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # ---- References
    "a chain": (
        ("a | Plan | ann > bob | 0", "b < a | Re: Plan | bob > ann | 1", "c < a b | Re: Plan | ann > bob | 2"),
        ("a b c",),
    ),
    "the middle is missing": (("a | Plan | ann > bob | 0", "c < a b | Re: Plan | ann > bob | 2"), ("a c",)),
    "the beginning is missing, and two answers are siblings": (
        ("b < a | Re: Plan | bob > ann | 1", "c < a | Re: Plan | cat > ann | 2"),
        ("b c",),
    ),
    "two missing in a row": (
        ("d < a b c | Re: Plan | dan > ann | 3", "c2 < a b | Re: Plan | cat > ann | 2"),
        ("d c2",),
    ),
    "only In-Reply-To": (("a | Plan | ann > bob | 0", "b < ~<a@example.org> | Answer | bob > ann | 1"), ("a b",)),
    "In-Reply-To with words around it": (
        ("a | Plan | ann > bob | 0", "b < ~Message of Monday from ann <a@example.org> | Answer | bob > ann | 1"),
        ("a b",),
    ),
    "In-Reply-To that names nothing": (
        ("a | Plan | ann > bob | 0", "b < ~Your message of Monday | Other | bob > ann | 1"),
        ("a", "b"),
    ),
    "a loop of references": (("a < b | x | ann > bob | 0", "b < a | x | bob > ann | 1"), ("a b",)),
    "it refers to itself": (("a < a | x | ann > bob | 0", "b | x | bob > ann | 1"), ("a", "b")),
    "one ties two conversations together": (
        ("a | One | ann > bob | 0", "b < a | Re: One | bob > ann | 1", "x | Two | cat > bob | 1",
         "y < x | Re: Two | bob > cat | 2", "z < b y | Both | bob > ann, cat | 3"),
        ("a b x y z",),
    ),
    "references in a wrong order": (
        ("a | x | ann > bob | 0", "b < a | Re: x | bob > ann | 1", "c < b a | Re: x | ann > bob | 2"),
        ("a b c",),
    ),
    "another subject, the same conversation": (
        ("a | Plan | ann > bob | 0", "b < a | Lunch (was: Plan) | bob > ann | 1"),
        ("a b",),
    ),
    "the same message twice": (
        ("a | Plan | ann > bob | 0", "a+ | Plan | ann > bob | 0", "b < a | Re: Plan | bob > ann | 1"),
        ("a a+ b",),
    ),
    # ---- subjects
    "an answer that refers to nothing": (("a | Plan | ann > bob | 0", "b | Re: Plan | bob > ann | 5"), ("a b",)),
    "two that say the same are no conversation": (
        ("a | Hello | ann > bob | 0", "b | Hello | bob > ann | 5", "c | Hello | ann > bob | 9"),
        ("a", "b", "c"),
    ),
    "the same subject to others": (("a | Hello | ann > bob | 0", "b | Re: Hello | cat > dan | 5"), ("a", "b")),
    "the same subject, two months later": (
        ("a | Hello | ann > bob | 0", "b | Re: Hello | bob > ann | 1500"),
        ("a", "b"),
    ),
    "an answer by its subject to an answer by references": (
        ("a | Plan | ann > bob | 0", "b < a | Re: Plan | bob > ann | 5", "c | AW: Plan | ann > bob | 9"),
        ("a b c",),
    ),
    "what refers to something is not looked for by its subject": (
        ("a | Plan | ann > bob | 0", "b < z | Re: Plan | bob > ann | 5"),
        ("a", "b"),
    ),
    "forwarding is no answer": (("a | Plan | ann > bob | 0", "b | Fwd: Plan | bob > ann | 5"), ("a", "b")),
    "nothing but a prefix": (("a | | ann > bob | 0", "b | Re: | bob > ann | 5"), ("a", "b")),
    "two answers to a question that is missing": (
        ("b | Re: Plan | bob > ann | 5", "c | Re: Plan | ann > bob | 6"),
        ("b c",),
    ),
    "an answer ties the two questions it may be about": (
        ("a | Plan | ann > bob | 0", "x | Plan | cat > bob | 1", "b | Re: Plan | bob > ann, cat | 5"),
        ("a x b",),
    ),
}  # fmt: skip
