"""The configuration of the laboratory's servers, as text: Dovecot, Postfix, nsd, unbound.

The rule of the file: pure functions from a ``Plan`` (who listens where) to configuration; nothing is started here.
"""

import grp
import os
import pwd
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certs import Pki
from lab_exchangers import EVIL_NAMES, SILENT_NAMES

DOMAIN = "good.test"
NAMESERVER, RESOLVER = "127.0.53.1", "127.0.53.53"
MX1, MX2, MX_CLEARTEXT, DEAD = "127.0.25.10", "127.0.25.11", "127.0.25.12", "127.0.25.99"
MX_CHAIN, MX_SELF = "127.0.25.13", "127.0.25.14"
DANE = ("ee", "self", "tagood", "ta", "mismatch", "notls", "unusable", "forged", "toinsecure", "alias")  # .dane.test
CHAIN_NAME = "mx-tagood.dane.test"  # whose certificate MX_CHAIN shows
WEB = "127.0.25.30"
WEB_NAMES = ("mta-sts.sts.test", "mta-sts.stsbad.test")
GUESSED = ("imap.guess.own.test", "smtp.guess.own.test", "mail.halfguess.own.test")
REFUSAL = "Nobody of that name lives here"
FULL = "The mailbox is full and its owner is on a journey"
SPECIAL_USE = {"Sent": "Sent", "Drafts": "Drafts", "Archive": "Archive", "Junk": "Junk", "Trash": "Trash"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Who listens where.  ``*_host`` are names to connect to, ``*_ip`` addresses to listen on; port 0: not running."""

    folder: Path
    pki: Pki
    password: str
    imap_host: str
    imap_ip: str
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    lmtp: int
    msa_host: str
    msa_ip: str
    submission: int
    submissions: int
    with_mx: bool
    connections: int = 1000
    more: str = ""  # of Dovecot's configuration

    @property
    def mail(self) -> Path:
        """Where the Maildirs are."""
        return self.folder / "mail"


def mail_owner() -> tuple[int, int]:
    """Who owns the Maildirs: an unprivileged number when we are root, else ourselves."""
    return (5000, 5000) if os.geteuid() == 0 else (os.getuid(), os.getgid())


def dovecot_conf(plan: Plan) -> str:
    """IMAP and POP3 (STARTTLS and TLS), LMTP, and the SASL service that Postfix asks.

    A log-in that was refused makes no later one wait: Dovecot's penalty is for addresses, and all users have the same.
    """
    uid, gid = mail_owner()
    me, ours = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    unprivileged = f"default_internal_user = {me}\ndefault_internal_group = {ours}\ndefault_login_user = {me}\n"
    boxes = "\n".join(
        f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{use}\n  }}"
        for name, use in SPECIAL_USE.items()
    )
    return f"""
base_dir = {plan.folder}/dovecot
state_dir = {plan.folder}/dovecot-state
instance_name = {plan.folder.name}
log_path = {plan.folder}/dovecot.log
protocols = imap pop3 lmtp
listen = {plan.imap_ip}
{"" if os.geteuid() == 0 else unprivileged}
ssl = yes
ssl_cert = <{plan.pki.good.cert}
ssl_key = <{plan.pki.good.key}
disable_plaintext_auth = yes
auth_mechanisms = plain login scram-sha-1 scram-sha-256
auth_username_format = %Ln
auth_failure_delay = 0
mail_location = maildir:{plan.mail}/%n/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = {plan.connections}
mail_plugins = zlib
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {plan.folder}/users
}}
passdb {{
  driver = static
  args = password={plan.password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={plan.mail}/%n allow_all_users=yes
}}
service auth {{
  unix_listener {plan.folder}/sasl {{
    mode = 0666
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {plan.imap}
  }}
  inet_listener imaps {{
    port = {plan.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = {plan.pop3}
  }}
  inet_listener pop3s {{
    port = {plan.pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {plan.lmtp}
  }}
}}
service stats {{
  unix_listener stats-reader {{
    mode = 0600
  }}
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_zlib
  rawlog_dir = {plan.mail}/%n/rawlog
}}
protocol lmtp {{
  postmaster_address = postmaster@{DOMAIN}
}}
namespace inbox {{
  inbox = yes
{boxes}
}}
{plan.more.replace("{mail}", str(plan.mail))}
"""


MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def postfix_main(plan: Plan) -> str:
    """One Postfix that is both the MSA (signed-in clients) and the MX (our domains); LMTP hands over to Dovecot."""
    interfaces = [plan.msa_ip, *((MX1, MX2, MX_CLEARTEXT, MX_CHAIN, MX_SELF) if plan.with_mx else ())]
    plain = ("order", "dead", "implicit", "cleartext", "both", "sts", "stsbad", "own", "plain")
    domains = [
        DOMAIN,
        *(f"{name}.test" for name in plain),
        *(f"{name}.dane.test" for name in DANE),
    ]
    return f"""
compatibility_level = 3.6
maillog_file = {plan.folder}/postfix.log
maillog_file_prefixes = /
queue_directory = {plan.folder}/postfix-queue
data_directory = {plan.folder}/postfix-data
command_directory = /usr/sbin
daemon_directory = {postfix_daemons()}
mail_owner = postfix
setgid_group = postdrop
myhostname = {plan.msa_host}
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.255.255.255/32
inet_interfaces = {", ".join(interfaces)}
inet_protocols = ipv4
smtputf8_enable = yes
smtpd_tls_chain_files = {plan.pki.good.key}, {plan.pki.good.cert}
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {plan.folder}/sasl
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_sasl_authenticated, permit_auth_destination, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{plan.folder}/postfix/access
smtpd_error_sleep_time = 0
smtpd_junk_command_limit = 1000
virtual_mailbox_domains = {", ".join(domains)}
virtual_transport = lmtp:inet:{plan.imap_ip}:{plan.lmtp}
virtual_mailbox_limit = 0
message_size_limit = 60000000
in_flow_delay = 0
default_transport = discard
"""


def postfix_master(plan: Plan) -> str:
    """587 wants STARTTLS, 465 is TLS from the first byte, and five MX hosts listen on 25 (one without STARTTLS)."""
    sasl = ["smtpd_sasl_auth_enable=yes", "smtpd_relay_restrictions=permit_sasl_authenticated,reject"]
    services = [
        _smtpd(plan.msa_ip, plan.submission, "smtpd_tls_security_level=encrypt", "smtpd_tls_auth_only=yes", *sasl),
        _smtpd(plan.msa_ip, plan.submissions, "smtpd_tls_wrappermode=yes", *sasl),
    ]
    if plan.with_mx:
        services += [
            _smtpd(MX1, 25, f"myhostname=mx1.{DOMAIN}"),
            _smtpd(MX2, 25, f"myhostname=mx2.{DOMAIN}"),
            _smtpd(MX_CLEARTEXT, 25, f"myhostname=mx3.{DOMAIN}", "smtpd_tls_security_level=none"),
            _smtpd(MX_CHAIN, 25, f"smtpd_tls_chain_files={plan.pki.chained.key},{plan.pki.chained.cert}"),
            _smtpd(MX_SELF, 25, f"smtpd_tls_chain_files={plan.pki.own.key},{plan.pki.own.cert}"),
        ]
    return "\n".join(services) + MASTER


def _smtpd(address: str, port: int, *options: str) -> str:
    return f"{address}:{port} inet n - n - - smtpd" + "".join(f"\n  -o {option}" for option in options)


def postfix_access() -> str:
    """Recipients that are refused, for now or for ever, with words a test can look for."""
    return f"/^refused@/ 550 5.1.1 {REFUSAL}\n/^full@/ 452 4.2.2 {FULL}\n"


def postfix_daemons() -> Path:
    """Where the distribution keeps Postfix's daemons."""
    return next(path for path in map(Path, ("/usr/lib/postfix/sbin", "/usr/libexec/postfix")) if path.is_dir())


def write_postfix(plan: Plan) -> list[str]:
    """Configuration and queue as ``postfix start`` would make them (it costs a second); returns the command."""
    folder = plan.folder / "postfix"
    folder.mkdir()
    (folder / "main.cf").write_text(postfix_main(plan))
    (folder / "master.cf").write_text(postfix_master(plan))
    (folder / "access").write_text(postfix_access())
    make_queue(plan.folder / "postfix-queue", plan.folder / "postfix-data")
    return [str(postfix_daemons() / "master"), "-d", "-c", str(folder)]


def make_queue(queue: Path, data: Path) -> None:
    """The folders that Postfix wants, with the owners that it wants."""
    queue.mkdir()
    (queue / "pid").mkdir()
    private = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private")
    for name in (*private, "saved", "trace"):
        (queue / name).mkdir(mode=0o700)
        shutil.chown(queue / name, "postfix")
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        (queue / name).mkdir()
        shutil.chown(queue / name, "postfix", "postdrop")
        (queue / name).chmod(mode)
    data.mkdir()
    shutil.chown(data, "postfix")


ZONE = f"""$ORIGIN test.
$TTL 60
@ IN SOA ns.test. hostmaster.test. 1 60 60 600 5
@ IN NS ns.test.
ns IN A {NAMESERVER}
imap.good IN A 127.0.25.20
msa.good IN A 127.0.25.1
mx1.good IN A {MX1}
mx2.good IN A {MX2}
mx3.good IN A {MX_CLEARTEXT}
dead.good IN A {DEAD}
good IN MX 10 mx1.good
order IN MX 20 mx2.good
order IN MX 10 mx1.good
dead IN MX 10 dead.good
dead IN MX 20 mx2.good
alldead IN MX 10 dead.good
null IN MX 0 .
null IN A {MX1}
implicit IN A {MX1}
cleartext IN MX 10 mx3.good
both IN MX 10 mx1.good
both IN MX 10 mx2.good
sts IN MX 10 mx3.good
sts IN MX 20 mx1.good
_mta-sts.sts IN TXT "v=STSv1; id=1;"
mta-sts.sts IN A {WEB}
stsbad IN MX 10 mx1.good
_mta-sts.stsbad IN TXT "v=STSv1; id=1;"
mta-sts.stsbad IN A {WEB}
own IN NS ns.test.
evil IN NS ns.evil
ns.evil IN A {EVIL_NAMES}
silent IN NS ns.silent
ns.silent IN A {SILENT_NAMES}
"""
# A domain of a test's own, and the names of addresses; a test publishes more (``Lab.publish``).
OWN = "own.test"
REVERSE = "127.in-addr.arpa"
OWN_ZONE = f"""$ORIGIN {OWN}.
$TTL 1
@ IN SOA ns.test. hostmaster.test. 1 60 60 600 1
@ IN NS ns.test.
@ IN MX 10 mx1.{DOMAIN}.
"""
REVERSE_ZONE = f"""$ORIGIN {REVERSE}.
$TTL 1
@ IN SOA ns.test. hostmaster.test. 1 60 60 600 1
@ IN NS ns.test.
"""


def nsd_conf(plan: Plan, zones: Mapping[str, str]) -> str:
    """The authoritative server of the zones of ``lab_dns``."""
    return f"""server:
  ip-address: {NAMESERVER}
  username: ""
  chroot: ""
  zonesdir: "{plan.folder}"
  database: ""
  pidfile: ""
  logfile: "{plan.folder}/nsd.log"
  zonelistfile: "{plan.folder}/nsd.zonelist"
  xfrdfile: ""
  server-count: 1
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in zones.items())


def unbound_conf(plan: Plan) -> str:
    """The resolver that the namespace's resolv.conf names; it validates (DNSSEC) from the root down."""
    return f"""server:
  interface: {RESOLVER}
  do-daemonize: no
  use-syslog: no
  logfile: "{plan.folder}/unbound.log"
  username: ""
  chroot: ""
  directory: "{plan.folder}"
  pidfile: ""
  module-config: "validator iterator"
  trust-anchor-file: "{plan.folder}/anchor.key"
  root-hints: "{plan.folder}/root.hints"
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  local-zone: "test." transparent
  local-zone: "refused.test." always_refuse
  local-zone: "{REVERSE}." transparent
  domain-insecure: "{REVERSE}."
  cache-max-ttl: 2
  cache-max-negative-ttl: 1
  infra-host-ttl: 1
stub-zone:
  name: "evil.test."
  stub-addr: {EVIL_NAMES}
stub-zone:
  name: "silent.test."
  stub-addr: {SILENT_NAMES}
stub-zone:
  name: "{REVERSE}."
  stub-addr: {NAMESERVER}
remote-control:
  control-enable: no
"""
