"""The way of a message: Received lines as servers write them, whom to believe, and what is odd; RFC 8601, strictly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.authres import stamp
from mua.mime.journey import journey, learned
from mua.mime.received import received
from mua.model.domain import akin, organizational
from mua.model.journey import Journey, Role, Trust

OWN = Trust(frozenset({"own.example"}))
STAMPED = Trust(frozenset({"own.example"}), frozenset({"own.example"}))
AT = "Sun, 22 Nov 2026 10:00:{:02} +0000"

POSTFIX = (
    "from mail.there.example (mail.there.example [198.51.100.7]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"
    " (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)) (No client certificate requested)"
    " by mx.own.example (Postfix) with ESMTPS id 4Xy for <ann@own.example>; " + AT.format(5) + " (UTC)"
)
LMTP = (
    "from mx.own.example ([10.0.0.7]) by imap.own.example with LMTP id 0J (envelope-from <a@there.example>)"
    " for <ann@own.example>; " + AT.format(6)
)
SUBMITTED = (
    "from [192.168.1.5] (host-7.isp.example [203.0.113.9]) (Authenticated sender: bob) by mail.there.example (Postfix)"
    " with ESMTPSA id 1; " + AT.format(1)
)
QMAIL_TLS = (
    "from mail.host.example (HELO said.example) (b@198.51.100.11) by mx.own.example with (RC4-SHA encrypted) SMTP; x"
)
STAMP = "mx.own.example; dkim=pass header.d=there.example header.s=s; spf=pass smtp.mailfrom=there.example; dmarc=pass"
FORGED = "mx.own.example; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"


def fields(*lines: tuple[str, str]) -> Journey:
    return journey([*lines, ("From", "bob@there.example"), ("Date", AT.format(0))], OWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POSTFIX, "mail.there.example|mail.there.example|198.51.100.7|mx.own.example|Postfix|ESMTPS"),
        (SUBMITTED, "192.168.1.5|host-7.isp.example|203.0.113.9|mail.there.example|Postfix|ESMTPSA"),
        (LMTP, "mx.own.example||10.0.0.7|imap.own.example||LMTP"),
        (
            (
                "from host.example ([198.51.100.8] helo=said.example) by mx.own.example with esmtps (TLS1.3) tls"
                " TLS_AES_256_GCM_SHA384 (Exim 4.96) (envelope-from <a@host.example>) id 1q-0001; x"
            ),
            "said.example|host.example|198.51.100.8|mx.own.example|Exim 4.96|esmtps",
        ),
        (
            "from [198.51.100.9] (port=4242 helo=dyn.example) by mx.own.example with esmtpa (Exim 4.94) id x; x",
            "dyn.example||198.51.100.9|mx.own.example|Exim 4.94|esmtpa",
        ),
        (
            (
                "from said.example (real.example [198.51.100.10] (may be forged)) by mx.own.example (8.17.1/8.17.1)"
                " with ESMTP id 3A (version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO) for <a@b>; x"
            ),
            "said.example||198.51.100.10|mx.own.example|Sendmail 8.17.1|ESMTP",
        ),
        (
            (
                "from A.prod.outlook.com (2603:10a6:208:11::1) by B.prod.outlook.com (2603:10a6:208:22::2) with"
                " Microsoft SMTP Server (version=TLS1_2, cipher=TLS_AES_256_GCM_SHA384) id 15.20.1; x"
            ),
            "A.prod.outlook.com||2603:10a6:208:11::1|b.prod.outlook.com|Microsoft SMTP Server|ESMTPS",
        ),
        (
            (
                "from mail-f41.google.com (mail-f41.google.com. [209.85.220.41]) by mx.google.com with SMTPS id a1 for"
                " <ann@gmail.com> (Google Transport Security); x"
            ),
            "mail-f41.google.com|mail-f41.google.com|209.85.220.41|mx.google.com||SMTPS",
        ),
        (
            "from unknown (HELO said.example) (198.51.100.11) by mx.own.example with SMTP; x",
            "said.example||198.51.100.11|mx.own.example||SMTP",
        ),
        (
            QMAIL_TLS,
            "said.example|mail.host.example|198.51.100.11|mx.own.example||SMTP",
        ),
        (
            "from pop.isp.example [198.51.100.20] by localhost with POP3 (fetchmail-6.4.2) for <ann@localhost>; x",
            "pop.isp.example||198.51.100.20|localhost|fetchmail-6.4.2|POP3",
        ),
        ("by 2002:a05:6214:1234:b0:6d4:1 with SMTP id x; x", "|||2002:a05:6214:1234:b0:6d4:1||SMTP"),
        ("by mail.own.example (Postfix, from userid 1000) id 5; x", "|||mail.own.example|Postfix|"),
        ("(qmail 12345 invoked by uid 500); 22 Nov 2026 10:00:05 -0000", "|||||"),
    ],
)
def test_lines_of_real_servers(text: str, expected: str) -> None:
    one = received(text)
    assert "|".join((one.helo, one.name, one.address, one.by, one.software, one.protocol)) == expected


@pytest.mark.parametrize(
    ("text", "encrypted", "tls"),
    [
        (POSTFIX, True, "TLS 1.3 TLS_AES_256_GCM_SHA384"),
        ("from a by b with ESMTPS id 1; x", True, ""),
        ("from a by b with UTF8SMTPSA id 1; x", True, ""),
        ("from a by b with ESMTP (using TLSv1.2 with cipher AES128-SHA) id 1; x", True, "TLS 1.2 AES128-SHA"),
        ("from a by b with ESMTP (version=TLS1_2, cipher=AES128-SHA) id 1; x", True, "TLS 1.2 AES128-SHA"),
        ("from a (HELO b) (1.2.3.4) by c with (AES256-SHA encrypted) SMTP; x", True, ""),
        ("from a by b with SMTP id 1; x", False, ""),
        ("by b (Postfix, from userid 1); x", None, ""),
    ],
)
def test_whether_a_step_was_encrypted(text: str, encrypted: bool | None, tls: str) -> None:
    assert (received(text).encrypted, received(text).tls) == (encrypted, tls)


def test_a_whole_way() -> None:
    way = fields(("Received", LMTP), ("Received", POSTFIX), ("Received", SUBMITTED), ("User-Agent", "Mutt"))
    assert [hop.role for hop in way.hops] == [Role.SUBMISSION, Role.EXCHANGE, Role.DELIVERY]
    assert [hop.seconds for hop in way.hops] == [1, 4, 1]
    assert [hop.claim for hop in way.hops] == [True, False, False]
    assert (way.program, way.written) == ("Mutt", way.hops[0].received.at and way.hops[0].received.at - 1)


@pytest.mark.parametrize(
    "client",
    [
        "x relay.own.example (unknown [198.51.100.66])",  # Postfix takes several words for a HELO
        "x 10.0.0.1 (unknown [198.51.100.66])",
        "x with local (unknown [198.51.100.66])",
        "x by mx.own.example with local (unknown [198.51.100.66])",
        "x by mx.own.example with mapi id 1 (unknown [198.51.100.66])",
        "x from userid (unknown [198.51.100.66])",
        "x invoked by uid (unknown [198.51.100.66])",
        "[198.51.100.66] (helo=[10.0.0.1])",  # Exim
        "[198.51.100.66] (port=2525 helo=10.0.0.1)",
        "unknown (HELO 10.0.0.1) (198.51.100.66)",  # qmail
        "[10.0.0.1]",  # who writes no more does not say what was found
    ],
)
def test_what_a_client_calls_itself_moves_no_border(client: str) -> None:
    """Results below were believed: whoever sends could write them."""
    line = f"from {client} by mx.own.example (Postfix) with ESMTP id 4; {AT.format(5)}"
    inner = f"from relay.own.example (relay.own.example [10.0.0.9]) by mx.own.example with ESMTP id 3; {AT.format(4)}"
    lines = [("Received", line), ("Received", inner), ("Authentication-Results", FORGED), ("Received", POSTFIX)]
    way = journey(lines, Trust(frozenset({"own.example"}), relays=frozenset({"relay.own.example"})))
    assert not way.stamps
    assert received(line).name != "relay.own.example"


def test_what_a_client_calls_itself_is_no_login_and_no_encryption() -> None:
    one = received(f"from x with ESMTPSA TLSv1.3 authenticated (unknown [198.51.100.66]) by b with SMTP id 4; {AT}")
    assert (one.authenticated, one.encrypted, one.protocol) == (False, False, "SMTP")


def test_what_is_odd_is_said() -> None:
    wrong = POSTFIX.replace(":05 ", ":58 ").replace("(mail.there.example [", "(other.isp.example [")
    plain = SUBMITTED.replace("ESMTPSA", "ESMTP").replace("(Authenticated sender: bob) ", "")
    way = fields(("Received", LMTP.replace("10:00", "09:00")), ("Received", wrong), ("Received", plain))
    said = [" ".join(hop.oddities) for hop in way.hops]
    assert "not encrypted" in said[0]
    assert "called itself mail.there.example, but its address belongs to other.isp.example" in said[1]
    assert "before it was sent" in said[2]


def test_without_a_server_that_is_known_everything_is_a_claim() -> None:
    lines = [("Received", LMTP), ("Received", POSTFIX), ("Authentication-Results", STAMP)]
    way = journey(lines, Trust())
    assert all(hop.claim for hop in way.hops)
    assert (way.stamps, way.ignored) == ((), 1)


@pytest.mark.parametrize(
    "second",
    [
        POSTFIX.replace("mail.there.example [198", "unknown [198"),  # HELO says one thing, the address nothing
        POSTFIX.replace("from mail.there.example", "from mx.own.example").replace(
            "(mail.there.example [", "(unknown ["
        ),
        POSTFIX.replace("[198.51.100.7]", "[203.0.113.5]"),
    ],
)
def test_a_name_that_is_only_said_opens_nothing(second: str) -> None:
    """An attacker's line below the border that pretends to be of the own house stays a claim."""
    inner = ("Received", POSTFIX.replace("4Xy", "forged"))
    way = fields(("Received", second), ("Authentication-Results", FORGED), inner, ("Authentication-Results", FORGED))
    assert [hop.claim for hop in way.hops] == [True, False]
    assert (way.stamps, way.ignored) == ((), 2)


def test_results_above_the_border_are_believed() -> None:
    way = fields(
        ("Received", LMTP), ("Authentication-Results", STAMP), ("Received", POSTFIX), ("Authentication-Results", FORGED)
    )
    [said] = way.stamps
    assert (said.server, [one.method for one in said.results]) == ("mx.own.example", ["dkim", "spf", "dmarc"])
    assert said.results[0].of("header.d") == "there.example" and way.ignored == 1


def test_results_below_it_only_of_servers_that_put_them_there_on_all_mail() -> None:
    lines = [("Received", POSTFIX), ("Authentication-Results", STAMP), ("Authentication-Results", FORGED)]
    lines += [("Received", SUBMITTED), ("Authentication-Results", FORGED)]
    assert journey(lines, OWN).stamps == ()
    [said] = journey(lines, STAMPED).stamps
    assert said.results[0].of("header.d") == "there.example"
    foreign = [("Received", POSTFIX), ("Authentication-Results", STAMP.replace("own", "other"))]
    assert journey(foreign, STAMPED).stamps == ()


def samples(stamped: int, bare: int, authors: int = 8) -> list[tuple[str, list[tuple[str, str]]]]:
    made = []
    for number in range(stamped + bare):
        lines = [("Received", LMTP), ("Received", POSTFIX)]
        if number < stamped:
            lines.append(("Authentication-Results", STAMP))
        made.append((f"d{number % authors}.example", lines))
    return made


@pytest.mark.parametrize(
    ("stamped", "bare", "authors", "expected"),
    [
        (40, 0, 8, {"own.example"}),
        (40, 2, 8, {"own.example"}),
        (40, 3, 8, set()),  # not on all mail
        (9, 0, 8, set()),  # too few
        (40, 0, 4, set()),  # of too few authors: they could have written it themselves
        (0, 40, 8, set()),
    ],
)
def test_what_is_learned_of_the_servers(stamped: int, bare: int, authors: int, expected: set[str]) -> None:
    known = learned(samples(stamped, bare, authors))
    assert known.hosts == {"own.example"}
    assert known.stampers == expected


RENTED = POSTFIX.replace("(mail.there.example [", "(vps7.own.example [")
FILTERED = POSTFIX.replace("(mail.there.example [", "(filter.own.example [").replace("by mx.", "by store.")


def test_a_neighbour_of_the_server_is_not_the_server() -> None:
    """Who rents a computer of the same provider has a name below its domain; their lines are claims."""
    lines = [("Received", RENTED), ("Received", POSTFIX), ("Authentication-Results", FORGED)]
    way = journey(lines, STAMPED)
    assert [hop.claim for hop in way.hops] == [True, False] and way.stamps == ()
    few = [("evil.example", lines)] * 12 + samples(20, 0)
    assert learned(few).relays == frozenset()


def test_a_relay_through_which_mail_comes_is_learned() -> None:
    lines = [("Received", FILTERED), ("Authentication-Results", STAMP), ("Received", POSTFIX)]
    known = learned([(f"d{number % 7}.example", lines) for number in range(30)])
    assert known.relays == {"filter.own.example"}
    assert [hop.claim for hop in journey(lines, known).hops] == [False, False]


def test_one_sender_cannot_teach_anything() -> None:
    """A flood from one domain, with forged results, beside the mail of others that bears none."""
    flood = [("evil.example", [("Received", POSTFIX), ("Authentication-Results", FORGED)])] * 60
    assert learned([*samples(0, 12), *flood]).stampers == frozenset()
    assert learned(flood).stampers == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.example; none", ("a.example", [])),
        ("a.example 1; spf=pass", ("a.example", [("spf", "pass")])),
        ('a.example; dkim=fail reason="bad; key" header.d=b.example', ("a.example", [("dkim", "fail")])),
        ("a.example; dkim=pass (good (very; good)) header.i=@b.example;", ("a.example", [("dkim", "pass")])),
        ("a.example; spf = pass smtp.mailfrom = x@b.example", ("a.example", [("spf", "pass")])),
        ("(c) a.example (c) ; (c) spf=pass (c)", ("a.example", [("spf", "pass")])),
    ],
)
def test_authentication_results(text: str, expected: tuple[str, list[tuple[str, str]]]) -> None:
    """RFC 8601 s.2.2 and appendix B."""
    said = stamp(text)
    assert said is not None
    assert (said.server, [(one.method, one.result) for one in said.results]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ";", "a.example", "a.example;", "spf=pass smtp.mailfrom=b.example; dkim=pass", "a.example 2; spf=pass",
        "a.example; spf", "a.example; spf=", "a.example; spf=pass stray", "a.example; (spf=pass",
        "a.example; none; spf=pass",
        "a b c; spf=pass", '"unclosed; spf=pass', "a.example; =pass", "<a@b>; spf=pass",
        "a.example; spf=pass; ; dkim=pass",
    ],
)  # fmt: skip
def test_what_does_not_follow_the_grammar_says_nothing(text: str) -> None:
    assert stamp(text) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mail.a.example", "a.example", True),
        ("a.co.uk", "b.co.uk", False),
        ("x.a.co.uk", "a.co.uk", True),
        ("a.example", "mail.a.example", True),
        ("x.a.example", "y.a.example", True),
        ("x.github.io", "y.github.io", False),  # two customers of one house
        ("x.github.io", "github.io", False),
        ("mail.x.github.io", "x.github.io", True),
        ("co.uk", "a.co.uk", False),
        ("www.city.kawasaki.jp", "city.kawasaki.jp", True),  # an exception of the list
        ("a.b.kawasaki.jp", "c.b.kawasaki.jp", False),  # and what it is an exception of
        ("m.\u98df\u72ee.\u516c\u53f8.cn", "xn--85x722f.xn--55qx5d.cn", True),
        ("a.xn--55qx5d.cn", "b.xn--55qx5d.cn", False),
        ("a.xn--a.example", "a.example", False),
        ("xa.example", "a.example", False),
        ("a.example", "b.example", False),
        ("example", "example", False),
        ("", "", False),
        ("A.Example.", "a.example", True),
    ],
)
def test_alignment(one: str, other: str, same: bool) -> None:
    assert akin(one, other) is same


def test_organizational_domains() -> None:
    assert organizational("a.b.example.com") == "example.com"
    assert organizational("192.0.2.1") == "192.0.2.1"


@given(st.lists(st.tuples(st.sampled_from(["Received", "Authentication-Results", "Date"]), st.text(max_size=200))))
def test_nothing_raises(headers: list[tuple[str, str]]) -> None:
    journey(headers, STAMPED)
    learned([("a.example", headers)])


@pytest.mark.parametrize(
    "piece", ["(", ")", "from ", "by x ", ";", "[", "a.b", ":", "1.2.3.", "=", '"', "\\", "0:", "(a"]
)
def test_nothing_takes_long(piece: str) -> None:
    text = piece * 8_000
    start = time.process_time()
    journey([("Received", text)] * 50 + [("Authentication-Results", "a; " + text)] * 10, STAMPED)
    stamp(text)
    assert time.process_time() - start < 2.0
