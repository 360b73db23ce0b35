"""How a chip says how the way to its domain is protected: an icon, and a sentence."""

from collections.abc import Mapping

from mua.model.outlook import Seal

SEALS: Mapping[Seal, tuple[str, str]] = {
    Seal.NONE: ("lock-open", "Not encrypted: the servers of {} offered nothing."),
    Seal.TLS: ("lock", "Encrypted; who the servers of {} are is not proven."),
    Seal.STS: ("shield-check", "Encrypted, and {} says which its servers are (MTA-STS)."),
    Seal.DANE: ("shield-check", "Encrypted, and the keys of {} prove which its servers are (DANE)."),
}
