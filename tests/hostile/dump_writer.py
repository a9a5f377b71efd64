"""Writes DUMP payloads by hand, sound ones and lies: every count and length can be told wrong.

A part is bytes; a payload is `sealed(type byte + parts)`. Source: the Redis RDB file format, version 11; the layouts
of listpacks, ziplists, zipmaps and intsets as Redis describes them.
"""

import struct

STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE_OLD, MODULE = range(8)
ZIPMAP, LIST_ZIPLIST, INTSET, ZSET_ZIPLIST, HASH_ZIPLIST, QUICKLIST, STREAM, HASH_LISTPACK, ZSET_LISTPACK, \
    QUICKLIST_2, STREAM_2, SET_LISTPACK, STREAM_3 = range(9, 22)
PLAIN, PACKED = 1, 2  # nodes of a QUICKLIST_2
VERSION = 11


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x95AC9329AC4BC9B5 if byte & 1 else 0)
    return byte


_CRC_TABLE = [_crc_of_byte(byte) for byte in range(256)]


def crc64(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc


def sealed(value: bytes, version: int = VERSION) -> bytes:
    """The value with a version and a checksum that is right."""
    text = value + struct.pack("<H", version)
    return text + struct.pack("<Q", crc64(text))


def dump(kind: int, *parts: bytes) -> bytes:
    return sealed(bytes([kind]) + b"".join(parts))


def length(number: int) -> bytes:
    if number < 1 << 6:
        return bytes([number])
    if number < 1 << 14:
        return bytes([0x40 | number >> 8, number & 255])
    if number < 1 << 32:
        return b"\x80" + struct.pack(">I", number)
    return b"\x81" + struct.pack(">Q", number)


def text(value: bytes, told: int = None) -> bytes:
    return length(len(value) if told is None else told) + value


def compressed(packed: bytes, unpacked_bytes: int, told: int = None) -> bytes:
    """A text in LZF: `packed` as it is, the lengths as they are told."""
    return b"\xc3" + length(len(packed) if told is None else told) + length(unpacked_bytes) + packed


def literal_lzf(value: bytes) -> bytes:
    """LZF that says the value without a reference; at most 32 bytes."""
    return bytes([len(value) - 1]) + value


def score(number: float) -> bytes:
    return struct.pack("<d", number)


def stream_id(ms: int, sequence: int = 0) -> bytes:
    return struct.pack(">QQ", ms, sequence)


def milliseconds(number: int) -> bytes:
    return struct.pack("<q", number)


# ---- listpacks: total bytes (4), entries (2), entries, 0xFF ----


def _back_length(size: int) -> bytes:
    out = bytes([size & 127])
    size >>= 7
    while size:
        out = bytes([size & 127]) + bytes([out[0] | 128]) + out[1:]
        size >>= 7
    return out


def entry(value, back: int = None) -> bytes:
    """A listpack's entry of an int or of bytes; `back` tells another length of it behind."""
    if isinstance(value, int):
        body = bytes([value]) if 0 <= value < 128 else b"\xf4" + struct.pack("<q", value)
    elif len(value) < 64:
        body = bytes([0x80 | len(value)]) + value
    else:
        body = b"\xf0" + struct.pack("<I", len(value)) + value
    return body + _back_length(len(body) if back is None else back)


def listpack_of(entries: list, count: int = None, total: int = None, end: bytes = b"\xff") -> bytes:
    """A listpack of entries that are bytes already."""
    body = b"".join(entries) + end
    return struct.pack("<IH", len(body) + 6 if total is None else total,
                       len(entries) if count is None else count) + body


def listpack(values: list, **lies) -> bytes:
    return listpack_of([entry(value) for value in values], **lies)


# ---- ziplists: total bytes (4), last entry (4), entries (2), entries, 0xFF ----


def ziplist(values: list, count: int = None, total: int = None, tail: int = None, before_last: int = None) -> bytes:
    """A ziplist of bytes, each shorter than 64; `before_last` is what the last entry tells of the one before."""
    body, before, last = b"", 0, 10
    for place, value in enumerate(values):
        last = 10 + len(body)
        told = before if before_last is None or place < len(values) - 1 else before_last
        made = (bytes([told]) if told < 254 else b"\xfe" + struct.pack("<I", told)) + bytes([len(value)]) + value
        body, before = body + made, len(made)
    return struct.pack("<IIH", len(body) + 11 if total is None else total, last if tail is None else tail,
                       len(values) if count is None else count) + body + b"\xff"


def zipmap(pairs: list, count: int = None) -> bytes:
    body = b"".join(bytes([len(field)]) + field + bytes([len(value), 0]) + value for field, value in pairs)
    return bytes([len(pairs) if count is None else count]) + body + b"\xff"


def intset(width: int, numbers: list, count: int = None) -> bytes:
    form = {2: "h", 4: "i", 8: "q"}.get(width, "q")
    return struct.pack("<II", width, len(numbers) if count is None else count) + \
        struct.pack(f"<{len(numbers)}{form}", *numbers)


# ---- streams ----


def stream_node(base: bytes, entries: list, live: int = None, deleted: int = 0, fields=(b"f",), **lies) -> bytes:
    """A node; `entries` are (flags, ms, sequence, values), those with flag 2 name no fields."""
    parts = [len(entries) - deleted if live is None else live, deleted, len(fields), *fields, 0]
    for flags, ms, sequence, values in entries:
        said = [*values] if flags & 2 else [len(values) // 2, *values]
        parts += [flags, ms, sequence, *said, 3 + len(said)]
    return text(base) + text(listpack(parts, **lies))


def pending(at: bytes, delivered_ms: int = 1000, deliveries: int = 1) -> bytes:
    return at + milliseconds(delivered_ms) + length(deliveries)


def consumer(name: bytes, ids: list, told: int = None) -> bytes:
    return text(name) + milliseconds(1000) + milliseconds(1000) + \
        length(len(ids) if told is None else told) + b"".join(ids)


def group(name: bytes, entries: list, consumers: list, entries_read: int = 0) -> bytes:
    return text(name) + length(1) + length(0) + length(entries_read) + length(len(entries)) + b"".join(entries) + \
        length(len(consumers)) + b"".join(consumers)


def stream(nodes: list, size: int, last=(9, 9), groups=(), added: int = None, node_count: int = None) -> bytes:
    """A whole payload of the newest kind."""
    return dump(STREAM_3, length(len(nodes) if node_count is None else node_count), *nodes, length(size),
                length(last[0]), length(last[1]), length(1), length(0), length(0), length(0),
                length(size if added is None else added), length(len(groups)), *groups)
