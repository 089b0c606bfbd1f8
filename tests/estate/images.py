"""Disk images made by the file systems' own tools, tables of partitions and LVM written by hand. Nothing is mounted, no root is needed."""
import lzma, os, random, shutil, struct, subprocess
import estate, parts

SECTOR = 512


def run(*command, **more):
    return tool(command[0]) is not None and subprocess.run([tool(command[0]), *command[1:]], capture_output=True, timeout=60, **more).returncode == 0


def tool(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def tree(root, names):
    """A product that is installed, and what file systems keep in different ways: nothing, one byte, much, holes, many names, deep folders."""
    draw = random.Random(7)
    parts.write(root, estate.packaged({"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "kesl", "AO Kaspersky Lab"))
    files = {"/empty": b"", "/one": b"x", "/usr/lib/big.so": b"\x7fELF" + draw.randbytes(700000), "/usr/lib/text": b"all work and no play " * 60000,
             "/" + "/".join(f"d{i}" for i in range(40)) + "/end": b"deep"}
    files.update({f"/many/{'n' * (i % 40)}-{i:05}": b"%d" % i * (i % 90) for i in range(700)})
    files.update({f"/few/{i}": draw.randbytes(i * 997) for i in range(30)})
    if names:
        files.update({"/names/a\nb": b"1", "/names/\udcff\udcfe": b"2", "/names/\x1b[31m": b"3", "/names/" + "l" * 200: b"4", '/names/a\\b"c': b"5"})
    parts.write(root, {path: (raw, 0o644) for path, raw in files.items()})
    with open(root + "/holes", "wb") as f:
        for i in range(60):
            f.seek(i * 12288 + 100)
            f.write(draw.randbytes(3000))
        f.truncate(60 * 12288 + 70000)
    if names:
        os.symlink("../../../../etc/shadow", root + "/out")
        os.symlink("x" * 900, root + "/long")
        os.mkfifo(root + "/pipe")
        os.link(root + "/usr/lib/big.so", root + "/usr/lib/hard.so")


def blank(image, size):
    with open(image, "wb") as f:
        f.truncate(size)


def made(image, size, *command, **more):
    program = tool(command[0])
    if not program:
        return False
    blank(image, size)
    subprocess.run([program, *command[1:]], check=True, capture_output=True, timeout=60, **more)
    return True


def ext(*options):
    return lambda image, root: made(image, 32 << 20, "mkfs.ext4", "-q", "-d", root, *options, image)


def ext_inline(image, root):
    """mke2fs forgets the hole at a file's end where it may keep files in inodes."""
    return ext("-O", "inline_data", "-I", "512")(image, root) and run("debugfs", "-w", "-R", f"sif /holes size {os.path.getsize(root + '/holes')}", image)


def proto(folder, out):
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            out.append(f"{name} d--755 0 0")
            proto(path, out)
        else:
            out.append(f"{name} ---{os.stat(path).st_mode & 0o777:03o} 0 0 {path}")
    out.append("$")


def xfs(*options):
    def make(image, root):
        lines = ["/", "0 0", "d--755 0 0"]
        proto(root, lines)
        with open(image + ".proto", "w") as f:
            f.write("\n".join(lines) + "\n")
        return made(image, 304 << 20, "mkfs.xfs", "-q", *options, "-p", image + ".proto", image)
    return make


def btrfs(image, root):
    return made(image, 128 << 20, "mkfs.btrfs", "-q", "--rootdir", root, image)


def erofs(*options):
    def make(image, root):
        if not tool("mkfs.erofs"):
            return False
        subprocess.run([tool("mkfs.erofs"), "-d0", *options, image, root], check=True, capture_output=True, timeout=60)
        return True
    return make


def pieces(name, image, size):
    """What is not zero of an image that a kernel wrote (images/NAME.pieces.xz): 4 bytes where, 2 how long, the bytes."""
    with lzma.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "images", name + ".pieces.xz")) as f:
        raw, at = f.read(), 0
    blank(image, size)
    with open(image, "r+b") as f:
        while at < len(raw):
            where, length = struct.unpack_from("<IH", raw, at)
            f.seek(where)
            f.write(raw[at + 6:at + 6 + length])
            at += 6 + length


def iso(image, root):
    if not tool("genisoimage"):
        return False
    subprocess.run([tool("genisoimage"), "-quiet", "-R", "-D", "-o", image, root], check=True, capture_output=True, timeout=60)
    return True


def squashfs(image, root):
    if not tool("gensquashfs"):
        return False
    subprocess.run([tool("gensquashfs"), "-q", "-D", root, image], check=True, capture_output=True, timeout=60)
    return True


def fat(image, root):
    if not tool("mcopy") or not made(image, 32 << 20, "mkfs.vfat", image):
        return False
    subprocess.run(["mcopy", "-s", "-i", image, *sorted(os.path.join(root, n) for n in os.listdir(root)), "::"], check=True, capture_output=True, timeout=60,
                   env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})
    return True


# name, what makes it of a folder, and whether that takes simple names alone
MAKERS = [
    ("ext4", ext(), False),
    ("ext4 inline", ext_inline, False),
    ("ext4 small blocks", ext("-b", "1024", "-O", "meta_bg,^resize_inode"), False),
    ("ext3", ext("-t", "ext3"), False),
    ("ext2", ext("-t", "ext2", "-O", "^filetype"), False),
    ("xfs", xfs(), True),
    ("xfs small blocks", xfs("-b", "size=1024", "-n", "size=8192", "-i", "nrext64=1"), True),
    ("xfs 4", xfs("-m", "crc=0,finobt=0", "-n", "ftype=0"), True),
    ("btrfs", btrfs, False),
    ("erofs", erofs(), False),
    ("erofs lz4", erofs("-zlz4"), False),
    ("erofs large clusters", erofs("-zlz4hc", "-C65536", "-Eztailpacking"), False),
    ("erofs old index", erofs("-zlz4", "-Elegacy-compress"), False),
    ("erofs chunks", erofs("--chunksize=4096"), False),
    ("squashfs", squashfs, False),
    ("iso9660", iso, True),
    ("vfat", fat, True),
]


def sectors(image):
    return (os.path.getsize(image) + SECTOR - 1) // SECTOR


def put(disk, at, image):
    """A sparse copy."""
    with open(image, "rb") as f, open(disk, "r+b") as out:
        while block := f.read(1 << 20):
            if block.strip(b"\0"):
                out.seek(at)
                out.write(block)
            at += len(block)


def mbr(disk, partitions):
    table = b"".join(struct.pack("<B3sB3sII", 0, b"\0\2\0", kind, b"\xff\xff\xff", start, sectors(image)) for start, kind, image in partitions)
    blank(disk, max(start + sectors(image) for start, _, image in partitions) * SECTOR + (1 << 20))
    with open(disk, "r+b") as f:
        f.write(b"\0" * 446 + table.ljust(64, b"\0") + b"\x55\xaa")
    for start, _, image in partitions:
        put(disk, start * SECTOR, image)


def gpt(disk, partitions):
    import zlib
    entries, last = b"", 0
    for i, (start, image) in enumerate(partitions):
        length = sectors(image) if image else 2048
        entries += b"\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4" + bytes([i + 1]) * 16 + struct.pack("<QQQ", start, start + length - 1, 0) + b"\0" * 72
        last = max(last, start + length)
    entries = entries.ljust(128 * 128, b"\0")
    total = last + 2048
    head = b"EFI PART\0\0\1\0" + struct.pack("<IIIQQQQ", 92, 0, 0, 1, total - 1, 34, total - 34) + b"\7" * 16 + struct.pack("<QIII", 2, 128, 128, zlib.crc32(entries))
    head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    blank(disk, total * SECTOR)
    with open(disk, "r+b") as f:
        f.write(b"\0" * 446 + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, total - 1) + b"\0" * 48 + b"\x55\xaa" + head.ljust(SECTOR, b"\0") + entries)
    for start, image in partitions:
        if image:
            put(disk, start * SECTOR, image)


def lvm(disk, volumes, stripes=1, lost=False, kind="striped"):
    """Two physical volumes in partitions of one disk, and on them one volume: in two pieces, or striped. The second may be `lost`."""
    extent, stripe, first = 1 << 20, 64 << 10, 1 << 20
    (name, image), = volumes.items()
    count = -(-os.path.getsize(image) // extent)
    count += count % 2
    half = count // 2
    ids = ["a" * 32, "b" * 32]
    dashed = ["-".join(i[s:e] for s, e in ((0, 6), (6, 10), (10, 14), (14, 18), (18, 22), (22, 26), (26, 32))) for i in ids]
    if stripes == 2:
        pieces = f'segment_count = 1\nsegment1 {{\nstart_extent = 0\nextent_count = {count}\ntype = "{kind}"\nstripe_count = 2\nstripe_size = {stripe // SECTOR}\nstripes = [\n"pv0", 0,\n"pv1", 0\n]\n}}\n'
    else:
        pieces = "segment_count = 2\n" + "".join(f'segment{i + 1} {{\nstart_extent = {i * half}\nextent_count = {half}\ntype = "{kind}"\nstripe_count = 1\t# linear\nstripes = [\n"pv{i}", 0\n]\n}}\n' for i in (0, 1))
    text = 'vg {\nid = "x"\nseqno = 3\nextent_size = %d\nphysical_volumes {\n' % (extent // SECTOR)
    text += "".join(f'pv{i} {{\nid = "{dashed[i]}"\ndevice = "/dev/sd \\"a\\""\npe_start = {first // SECTOR}\npe_count = {half}\n}}\n' for i in (0, 1))
    text += '}\nlogical_volumes {\n%s {\nid = "y"\nstatus = ["READ", "WRITE", "VISIBLE"]\n%s}\nhidden {\nstatus = ["READ"]\n%s}\n}\n}\n' % (name, pieces, pieces)
    text = text.encode() + b"\0"
    size = first + half * extent
    parts_ = [(2048, 0x8E), (2048 + size // SECTOR, 0x8E)][:1 if lost else 2]
    blank(disk, 2048 * SECTOR + 2 * size + (1 << 20))
    with open(disk, "r+b") as f:
        f.write(b"\0" * 446 + b"".join(struct.pack("<B3sB3sII", 0, b"\0\2\0", k, b"\xff\xff\xff", s, size // SECTOR) for s, k in parts_).ljust(64, b"\0") + b"\x55\xaa")
        for i, (start, _) in enumerate(parts_):
            f.seek(start * SECTOR + SECTOR)
            f.write(b"LABELONE" + struct.pack("<QII", 1, 0, 32) + b"LVM2 001" + ids[i].encode() + struct.pack("<QQQQQQQQQ", size, first, 0, 0, 0, 4096, first - 4096, 0, 0))
            f.seek(start * SECTOR + 4096)
            # A ring: the text begins near its end, and goes on behind the header.
            ring, begin = first - 4096, first - 4096 - 300
            f.write((struct.pack("<I", 0) + b" LVM2 x[5A%r0N*>" + struct.pack("<IQQ", 1, 4096, ring) + struct.pack("<QQII", begin, len(text), 0, 0)).ljust(SECTOR, b"\0") + text[300:])
            f.seek(start * SECTOR + 4096 + begin)
            f.write(text[:300])
        with open(image, "rb") as source:
            step = stripe if stripes == 2 else extent
            for n in range(count * extent // step):
                block = source.read(step)
                if stripes == 2:
                    device, within = n % 2, n // 2 * step
                else:
                    device, within = n // half, n % half * step
                if block.strip(b"\0") and device < len(parts_):
                    f.seek(parts_[device][0] * SECTOR + first + within)
                    f.write(block)


NAMED = [
    ("luks", 0, b"LUKS\xba\xbe\0\2"), ("bitlocker", 3, b"-FVE-FS-"), ("zfs", (128 << 10) + 5 * 1024, struct.pack("<Q", 0x00BAB10C)), ("refs", 3, b"ReFS\0\0\0\0"),
    ("apfs", 32, b"NXSB"), ("swap", 4086, b"SWAPSPACE2"), ("mdraid", 4096, struct.pack("<II", 0xA92B4EFC, 1)), ("f2fs", 1024, b"\x10\x20\xf5\xf2"),
    ("bcachefs", 4120, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")), ("jfs", 32768, b"JFS1"), ("vdi", 64, b"\x7f\x10\xda\xbe"), ("dmg", (2 << 20) - 512, b"koly\0\0\0\4"), ("reiserfs", 65588, b"ReIsEr2Fs"), ("udf", 0x8001, b"BEA01"),
]
