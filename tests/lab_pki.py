"""Certificates of the mail laboratory: leaves for its host names that are good, expired, misnamed or untrusted.

Everything is made fresh for each run (elliptic curves: milliseconds), so that no test ever ages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import certs
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True)
class Leaf:
    """One server certificate: two PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """``ca`` is the file to trust; ``untrusted`` is signed by another authority, the rest by this one.

    ``client(name)`` makes a person's certificate, signed by this one too.
    """

    ca: Path
    good: Leaf
    expired: Leaf
    wrong_name: Leaf
    untrusted: Leaf
    client: Callable[[str], Leaf]


class Issuer(certs.Authority):
    """An authority that signs for any names and any days."""

    def issue(self, stem: str, names: tuple[str, ...], days: tuple[int, int] = (-1, 365)) -> Leaf:
        """A certificate for ``names`` that is valid from now + days[0] to now + days[1]."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(certs._named(names[0]), key, self._name, self._key, days, names)
        return Leaf(*self._save(stem, cert, key))


def make_pki(folder: Path, names: tuple[str, ...]) -> Pki:
    """Write all certificates for servers called ``names`` into ``folder``."""
    others = folder / "somebody-else"
    others.mkdir(parents=True)
    ours, theirs = Issuer(folder, "Laboratory Root"), Issuer(others, "Somebody Else's Root")
    return Pki(
        ca=ours.ca_file,
        good=ours.issue("good", names),
        expired=ours.issue("expired", names, (-60, -1)),
        wrong_name=ours.issue("wrong-name", ("other.invalid",)),
        untrusted=theirs.issue("untrusted", names),
        client=lambda name: ours.issue(f"client-{name}", (name,)),
    )
