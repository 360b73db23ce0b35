"""Bytes -> text by label, alias, strict UTF-8, detection and at last windows-1252.  Never raises.

Rules of the file
- The label is what the sender claims; supersets are used for the labels that are used for more than they name
  (WHATWG Encoding: us-ascii and iso-8859-1 are windows-1252, gb2312 is gb18030, shift_jis is cp932 ...).
- us-ascii and iso-8859-1 hold valid UTF-8 more often than anything else when they hold 8-bit bytes: try that first.
- Codecs that are not text (zip, base64, idna, punycode, unicode_escape) are never reached from a label.
- utf-7 only when declared, never detected.
"""

import codecs
import re
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from mua.mime.charset_tables import NAMES

_GUESS_BYTES: Final = 4 * 1024  # what the detector looks at, from a little before the first 8-bit byte
_EIGHT_BIT = re.compile(rb"[\x80-\xff]")

_ALIASES: Final[dict[str, str]] = {
    alias: codec
    for codec, aliases in {
        "gb18030": "x-gbk gbk gb2312 gb_2312-80 gb_2312 cn-gb x-euc-cn euc-cn gb2312_charset hz-gb-18030 chinese cp936",
        "iso8859-8": "iso-8859-8-i iso-8859-8-e logical visual",
        "iso8859-6": "iso-8859-6-i iso-8859-6-e",
        "cp932": "x-sjis shift_jis shift-jis sjis ms_kanji x-ms-cp932 windows-31j cp943 cp943c ibm943c ibm-943",
        "iso2022_jp_ext": "iso-2022-jp iso-2022-jp-ms cp50220 cp50221 cp50222 iso-2022-jp-1 iso-ir-87 _iso-2022-jp$esc",
        "euc_jp": "x-euc-jp euc-jp eucjp",
        "cp949": "ks_c_5601-1987 ks_c_5601 euc-kr korean windows-949 x-windows-949 ksc5601 ks_c_5601-1989 ksc_5601 "
        "ksc5601-1992",
        "utf-7": "x-unicode-2-0-utf-7 unicode-1-1-utf-7",
        "utf-8": "x-unicode-2-0-utf-8 unicode-1-1-utf-8 utf8mb4 utf-8-mac x-utf-8 unicode-2-0-utf-8",
        "big5hkscs": "big5 x-big5 cn-big5 x-x-big5 big-5 chinesebig5 big5-hkscs big5-hkscs:2004",
        "cp950": "windows-950 x-windows-950",
        "cp1252": "us-ascii ascii ansi_x3.4-1968 iso-8859-1 latin1 latin-1 iso8859-1 iso_8859-1 iso-8859-1-windows-3.1-"
        "latin-1 ansi x-ansi x-cp1252 cp819 ibm819 l1 646 us usascii iso646-us windows-1252",
        "latin-1": "ansi_x3.110-1983",
        "cp1254": "iso-8859-9 latin5 iso8859-9 iso_8859-9",
        "cp874": "iso-8859-11 tis-620 windows-874 x-windows-874 tis620",
        "mac-roman": "x-mac-roman macintosh mac",
        "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
        "mac-latin2": "x-mac-ce x-mac-centraleurroman",
        "mac-turkish": "x-mac-turkish",
        "mac-greek": "x-mac-greek",
        "cp1251": "x-cp1251 win-1251 windows1251",
        "koi8-r": "koi8 x-koi8-r koi koi8r",
        "koi8-u": "koi8-ru",
        "tcvn": "x-viet-tcvn5712 tcvn5712-1 tcvn5712 vn1",
        "viscii": "csviscii viscii1.1-1",
        "mac-iceland": "x-mac-icelandic",
        "utf-16-be": "unicode iso-10646-ucs-2 ucs-2 csunicode",
    }.items()
    for alias in aliases.split()
}
_FORBIDDEN: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "raw_unicode_escape", "undefined"}
    | {"mbcs", "oem"}
)
_LIKELY_UTF8: Final = frozenset({"cp1252", "latin-1", "iso8859-1"})
_SINGLE_BYTE_RIVALS: Final = frozenset({"cp1251", "koi8-r", "iso8859-5", "mac-cyrillic", "cp1253", "iso8859-7"})
_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*+")
_JAPANESE_RIVALS: Final = ("utf-8", "cp932", "euc_jp")
_CP1252: Final = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))


def decode_text(data: bytes, label: str | None) -> str:
    """``data`` as text in the charset ``label`` (None or unknown: detected).  Never raises, loses no character."""
    if not data:
        return ""
    codec = find_codec(label) if label else None
    if data.isascii() and (codec is None or _ascii_safe(codec)):
        return data.decode("ascii")
    if codec is None or codec in _LIKELY_UTF8:
        return _utf8_or(data, codec)
    if codec == "iso2022_jp_ext":
        return _decode_2022(data)
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError, OverflowError):
        return _mislabelled(data, codec)


@lru_cache(maxsize=512)
def find_codec(label: str) -> str | None:
    """The Python codec for a charset label as mail writes it, or None when there is none that is text."""
    name = label[:64].strip().strip("\"'").lower().split("*")[0]
    name = _ALIASES.get(name, name)
    if name in NAMES:
        return name
    for candidate in (name, *_spellings(name)):
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError, UnicodeError):
            continue
        if getattr(info, "_is_text_encoding", True) and info.name not in _FORBIDDEN:
            return _ALIASES.get(info.name, info.name)
    return None


def _spellings(name: str) -> tuple[str, ...]:
    bare = re.sub(r"^(x-|cs)", "", name)
    return (
        bare,
        re.sub(r"^(?:cp|ibm|windows|win|dos|x-cp)[-_ ]?(\d+)$", r"cp\1", name),
        re.sub(r"^iso[-_ ]?8859[-_ ]?(\d+).*$", r"iso8859-\1", bare),
        re.sub(r"^utf[-_ ]?8.*$", "utf-8", bare),
    )


def _utf8_or(data: bytes, codec: str | None) -> str:
    """Strict UTF-8, else what was claimed, else what a detector says, else windows-1252 with every byte a letter."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if codec is None:
        guess = _guess(data)
        if guess:
            try:
                return data.decode(guess)
            except (UnicodeError, ValueError):
                pass
    return _western(data)


def _western(data: bytes) -> str:
    """windows-1252, in which the five bytes without a letter stand for themselves."""
    return codecs.charmap_decode(data, "strict", _CP1252)[0]


def _mislabelled(data: bytes, codec: str) -> str:
    """The label was wrong, or a few bytes are: UTF-8 if it is that, else as labelled with replacement characters."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode(codec, "replace")
    except (UnicodeError, ValueError, OverflowError):
        return _western(data)


def _decode_2022(data: bytes) -> str:
    """ISO-2022-JP, or another Japanese encoding under that label (8-bit bytes tell)."""
    if not data.isascii():
        for rival in _JAPANESE_RIVALS:
            try:
                return data.decode(rival)
            except UnicodeDecodeError:
                continue
    for codec in ("iso2022_jp_ext", "iso2022_jp_2"):
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError):
            continue
    return data.decode("iso2022_jp_ext", "replace")


def _guess(data: bytes) -> str | None:
    """The detector's answer as a codec; utf-7 and utf-16 guesses are not believed."""
    import cchardet  # a megabyte, and most mail says what it is

    telling = _EIGHT_BIT.search(data)
    start = max(0, telling.start() - 256) if telling else 0
    try:
        label = cchardet.detect(data[start : start + _GUESS_BYTES])["encoding"]
    except Exception:  # noqa: BLE001 - a C extension fed with hostile bytes: whatever it raises, we fall back
        return None
    codec = find_codec(label) if label else None
    if codec in _SINGLE_BYTE_RIVALS and _looks_chinese(data[start : start + _GUESS_BYTES], codec):
        return "gb18030"
    return None if codec is None or codec.startswith(("utf-7", "utf-16", "utf-32")) else codec


def _looks_chinese(data: bytes, codec: str) -> bool:
    """Whatever was guessed, is it rather pairs of octets?  In no alphabet do capitals stand inside every other word."""
    if _PAIRS.fullmatch(data[: len(data) // 2 * 2]) is None and _PAIRS.fullmatch(data) is None:
        return False
    text = data.decode(codec, "replace")
    odd = sum(before.islower() and after.isupper() for before, after in pairwise(text))
    return odd * 10 > sum(not one.isascii() for one in text)


_TRANSPARENT: Final = frozenset(
    {*_ALIASES.values(), *(f"iso8859-{n}" for n in range(1, 17)), *(f"cp{n}" for n in range(1250, 1259))}
    | {"utf-8", "koi8-r", "koi8-u", "cp437", "cp850", "cp866", "mac-roman"}
) - {"utf-7", "iso2022_jp_ext"}  # as far as their tables say so, too


@cache
def _ascii_safe(codec: str) -> bool:
    """Whether each ASCII character is itself in this codec; asked when it is used, for some have large tables."""
    sample = bytes(range(1, 128))
    try:
        return codec in _TRANSPARENT and sample.decode(codec) == sample.decode("ascii")
    except (LookupError, UnicodeError):
        return False
