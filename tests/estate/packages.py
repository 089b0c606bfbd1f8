#!/usr/bin/env python3
"""Package databases, roots below a target, and containers, as hallmark find tells them. packages.py HALLMARK DATA (TAP)"""
import gzip, hashlib, io, json, os, shutil, sqlite3, struct, subprocess, sys, tarfile, zlib
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate, parts
from asked import data, end, folder, found, place, program, result, unread

KESL = {"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755), "/opt/kaspersky/kesl/lib/libx.so": (b"\x7fELF" + bytes(200), 0o755)}
PACKAGE = estate.packaged(KESL, "kesl", "AO Kaspersky Lab")


def below(where, files):
    return {where + path: content for path, content in files.items()}


def told(document, supplier="kaspersky"):
    return sorted((i["relation"], i["state"], i["outer"]) for i in document["items"] if i["supplier"] == supplier)


def proofs(document):
    return {(e["kind"], e["strength"], e["path"]) for i in document["items"] for e in i["evidence"]}


def verified(document):
    return any(kind == "package.files" and strength == "strong" for kind, strength, _ in proofs(document))


def roots():
    for where in ("/srv/chroot", "/var/lib/machines/old", "/home/a/unpacked"):
        d = found(place("root" + where.replace("/", "-"), {**estate.base(), **below(where, PACKAGE)}))[1]
        result(told(d) == [("branded", "present", where)], f"a package of the root {where}: present in it", (d["items"], d["candidates"]))
        result(verified(d) and ("path", "weak", "/opt/kaspersky/kesl/bin/kesl") in proofs(d), "its files are found and held against the database inside it", proofs(d))
    other = estate.packaged({"/usr/share/scanner/base.dat": (parts.avc(), 0o644)}, "scanner", "Example GmbH")
    d = found(place("owner", {**estate.base(), **below("/srv/chroot", other)}))[1]
    result(told(d) == [("contains", "present", "/srv/chroot!scanner")], "a file in it belongs to the package of that root", told(d))
    distroless = {"/etc/os-release": (b"ID=debian\n", 0o644), **KESL, "/var/lib/dpkg/status.d/base": (estate.DEBIAN.encode(), 0o644),
                  "/var/lib/dpkg/status.d/kesl": (b"Package: kesl\nVersion: 1\nArchitecture: amd64\nMaintainer: AO Kaspersky Lab <a@b>\n", 0o644),
                  "/var/lib/dpkg/status.d/kesl.md5sums": PACKAGE["/var/lib/dpkg/info/kesl.md5sums"]}
    code, d = found(place("distroless", distroless))
    result(told(d) == [("branded", "installed", "")] and verified(d) and not unread(d), "status.d of an image without dpkg, with its digests", (told(d), proofs(d), unread(d)))
    moved = {**PACKAGE, "/opt/kaspersky/kesl/bin/kesl.real": PACKAGE["/opt/kaspersky/kesl/bin/kesl"], "/opt/kaspersky/kesl/bin/kesl": (b"#!/bin/sh\nwrapper\n", 0o755),
             "/var/lib/dpkg/diversions": (b"/opt/kaspersky/kesl/bin/kesl\n/opt/kaspersky/kesl/bin/kesl.real\nwrapper\n", 0o644)}
    result(verified(found(place("diverted", moved))[1]), "a file that another package diverted is held where it went")
    moved["/var/lib/dpkg/diversions"] = (b"/opt/kaspersky/kesl/bin/kesl\n/opt/kaspersky/kesl/bin/kesl.real\nkesl\n", 0o644)
    result(not verified(found(place("diverts", moved))[1]), "what the package itself diverts stays its own")
    both = found(place("both", {**PACKAGE, **below("/srv/chroot", PACKAGE)}))[1]
    result(told(both) == [("branded", "installed", ""), ("branded", "present", "/srv/chroot")], "installed here, and present in a root: two answers", told(both))
    d = found(place("mask", {**estate.base(), **KESL, "/opt/kaspersky/usr/lib/os-release": (b"ID=x\n", 0o644)}))[1]
    result(any(e["path"] == "/opt/kaspersky/kesl/bin/kesl" and e["kind"] == "path" for i in d["items"] + d["candidates"] for e in i["evidence"]),
           "what only looks like a root hides no path", d["candidates"])
    outside = place("outside", KESL)
    chroot = place("escape", {**estate.base(), **below("/srv/chroot", estate.packaged({"/usr/bin/x": (b"x", 0o755)}, "kesl", "AO Kaspersky Lab"))})
    os.remove(chroot + "/srv/chroot/usr/bin/x")
    os.symlink(outside + "/opt/kaspersky/kesl/bin/kesl", chroot + "/srv/chroot/usr/bin/x")
    d = found(chroot)[1]
    result(not verified(d) and told(d), "links in it do not lead out of it", proofs(d))
    d = found("--jobs", "3", place("shared", {**estate.base(), **below("/srv/chroot", PACKAGE)}))[1]
    result(told(d) == [("branded", "present", "/srv/chroot")] and verified(d), "three readers tell the same", told(d))
    tarred = found(place("roots.tar", parts.tar({**estate.base(), **below("/srv/chroot", PACKAGE)})))[1]
    result(told(tarred) and all(state == "present" for _, state, _ in told(tarred)), "in an archive it is installed nowhere either", told(tarred))


def docker():
    """A host whose engine keeps an image of two layers and a container of it, as docker 24 lays them out."""
    store, low, top, own = "/var/lib/docker", "a1" * 32, "b2" * 32, "c3" * 32
    diff = ["sha256:" + hashlib.sha256(n.encode()).hexdigest() for n in ("low", "top")]
    chain = [diff[0], "sha256:" + hashlib.sha256(f"{diff[0]} {diff[1]}".encode()).hexdigest()]
    image, container = "d4" * 32, "e5" * 32
    status = PACKAGE["/var/lib/dpkg/status"]
    text = lambda s: (s.encode(), 0o644)
    layers = store + "/image/overlay2/layerdb/sha256/"
    return {**estate.base(),
            **below(f"{store}/overlay2/{low}/diff", {k: v for k, v in PACKAGE.items() if "/dpkg/status" not in k} | {"/var/lib/dpkg/status": text(estate.DEBIAN)}),
            **below(f"{store}/overlay2/{top}/diff", {"/var/lib/dpkg/status": status}),
            f"{store}/overlay2/{top}/lower": text("l/LOW"),
            **below(f"{store}/overlay2/{own}/diff", {"/opt/drweb.com/bin/drweb-ctl": (estate.SCRIPT, 0o755), "/etc/systemd/system/drweb-configd.service": text("[Service]\nExecStart=/opt/drweb.com/bin/drweb-configd\n")}),
            f"{store}/overlay2/{own}/lower": text("l/TOP:l/LOW"),
            layers + chain[0][7:] + "/diff": text(diff[0]), layers + chain[0][7:] + "/cache-id": text(low),
            layers + chain[1][7:] + "/diff": text(diff[1]), layers + chain[1][7:] + "/cache-id": text(top), layers + chain[1][7:] + "/parent": text(chain[0]),
            f"{store}/image/overlay2/imagedb/content/sha256/{image}": text(json.dumps({"rootfs": {"type": "layers", "diff_ids": diff}})),
            store + "/image/overlay2/repositories.json": text(json.dumps({"Repositories": {"made": {"made:1": "sha256:" + image}}})),
            f"{store}/image/overlay2/layerdb/mounts/{container}/mount-id": text(own),
            f"{store}/containers/{container}/config.v2.json": text(json.dumps({"Name": "/web", "Config": {"Image": "made:1"}}))}, (store, low, top)


def engines():
    files, (store, low, top) = docker()
    host = place("docker", files)
    os.makedirs(f"{host}{store}/overlay2/l")
    os.symlink(f"../{low}/diff", f"{host}{store}/overlay2/l/LOW")
    os.symlink(f"../{top}/diff", f"{host}{store}/overlay2/l/TOP")
    d = found(host)[1]
    result(told(d) == [("branded", "present", "image made:1")], "docker's image is called as docker calls it", (d["items"], unread(d)))
    result(verified(d), "the database of an upper layer is held against the files of those below it", proofs(d))
    result(any(o == "container web (image made:1)" for _, _, o in told(d, "drweb")), "docker's container is called as docker calls it", (told(d, "drweb"), d["candidates"]))
    bent = {**files, f"{store}/image/overlay2/repositories.json": (b'{"Repositories":[{"a":1},{"a":1}]}', 0o644), f"{store}/overlay2/{top}/lower": (b"l/../../../../../../etc:l/:l/" + b"x" * 9000 + b":" * 9000, 0o644)}
    for name in list(bent):
        if name.endswith(("/diff", "/cache-id", "/parent", "config.v2.json")) and "layerdb" in name or "imagedb" in name:
            bent[name] = (b"[" * 100000 + b"\xff\0", 0o644)
    d = found(place("bent", bent))[1]
    result(told(d) and all(o.startswith(store) for _, _, o in told(d)), "records of an engine that make no sense name nothing", (told(d), unread(d)))
    store = "/var/lib/containers/storage"
    text = lambda o: (json.dumps(o).encode(), 0o644)
    d = found(place("podman", {**estate.base(), **below(f"{store}/overlay/L2/diff", PACKAGE), f"{store}/overlay/L2/lower": (b"l/NONE", 0o644),
                               f"{store}/overlay-layers/layers.json": text([{"id": "L1"}, {"id": "L2", "parent": "L1"}]),
                               f"{store}/overlay-images/images.json": text([{"id": "f" * 64, "names": ["localhost/made:2"], "layer": "L2"}])}))[1]
    result(told(d) == [("branded", "present", "image localhost/made:2")], "podman's image too", d["items"])
    d = found(place("containerd", {**estate.base(), "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db": (b"x", 0o644),
                                   **below("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs", PACKAGE)}))[1]
    result([o for _, _, o in told(d)] == ["/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs"], "containerd's snapshot is called by its path", d["items"])


def blob(store, content):
    digest = hashlib.sha256(content).hexdigest()
    store["/blobs/sha256/" + digest] = (content, 0o644)
    return "sha256:" + digest


def manifest(store, layers, media="application/vnd.oci.image.layer.v1.tar", **more):
    rows = [{"mediaType": media, "digest": blob(store, l), "size": len(l)} for l in layers]
    content = json.dumps({"schemaVersion": 2, "config": {"digest": blob(store, b"{}")}, "layers": rows}).encode()
    return {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": blob(store, content), "size": len(content), **more}


def layout(rows, store):
    return {**store, "/oci-layout": (b'{"imageLayoutVersion":"1.0.0"}', 0o644), "/index.json": (json.dumps({"schemaVersion": 2, "manifests": rows}).encode(), 0o644)}


def oci(layers, name="made:1", pack=bytes, **more):
    store = {}
    return layout([manifest(store, [pack(l) for l in layers], annotations={"org.opencontainers.image.ref.name": name}, **more)], store)


BASE = parts.tar({**estate.base(), "/usr/lib/old": (b"x", 0o644)})
UPPER = parts.tar({k: v for k, v in PACKAGE.items() if k not in estate.base() or k == "/var/lib/dpkg/status"})


def linked_layer():
    """Settings of /lib, which is a link to usr/lib; a program that is a hard link; and one whose file is a link."""
    out = io.BytesIO()
    program, library = b"\x7fELF" + b"p" * 100, b"\x7fELF" + b"l" * 100
    sums = "".join(f"{hashlib.md5(c).hexdigest()}  {p}\n" for p, c in (("lib/x/libk.so", library), ("usr/bin/one", program), ("usr/bin/two", program)))
    with tarfile.open(fileobj=out, mode="w") as t:
        def add(name, content=None, **more):
            info = tarfile.TarInfo(name)
            for k, v in more.items():
                setattr(info, k, v)
            info.size = len(content or b"")
            t.addfile(info, io.BytesIO(content or b""))
        add("lib", type=tarfile.SYMTYPE, linkname="usr/lib")
        add("usr/lib/x", type=tarfile.SYMTYPE, linkname="/usr/lib/y")
        add("usr/lib/y/libk.so", library)
        add("usr/bin/one", program, mode=0o755)
        add("usr/bin/two", type=tarfile.LNKTYPE, linkname="usr/bin/one")
        add("var/lib/dpkg/status", PACKAGE["/var/lib/dpkg/status"][0])
        add("var/lib/dpkg/info/kesl.md5sums", sums.encode())
    return out.getvalue()


def rpm_header(name, vendor, files):
    """A header as rpm keeps it: tags with their type, offset and count, then the data (docs/manual/format_header.md of rpm)."""
    folders = sorted({os.path.dirname(p) + "/" for p in files})
    strings = lambda values: b"".join(v.encode() + b"\0" for v in values)
    numbers = lambda values: b"".join(struct.pack(">I", v) for v in values)
    tags = [(1000, 6, 1, strings([name])), (1001, 6, 1, b"12.0\0"), (1002, 6, 1, b"1\0"), (1011, 6, 1, strings([vendor])),
            (1035, 8, len(files), strings([hashlib.sha256(c).hexdigest() for c, _ in files.values()])), (1037, 4, len(files), numbers([0] * len(files))),
            (1116, 4, len(files), numbers([folders.index(os.path.dirname(p) + "/") for p in files])), (1117, 8, len(files), strings([os.path.basename(p) for p in files])),
            (1118, 8, len(folders), strings(folders)), (5011, 4, 1, numbers([8]))]
    index = data = b""
    for tag, kind, count, content in tags:
        data += b"\0" * (-len(data) % 4 if kind == 4 else 0)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += content
    return struct.pack(">II", len(tags), len(data)) + index + data


def rpm_sqlite(headers):
    path = os.path.join(folder, "made.sqlite")
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    db.executemany("INSERT INTO Packages (blob) VALUES (?)", [(h,) for h in headers])
    db.commit()
    db.close()
    return {"/var/lib/rpm/rpmdb.sqlite": (open(path, "rb").read(), 0o644)}


def rpm_ndb(headers):
    """lib/backend/ndb/rpmpkg.c: a page of slots, then blobs in blocks of 16 bytes."""
    slots, body, at = b"", b"", 4096 // 16
    for i, h in enumerate(headers, 1):
        blocks = (16 + len(h) + 12 + 15) // 16
        whole = (struct.pack("<4sIII", b"BlbS", i, 1, len(h)) + h).ljust(blocks * 16 - 12, b"\0")
        body += whole + struct.pack("<II4s", zlib.adler32(whole), len(h), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", i, at, blocks)
        at += blocks
    head = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(headers) + 1, 0, 0, 0) + slots
    while len(head) < 4096:
        head += struct.pack("<4sIII", b"Slot", 0, 0, 0)
    return {"/usr/lib/sysimage/rpm/Packages.db": (head + body, 0o644)}


def rpm_bdb(headers):
    """Berkeley DB's own tool makes the file."""
    path = os.path.join(folder, "made.bdb")
    rows = [(struct.pack("<I", i), h) for i, h in enumerate(headers, 1)] + [(struct.pack("<I", 0), struct.pack("<I", len(headers) + 1))]
    text = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n" + "".join(f" {k.hex()}\n {v.hex()}\n" for k, v in rows) + "DATA=END\n"
    subprocess.run(["db5.3_load", path], input=text.encode(), check=True)
    return {"/var/lib/rpm/Packages": (open(path, "rb").read(), 0o644)}


def rpm():
    os_release = {"/etc/os-release": (b"ID=made\n", 0o644)}
    scanner = {"/usr/share/scanner/base.dat": (parts.avc(), 0o644), "/usr/share/scanner/notes": (b"n", 0o644)}
    headers = [rpm_header("kesl", "AO Kaspersky Lab", KESL), rpm_header("scanner", "Example GmbH", scanner)]
    for name, make in (("sqlite", rpm_sqlite), ("ndb", rpm_ndb), ("bdb", rpm_bdb)):
        if name == "bdb" and not shutil.which("db5.3_load"):
            result(True, "rpm's database of Berkeley DB # SKIP no db5.3_load")
            continue
        made = {**os_release, **KESL, **scanner, **make(headers)}
        d = found(place("rpm-" + name, made))[1]
        result(told(d) == [("branded", "installed", ""), ("contains", "present", "scanner")] and verified(d) and d["targets"][0]["components"]["seen"] == 2,
               f"rpm's database as {name}: packages, whose a file is, and its digest", (told(d), proofs(d), unread(d)))
        d = found(place(f"rpm-{name}-image.tar", parts.tar(oci([parts.tar(made)]))))[1]
        result(told(d) == [("branded", "installed", ""), ("contains", "present", "scanner")] and verified(d), f"in an image too: {name}", (told(d), proofs(d), unread(d)))
    d = found(place("rpm-changed", {**os_release, **KESL, "/opt/kaspersky/kesl/bin/kesl": (b"#!/bin/sh\nother\n", 0o755), **rpm_ndb(headers)}))[1]
    result(told(d) and not verified(d), "a file that was changed is none of the package's", proofs(d))


def images():
    for name, pack in (("plain", bytes), ("gzip", lambda b: gzip.compress(b, mtime=0))):
        d = found(place(f"oci-{name}.tar", parts.tar(oci([BASE, UPPER], pack=pack))))[1]
        result(told(d) == [("branded", "installed", "")] and verified(d), f"files of an image held against its database: {name} layers", (told(d), proofs(d), unread(d)))
    if shutil.which("zstd"):
        pack = lambda b: subprocess.run(["zstd", "-q", "-c"], input=b, capture_output=True, check=True).stdout
        d = found(place("oci-zstd.tar", parts.tar(oci([BASE, UPPER], pack=pack))))[1]
        result(told(d) == [("branded", "installed", "")] and verified(d), "zstd layers", (told(d), unread(d)))
    else:
        result(True, "zstd layers # SKIP no zstd")
    patched = parts.tar({"/opt/kaspersky/kesl/bin/kesl": (b"#!/bin/sh\nother\n", 0o755)})
    d = found(place("patched.tar", parts.tar(oci([BASE, UPPER, patched]))))[1]
    result(told(d) and not verified(d) and any(k == "package.files" for k, _, _ in proofs(d)), "a file that an upper layer changed: it is that one that is held", proofs(d))
    d = found(place("gone.tar", parts.tar(oci([BASE, UPPER, parts.tar({"/opt/kaspersky/kesl/bin/.wh.kesl": (b"", 0o644)})]))))[1]
    result(told(d) and not verified(d), "one that an upper layer deleted is gone", proofs(d))
    d = found(place("links.tar", parts.tar(oci([BASE, linked_layer()]))))[1]
    result(verified(d), "files behind links and hard links are the files", [e for i in d["items"] for e in i["evidence"]])
    d = found(place("root.tar", parts.tar(PACKAGE)))[1]
    result(told(d) == [("branded", "installed", "")] and verified(d), "a root in a tar, too", proofs(d))

    save = estate.image(estate.base(), PACKAGE)
    where = place("shelf", {"/images/old.tar": (save, 0o644), "/images/new.tar.gz": (gzip.compress(parts.tar(oci([BASE, UPPER], "made:2")), mtime=0), 0o644), "/notes.txt": (b"none", 0o644),
                            **below("/images/layout", oci([BASE, UPPER, parts.tar({"/opt/.wh.kaspersky": (b"", 0o644), "/var/lib/dpkg/status": (estate.DEBIAN.encode(), 0o644)})], "made:3"))})
    for jobs in ("1", "3"):
        d = found("--jobs", jobs, where)[1]
        result(told(d) == [("branded", "present", "/images/new.tar.gz!image made:2"), ("branded", "present", "/images/old.tar!image made:1"),
                           ("branded", "residue", "/images/layout!image made:3!layer blobs/sha256/" + hashlib.sha256(UPPER).hexdigest())],
               f"a folder of images: each by its name, and what was deleted as residue of its layer ({jobs} readers)", (told(d), unread(d)))
        result(verified(d), "and their files are held against their databases", proofs(d))
    unit = {"/opt/drweb.com/bin/drweb-configd": (estate.SCRIPT, 0o755), "/etc/systemd/system/drweb-configd.service": (b"[Service]\nExecStart=/opt/drweb.com/bin/drweb-configd\n", 0o644)}
    d = found(place("units", {"/images/a.tar": (parts.tar(oci([BASE, parts.tar(unit)])), 0o644)}))[1]
    result([s for _, s, _ in told(d, "drweb")] == ["present"] and not any(e["kind"] == "service" and e["state"] == "residue" for i in d["items"] for e in i["evidence"]),
           "a unit of an image in a folder has its program", (told(d, "drweb"), d["candidates"]))
    d = found(place("box.zip", parts.zip_of({"a/old.tar": save})))[1]
    result(told(d) == [("branded", "present", "/a/old.tar!image made:1")], "an image in an archive", (told(d), unread(d)))

    store = {}
    rows = [manifest(store, [BASE, UPPER], platform={"os": "linux", "architecture": "amd64"}), manifest(store, [BASE], platform={"os": "linux", "architecture": "arm64", "variant": "v8"})]
    bill = {"SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "name": "x", "packages": [{"name": "drweb-ctl", "SPDXID": "SPDXRef-a", "versionInfo": "1", "supplier": "Organization: Doctor Web, Ltd."}]}
    said = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document", "subject": [], "predicate": bill}).encode()
    rows.append(manifest(store, [said], "application/vnd.in-toto+json", platform={"os": "unknown", "architecture": "unknown"}, annotations={"vnd.docker.reference.type": "attestation-manifest"}))
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": rows}).encode()
    nested = layout([{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": blob(store, index), "annotations": {"io.containerd.image.name": "r.example/made:4"}}], store)
    code, d = found(place("platforms.tar", parts.tar(nested)))
    result([o for _, _, o in told(d)] == ["image r.example/made:4 (linux/amd64)"], "an index in an index, of two platforms: the one that has it is named", (told(d), unread(d)))
    result(any(o.startswith("attestation of an image") for _, _, o in told(d, "drweb")) or any(c["supplier"] == "drweb" for c in d["candidates"]), "the bill of materials that an attestation holds is read", (d["items"], d["candidates"]))
    result(not unread(d), "and is no layer", unread(d))

    shelf = {}
    one = manifest(shelf, [BASE, UPPER])
    registry = {f"/docker/registry/v2/blobs/sha256/{k[14:16]}/{k[14:]}/data": v for k, v in shelf.items()}
    registry["/docker/registry/v2/repositories/team/made/_manifests/tags/5/current/link"] = (one["digest"].encode(), 0o644)
    registry[f"/docker/registry/v2/repositories/team/made/_manifests/revisions/sha256/{one['digest'][7:]}/link"] = (one["digest"].encode(), 0o644)
    d = found(place("registry", registry))[1]
    result(told(d) == [("branded", "present", "/docker/registry/v2!image team/made:5")], "a registry's storage, by repository and tag", (told(d), unread(d)))

    code, d = found(place("missing.tar", parts.tar({k: v for k, v in oci([BASE, UPPER]).items() if v[0] != UPPER})))
    result(code == 2 and unread(d), "a layer that is not there is told", unread(d))
    loop = {}
    digest = "sha256:" + "0" * 64
    loop["/blobs/sha256/" + "0" * 64] = (json.dumps({"manifests": [{"digest": digest}] * 3}).encode(), 0o644)
    code, d = found(place("loop.tar", parts.tar(layout([{"digest": digest}, {"digest": "sha256:../../x"}, {"digest": 3}, None], loop))))
    result(code == 2 and unread(d), "indexes that hold themselves, digests that are none", unread(d))
    code, d = found(place("chart.tar", parts.tar(layout([manifest(s := {}, [b"x" * 100], "application/vnd.cncf.helm.chart.content.v1.other")], s))))
    result(code == 2 and any("media type" in why for _, why in unread(d)), "a layer that is none is told by its type", unread(d))


roots()
engines()
images()
rpm()
end()
