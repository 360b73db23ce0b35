"""Where files live: short socket names, private folders."""

import os
from pathlib import Path

import pytest

from mua import paths
from mua.paths import Profile, mail_name


def test_a_profile_with_a_long_path_still_has_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    long = tmp_path / ("x" * 120)
    socket = Profile(long).socket
    assert socket.parent == tmp_path / f"mua-{os.getuid()}"
    assert socket != Profile(tmp_path / ("y" * 120)).socket
    assert socket == Profile(long).socket
    assert (socket.parent.stat().st_mode & 0o777) == 0o700


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / f"mua-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        paths.runtime_folder()


def test_a_link_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"mua-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        paths.runtime_folder()


def test_the_profile_is_private(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "new").create()
    assert [(one.stat().st_mode & 0o777) for one in (profile.root, profile.big, profile.drafts)] == [0o700] * 3


def test_by_a_link_the_same_engine_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("p", "x" * 120):
        (tmp_path / name).mkdir()
        (tmp_path / f"link-{name[0]}").symlink_to(tmp_path / name)
        assert Profile(tmp_path / f"link-{name[0]}").socket == Profile(tmp_path / name).socket


def test_a_profile_that_others_could_write_is_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = Profile(tmp_path / "p")
    assert not profile.trouble()
    profile.create()
    assert not profile.trouble()
    profile.root.chmod(0o1777)
    assert profile.trouble().startswith("Everybody may write into")
    profile.root.chmod(0o755)
    assert not profile.trouble()
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)
    assert "belongs to another user" in profile.trouble()


@pytest.mark.parametrize(
    "text, name",
    [("mail.example.org\n", "mail.example.org"), ("Example.ORG and more\n", "example.org"), ("bad name;\n", "bad")],
)
def test_the_mail_name_is_what_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str
) -> None:
    monkeypatch.setenv("MUA_ETC", str(tmp_path))
    (tmp_path / "mailname").write_text(text)
    assert mail_name() == name


@pytest.mark.parametrize("text", ["", "\n", "a;b\n", "ünser.example\n"])
def test_without_a_mail_name_it_is_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MUA_ETC", str(tmp_path))
    (tmp_path / "mailname").write_text(text, "utf-8")
    assert mail_name() == os.uname().nodename.lower()
