#!/usr/bin/python3
"""A reader of records that shares nothing with Hallmark's: written from doc/format/record.md, whose table of kinds it reads.

    record_reader.py doc/format/record.md FILE     prints a head line and one line for each event
"""
import hashlib
import io
import re
import struct
import sys

import cbor2
import zstandard

BLOCK = struct.Struct("<II8sHBBIQQQQIII16s32s32sI")
TOTALS = struct.Struct("<II8sHBBQQQ32sI")
RAW_MAX = 16777216


class Malformed(Exception):
    pass


class Unknown(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Malformed(text)


def crc32c(data, table=[]):
    if not table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
            table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:]))


def kinds_of(page):
    """The table at the end of the format page: number -> (name, [(field, type)])."""
    kinds = {}
    for line in open(page, encoding="utf-8").read().split("## Kinds", 1)[1].splitlines():
        row = re.match(r"\| (\d+) \| (\w+) \| [^|]* \| ([^|]*) \|$", line)
        if row:
            fields = [f.split(" ") for f in row[3].split(", ")]
            kinds[int(row[1])] = (row[2], [(f[0], f[1] if len(f) > 1 else "u") for f in fields])
    return kinds


def frame_start(data, at):
    """Which of our frames begins at `at`: block, totals, or torn when it is cut before it is whole."""
    rest = data[at:at + 4096]
    for magic, name, size in ((0x184D2A53, b"HMRBLOCK", BLOCK.size), (0x184D2A54, b"HMRTOTAL", TOTALS.size)):
        if rest[:4] != struct.pack("<I", magic)[:len(rest[:4])] or rest[8:16] != name[:len(rest[8:16])]:
            continue
        if len(rest) < 18:
            return "torn"
        length, version = struct.unpack_from("<I", rest, 4)[0] + 8, struct.unpack_from("<H", rest, 16)[0]
        if version == 1:
            need(length == size, "length of a header")
            if len(rest) < size:
                return "torn"
        need(22 <= length <= len(rest), "length of a header")
        need(crc32c(rest[:length - 4]) == struct.unpack_from("<I", rest, length - 4)[0], "CRC of a header")
        if version != 1:
            raise Unknown(f"version {version}")
        return "block" if name == b"HMRBLOCK" else "totals"
    raise Malformed("no frame of a record")


def check_item(item, depth=0):
    if isinstance(item, list):
        need(depth < 8, "arrays nested too deeply")
        for part in item:
            check_item(part, depth + 1)
    elif type(item) is int:
        need(-2**63 <= item < 2**64, "integer beyond 64 bits")
    else:
        need(type(item) is bytes, "type of an item")


def items_of(raw):
    stream = io.BytesIO(raw)
    items = []
    while stream.tell() < len(raw):
        start = stream.tell()
        try:
            item = cbor2.CBORDecoder(stream).decode()
        except Exception as error:
            raise Malformed(f"CBOR: {error}") from None
        check_item(item)
        need(cbor2.dumps(item) == raw[start:stream.tell()], "an item is not in its shortest form")
        items.append(item)
    return items


def content_of(frame, raw_length):
    need(frame[:4] == b"\x28\xb5\x2f\xfd" and frame[4] & 0x3F == 0x24, "form of a zstd frame")
    need(zstandard.frame_content_size(frame) == raw_length, "content size of a zstd frame")
    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        raw = decoder.decompress(frame)
    except zstandard.ZstdError as error:
        raise Malformed(f"zstd: {error}") from None
    need(len(raw) == raw_length and not decoder.unused_data, "length of a zstd frame")
    return raw


class Record:
    def __init__(self, data):
        self.kind, self.items, self.cut, self.withheld = 0, 0, True, 0
        self.leaves, self.content, self.pairs, self.raw_bytes = [], [], b"", 0
        at = 0
        while at < len(data):
            what = frame_start(data, at)
            if what == "totals":
                self.check_footer(data, at)
                break
            at = self.take_block(data, at) if what == "block" else None
            if at is None:
                break

    def take_block(self, data, at):
        """Where the block ends, or None when it is torn."""
        (_, _, _, _, kind, flags, count, number, first, t_first, t_last, raw_length, frame_length, frame_crc, salt, leaf, root,
         _) = BLOCK.unpack_from(data, at)
        need(kind in (1, 2) and flags in (0, 1) and 0 < count <= raw_length <= RAW_MAX and t_first <= t_last, "a header's values")
        need(flags == 0 or (frame_length == 0 and frame_crc == 0 and salt == bytes(16)), "a withheld block with content")
        need(flags == 1 or frame_length > 0, "a block without content")
        frame = data[at + BLOCK.size:at + BLOCK.size + frame_length]
        if len(frame) < frame_length:
            return None
        need(number == len(self.leaves) and first == self.items and kind == (self.kind or kind), "order of blocks")
        self.pairs += struct.pack("<II", BLOCK.size, 0)
        if flags == 0:
            need(crc32c(frame) == frame_crc, "CRC of a frame")
            raw = content_of(frame, raw_length)
            need(sha256(b"\0" + salt + raw) == leaf, "leaf of a block")
            items = items_of(raw)
            need(len(items) == count, "number of items")
            self.content += list(enumerate(items, first))
            self.pairs += struct.pack("<II", frame_length, raw_length)
        self.leaves.append(leaf)
        need(root_of(self.leaves) == root, "root after a block")
        self.kind, self.items, self.withheld = kind, self.items + count, self.withheld + flags
        self.raw_bytes += raw_length
        return at + BLOCK.size + frame_length

    def check_footer(self, data, at):
        kind, flags, blocks, items, raw_bytes, root = TOTALS.unpack_from(data, at)[4:10]
        need(kind in (1, 2) and kind == (self.kind or kind) and flags == 0 and blocks == len(self.leaves) and
             items == self.items and raw_bytes == self.raw_bytes and root == root_of(self.leaves), "totals")
        self.kind = kind
        self.pairs += struct.pack("<II", TOTALS.size, 0)
        table = struct.pack("<II", 0x184D2A5E, len(self.pairs) + 9) + self.pairs
        table += struct.pack("<IBI", len(self.pairs) // 8, 0, 0x8F92EAB1)
        rest = data[at + TOTALS.size:]
        need(table.startswith(rest), "seek table")
        self.cut = rest != table


def lines_of(data, kinds):
    record = Record(data)
    yield (f"kind {record.kind} blocks {len(record.leaves)} items {record.items} withheld {record.withheld} "
           f"cut {int(record.cut)} root {root_of(record.leaves).hex()}")
    for position, event in record.content:
        need(type(event) is list and len(event) >= 7 and all(type(x) is int and x >= 0 for x in event[:7]), "an event's head")
        need(all(event[i] < 2**32 for i in (2, 4, 5)), "an event's head")
        if event[0] not in kinds:
            raise Unknown(f"kind {event[0]}")
        name, fields = kinds[event[0]]
        need(len(event) == 7 + len(fields), f"number of fields of {name}")
        words = [str(position), name] + [str(x) for x in event[1:7]]
        for (field, kind), value in zip(fields, event[7:]):
            good = {"u": type(value) is int and value >= 0, "i": type(value) is int and value < 2**63, "b": type(value) is bytes}
            need(good[kind], f"type of {name}.{field}")
            words.append(f"{field}={value.hex() if kind == 'b' else value}")
        yield " ".join(words)


def outcome(data, kinds):
    """What `record_print` would give: (exit code, its lines)."""
    lines = []
    try:
        for line in lines_of(data, kinds):
            lines.append(line)
    except Malformed as error:
        return 1, str(error)
    except Unknown as error:
        return 2, str(error)
    return 0, lines


if __name__ == "__main__":
    code, result = outcome(open(sys.argv[2], "rb").read(), kinds_of(sys.argv[1]))
    print(result if code else "\n".join(result), file=sys.stderr if code else sys.stdout)
    sys.exit(code)
