"""Files as vendors ship them, made from nothing: ELF, PE with a version resource, definition bases, archives. No byte of any vendor is in them."""
import gzip, hashlib, io, os, struct, subprocess, tarfile, tempfile, zipfile

_made = {}


def elf(symbols=(), soname=None, texts=(), stamp=""):
    """A shared object that exports these names and holds these texts."""
    key = (tuple(symbols), soname, tuple(texts))
    if key not in _made:
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "made.so")
            code = "".join(f"int {s}(void) {{ return 0; }}\n" for s in symbols)
            code += "const char *const made_texts[] = {" + "".join('"%s",' % t.replace("\\", "\\\\").replace('"', '\\"') for t in texts) + '"made"};\n'
            command = ["cc", "-shared", "-nostdlib", "-fPIC", "-O0", "-x", "c", "-", "-o", out]
            if soname:
                command += [f"-Wl,-soname,{soname}"]
            subprocess.run(command, input=code.encode(), check=True, capture_output=True)
            _made[key] = open(out, "rb").read()
    return _made[key] + stamp.encode()


def _aligned(b):
    return b + b"\0" * (-len(b) % 4)


def _block(key, value, children=b"", text=1):
    head = key.encode("utf-16-le") + b"\0\0"
    body = _aligned(b"\0" * 6 + head)[6:]
    value_bytes = value if isinstance(value, bytes) else value.encode("utf-16-le") + b"\0\0"
    length = len(value_bytes) if isinstance(value, bytes) else len(value_bytes) // 2
    inner = body + (_aligned(value_bytes) if children else value_bytes) + children
    return struct.pack("<HHH", 6 + len(inner), length if value_bytes != b"\0\0" or not children else 0, text) + inner


def version_resource(strings):
    table = b"".join(_aligned(_block(k, v)) for k, v in strings.items())
    table = _block("040904b0", b"", table)
    info = _block("StringFileInfo", b"", _aligned(table))
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, 1, 0, 1, 0, 0x3F, 0, 0x40004, 1, 0, 0, 0)
    return _block("VS_VERSION_INFO", fixed, _aligned(info), text=0)


def pe(strings, texts=()):
    """A PE32+ with one section .rsrc, which holds a version resource, and the texts behind it."""
    resource = version_resource(strings)
    rva, raw = 0x1000, 0x400
    directory = lambda entry, target: struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", entry, target)
    tree = directory(16, 0x80000000 | 24) + directory(1, 0x80000000 | 48) + directory(1033, 72)
    tree += struct.pack("<IIII", rva + 88, len(resource), 0, 0)
    section = tree + resource + b"\0" + b"\0".join(t.encode() for t in texts) + b"\0"
    section += b"\0" * (-len(section) % 512)
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(section), 0, 0, 0x1000)
    optional += struct.pack("<QIIHHHHHHIIIIHH", 0x140000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x1000 + len(section), raw, 0, 2, 0)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    directories = [(0, 0)] * 16
    directories[2] = (rva, len(tree) + len(resource))
    optional += b"".join(struct.pack("<II", *d) for d in directories)
    header = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22) + optional
    header += struct.pack("<8sIIIIIIHHI", b".rsrc", len(section), rva, len(section), raw, 0, 0, 0, 0, 0x40000040)
    return header + b"\0" * (raw - len(header)) + section


def cvd():
    body = gzip.compress(b"made", mtime=0)
    head = "ClamAV-VDB:01 Jan 2025 00-00 +0000:1:1:90:%s:made:made:1735689600" % hashlib.md5(body).hexdigest()
    return head.encode().ljust(512) + body


def avc():
    return b"AVP Antiviral Database. (c)Kaspersky Lab 1997-2013.".ljust(64, b"\0") + bytes((i * 37) % 256 for i in range(512))


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, (data, mode) in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            info.mode = mode
            if data is None:
                info.type = tarfile.DIRTYPE
                t.addfile(info)
            else:
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return out.getvalue()


def write(root, files):
    """files: path -> (bytes, or None for a folder; mode)"""
    for path, (data, mode) in files.items():
        whole = os.path.join(root, path.lstrip("/"))
        if data is None:
            os.makedirs(whole, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as f:
            f.write(data)
        os.chmod(whole, mode)
