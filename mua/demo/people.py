"""Who lives in the demo: the person whose mailbox it is, and those who write to them."""

from mua.model.address import Address
from mua.records import dataclass

DOMAIN = "example"  # RFC 2606: nothing under it exists, so nothing here can be anybody's address
OWNER = Address("Robin Vale", "robin@demo.mua.example")


@dataclass(frozen=True, slots=True)
class Person:
    """A correspondent; ``language`` is the one in which they write (ISO 639-1)."""

    key: str
    name: str
    address: str
    language: str = "en"

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"

    @property
    def given_name(self) -> str:
        """The name they sign with."""
        return self.name.split()[0]


_ALL = (
    Person("me", OWNER.name, OWNER.address),
    Person("amara", "Amara Okoye", "amara.okoye@larkspur.example"),
    Person("tomasz", "Tomasz Wolny", "tomasz.wolny@larkspur.example"),
    Person("lena", "Lena Falk", "lena.falk@larkspur.example"),
    Person("nadia", "Nadia Sokolova", "nadia.sokolova@larkspur.example", "ru"),
    Person("hana", "藤本 花", "hana@fujimoto.example", "ja"),
    Person("ines", "Inês Carvalho", "ines@carvalho.example", "pt"),
    Person("jonas", "Jonas Brandt", "jonas@brandt-druck.example", "de"),
    Person("camille", "Camille Roussel", "camille@atelier-roussel.example", "fr"),
    Person("samir", "سمير حداد", "samir@haddad.example", "ar"),
    Person("anjali", "अंजलि शर्मा", "anjali@sharma.example", "hi"),
    Person("ruth", "Ruth Vale", "ruth@vale.example"),
    Person("oliver", "Oliver Vale", "oliver@vale.example"),
    Person("theo", "Theo Marsh", "theo@marsh.example"),
    Person("mirela", "Mirela Stan", "mirela.stan@riverside-hall.example"),
    Person("grace", "Grace Adeyemi", "grace@adeyemi-law.example"),
    Person("walkers", "Sunday Walkers", "walkers@lists.footpath.example"),
    Person("dev", "Contour developers", "contour-dev@lists.contour.example"),
    Person("piet", "Piet de Vries", "piet@devries.example"),
    Person("piet-old", "Piet de Vries", "piet.old@devries.example"),
    Person("yuki", "Yuki Arai", "yuki.arai@contour.example"),
    Person("bot", "Build Bot", "bot@builds.contour.example"),
)
BY_KEY = {person.key: person for person in _ALL}
BY_ADDRESS = {person.address: person for person in _ALL}


def known(address: str, name: str = "") -> Person:
    """The person at this address; somebody new, named as the sender named them or after the address, when unknown."""
    found = BY_ADDRESS.get(address.lower())
    if found:
        return found
    local = address.partition("@")[0].replace(".", " ").replace("_", " ").replace("-", " ")
    return Person("", name or local.title() or "A friend", address)
