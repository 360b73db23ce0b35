"""A mailbox as RFC 5322 s.3.4 has it: a display name and an addr-spec."""

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """``name`` is decoded text, possibly empty; ``address`` is local@domain as written (domain may be a U-label)."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address
