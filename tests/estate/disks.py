#!/usr/bin/env python3
"""Disk images held against the same tree as a folder: each file system, in partitions, volumes and containers; what is not read is named; what is damaged is no
clean one. disks.py HALLMARK DATA LIST_TARGET (TAP)"""
import hashlib, os, shutil, stat, struct, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate, images, parts
from asked import end, folder, found, result, unread as reasons

lister = os.path.abspath(sys.argv[3])


def at(name):
    return os.path.join(folder, name)


def copy_of(image, copy):
    """With its holes: most of an image is nothing."""
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)


def shown(raw):
    return "".join(chr(c) if 32 < c < 127 and c != 37 else "%%%02x" % c for c in raw)


def tree(root):
    """The folder as Python sees it: path -> type, size, digest."""
    out, root = {}, os.fsencode(root)
    for d, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(d, name)
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    out[shown(path[len(root):])] = ("file", str(st.st_size), hashlib.sha256(f.read()).hexdigest())
            else:
                kind = "folder" if stat.S_ISDIR(st.st_mode) else "link" if stat.S_ISLNK(st.st_mode) else "other"
                out[shown(path[len(root):])] = (kind, "0", "-")
    return out


def listed(path):
    """The image as Hallmark walks it, and what it says that it could not read."""
    run = subprocess.run([lister, path], capture_output=True, text=True, timeout=120)
    if run.returncode not in (0, 1) or "Sanitizer" in run.stderr:
        raise RuntimeError(f"{lister} {path}: {run.returncode}: {run.stderr}")
    lines = [line.split(" ") for line in run.stdout.splitlines()]
    return {f[3]: tuple(f[:3]) for f in lines if f[0] != "unread" and f[3] != "/lost+found"}, [f[3:] for f in lines if f[0] == "unread"]


def difference(path, want):
    have, unread = listed(path)
    return {"unread": unread[:5], "missing": sorted(set(want) - set(have))[:5], "extra": sorted(set(have) - set(want))[:5],
            "differ": sorted(k for k in have if k in want and have[k] != want[k])[:5]}


def same(path, want, text):
    d = difference(path, want)
    result(not any(d.values()), text, d)


def product(path):
    code, d = found(path)
    return code == 1 and any(i["supplier"] == "kaspersky" and i["state"] == "installed" for i in d["items"]) and \
        any(e["kind"] == "package.files" and e["strength"] == "strong" for i in d["items"] for e in i["evidence"])


def file_systems(root, plain):
    """Every maker of images that is here, over the whole tree or the one that it can hold."""
    whole, simple = tree(root), tree(plain)
    made = {}
    for name, make, limited in images.MAKERS:
        image = at("made." + name.replace(" ", "-"))
        if not make(image, plain if limited else root):
            result(True, f"{name} # SKIP what makes it is not here")
            continue
        made[name] = image
        same(image, simple if limited else whole, f"{name}: the tree as it is in the folder")
    for name in ("ext4", "xfs", "btrfs", "erofs lz4", "squashfs"):
        if name in made:
            result(product(made[name]), f"{name}: the product is installed, its files held against the database", found(made[name])[1]["items"])
    return made, whole, simple


def lines(name):
    return b"".join(b"line %d of %s\n" % (i, name) for i in range(8000))


def subvolumes():
    """btrfs as a kernel wrote it: @ is the default, @home by custom, @logs by fstab, a snapshot of @ before a program was removed; compressed in three ways."""
    image = at("subvolumes")
    images.pieces("btrfs", image, 120 << 20)
    have, unread = {}, []
    for line in subprocess.run([lister, image], capture_output=True, text=True, timeout=60).stdout.splitlines():
        kind, size, digest, path, outer, *why = line.split(" ")
        unread += why
        have[path, outer] = digest
    fstab = b"/dev/vda1 / btrfs defaults,subvol=@ 0 0\n/dev/vda1 /var/log btrfs noatime,subvol=/@logs 0 0\n"
    want = {"/etc/fstab": fstab, "/etc/fstab.again": fstab, "/home/user": b"me\n", "/var/log/syslog": b"l\n", "/usr/lib/reserved": bytes(20000), "/usr/lib/hole": bytes(300000)}
    for name in (b"zlib", b"lzo", b"zstd"):
        want["/usr/lib/" + name.decode()] = lines(name)
        want["/usr/lib/" + name.decode() + ".small"] = name * 150
    want["/usr/lib/zlib.small"] = b"zlib " * 150
    want["/usr/lib/zstd.small"] += b"more\n"
    want = {(path, "-"): hashlib.sha256(raw).hexdigest() for path, raw in want.items()}
    want.update({(path, "-"): "-" for path in ("/etc", "/usr", "/usr/lib", "/opt", "/opt/kaspersky", "/opt/kaspersky/kesl", "/opt/kaspersky/kesl/bin", "/out")})
    want.update({("/usr/lib/zstd.small", "snapshot%20before"): hashlib.sha256(b"zstd" * 150).hexdigest(),
                 ("/opt/kaspersky/kesl/bin/kesl", "snapshot%20before"): hashlib.sha256(b"#!/bin/sh\n").hexdigest()})
    result(have == want and not unread, "subvolumes of btrfs where they are mounted, compressed files, of a snapshot what differs", {"have": sorted(set(have.items()) ^ set(want.items())), "unread": unread})
    code, d = found(image)
    result(any(i["outer"] == "snapshot before" and i["state"] == "residue" for i in d["items"] + d["candidates"]), "what a snapshot alone holds is residue", d["candidates"])
    copy = at("stripped")
    copy_of(image, copy)
    with open(copy, "r+b") as f:
        f.seek(0x10000 + 136)
        f.write(struct.pack("<Q", 2))
    result(any("2 devices" in " ".join(u).replace("%20", " ") for u in listed(copy)[1]), "btrfs on several devices is told")
    with open(copy, "r+b") as f:
        f.seek(0x10000 + 136)
        f.write(struct.pack("<Q", 1))
        f.seek(0x10000 + 188)
        f.write(struct.pack("<Q", 1 << 40))
    result(any("not known" in " ".join(u).replace("%20", " ") for u in listed(copy)[1]), "btrfs with a feature that is not known is not read")


def placed(made, whole, simple):
    disk = at("disk")
    if "ext4" in made and "xfs" in made:
        images.mbr(disk, [(63, 0x83, made["ext4"])])
        same(disk, whole, "a table of partitions, at an odd sector")
        images.gpt(disk, [(2048, made["xfs"]), (images.sectors(made["xfs"]) + 4096, None)])
        same(disk, simple, "a GPT, and a partition with nothing in it")
        images.lvm(disk, {"root": made["xfs"]})
        same(disk, simple, "a volume of LVM in two pieces")
        images.lvm(disk, {"root": made["ext4"]}, stripes=2)
        same(disk, whole, "a striped volume of LVM")
        images.lvm(disk, {"root": made["ext4"]}, lost=True)
        code, d = found(disk)
        result(code == 2 and any("not here" in why for _, why in reasons(d)), "a volume in part on another disk is told", reasons(d))
        images.lvm(disk, {"root": made["ext4"]}, kind="thin")
        code, d = found(disk)
        result(code == 2 and any("thin" in why for _, why in reasons(d)), "a volume of another kind is told by its kind", reasons(d))
    if "ext4" in made and shutil.which("qemu-img"):
        images.mbr(disk, [(63, 0x83, made["ext4"])])
        for form in ("qcow2", "vmdk", "vpc", "vhdx"):
            subprocess.run(["qemu-img", "convert", "-O", form, disk, disk + "." + form], check=True, capture_output=True)
            same(disk + "." + form, whole, f"in {form}")
        halves = []
        for form in ("qcow2", "vmdk"):
            subprocess.run(["qemu-img", "create", "-f", form, "-b", disk + "." + form, "-F", form, disk + ".half"], check=True, capture_output=True)
            halves.append("another image" in " ".join(" ".join(u) for u in listed(disk + ".half")[1]).replace("%20", " "))
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", "-c", "-o", "compression_type=zstd", disk, disk + ".half"], check=True, capture_output=True)
        halves.append("libqcow" in " ".join(" ".join(u) for u in listed(disk + ".half")[1]))
        with open(disk + ".vpc", "rb") as f:
            raw = bytearray(f.read())
        raw[-512 + 60:-512 + 64] = struct.pack(">I", 4)
        with open(disk + ".half", "wb") as f:
            f.write(raw)
        halves.append("another image" in " ".join(" ".join(u) for u in listed(disk + ".half")[1]).replace("%20", " "))
        result(all(halves), "a container that stands on another, or has what its library does not know, is told", halves)
    elif "ext4" in made:
        result(True, "containers # SKIP no qemu-img")
    if "ext4" in made:
        os.makedirs(at("holds/images"))
        copy_of(made["ext4"], at("holds/images/root.img"))
        code, d = found(at("holds"))
        if "iso9660" in made:
            copy_of(made["iso9660"], at("holds/images/cd"))
        with open(at("holds/images/x.vdi"), "wb") as f:
            f.write(b"\0" * 64 + b"\x7f\x10\xda\xbe" + bytes(2 << 20))
        result(any("vdi" in why for _, why in reasons(found(at("holds"))[1])), "an image in a folder that is not read is named")
        if "iso9660" in made:
            result(any((i["outer"] or "").startswith("/images/cd") for i in found(at("holds"))[1]["items"]), "so is the image of a CD, which begins with nothing")
        result(code == 1 and any(i["outer"] == "/images/root.img" for i in d["items"]), "a raw image in a folder is opened, and named", d["items"])


def named():
    """What is not read is told by its name, alone and in a partition."""
    whole, text = [], []
    for name, offset, magic in images.NAMED:
        with open(at("named"), "wb") as f:
            f.seek(offset)
            f.write(magic)
            f.truncate(2 << 20)
        images.mbr(at("named.disk"), [(2048, 0x83, at("named"))])
        for path in (at("named"), at("named.disk")):
            if name == "swap" and path == at("named.disk"):  # every second disk has one
                whole.append(not listed(path)[1])
                continue
            code, d = found(path) if name in ("luks", "bitlocker") else (2, {"targets": [{"not_read": [{"reason": " ".join(u)} for u in listed(path)[1]]}]})
            whole.append(code == 2 and any(name in why for _, why in reasons(d)))
            if not whole[-1]:
                text.append((name, path, reasons(d)))
    result(all(whole), "what is not read is told by name: " + ", ".join(sorted({n for n, _, _ in images.NAMED})), text)


def patched(image, offset, raw, text, want):
    """A changed image must not be taken for a clean one."""
    copy = at("patched")
    copy_of(image, copy)
    with open(copy, "r+b") as f:
        f.seek(offset)
        f.write(raw)
    unread = listed(copy)[1]
    result(any(want in " ".join(u).replace("%20", " ") for u in unread), text, unread)


def doubted(made):
    if "ext4" in made:
        raw = open(made["ext4"], "rb").read(4096)
        free = struct.unpack_from("<I", raw, 1024 + 16)[0]
        patched(made["ext4"], 1024 + 96, struct.pack("<I", struct.unpack_from("<I", raw, 1024 + 96)[0] | 0x1), "ext with a feature that is not known is not read", "not known")
        patched(made["ext4"], 1024 + 96, struct.pack("<I", struct.unpack_from("<I", raw, 1024 + 96)[0] | 0x4), "ext with a journal that was not written back: told", "journal")
        patched(made["ext4"], 1024 + 16, struct.pack("<I", free - 1), "ext with one inode in use that no folder has: told", "inodes")
    if "xfs" in made:
        raw = open(made["xfs"], "rb").read(512)
        patched(made["xfs"], 216, struct.pack(">I", struct.unpack_from(">I", raw, 216)[0] | 0x8000), "xfs with a feature that is not known is not read", "not known")
        patched(made["xfs"], 136, struct.pack(">Q", struct.unpack_from(">Q", raw, 136)[0] - 1), "xfs with one inode in use that no folder has: told", "inodes")
        start = struct.unpack_from(">Q", raw, 48)[0]
        where = ((start >> raw[124]) * struct.unpack_from(">I", raw, 84)[0] + (start & ((1 << raw[124]) - 1))) * struct.unpack_from(">I", raw, 4)[0]
        patched(made["xfs"], where + 521, b"\0", "xfs whose log does not end with an unmount: told", "log")
    if "erofs" in made:
        raw = open(made["erofs"], "rb").read(1152)
        patched(made["erofs"], 1024 + 80, struct.pack("<I", struct.unpack_from("<I", raw, 1024 + 80)[0] | 0x20), "erofs with a feature that is not known is not read", "not known")
        patched(made["erofs"], 1024 + 16, struct.pack("<Q", struct.unpack_from("<Q", raw, 1024 + 16)[0] + 1), "erofs with one inode more than folders have: told", "inodes")
    if "iso9660" in made:
        patched(made["iso9660"], 20 * 2048, b"\0NSR02\1", "an iso9660 that has an udf beside it: told", "udf")
    for name, image in sorted(made.items()):
        os.truncate(image, os.path.getsize(image) // 64)
    bad = [name for name, image in sorted(made.items()) if not listed(image)[1]]
    result(not bad, "images that end early are not clean", bad)


root, plain = at("root"), at("plain")
images.tree(root, names=True)
images.tree(plain, names=False)
made, whole, simple = file_systems(root, plain)
subvolumes()
placed(made, whole, simple)
named()
doubted(made)
end()
