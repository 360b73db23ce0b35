"""The table of large providers, of ``resources``."""

from functools import cache

from mua.paths import resources
from mua.plan import discover


@cache
def providers() -> tuple[discover.Provider, ...]:
    """Its rows."""
    return discover.parse_providers((resources() / "providers.toml").read_text(encoding="utf-8"))
