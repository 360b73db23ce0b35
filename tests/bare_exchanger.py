"""The exchanger of good.test on this computer, and the name server that leads to it; what arrives is a file each.

bare_exchanger.py FOLDER [PORT]: prints the name server's address; files in FOLDER are numbered as they arrive.
"""

import sys
from pathlib import Path

from dns_server import DnsServer
from mail_sink import MailSink

NAMES = {("good.test", "MX"): ["10 mx.good.test."], ("mx.good.test", "A"): ["127.0.1.1"]}
WAIT = 600  # seconds


def main() -> None:
    """Runs until it is ended."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    folder.mkdir(exist_ok=True)
    before = len(list(folder.iterdir()))
    with DnsServer(NAMES, port=port) as server, MailSink(host="127.0.1.1", port=2525) as sink:
        print(server.address, flush=True)
        count = 0
        while True:
            count += 1
            raw = sink.wait_for("nobody@good.test", count, WAIT)[-1]
            (folder / str(before + count)).write_bytes(raw)


if __name__ == "__main__":
    main()
