"""PDF files for the index: a real child reads real and broken ones."""

from collections.abc import Iterator

import pytest

from mua.engine.extractor import Extractor


def pdf(text: str) -> bytes:
    """A PDF of one page, with the text as a person's printer would have it."""
    shown = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(made)
    return made + b"xref\n0 7\n0000000000 65535 f \n" + table + end


@pytest.fixture
def extractor() -> Iterator[Extractor]:
    made = Extractor()
    yield made
    made.close()


def test_a_pdf_has_its_text(extractor: Extractor) -> None:
    assert extractor.text(pdf("The venue is booked")).strip() == "The venue is booked"
    assert extractor.text(pdf("for Thursday")).strip() == "for Thursday"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"%PDF-" + b"\xff" * 5000, pdf("cut")[:300], b"\n\n\n"])
def test_a_broken_one_has_none_and_spoils_nothing(extractor: Extractor, data: bytes) -> None:
    assert extractor.text(data).strip() in ("", "cut")
    assert extractor.text(pdf("after it")).strip() == "after it"


def test_a_child_that_dies_is_replaced(extractor: Extractor) -> None:
    assert extractor.text(pdf("one")).strip() == "one"
    assert extractor._child is not None
    extractor._child.kill()
    extractor._child.wait()
    assert extractor.text(pdf("two")) == ""
    extractor.begin()
    assert extractor.text(pdf("three")).strip() == "three"


def test_the_files_of_one_message_have_one_time_together() -> None:
    hurried = Extractor(seconds=2)
    long = pdf("a) Tj " + "(a) Tj " * 400_000 + "(a")
    try:
        assert [hurried.text(one).strip() for one in (pdf("one"), long, pdf("three"))] == ["one", "", ""]
        hurried.begin()
        assert hurried.text(pdf("another message")).strip() == "another message"
    finally:
        hurried.close()
