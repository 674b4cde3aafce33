"""The first bytes of protocols other than TLS, so that a wrong port can be named."""

GREETINGS = (
    (b"HTTP/", "HTTP in clear"),
    (b"<!DOC", "HTTP in clear"),
    (b"<html", "HTTP in clear"),
    (b"SSH-", "SSH"),
    (b"220 ", "SMTP or FTP"),
    (b"220-", "SMTP or FTP"),
    (b"421 ", "SMTP or FTP"),
    (b"554 ", "SMTP"),
    (b"+OK", "POP3"),
    (b"* OK", "IMAP"),
    (b"* BY", "IMAP"),
    (b"-ERR", "POP3 or Redis"),
    (b"RFB ", "VNC"),
    (b"<?xml", "XMPP"),
    (b"<stre", "XMPP"),
    (b"AMQP", "AMQP"),
    (b"E\x00\x00\x00", "PostgreSQL"),
)  # fmt: skip
STARTTLS = frozenset({"SMTP or FTP", "SMTP", "POP3", "IMAP", "XMPP", "PostgreSQL"})
"""Protocols that switch to TLS after a command."""
MYSQL = 10  # the protocol's version, after a length of three bytes and a number


def greeting(octets: bytes) -> str | None:
    """Name the protocol whose first bytes these are."""
    found = next((name for words, name in GREETINGS if octets.startswith(words)), None)
    is_mysql = len(octets) > 4 and octets[2:5] == bytes((0, 0, MYSQL))
    return found or ("MySQL" if is_mysql else None)
