"""One mail transaction: MAIL, RCPT, DATA, the body, the dot (RFC 5321 s.3.3), on an open session.

Rule of the file: after every way of going wrong the caller knows each recipient's reply and how far the transaction
came.  ``Transaction`` is filled in as replies arrive and is returned also when the connection is lost.

Theory of operation: up to the final dot nothing has been handed over (RFC 5321 s.4.1.1.10 makes the server forget an
unfinished message), so a loss there may be tried again.  From the dot until the reply the server may or may not have
taken the message.  ``before_dot`` is called just before that window opens, to put the fact on disk: what it raises
stops the message, and the dot is not written.

A message of more than one block goes by BDAT where CHUNKING is offered (RFC 3030): after each chunk the server says
whether it still wants the message, and an empty last chunk is the dot.  A small one goes by DATA, which takes a round
trip less.

With PIPELINING the next message's envelope may travel with the dot (RFC 2920 s.3.1), so that a message costs one round
trip (``follow``).  It is begun only: whatever happens before its own dot hands nothing over.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from mua.mime.pieces import new_digest
from mua.model.outgoing import Phase
from mua.net.smtp_body import BLOCK, Body, DotStuffer
from mua.net.smtp_wire import Lost, Reply, Timeouts, Transcript, Wire

CHUNK = 1 << 20  # octets of a chunk, at least
OUT_OF_STEP = "replies are out of step"
CHUNKS = 64  # of one message, at most: each is two lines of the dialogue
WINDOW = 100  # commands in flight: enough to hide a round trip, few enough never to fill both directions

BeforeDot = Callable[[tuple[str, ...]], Awaitable[None]]
Progress = Callable[[int], None]


@dataclass(slots=True)
class Transaction:
    """What is known of one transaction.  ``final`` is the reply to DATA or to the dot; ``lost`` how it broke off.

    ``finals``: by LMTP, each admitted recipient's own reply to the dot (RFC 2033 s.4.2).  ``in_step``: 354 came where
    DATA was answered, so each reply before it was for its own command.
    """

    recipients: tuple[str, ...]
    phase: Phase = Phase.MAIL
    mail: Reply | None = None
    rcpt: list[Reply | None] = field(default_factory=list)
    final: Reply | None = None
    lost: Lost | None = None
    finals: dict[str, Reply] = field(default_factory=dict)
    in_step: bool = False

    def __post_init__(self) -> None:
        self.rcpt = [None] * len(self.recipients)

    @property
    def admitted(self) -> tuple[str, ...]:
        """The recipients that the server agreed to; not yet delivered to."""
        return tuple(a for a, reply in zip(self.recipients, self.rcpt, strict=True) if reply and reply.positive)

    @property
    def doubtful(self) -> bool:
        """The replies to recipients may have been for others among them."""
        return bool(self.lost and self.lost.out_of_step) and not self.in_step

    @property
    def took_it(self) -> bool:
        """The server has the message, for somebody."""
        return any(one.positive for one in (self.final, *self.finals.values()) if one is not None)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of MAIL and RCPT, each already in its wire form; ``rcpt`` is parallel to the recipients."""

    mail: tuple[str, ...] = ()
    rcpt: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is said before a message."""

    sender: str
    recipients: tuple[str, ...]
    parameters: Parameters

    @property
    def commands(self) -> list[str]:
        """MAIL and each RCPT."""
        extra = self.parameters.rcpt or ((),) * len(self.recipients)
        mail = " ".join([f"MAIL FROM:<{self.sender}>", *self.parameters.mail])
        pairs = zip(self.recipients, extra, strict=True)
        return [mail, *(" ".join([f"RCPT TO:<{address}>", *more]) for address, more in pairs)]


Follow = Callable[[], Envelope | None]


class Session:
    """An open, greeted and (where asked for) authenticated connection that sends one message after another."""

    def __init__(
        self, wire: Wire, extensions: dict[str, str], *, host: str = "", tls: str = "", timeouts: Timeouts | None = None
    ) -> None:
        self.wire = wire
        self.extensions = extensions
        self.host = host
        self.tls = tls
        self.verified = False  # it is encrypted, and the certificate is the server's own
        self.mechanism = ""  # how we logged in
        self.lmtp = False  # each recipient gets a reply to the dot
        self.timeouts = timeouts or Timeouts()
        self._dirty = False  # a transaction was begun and not ended: RSET before the next
        self._ahead: _Ahead | None = None
        self._page: Transcript | None = None  # of the message in hand

    @property
    def usable(self) -> bool:
        """Another message may be sent."""
        return self.wire.broken is None

    @property
    def transcript(self) -> Transcript:
        """The dialogue so far, of the last message if there was any."""
        return self._page or self.wire.transcript

    def has(self, extension: str) -> bool:
        """The server offers ``extension`` (upper case, as in the EHLO reply)."""
        return extension in self.extensions

    async def send(
        self,
        envelope: Envelope,
        body: Body,
        *,
        before_dot: BeforeDot,
        progress: Progress | None = None,
        follow: Follow | None = None,
    ) -> Transaction:
        """Run one transaction.  Returns also when the connection is lost; raises only what ``before_dot`` raises,
        OSError when the body cannot be read, and cancellation.  The dot is never written after any of these.

        ``follow`` gives the next message's envelope, or None, at the dot.  Whoever has given one either sends that
        message next, with a body of one block at most, or leaves: anything else ends the connection.
        """
        chunked = self.has("CHUNKING") and body.facts.size > BLOCK and not self.lmtp
        transaction, flow = self._begun(envelope, chunked)
        self._page = self.wire.transcript
        follow = None if self.lmtp or chunked or not self.has("PIPELINING") else follow
        try:
            if await self._envelope(transaction, flow):
                if chunked:
                    await self._chunks(transaction, body, before_dot, progress or _ignore)
                else:
                    await self._data(transaction, body, before_dot, progress or _ignore, follow)
        except Lost as lost:
            self.wire.abort()
            transaction.lost = lost
        except BaseException:
            self.wire.abort()
            raise
        return transaction

    async def quit(self) -> None:
        """Say goodbye, briefly; never raises.  In the midst of an envelope there is no word for it."""
        if self._ahead is not None:
            self.wire.abort()
        try:
            await self.wire.answer(self.wire.command("QUIT")[0], Phase.DONE, self.timeouts.quit)
        except Lost:
            pass
        finally:
            self.wire.abort()

    async def answer(self, transaction: Transaction, waiter: asyncio.Future[Reply]) -> Reply:
        """The reply that ``waiter`` waits for, within the time of the transaction's phase.  Raises Lost."""
        return await self.wire.answer(waiter, transaction.phase, self.timeouts.of(transaction.phase))

    # MAIL and RCPT

    def _begun(self, envelope: Envelope, chunked: bool) -> "tuple[Transaction, _Flow]":
        """The transaction that is under way already, if it is this one, or a new one."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.envelope == envelope and not chunked:
            return ahead.transaction, ahead.flow
        if ahead is not None:
            self.wire.abort()
        self.wire.transcript = self.wire.transcript.page()
        transaction = Transaction(envelope.recipients)
        return transaction, _Flow(self, transaction, envelope.commands, chunked)

    def _go_ahead(self, envelope: Envelope, rest: bytes) -> None:
        """Begin the next transaction behind ``rest``, the end of this message."""
        self.wire.transcript = self.wire.transcript.page()
        transaction = Transaction(envelope.recipients)
        flow = _Flow(self, transaction, envelope.commands, chunked=False, ahead=True)
        self._ahead = _Ahead(envelope, transaction, flow)
        flow.write(before=rest)

    async def _envelope(self, transaction: Transaction, flow: "_Flow") -> bool:
        """Everything up to the message.  False: the transaction ended before."""
        if self._dirty:
            await self._reset(transaction)
        self._dirty = True
        transaction.mail = await flow.next()
        _check_step(transaction, transaction.mail, "MAIL")
        if transaction.mail.positive:
            await self._recipients(transaction, flow)
        else:
            await flow.drain_envelope()
        return await self._start_data(transaction, flow)

    async def _reset(self, transaction: Transaction) -> None:
        reply = await self.answer(transaction, self.wire.command("RSET")[0])
        if not reply.positive:
            raise Lost(transaction.phase, f"the server refused RSET: {reply}")

    async def _recipients(self, transaction: Transaction, flow: "_Flow") -> None:
        transaction.phase = Phase.RCPT
        for index in range(len(transaction.recipients)):
            try:
                reply = await flow.next()
            except Lost as lost:
                transaction.rcpt[index] = lost.reply  # a 421 is still an answer to this recipient
                raise
            _check_step(transaction, reply, "RCPT")
            transaction.rcpt[index] = reply

    async def _start_data(self, transaction: Transaction, flow: "_Flow") -> bool:
        """DATA, when anyone was admitted.  With PIPELINING it is already under way, also when no one was.

        BDAT asks for no permission.
        """
        wanted = bool(transaction.admitted)
        transaction.phase = Phase.DATA if wanted else transaction.phase
        if flow.chunked or not (wanted or flow.data_sent):
            return wanted
        reply = await flow.data()
        if reply.code == 354:
            transaction.in_step = True
            if not wanted:
                await self._empty_message(transaction)
            return wanted
        self._doubt(transaction, flow, reply)
        if wanted and reply.positive:
            raise Lost(transaction.phase, f"{reply} in answer to DATA: {OUT_OF_STEP}", out_of_step=True)
        if transaction.mail and transaction.mail.positive and reply.code >= 500 and len(transaction.recipients) > 1:
            await self._make_sure(transaction, reply)
        transaction.final = reply if wanted else None
        return False

    def _doubt(self, transaction: Transaction, flow: "_Flow", reply: Reply) -> None:
        """A refusal of what went ahead is believed where 354 ends it: so many replies came as commands went.

        A server that answered the dot before it twice has its replies one command late, and a refusal would be another
        recipient's.  The message is begun anew, alone.  Raises Lost.
        """
        mail = transaction.mail
        if not flow.ahead or mail is None or 400 <= mail.code < 500:  # put off: whoever was meant, it goes later
            return
        if mail.positive and len(transaction.recipients) == 1:  # the refusal is the same, whichever command it answers
            return
        transaction.mail, transaction.rcpt = None, [None] * len(transaction.recipients)
        raise Lost(Phase.MAIL, f"{reply} in answer to DATA behind another message: replies may be out of step")

    async def _make_sure(self, transaction: Transaction, reply: Reply) -> None:
        """DATA was refused: nothing but RSET, which has to end the transaction anyway, tells whether this was the reply
        to the last recipient, and DATA's own is still to come.  Raises Lost where it was.
        """
        try:
            reset = await self.answer(transaction, self.wire.command("RSET")[0])
        except Lost as lost:
            if lost.out_of_step:
                raise
            return  # it hung up after its refusal
        if not reset.positive:
            raise Lost(transaction.phase, f"{reply} in answer to DATA: {OUT_OF_STEP}", out_of_step=True)
        self._dirty = False

    async def _empty_message(self, transaction: Transaction) -> None:
        """354 though nobody was admitted: RFC 2920 s.3.1 wants an empty message, which the server then refuses."""
        end = self.wire.expect()
        self.wire.transcript.client(".")
        if self.wire.broken is None:
            self.wire.transport.write(b".\r\n")
        await self.answer(transaction, end)

    # The body and the dot

    async def _data(
        self, transaction: Transaction, body: Body, before_dot: BeforeDot, progress: Progress, follow: Follow | None
    ) -> None:
        reply, stuffer = self.wire.expect(), DotStuffer()
        held, sent = b"", 0  # the last block travels with the dot: a small message is one packet, and one phase
        for block in _whole(body):
            if held:
                await self._push(transaction, held, reply)
            await self._stop_early(transaction, reply)
            held = stuffer.feed(block)
            sent += len(block)
            progress(sent)
        self.wire.transcript.note(f"{sent} octets of message")
        await self._announce(transaction, before_dot, reply)
        await self._dot(transaction, held + stuffer.end(), reply, follow=follow)

    async def _chunks(self, transaction: Transaction, body: Body, before_dot: BeforeDot, progress: Progress) -> None:
        """The same by BDAT.  A refused chunk ends the message; the RSET that must follow begins the next one."""
        size, sent, room = body.facts.size, 0, 0
        reply: asyncio.Future[Reply] | None = None  # to the chunk that is open, of which ``room`` octets are to come
        for block in _whole(body):
            while block:
                if reply is None:
                    room = min(max(CHUNK, -(-size // CHUNKS)), size - sent)
                    reply = self.wire.command(f"BDAT {room}")[0]
                part, block = block[:room], block[room:]
                await self._push(transaction, part, reply)
                room, sent = room - len(part), sent + len(part)
                progress(sent)
                if room:
                    await self._stop_early(transaction, reply)
                elif await self._refused(transaction, reply):
                    return
                else:
                    reply = None
        self.wire.transcript.note(f"{sent} octets of message")
        last = self.wire.expect()
        await self._announce(transaction, before_dot, last)
        await self._dot(transaction, b"BDAT 0 LAST\r\n", last, shown="BDAT 0 LAST")

    async def _refused(self, transaction: Transaction, reply: asyncio.Future[Reply]) -> bool:
        """Whether the server wants no more after this chunk."""
        said = await self.answer(transaction, reply)
        if said.code < 400 and not said.positive:
            raise Lost(transaction.phase, f"{said} in answer to BDAT: {OUT_OF_STEP}")
        transaction.final = None if said.positive else said
        return not said.positive

    async def _push(self, transaction: Transaction, block: bytes, reply: asyncio.Future[Reply]) -> None:
        if not await self.wire.write(block, reply, self.timeouts.block):
            raise Lost(transaction.phase, f"the server took nothing for {self.timeouts.block:g} s")

    async def _announce(self, transaction: Transaction, before_dot: BeforeDot, reply: asyncio.Future[Reply]) -> None:
        """The dot is coming: that is on disk, and the server has said nothing meanwhile."""
        await before_dot(transaction.admitted)
        if not self.wire.is_read():
            for _ in range(2):  # one turn polls the socket, the next reads what came during the commit
                await asyncio.sleep(0)
        await self._stop_early(transaction, reply)

    async def _stop_early(self, transaction: Transaction, reply: asyncio.Future[Reply]) -> None:
        """An answer before the dot is a refusal, or nonsense; in both cases the message is not finished."""
        if reply.done():
            early = await self.answer(transaction, reply)
            raise Lost(transaction.phase, f"early reply {early}", None if early.positive else early)

    async def _dot(
        self, transaction: Transaction, rest: bytes, reply: asyncio.Future[Reply], *, shown: str = ".",
        follow: Follow | None = None,
    ) -> None:  # fmt: skip
        transaction.phase = Phase.DOT
        each = transaction.admitted if self.lmtp else transaction.admitted[:1]
        replies = [reply, *(self.wire.expect() for _ in each[1:])]
        self.wire.transcript.client(shown)
        envelope = follow() if follow is not None else None
        if envelope is None or len(envelope.recipients) > WINDOW - 2:
            self.wire.transport.write(rest)
        else:
            self._go_ahead(envelope, rest)
        for address, one in zip(each, replies, strict=True):
            final = await self.answer(transaction, one)
            if final.code < 400 and not final.positive:
                raise Lost(Phase.DOT, f"{final} in answer to the dot: {OUT_OF_STEP}")
            if self.lmtp:
                transaction.finals[address] = final
            else:
                transaction.final = final
        transaction.phase, self._dirty = Phase.DONE, False


class _Flow:
    """The commands of an envelope, written in windows with PIPELINING and one at a time without."""

    def __init__(
        self, session: Session, transaction: Transaction, commands: list[str], chunked: bool, ahead: bool = False
    ) -> None:
        self.chunked = chunked
        self.ahead = ahead  # begun behind the dot of the message before it
        self._session = session
        self._transaction = transaction
        self._pipelined = session.has("PIPELINING")
        self._early_data = self._pipelined and not chunked
        self._due = deque([*commands, "DATA"] if self._early_data else commands)
        self._flying: deque[asyncio.Future[Reply]] = deque()

    def write(self, before: bytes = b"") -> None:
        """Write the commands that may be written now, behind ``before``."""
        count = min(len(self._due), WINDOW) if self._pipelined else 1
        lines = [self._due.popleft() for _ in range(count)]
        self._flying.extend(self._session.wire.command(*lines, before=before))

    async def next(self) -> Reply:
        """The reply to the next command."""
        if not self._flying:
            self.write()
        try:
            return await self._session.answer(self._transaction, self._flying.popleft())
        except Lost as lost:  # of several commands the last one's reply is missing where another's was left out
            lost.out_of_step |= self._pipelined and isinstance(lost.__cause__, TimeoutError)
            raise

    async def drain_envelope(self) -> None:
        """MAIL was refused: read the answers to the recipients already under way, and send no more."""
        while len(self._flying) > self.data_sent:
            await self.next()
        if not self.data_sent:
            self._due.clear()

    @property
    def data_sent(self) -> bool:
        """DATA went out together with the recipients."""
        return self._early_data and not self._due and bool(self._flying)

    async def data(self) -> Reply:
        """The reply to DATA, sent now unless it is under way."""
        if not self._flying and not self._due:
            self._due.append("DATA")
        return await self.next()


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A transaction that was begun behind the dot of the one before it."""

    envelope: Envelope
    transaction: Transaction
    flow: _Flow


def _check_step(transaction: Transaction, reply: Reply, command: str) -> None:
    """Raises Lost: "go on" is an answer to DATA only, so that a reply before it was left out."""
    if reply.code < 400 and not reply.positive:
        raise Lost(transaction.phase, f"{reply} in answer to {command}: {OUT_OF_STEP}", out_of_step=True)


def _whole(body: Body) -> Iterator[bytes]:
    """The message in blocks, its last line ended.  OSError before the end when it is not what was measured."""
    facts, size, seen, end = body.facts, 0, new_digest(), b"\r\n"
    with body.open() as file:
        while (block := file.read(BLOCK)) and size + len(block) <= facts.size:
            size, end = size + len(block), (end + block[-2:])[-2:]
            seen.update(block)
            yield block
    missing = b"" if end == b"\r\n" else b"\r\n"
    if block or size + len(missing) != facts.size or (facts.digest and seen.digest() != facts.digest):
        raise OSError("the frozen message is not the one that was measured")
    if missing:
        yield missing


def _ignore(sent: int) -> None:
    """Progress that nobody watches."""
