"""The laboratory's web server: ``lab_web.py FOLDER ADDRESS CERT KEY`` serves FOLDER/HOST as HOST's MTA-STS policy."""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Policies(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        """RFC 8461 s.3.3."""
        policy = self.folder / self.headers.get("Host", "").partition(":")[0]
        found = self.path == "/.well-known/mta-sts.txt" and policy.is_file()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(policy.read_bytes() if found else b"")


def main() -> None:
    """Serve until killed."""
    folder, address, certificate, key = sys.argv[1:]
    _Policies.folder = Path(folder)
    server = ThreadingHTTPServer((address, 443), _Policies)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
