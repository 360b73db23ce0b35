"""The only place with sockets (besides ``demo/``); errors are translated to ``MailError`` at this edge."""
