"""Proxies as people write them, and the names that may be handed to one."""

import pytest

from mua.plan.proxy import Proxy, Scheme, is_elsewhere, proxy_of


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("", None),
        (" ", None),
        ("socks5://127.0.0.1:9050", Proxy(Scheme.SOCKS5, "127.0.0.1", 9050)),
        ("SOCKS5h://localhost:9050/", Proxy(Scheme.SOCKS5, "localhost", 9050)),
        ("http://[::1]:3128", Proxy(Scheme.HTTP, "::1", 3128)),
    ],
)
def test_a_proxy_is_read(text: str, proxy: Proxy | None) -> None:
    assert proxy_of(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:9050", "socks4://a.example:1", "http://a.example", "http://a.example:0", "http://a.example:99999",
        "http://a.example:x", "http://:80", "socks5://me:secret@a.example:1080", "http://a.example:80/x", "http://[::1",
    ],
)  # fmt: skip
def test_what_is_none_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^A proxy .*\.$"):
        proxy_of(text)


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("a.example", True), ("a.example.", True), ("a.local", False), ("A.LOCALHOST", False), ("intranet", False),
        ("localhost.localdomain", False),
        ("127.0.0.1", False), ("127.1", False), ("0x7f.1", False), ("1.1.1.1", False), ("::1", False), ("", False),
    ],
)  # fmt: skip
def test_names_for_a_proxy(host: str, elsewhere: bool) -> None:
    assert is_elsewhere(host) is elsewhere
