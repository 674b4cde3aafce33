"""The first bytes of HTTP/2: what a client says, and the SETTINGS of a server (RFC 9113 §3.4, §6.5)."""

SETTINGS = 4
HEADER = 9
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + bytes((SETTINGS, 0)) + bytes(4)
NAMES = {
    1: "HEADER_TABLE_SIZE",
    2: "ENABLE_PUSH",
    3: "MAX_CONCURRENT_STREAMS",
    4: "INITIAL_WINDOW_SIZE",
    5: "MAX_FRAME_SIZE",
    6: "MAX_HEADER_LIST_SIZE",
    8: "ENABLE_CONNECT_PROTOCOL",
    9: "NO_RFC7540_PRIORITIES",
}


def settings_of(heard: bytes) -> tuple[tuple[str, int], ...] | None:
    """Return the settings that a server begins with; None where it begins with something else."""
    size = int.from_bytes(heard[:3])
    body = heard[HEADER : HEADER + size]
    is_first = len(heard) >= HEADER and heard[3] == SETTINGS and heard[4] & 1 == 0 and not any(heard[5:9])
    if not is_first or len(body) < size or size % 6:
        return None
    pairs = (body[at : at + 6] for at in range(0, size, 6))
    return tuple(_setting(pair) for pair in pairs)


def _setting(pair: bytes) -> tuple[str, int]:
    code = int.from_bytes(pair[:2])
    return NAMES.get(code, f"0x{code:x}"), int.from_bytes(pair[2:])
