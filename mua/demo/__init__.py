"""The mail server behind the demo account: IMAP and submission on loopback, in a process of its own."""
