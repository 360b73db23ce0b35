"""Which folder is for what: the server's own marks (RFC 6154) first, then names in the languages that servers use.
And which flags go with a way from one to another.

Pure and deterministic: each role goes to one folder at most, the same one whatever the order of the list.
"""

import unicodedata
from collections.abc import Iterable

from mua.model.folder import Role
from mua.model.message import Flag
from mua.records import dataclass

_MARKS = {
    "\\drafts": Role.DRAFTS,
    "\\sent": Role.SENT,
    "\\archive": Role.ARCHIVE,
    "\\junk": Role.JUNK,
    "\\spam": Role.JUNK,  # XLIST
    "\\trash": Role.TRASH,
    "\\snoozed": Role.SNOOZED,  # RFC 9979
    "\\all": Role.ALL,
    "\\allmail": Role.ALL,  # XLIST
}

# English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Ukrainian, Swedish, Danish, Norwegian,
# Finnish, Czech, Hungarian, Turkish, Greek, Romanian, Japanese, Chinese, Korean
_NAMES: dict[Role, str] = {
    Role.DRAFTS: "drafts draft entwürfe entwurf brouillons brouillon borradores borrador bozze rascunhos concepten"
    " szkice kopie_robocze wersje_robocze черновики чернетки utkast kladder utkast luonnokset koncepty rozepsané"
    " piszkozatok taslaklar πρόχειρα ciorne 下書き 草稿 草稿箱 草稿匣 임시보관함 임시_보관함",
    Role.SENT: "sent sent_items sent_mail sent_messages gesendet gesendete_objekte gesendete_elemente envoyés envoyé"
    " éléments_envoyés messages_envoyés enviados elementos_enviados enviadas inviata inviati posta_inviata"
    " itens_enviados verzonden verzonden_items wysłane elementy_wysłane отправленные надіслані skickat"
    " skickade_objekt sendt sendt_post sendte_elementer lähetetyt odeslané odeslaná_pošta elküldött"
    " elküldött_elemek gönderilmiş_öğeler gönderilenler απεσταλμένα trimise 送信済み 送信済みアイテム 已发送"
    " 已发送邮件 寄件備份 보낸편지함 보낸_편지함",
    Role.ARCHIVE: "archive archives archiv archivo archivio arquivo arquivos archief archiwum архив архів arkiv arkisto"
    " archív arşiv αρχείο arhivă アーカイブ 归档 存档 封存 보관함",
    Role.JUNK: "junk junk_e-mail junk_email junk_mail spam bulk_mail spamverdacht unerwünscht courrier_indésirable"
    " indésirables pourriel correo_no_deseado no_deseado posta_indesiderata lixo_eletrônico ongewenste_e-mail"
    " niechciane wiadomości-śmieci спам нежелательная_почта skräppost søppelpost uønsket_post roskaposti nevyžádaná"
    " nevyžádaná_pošta levélszemét önemsiz önemsiz_e-posta ανεπιθύμητα 迷惑メール 垃圾邮件 垃圾郵件 스팸 스팸메일함"
    " 정크_메일",
    Role.TRASH: "trash bin deleted deleted_items deleted_messages papierkorb gelöscht gelöschte_objekte"
    " gelöschte_elemente corbeille éléments_supprimés papelera elementos_eliminados cestino posta_eliminata lixeira"
    " itens_excluídos prullenbak verwijderde_items kosz elementy_usunięte корзина удаленные удалённые кошик"
    " papperskorgen borttagna_objekt papirkurv slettet_post slettede_elementer roskakori poistetut koš"
    " odstraněná_pošta kuka törölt_elemek çöp_kutusu silinmiş_öğeler κάδος_απορριμμάτων διαγραμμένα coș_de_gunoi"
    " ゴミ箱 削除済みアイテム 已删除 已删除邮件 垃圾桶 휴지통 지운_편지함",
    Role.SNOOZED: "snoozed",
    Role.ALL: "all_mail alle_nachrichten tous_les_messages todos tutti_i_messaggi",
}


CHOOSABLE = (Role.DRAFTS, Role.SENT, Role.ARCHIVE, Role.JUNK, Role.TRASH)
"""What a person may choose a folder for."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder as LIST shows it; ``attributes`` in lower case."""

    name: str
    delimiter: str = "/"
    attributes: frozenset[str] = frozenset()
    selectable: bool = True


def assign_roles(folders: Iterable[Candidate], chosen: Iterable[tuple[str, str]] = ()) -> dict[str, Role]:
    """Folder name -> role; folders without one are left out.

    ``chosen``: (role, folder name) as a person wants it, which comes before all else where there is such a folder.
    """
    folders = list(folders)
    there = {one.name for one in folders if one.selectable and one.name.upper() != "INBOX"}
    found = {name: Role(role) for role, name in chosen if name in there and role in CHOOSABLE}
    taken = set(found.values())
    for _, name, role in sorted(claim for folder in folders for claim in _claims(folder)):
        if name not in found and role not in taken:
            found[name] = role
            taken.add(role)
    return found


def flags_of_way(source: Role, target: Role) -> tuple[Flag, Flag]:
    """(flags to set, flags to clear) when a person moves a message: servers learn from $Junk and $NotJunk."""
    if target is Role.JUNK and source is not Role.JUNK:
        return Flag.JUNK, Flag.NOT_JUNK
    if source is Role.JUNK and target not in (Role.JUNK, Role.TRASH):
        return Flag.NOT_JUNK, Flag.JUNK
    return Flag(0), Flag(0)


def _claims(folder: Candidate) -> list[tuple[tuple[int, int, int], str, Role]]:
    """(how good, name, role) for each role that the folder could have; the smallest is the best."""
    if not folder.selectable:
        return []
    if folder.name.upper() == "INBOX":
        return [((0, 0, 0), folder.name, Role.INBOX)]
    levels = folder.name.split(folder.delimiter) if folder.delimiter else [folder.name]
    depth = len([level for level in levels[:-1] if level.upper() != "INBOX"])
    marked = [_MARKS[mark] for mark in sorted(folder.attributes) if mark in _MARKS]
    if marked:
        return [((1, depth, 0), folder.name, marked[0])]
    named = _BY_NAME.get(_folded(levels[-1]))
    if named is None or depth > 1:
        return []
    role, rank = named
    return [((2, depth, rank), folder.name, role)]


def _folded(name: str) -> str:
    """A name to compare by: case folded, composed, spaces as underscores."""
    return "_".join(unicodedata.normalize("NFC", name).casefold().split())


_BY_NAME = {_folded(name): (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names.split())}
