"""What is known of one open connection to a mail server: for whoever looks after the health of an account."""

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """One connection at one moment.

    ``mechanism`` is how we logged in ("SCRAM-SHA-256", "LOGIN"), ``tls`` the protocol's version or empty in clear,
    ``enabled`` what ENABLE switched on, ``server`` what the server says about itself (ID), ``quirks`` what of it turned
    out not to work and is therefore done in another way, ``octets_in`` and ``octets_out`` what was said, before
    compression.
    """

    mechanism: str = ""
    tls: str = ""
    capabilities: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    server: tuple[tuple[str, str], ...] = ()
    quirks: tuple[str, ...] = ()
    compressed: bool = False
    octets_in: int = 0
    octets_out: int = 0
