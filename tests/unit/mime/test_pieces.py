"""Messages as pieces: a file in blocks gives what the same octets give at once, and nothing half-read goes out."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.errors import MailError
from mua.mime import pieces
from mua.mime.build import build, freeze
from mua.mime.encode import base64_lines, crlf
from mua.mime.message import gist, parse, part_bytes
from mua.mime.pieces import BLOCK, Body, Content, Encoded, Meter, blocks, skim, whole_or_divided
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment

ME, YOU = Address("Me", "me@example.org"), Address("", "you@example.net")


def content(data: bytes, size: int | None = None) -> Content:
    return Content(lambda: io.BytesIO(data), len(data) if size is None else size)


class Dribble(io.BytesIO):
    """A file that gives fewer octets than it was asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 1001))


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 100])
def test_a_file_is_encoded_as_its_octets_are(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    assert b"".join(blocks([Encoded(content(data))])) == base64_lines(data)
    assert b"".join(blocks([Encoded(Content(lambda: Dribble(data), size))])) == base64_lines(data)


def test_a_draft_with_files_is_the_same_message_whether_they_are_read_or_not() -> None:
    draft = Draft(ME, to=(YOU,), subject="Two", text="Hello", html="<p>Hello</p>", bcc=(Address("", "b@example.net"),))
    one, two = b"\0\xff\r\n" * 100_000, b""
    names = DraftAttachment("/x/one.bin"), DraftAttachment("/x/two.bin")
    whole = build(draft, list(zip(names, (one, two), strict=True)), now=0, message_id="i@example.org")
    files = list(zip(names, (content(one), content(two)), strict=True))
    assert build(draft, files, now=0, message_id="i@example.org") == whole
    assert part_bytes(whole, "2")[1] == one
    frozen = freeze(pieces_of(draft, files), now=0, message_id_if_missing="x@example.org")
    assert frozen.copy == whole
    assert frozen.wire == freeze(whole, now=0, message_id_if_missing="x@example.org").wire
    assert frozen.recipients == ("you@example.net", "b@example.net")
    assert b"Bcc" not in frozen.wire


def pieces_of(draft: Draft, files: list[tuple[DraftAttachment, Content]]) -> pieces.Pieces:
    from mua.mime.build import pieces as made

    return made(draft, files, now=0, message_id="i@example.org")


def test_a_file_that_changes_while_it_is_read() -> None:
    assert b"".join(blocks([Encoded(content(b"grown and grown", 5))])) == base64_lines(b"grown")
    with pytest.raises(MailError, match="changed"):
        list(blocks([Encoded(content(b"short", 6))]))


@pytest.mark.parametrize("size", [5, 99])
def test_a_message_in_a_file_that_changes_is_refused(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"a: b\r\n\r\nHello\r\n"
    for mended in (pieces.MENDED, 0):
        monkeypatch.setattr(pieces, "MENDED", mended)
        assert b"".join(blocks(whole_or_divided(Content(lambda: io.BytesIO(raw), len(raw))))) == raw
        with pytest.raises(MailError, match="changed"):
            list(blocks(whole_or_divided(Content(lambda: io.BytesIO(raw), size))))


@given(st.lists(st.sampled_from([b"a", b"b" * 300, b"\r\n", b"\n", b"\r", b"."]), max_size=40), st.integers(1, 9))
def test_line_ends_are_the_same_in_blocks(words: list[bytes], block: int) -> None:
    raw = b"".join(words)
    wanted = crlf(raw)
    if wanted and not wanted.endswith(b"\r\n"):
        wanted += b"\r\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "BLOCK", block)
        try:
            found = b"".join(blocks([Body(content(b"head" + raw), 4)]))
        except MailError as error:
            assert error.code == "unsendable"  # noqa: PT017 -- allowed only where there is reason
            assert max(map(len, raw.split(b"\n"))) > 998
        else:
            assert found == wanted


@pytest.mark.parametrize("body", [b"x" * 999 + b"\n", b"x" * 5000, b"fine\n" * 9 + b"\0\n"])
def test_what_smtp_cannot_carry_is_refused(body: bytes) -> None:
    with pytest.raises(MailError, match="cut"):
        list(blocks([Body(content(body), 0)]))


def test_what_passes_is_measured() -> None:
    meter = Meter()
    assert list(meter.through([b"ab", b"c"])) == [b"ab", b"c"]
    assert (meter.size, meter.eight_bit) == (3, False)
    digest = meter.digest
    list(meter.through([b"\xe4"]))
    assert meter.eight_bit
    assert meter.digest != digest


def test_of_a_large_message_what_lists_want_to_know() -> None:
    files = [(DraftAttachment(f"/x/{name}.bin"), content(name.encode() * 2_000_000)) for name in ("one", "two", "six")]
    raw = build(Draft(ME, to=(YOU,), subject="Films", text="See here."), files, now=0, message_id="i@example.org")
    short = skim(io.BytesIO(raw))
    assert len(short) < 1_200_000 < len(raw)
    assert gist(short) == gist(raw)
    assert parse(short).envelope == parse(raw).envelope
    assert [one.name for one in parse(short).attachments] == ["one.bin", "two.bin", "six.bin"]


def test_skimming_is_bounded() -> None:
    assert len(skim(io.BytesIO(b"\n--" * 10_000_000))) < 6 << 20
    assert skim(io.BytesIO(b"")) == b""
