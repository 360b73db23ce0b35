"""Signing in by OAuth 2 from a terminal: the page is opened in the browser, and said; a code can be typed elsewhere."""

import sys
from dataclasses import replace

from mua import wire
from mua.cli.session import Session
from mua.model.oauth import OAuth


def sign_in(session: Session, begin: wire.BeginSignIn) -> tuple[str, OAuth]:
    """Sign in as the arguments say, and wait for the person; returns the sign-in's name and what the account needs.

    What is said while it waits goes to stderr.  Raises MailError.
    """
    given = session.arguments
    begin = replace(
        begin, provider=given.oauth, client_id=given.client_id, tenant=given.tenant, scope=given.scope,
        device=given.device,
    )  # fmt: skip
    begun = session.engine.ask(begin, wire.SignInBegun)
    try:
        if begun.user_code:
            print(f"Open {begun.url} on any screen and type {begun.user_code} there.", file=sys.stderr)
        elif given.no_browser or not _open(begun.url):
            print(f"Open this page in a browser of this computer:\n{begun.url}", file=sys.stderr)
        else:
            print(f"Sign in in the browser. If none has opened, open\n{begun.url}", file=sys.stderr)
        sys.stderr.flush()
        return begun.sign_in, session.engine.ask(wire.AwaitSignIn(begun.sign_in), wire.SignedIn).oauth
    except KeyboardInterrupt:
        session.engine.ask(wire.EndSignIn(begun.sign_in), wire.Done)
        raise


def _open(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
