"""Hives of the Windows registry (regf), made from nested dicts: a key is a dict; a text or a number in it is a value, a dict a key below."""
import struct


class _Bins:
    def __init__(self):
        self.data = bytearray(32)  # the head of the one bin

    def cell(self, body):
        at = len(self.data)
        size = -(-(len(body) + 4) // 8) * 8
        self.data += struct.pack("<i", -size) + body + b"\0" * (size - 4 - len(body))
        return at


def _value(bins, name, value):
    if isinstance(value, int):
        kind, data = 4, struct.pack("<I", value)
        where, size = struct.unpack("<I", data)[0], 0x80000004
    else:
        kind, data = 1, (value + "\0").encode("utf-16-le")
        where, size = bins.cell(data), len(data)
    return bins.cell(b"vk" + struct.pack("<HIIIHH", len(name), size, where, kind, 1, 0) + name.encode("latin-1"))


def _key(bins, name, content, parent, root=False):
    values = [bins_value for bins_value in ((n, v) for n, v in content.items() if not isinstance(v, dict))]
    keys = sorted(((n, v) for n, v in content.items() if isinstance(v, dict)), key=lambda k: k[0].upper())
    latin = all(ord(c) < 256 for c in name)
    raw = name.encode("latin-1" if latin else "utf-16-le")
    head = lambda keys_at, values_at: b"nk" + struct.pack("<HQIIIIIIIIIIIIIIIHH", (0x20 if latin else 0) | (0x0C if root else 0), 0, 0, parent, len(keys), 0, keys_at, 0xFFFFFFFF, len(values), values_at,
                                                          0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0, 0, len(raw), 0) + raw
    at = bins.cell(head(0xFFFFFFFF, 0xFFFFFFFF))
    below = [(_key(bins, n, v, at), n) for n, v in keys]
    entries = b""
    for offset, n in below:
        hashed = 0
        for c in n.upper():
            hashed = (hashed * 37 + ord(c)) & 0xFFFFFFFF
        entries += struct.pack("<II", offset, hashed)
    keys_at = bins.cell(b"lh" + struct.pack("<H", len(below)) + entries) if below else 0xFFFFFFFF
    offsets = [_value(bins, n, v) for n, v in values]
    values_at = bins.cell(b"".join(struct.pack("<I", o) for o in offsets)) if offsets else 0xFFFFFFFF
    body = head(keys_at, values_at)
    bins.data[at + 4:at + 4 + len(body)] = body
    return at


def hive(content, dirty=False):
    bins = _Bins()
    root = _key(bins, "ROOT", content, 0xFFFFFFFF, True)
    rest = -len(bins.data) % 4096
    if 0 < rest < 8:
        rest += 4096
    if rest:
        bins.data += struct.pack("<i", rest) + b"\0" * (rest - 4)
    bins.data[:32] = b"hbin" + struct.pack("<IIQQI", 0, len(bins.data), 0, 0, 0)
    base = bytearray(4096)
    struct.pack_into("<4sIIQIIIIII", base, 0, b"regf", 1, 2 if dirty else 1, 0, 1, 5, 0, 1, root, len(bins.data))
    struct.pack_into("<I", base, 44, 1)
    check = 0
    for n in struct.unpack_from("<127I", base):
        check ^= n
    struct.pack_into("<I", base, 508, {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(check, check))
    return bytes(base + bins.data)


def software(products=(), keys=(), store="SOFTWARE"):
    """products: (name, version, publisher, folder); keys: HKLM\\Software\\... ."""
    tree = {"Microsoft": {"Windows": {"CurrentVersion": {"Uninstall": {f"{{made-{i}}}": {"DisplayName": n, "DisplayVersion": v, "Publisher": p, "InstallLocation": f} for i, (n, v, p, f) in enumerate(products)}}}}}
    for key in keys:
        at = tree
        for name in key.split("\\")[2:]:
            at = at.setdefault(name, {})
    return hive(tree)


def system(services):
    """name -> (type, start, program)"""
    return hive({"Select": {"Current": 1}, "ControlSet001": {"Services": {n: {"Type": t, "Start": s, "ImagePath": p} for n, (t, s, p) in services.items()}}})
