"""What a mail wanted to reach: hosts, trackers, and the pictures that may be loaded on request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.html import sanitise
from mua.mime.page import document, with_images
from mua.mime.remote import MAX_HOSTS, MAX_IMAGES, Wishes, address, image_name
from mua.mime.trackers import tracker
from mua.model.message import Wanted


def test_hosts_trackers_and_pixels_are_told_apart() -> None:
    safe = sanitise(
        '<img src="https://pics.test/a.png" width="600"><img src="https://pics.test/b.png">'
        '<img src="http://count.test/x" width="1" height="1"><img src="https://us2.list-manage.com/track/open.php?u=1">'
        '<table background="//ground.test/g.jpg"><tr><td style="background:red url(\'https://cell.test/c\')">x</table>'
        "<style>@font-face{font-family:a;src:url(https://font.test/f)} @import 'https://sheet.test/s';</style>"
    )
    assert safe.wanted == (
        Wanted("count.test", 1, "", 1),
        Wanted("us2.list-manage.com", 1, "Mailchimp"),
        Wanted("cell.test"),
        Wanted("font.test"),
        Wanted("ground.test"),
        Wanted("pics.test", 2),
        Wanted("sheet.test"),
    )
    assert safe.remote == 8
    assert set(safe.images) == {
        "https://pics.test/a.png", "https://pics.test/b.png", "https://ground.test/g.jpg", "https://cell.test/c"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "dots"),
    [
        ('<img src="http://x.test/" width=1 height=1>', 1),
        ('<img src="http://x.test/" width="0" height="50">', 1),
        ('<img src="http://x.test/" style="width:1px;height:1px">', 1),
        ('<img src="http://x.test/" style="max-width: 1px; max-height:1px !important">', 1),
        ('<img src="http://x.test/" style="visibility: hidden">', 1),
        ('<img src="http://x.test/" width=1>', 0),  # a line of one dot, as tall as the page
        ('<img src="http://x.test/" width="100%" height=1>', 0),
        ('<img src="http://x.test/" style="line-height:0;border-width:0">', 0),
        ('<img src="http://x.test/" width=600 height=2>', 0),
    ],
)
def test_a_picture_nobody_can_see_is_there_to_be_counted(image: str, dots: int) -> None:
    safe = sanitise(image)
    assert sum(one.dots for one in safe.wanted) == dots
    assert bool(safe.images) is not bool(dots)  # it is not loaded with the others either


def test_the_page_names_pictures_only_when_they_were_allowed() -> None:
    safe = sanitise('<img src="https://a.test/x?y=1&z=2" alt="a"><p style="background:url(https://b.test/)">x</p>')
    shut, opened = document(safe), document(safe, images=True)
    name = image_name("https://a.test/x?y=1&z=2")
    assert f'src="mua-image:{name}"' not in shut
    assert "mua-image:" not in shut.partition("</head>")[0]  # and the policy lets nothing of it load
    assert f'src="mua-image:{name}"' in opened
    assert "img-src cid: data: mua-image:" in opened
    assert "data-remote" not in opened.partition("</head>")[2]
    assert f"url(mua-image:{image_name('https://b.test/')})" in opened


def test_a_mail_cannot_name_pictures_itself() -> None:
    name = image_name("https://other.test/")
    mail = f'<img src="mua-image:{name}"><p style="background:url(mua-image:{name})">x<a href="mua-fold:">x</a>'
    assert "mua-" not in document(sanitise(mail), images=True).partition("</head>")[2]
    assert "\ue000" not in sanitise("<p style='background:url(http://a.test) \ue000mua-picture\ue000'>x").html


def test_all_of_it_is_bounded() -> None:
    html = "".join(f'<img src="https://h{number}.test/{number}">' for number in range(2_000))
    safe = sanitise(html)
    assert safe.remote == 2_000
    assert len(safe.images) == MAX_IMAGES
    assert len(safe.wanted) == MAX_HOSTS


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("//a.test/x", "https://a.test/x"),
        (" ht\ntps://a.test/ x", "https://a.test/x"),
        ("\\\\a.test\\x", "https://a.test/x"),
        ("ftp://a.test/", ""),
        ("file:///etc/passwd", ""),
        ("https:///x", ""),
        ("https://a.test:99999/", ""),
        ("https://[::1/", ""),
        ("cid:1", ""),
    ],
)
def test_addresses(url: str, told: str) -> None:
    assert address(url) == told


def test_who_watches() -> None:
    assert tracker("t.emltrk.com", "/x") == "Litmus"
    assert tracker("emltrk.com.evil.test", "/") == ""
    assert tracker("u1.ct.example", "/wf/open") == "SendGrid"
    assert tracker("email.example", "/mo/abc") == ""
    assert tracker("email.example", "/mo/abc", tiny=True) == "Mailgun"


@given(st.text(max_size=100))
def test_any_reference_is_taken(url: str) -> None:
    wishes = Wishes()
    wishes.image(url)
    wishes.image("http://" + url, tiny=True)
    wishes.other("https://" + url)
    assert wishes.count == 3
    with_images(f'<img data-remote="{url}">')
