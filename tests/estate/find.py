#!/usr/bin/env python3
"""hallmark find as a user meets it: the traps, hostile targets, exit codes. find.py HALLMARK DATA (TAP)"""
import gzip, hashlib, json, os, shutil, signal, sqlite3, struct, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate, hive, parts, signed
from asked import data, end, find, folder, found, place, program, result, unread


def states(document, supplier):
    return sorted((i["relation"], i["state"]) for i in document["items"] if i["supplier"] == supplier)


def tree(path):
    return {(os.path.join(d, f), os.lstat(os.path.join(d, f)).st_mtime_ns, hashlib.sha256(open(os.path.join(d, f), "rb").read()).hexdigest())
            for d, _, files in os.walk(path) for f in files if not os.path.islink(os.path.join(d, f))}


def states_and_forms():
    kesl = {"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}
    root = estate.packaged(kesl, "kesl", "AO Kaspersky Lab")
    a = place("installed", root)
    before = tree(a)
    code, d = found(a)
    result(code == 1 and states(d, "kaspersky") == [("branded", "installed")], "an installed package: exit 1", d["items"])
    result(any(e["strength"] == "strong" for i in d["items"] for e in i["evidence"]), "its files are those of the database: strong")
    result(tree(a) == before, "nothing of the target is changed")
    code, d = found("--jobs", "3", a)
    result(code == 1 and d["targets"][0]["read"]["entries"] == found(a)[1]["targets"][0]["read"]["entries"], "three readers read what one reads")
    left = place("left", {**estate.base(), "/opt/kaspersky/kesl": (None, 0o755), "/etc/systemd/system/kesl.service": (b"[Service]\nExecStart=/opt/kaspersky/kesl/bin/kesl\n", 0o644)})
    code, d = found(left)
    result(states(d, "kaspersky") == [("branded", "residue")], "a folder and a unit without its program: residue", d["items"])
    code, out, _ = find("--gone", "--supplier", "kaspersky", left)
    result(code == 1 and out.count(b"left:") >= 2, "--gone tells what is left", out)
    code, out, _ = find("--gone", "--supplier", "drweb", left)
    result(code == 0 and b"nothing is left" in out, "--gone: nothing left of who is not there", out)
    code, d = found(place("deleted.tar", estate.image({**estate.base(), **root}, {"/opt/kaspersky/.wh.kesl": (b"", 0o644), "/var/lib/dpkg/status": (estate.DEBIAN.encode(), 0o644)})))
    result(states(d, "kaspersky") == [("branded", "residue")] and all(i["outer"].startswith("layer") for i in d["items"]), "deleted by an upper layer: residue of that layer", d["items"])
    code, d = found(place("opaque.tar", estate.image({**estate.base(), **root}, {"/opt/.wh..wh..opq": (b"", 0o644), "/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)})))
    result(("branded", "installed") in states(d, "kaspersky"), "what the opaque layer itself holds is there", d["items"])
    deep = parts.zip_of({"a/b.tar.gz": gzip.compress(parts.tar(root), mtime=0)})
    code, d = found(place("nested", {**estate.base(), "/srv/old.zip": (deep, 0o644)}))
    result(any(i["outer"] == "/srv/old.zip!/a/b.tar.gz" and i["state"] == "present" for i in d["items"]), "in an archive in an archive, which is named", [i["outer"] for i in d["items"]])
    if shutil.which("tar2sqfs"):
        squash = folder + "/made.squashfs"
        subprocess.run(["tar2sqfs", "-q", "-f", squash], input=parts.tar(root), check=True, stderr=subprocess.DEVNULL)
        code, d = found(squash)
        result(states(d, "kaspersky") == [("branded", "installed")] and d["targets"][0]["kind"] == "disk image", "a squashfs image", d["items"])
        code, d = found(place("snaps", {**estate.base(), "/var/lib/snapd/snaps/x.snap": (open(squash, "rb").read(), 0o644)}))
        result([(i["outer"], i["state"]) for i in d["items"]] == [("/var/lib/snapd/snaps/x.snap", "present")], "an image in a folder, which is named", d["items"])
        code, d = found(place("snaps.tar", parts.tar({"/x.snap": (open(squash, "rb").read(), 0o644)})))
        result(code == 2 and unread(d), "an image in an archive is told as not read", d)
    else:
        result(True, "squashfs images # SKIP no tar2sqfs")
    if shutil.which("mkfs.ext4"):
        disk = folder + "/made.ext4"
        subprocess.run(["truncate", "-s", "8M", disk], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-d", a, disk], check=True, stderr=subprocess.DEVNULL)
        sector = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0x83, b"\xff\xff\xff", 8, (8 << 20) // 512)
        with open(folder + "/made.disk", "wb") as f:
            f.write(b"\0" * 446 + sector + b"\0" * 48 + b"\x55\xaa" + b"\0" * (7 * 512) + open(disk, "rb").read())
        result(any(e["kind"] == "package.files" and e["strength"] == "strong" for i in found(disk)[1]["items"] for e in i["evidence"]), "files of an ext4 image held against the database: strong")
        result(all(states(found(p)[1], "kaspersky") == [("branded", "installed")] for p in (disk, folder + "/made.disk")), "an ext4 image, with a partition table and without")
    else:
        result(True, "ext4 images # SKIP no mkfs.ext4")
    code, d = found(place("made.xfs", b"XFSB" + b"\0" * 70000))
    result(code == 2 and any("xfs" in why for _, why in unread(d)), "a file system that no library reads is named, and not clean", d)
    code, d = found("--supplier", "drweb", a)
    result(code == 0 and not d["items"], "--supplier of another: nothing")
    return a


def hostile(a):
    secret = place("outside", {"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755), "/etc/systemd/system/kesl.service": (b"", 0o644)})
    text = place("text", {**estate.base(), "/usr/share/doc/x.gz": (gzip.compress(b"usr type=dir\n a b c\n #x=\n" * 60), 0o644)})
    code, d = found(text)
    result(code == 0 and not unread(d), "a packed text is no damaged archive", unread(d))
    links = place("links", estate.base())
    os.symlink("..", links + "/usr/loop")
    os.symlink(secret + "/opt", links + "/opt")
    os.symlink("/", links + "/usr/root")
    os.mkfifo(links + "/usr/pipe")
    code, d = found(links)
    result(code == 0 and not d["items"] and d["targets"][0]["read"]["entries"] < 50, "links are not followed, pipes are not opened", d["items"])
    names = place("names", {**estate.base(), "/opt/kaspersky/a\n\x1b]0;x\x07b": (estate.SCRIPT, 0o755), "/opt/kaspersky/\udcff\udcfe": (estate.SCRIPT, 0o755)}) if sys.getfilesystemencoding() else ""
    code, out, _ = find("--explain", names)
    result(code == 0 and b"\x1b" not in out and b"\x07" not in out and b"\n\x1b" not in out, "names with line breaks and escapes are shown safely", out)
    code, d = found(place("torn.zip", parts.zip_of({"a": os.urandom(4000), "b": os.urandom(4000)})[:5000]))
    result(code == 2 and unread(d), "a torn archive: exit 2, and told", d)
    code, d = found(place("noise.img", os.urandom(8192)))
    result(code == 2 and unread(d), "a file of no known format is not clean", d)
    level = b"\0" * (4 << 20)
    for _ in range(9):
        level = parts.zip_of({"x.zip": level})
    began = time.time()
    code, d = found(place("bomb.zip", level))
    result(code == 2 and any("inside" in why for _, why in unread(d)) and time.time() - began < 60, "archives in archives end at a bound", unread(d))
    damaged = place("damaged", {**estate.base(), "/var/lib/dpkg/status": (b"Package: kesl\nStatus: install ok installed\nPackage\x00: \xff\n: :\n\n", 0o644),
                                "/var/lib/rpm/rpmdb.sqlite": (b"SQLite format 3\0" + os.urandom(3000), 0o644), "/usr/lib/x.so": (b"\x7fELF" + os.urandom(3000), 0o755)})
    code, d = found(damaged)
    result(code == 2 and any("rpmdb" in (p or "") for p, _ in unread(d)), "a damaged database: exit 2, and told", unread(d))
    code, out, err = find(folder + "/nowhere")
    result(code == 4 and err.startswith(b"hallmark: "), "a target that is not there: exit 4", err)
    code, d = found(a, folder + "/nowhere")
    result(code == 2 and d["items"], "one of two that is not there: told, the other is read", code)
    result(find()[0] == 3 and find("--gone", a)[0] == 3 and find("--format", "x", a)[0] == 3, "wrong usage: exit 3")


def signatures():
    made, forger = signed.Signers(folder + "/signers"), signed.Signers(folder + "/forgers")
    plain, named = parts.pe({"FileDescription": "x"}), parts.pe({"CompanyName": "AO Kaspersky Lab"})
    whcp = ("Microsoft Corporation", "Microsoft Windows Hardware Compatibility Publisher")

    def look(name, files, roots=made.root):
        _, d = found("--roots", roots, place(name, {p: (b, 0o644) for p, b in files.items()}))
        return [(e["path"], e["strength"], e["detail"]) for i in d["items"] + d["candidates"] if i["supplier"] == "kaspersky" for e in i["evidence"]], d

    mine = made.pe(plain, "AO Kaspersky Lab")
    seen, d = look("signed-own", {"/a.exe": mine})
    result(states(d, "kaspersky") == [("branded", "present")] and any(s == "strong" for _, s, _ in seen), "a supplier's signature under a root that is named: strong", seen)
    for roots, why in (("none", "issuer not checked"), (forger.root, "issuer not trusted"), ("/dev/null", None)):
        code, out, err = find("--json", "--roots", roots, folder + "/signed-own")
        if why is None:
            result(code == 4 and b"/dev/null" in err, "roots that cannot be read: exit 4", (code, err))
            continue
        d = json.loads(out)
        result(not d["items"] and why in str(d["candidates"]), f"the same with other roots: weak, {why}", d)
    seen, d = look("signed-forged", {"/a.exe": forger.pe(plain, "AO Kaspersky Lab")})
    result(not d["items"] and seen and all(s != "strong" and "issuer not trusted" in w for _, s, w in seen), "a root that the signer made himself: not strong, and told", seen)
    seen, d = look("signed-tampered", {"/a.exe": mine[:2] + b"\1" + mine[3:]})
    result(not d["items"] and seen and all("the file is not what was signed" in w for _, _, w in seen), "a file that was changed: not strong, and told", seen)
    seen, d = look("signed-oem", {"/engine.dll": made.pe(named, "OEM Forty-two Ltd")})
    result([(i["relation"], i["outer"]) for i in d["candidates"]] == [("contains", "signed by OEM Forty-two Ltd")], "an OEM's signature on a file that names the supplier inside: contained in what is the OEM's", d)
    seen, d = look("signed-driver", {"/Windows/System32/drivers/klif.sys": made.pe(named, "OEM Forty-two Ltd")})
    result([(i["relation"], i["outer"], i["supplier"]) for i in d["items"]] == [("contains", "signed by OEM Forty-two Ltd", "kaspersky")], "a driver's name and its resource, signed by an OEM: found in what is his", d)
    seen, d = look("signed-whcp", {"/Windows/System32/drivers/klif.sys": made.pe(named, *whcp)})
    result(states(d, "kaspersky") == [("branded", "present")] and all(i["outer"] == "" for i in d["items"]) and {i["supplier"] for i in d["items"]} == {"kaspersky"}, "who signs what others make hides nobody, and is nobody", d["items"])
    cat = made.catalogue({"a.sys": plain}, "AO Kaspersky Lab")
    seen, d = look("signed-cat", {"/d/a.sys": plain, "/d/a.cat": cat})
    result(("/d/a.sys", "strong", "organisation; by the catalogue beside it; signature holds, issuer trusted") in seen, "a driver that the catalogue beside it signs", seen)
    seen, d = look("signed-cat-other", {"/d/a.sys": named, "/d/a.cat": cat})
    result(seen and not any(p == "/d/a.sys" and "catalogue" in w for p, _, w in seen), "a driver that is another than the catalogue says", seen)
    seen, d = look("signed-packed", {"/srv/x.zip": parts.zip_of({"d/engine.dll": made.pe(named, "OEM Forty-two Ltd")})})
    result([(i["relation"], i["outer"]) for i in d["candidates"]] == [("contains", "/srv/x.zip!signed by OEM Forty-two Ltd")], "the same in an archive, which is named", d["candidates"])


def root_certificate(common_name):
    """A trusted root with this name, in PEM."""
    out = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-days", "9", "-subj", "/CN=" + common_name], capture_output=True)
    return out.stdout


def left_alone():
    """What a removal leaves: each alone, with all else of the supplier gone, is told; and nothing is told of a system that has none of it."""
    one = {
        "a file": ("kaspersky", {"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "path"),
        "settings": ("kaspersky", {"/var/opt/kaspersky/kesl/common/kesl.ini": (b"[General]\n", 0o644)}, "path"),
        "a unit": ("kaspersky", {"/etc/systemd/system/kesl.service": (b"[Service]\nExecStart=/opt/kaspersky/kesl/bin/kesl\n", 0o644)}, "service"),
        "a timer": ("kaspersky", {"/etc/systemd/system/kesl.timer": (b"[Timer]\nOnCalendar=daily\n", 0o644)}, "timer"),
        "a module": ("drweb", {"/lib/modules/6.1.0/extra/drweb.ko": (b"", 0o644)}, "kernel_module"),
        "a trusted root": ("kaspersky", {"/usr/local/share/ca-certificates/k.crt": (root_certificate("Kaspersky Anti-Virus Personal Root Certificate"), 0o644)}, "certificate"),
        "an account": ("wazuh", {"/etc/passwd": (b"root:x:0:0::/root:/bin/sh\nwazuh:x:1:1::/:/bin/false\n", 0o644)}, "account"),
    }
    for what, (supplier, content, kind) in one.items():
        target = place("gone " + what, {**estate.base(), **content})
        code, out, _ = find("--gone", "--supplier", supplier, target)
        result(code == 1 and kind.encode() in out, f"--gone: {what} alone is told", out)
    for supplier in ("kaspersky", "drweb", "wazuh"):
        code, out, _ = find("--gone", "--supplier", supplier, place("gone nothing", estate.base()))
        result(code == 0 and out == b"nothing is left\n", f"--gone: nothing of {supplier}", out)


def reports(a):
    """A report that a rule asks for is about whom that rule is about, whoever else is there."""
    both = place("both", {**estate.packaged({"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "kesl", "AO Kaspersky Lab"), "/opt/drweb.com/bin/drweb-ctl": (estate.SCRIPT, 0o755), "/etc/opt/drweb.com/drweb.ini": (b"x", 0o644),
                          "/etc/systemd/system/drweb-configd.service": (b"[Service]\nExecStart=/opt/drweb.com/bin/drweb-ctl\n", 0o644)})
    result(b"Doctor Web" in find(both)[1], "somebody else is there too")
    for form in ("bod-17-01", "far-52.204-23"):
        code, out, _ = find("--format", form, both)
        result(code == 1 and b"Kaspersky" in out and b"Doctor Web" not in out, f"{form}: of Kaspersky alone", out)
        code, out, _ = find("--format", form, "--supplier", "drweb", both)
        result(code == 1 and b"Doctor Web" in out and b"Kaspersky," not in out, f"{form}: of whom was asked for", out)
    code, out, _ = find("--format", "csv", both)
    result(b"Doctor Web" in out and b"Kaspersky" in out, "csv: of all")


def registry():
    config = "/Windows/System32/config/"
    software = hive.software([("Endpoint Security", "12", "AO Kaspersky Lab", "C:\\Program Files\\KL")], ["HKLM\\Software\\WOW6432Node\\KasperskyLab"])
    system = hive.system({"klif": (2, 1, "\\SystemRoot\\System32\\DRIVERS\\klif.sys")})
    files = {config + "SOFTWARE": (software, 0o644), config + "SYSTEM": (system, 0o644)}
    left = place("windows-left", files)
    code, d = found(left)
    result(states(d, "kaspersky") == [("branded", "residue")], "keys whose programs are gone: residue", d["items"])
    code, d = found(place("windows-there", {**files, "/WINDOWS/system32/Drivers/KLIF.SYS": (b"MZ", 0o644), "/program files/kl/x": (b"", 0o644)}))
    result(states(d, "kaspersky") == [("branded", "installed")], "their programs are there, in other case: installed", d["items"])
    code, d = found(place("windows-below", {**estate.base(), **{"/mnt/c" + p: v for p, v in files.items()}}))
    result(states(d, "kaspersky") == [("branded", "residue")] and all(i["outer"] == "/mnt/c" for i in d["items"]), "a Windows root below the target: gone is what is gone in it", d["items"])
    code, d = found(place("windows-dirty", {config + "SYSTEM": (hive.hive({"Select": {"Current": 1}}, dirty=True), 0o644)}))
    result(code == 2 and any("not closed" in why for _, why in unread(d)), "a hive that was not closed is told as not read in part", unread(d))
    loop = bytearray(hive.hive({"a": {"b": {}}}))
    first = loop.index(b"nk")
    second = loop.index(b"nk", first + 2)
    loop[second + 28:second + 32] = loop[first + 28:first + 32]
    began = time.time()
    code, d = found(place("windows-hostile", {config + "SOFTWARE": (bytes(loop), 0o644), config + "SYSTEM": (b"regf" + os.urandom(8188), 0o644), "/old/SOFTWARE": (software[:4600], 0o644)}))
    result(code == 2 and time.time() - began < 30 and len(unread(d)) == 2, "keys that hold themselves end, and damage is told", unread(d))


def updates():
    """What Commerce says of updates hangs on the day of the newest definitions; that is read where somebody wrote it, and otherwise nobody knows."""
    kesl = estate.packaged({"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "kesl", "AO Kaspersky Lab")
    index = "/var/opt/kaspersky/kesl/private/updates/index/u0607g.xml"
    avc = b"AVP Antiviral Database. (c)Kaspersky Lab 1997-2013." + bytes(77)
    dated = lambda day: (f'<?xml version="1.0"?>\n<Update UpdateDate="{day} 1200"/>\n'.encode(), 0o644)
    for name, more, code, says in (("old", {index: dated("28092024")}, 0, "definitions 2024-09-28"), ("new", {index: dated("29092024")}, 1, "by the rule updates"), ("none", {}, 2, "of which day"),
                                   ("mixed", {index: dated("28092024"), "/opt/kaspersky/kesl/bases/a.avc": (avc, 0o644)}, 2, "some of those"),
                                   ("many", {index.replace("/index/", f"/{i}/"): dated("28092024" if i else "30092024") for i in range(9)}, 1, "definitions 2024-09-30")):
        file = f"{folder}/updates-{name}.json"
        find("--json", "-o", file, place("updates-" + name, {**kesl, **more}))
        run = subprocess.run([program, "decide", "--policy", "commerce-2024", "--exemption", "agreed-before", "--found", file], capture_output=True, text=True, env={**os.environ, "HALLMARK_DATA": data})
        result(run.returncode == code and says in run.stdout, f"updates: {name}", run.stdout + run.stderr)


def carried():
    """What a program carries behind itself, and what cannot be looked into."""
    plain, inside = parts.pe({"FileDescription": "setup"}), {"kesl/setup.sh": estate.SCRIPT, "x/libkavsdk.dll": parts.pe({"CompanyName": "AO Kaspersky Lab"})}
    code, d = found(place("setup", {"/srv/setup.exe": (plain + parts.zip_of(inside), 0o644)}))
    result(code == 0 and any(e["path"] == "/x/libkavsdk.dll" and i["outer"] == "/srv/setup.exe" for i in d["candidates"] for e in i["evidence"]), "a zip behind a program is looked into", d)
    code, d = found(place("setup.exe", plain + parts.zip_of(inside)))
    result(any(e["path"] == "/x/libkavsdk.dll" for i in d["candidates"] for e in i["evidence"]), "also of a program that is the target", d)
    for name, data, why in (("nsis", plain + struct.pack("<I", 0) + b"\xef\xbe\xad\xdeNullsoftInst" + b"x" * 64, "NSIS"), ("inno", plain + b"zlb\x1a" + b"x" * 999 + b"Inno Setup Setup Data (6.1.0)", "Inno"),
                            ("upx", plain[:0x380] + b"UPX0\0\0\0\0".ljust(40, b"\0") + b"UPX1\0\0\0\0".ljust(40, b"\0") + plain[0x3d0:], "UPX")):
        code, d = found(place("packed-" + name, {"/srv/a.exe": (data, 0o644)}))
        result(code == 2 and any(why in r for _, r in unread(d)), f"what cannot be looked into is told: {name}", unread(d))
    made = signed.Signers(folder + "/carriers")
    code, d = found(place("setup-signed", {"/srv/a.exe": (made.pe(plain, "Somebody"), 0o644)}))
    result(code == 0 and not unread(d), "a signature behind a program is nothing that it carries", unread(d))


def kept(a):
    db = folder + "/estate.sqlite"
    copy = shutil.copytree(a, folder + "/copy")
    run = subprocess.Popen([program, "find", "--json", "--db", db, copy, "/usr", folder + "/later"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "HALLMARK_DATA": data})
    for _ in range(600):
        time.sleep(0.05)
        try:
            if sqlite3.connect(f"file:{db}?mode=ro", uri=True).execute("SELECT count(*) FROM target WHERE read_at IS NOT NULL").fetchone()[0]:
                break
        except sqlite3.Error:
            pass
    run.send_signal(signal.SIGINT)
    code = run.wait(30)
    said = run.stderr.read()
    result(code == 130 and b"--resume" in said, "interrupted: exit 130, and says how it goes on", code)
    result(b"not read to its end: /usr\n" in said and b"/later\n" in said and copy.encode() not in said, "and names what it did not read", said)
    decision = subprocess.run([program, "decide", "--policy", "ncsc-2017", "--classification", "SECRET", "--db", db, "--json"], capture_output=True, env={**os.environ, "HALLMARK_DATA": data})
    answers = {t["target"]: t["answer"] for t in json.loads(decision.stdout)["targets"]} if decision.stdout else decision.stderr
    result(decision.returncode == 1 and answers == {copy: "prohibited", "what the run did not come to": "cannot tell"}, "decide --db tells what was read, and that it was not all", answers)
    shutil.rmtree(copy)
    code, out, err = find("--json", "--resume", copy, db=db)
    result(code == 1 and json.loads(out)["items"][0]["supplier"] == "kaspersky", "--resume tells what was read before, though it is gone since", err)
    code, out, err = find("--json", "--resume", copy, db=db)
    result(code == 4, "a finished run is not resumed", code)
    many = place("many-systems/a", estate.packaged({"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755)}, "kesl", "AO Kaspersky Lab"))
    place("many-systems/b", estate.base())
    place("many-systems/c", {**estate.base(), "/etc/broken.zip": (b"PK\3\4" + bytes(60), 0o644)})
    find("--each", os.path.dirname(many), db=db)
    decision = subprocess.run([program, "decide", "--policy", "ncsc-2017", "--classification", "SECRET", "--db", db], capture_output=True, text=True, env={**os.environ, "HALLMARK_DATA": data})
    result(decision.returncode == 1 and "3 systems: 1 prohibited, 1 cannot tell, 0 sealed only, 1 allowed" in decision.stdout, "which of many are prohibited, of which it cannot be told", decision.stdout + decision.stderr)
    rows = sqlite3.connect(f"file:{db}?mode=ro", uri=True).execute("SELECT t.name, o.kind FROM run r JOIN target t ON t.run = r.id JOIN observation o ON o.target = t.id WHERE r.finished ORDER BY r.id DESC").fetchall()
    result((many.encode(), "package") in rows, "the database says in words what was seen", rows[:9])
    code, _, err = find("--json", copy + "/nowhere", many, db=place("other.sqlite", b"SQLite format 3\0" + bytes(84)))
    result(code == 4 and b"other.sqlite" in err, "a database of somebody else's is left alone", err)
    files = []
    for name in ("a", "b"):
        files.append(folder + f"/{name}.json")
        find("--json", "-o", files[-1], f"{folder}/many-systems/{name}")
    decision = subprocess.run([program, "decide", "--policy", "ncsc-2017", "--classification", "SECRET", "--json", "--found", files[0], "--found", files[1]], capture_output=True, env={**os.environ, "HALLMARK_DATA": data})
    answers = [(t["target"].split(": ")[0], t["answer"]) for t in json.loads(decision.stdout)["targets"]] if decision.stdout else decision.stderr
    result(decision.returncode == 1 and answers == [(files[0], "prohibited"), (files[1], "allowed")], "inventories of several machines together", answers)
    code, out, _ = find("--format", "bod-17-01", "--found", files[0], "--found", files[1], db=None)
    result(code == 1 and b"1 of 2" in out and b"2 targets were looked at, of which 2 are endpoints" in out and b"alone: kaspersky" in out, "a report of several machines' inventories", out)
    code, out, _ = find("--supplier", "drweb", "--json", "--found", files[0], db=None)
    result(code == 0 and json.loads(out)["items"] == [] and json.loads(out)["filter"]["supplier"] == ["drweb"], "and of whom is asked for", out)
    one = json.loads(find("--supplier", "kaspersky", "--json", "--found", files[0], db=None)[1])
    result(one == json.loads(find("--json", "--supplier", "kaspersky", f"{folder}/many-systems/a")[1]), "the same as if it had been asked for at once")
    result(find("--found", files[0], "--host", db=None)[0] == 3 and find("--found", folder + "/nowhere", db=None)[0] == 4, "--found reads no target, and what is there")
    find("--json", "--supplier", "drweb", "-o", files[1], f"{folder}/many-systems/b")
    decision = subprocess.run([program, "decide", "--policy", "bod-17-01", "--found", files[0], "--found", files[1]], capture_output=True, env={**os.environ, "HALLMARK_DATA": data})
    result(decision.returncode == 3 and b"different suppliers" in decision.stderr, "but not where one tells of others", decision.stderr)
    result(find("--format", "bod-17-01", "--found", files[1], db=None)[0] == 3, "nor a report of whom an inventory does not tell")


def stopped(run, target, but=None):
    """A reader of this run, another than `but`, that is in the midst of its target: stopped, so that it stays there. None if there is none."""
    for _ in range(20000):
        time.sleep(0.001)
        for child in open(f"/proc/{run.pid}/task/{run.pid}/children").read().split():
            try:
                if child != but and any(os.readlink(f"/proc/{child}/fd/{fd}").startswith(target + "/") for fd in os.listdir(f"/proc/{child}/fd")):
                    os.kill(int(child), signal.SIGSTOP)
                    return child
            except OSError:  # it closed that, or ended
                pass
        if run.poll() is not None:
            break
    return None


def killed():
    # One that dies before anything was heard of it is not replaced; how long that takes is the machine's affair.
    for wait in (0.01, 0.1, 0.3, 1, 3):
        run = subprocess.Popen([program, "find", "--json", "--db", "none", "--jobs", "1", "/usr/share"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "HALLMARK_DATA": data})
        time.sleep(wait)
        child = stopped(run, "/usr/share")
        if child:
            os.kill(int(child), signal.SIGKILL)
        again = stopped(run, "/usr/share", child)
        if again:
            break
    result(again, "a reader that dies is replaced")
    run.send_signal(signal.SIGTERM)
    run.wait(30)
    result(run.returncode == 130 and not os.path.exists(f"/proc/{again}"), "and a signal ends both", run.returncode)
    many = place("many", {**estate.base(), "/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755), "/etc/systemd/system/kesl.service": (b"[Service]\nExecStart=/opt/kaspersky/kesl/bin/kesl\n", 0o644),
                          **{f"/srv/{i}/{j}": (b"#!/bin/sh\n", 0o755) for i in range(60) for j in range(100)}})
    deaths = 0
    for wait in (0.005, 0.01, 0.02, 0.03, 0.05):
        run2 = subprocess.Popen([program, "find", "--json", "--db", "none", "--jobs", "1", many], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "HALLMARK_DATA": data})
        children = f"/proc/{run2.pid}/task/{run2.pid}/children"
        while run2.poll() is None and not open(children).read().split():
            time.sleep(0.001)
        time.sleep(wait)
        try:
            os.kill(int(open(f"/proc/{run2.pid}/task/{run2.pid}/children").read().split()[0]), signal.SIGSEGV)
        except (IndexError, OSError):
            pass
        out = run2.communicate(timeout=60)[0]
        d = json.loads(out) if out else None
        if d and unread(d):
            deaths += 1
            told = {e["path"] for i in d["items"] + d["candidates"] for e in i["evidence"]} | {p for p, _ in unread(d)}
            # "/": it died before it read anything, and nothing is known of it all.
            if "/" not in told and not {"/opt/kaspersky/kesl/bin/kesl", "/etc/systemd/system/kesl.service"} <= told:
                result(False, "what a reader saw before it died is told", told)
    result(True, f"what a reader saw before it died is told ({deaths} deaths in the midst)")


a = states_and_forms()
hostile(a)
signatures()
left_alone()
reports(a)
registry()
updates()
carried()
kept(a)
killed()
end()
