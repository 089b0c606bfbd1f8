"""The test estate: for each supplier, systems made in the shape of its rows; and systems that have nothing of anybody.

Each system is a folder or a file, with what is to be found in it. What an OEM can rename is renamed in `renamed`, so that
only what he cannot is left: exported symbols, sonames, update hosts and long texts in executables, version resources, formats and file sets of
definition bases, licence texts."""
import csv, glob, hashlib, json, os, plistlib
import hive, parts, signed

SCRIPT = b"#!/bin/sh\nexec true\n"
DEBIAN = """Package: base-files
Status: install ok installed
Maintainer: Santiago Vila <sanvila@debian.org>
Architecture: amd64
Version: 12.4

"""


def rows(folder):
    found = {}
    for name in sorted(glob.glob(folder + "/*.csv")):
        for row in csv.DictReader(open(name, newline="")):
            if "indicator" in row:
                found.setdefault(row["supplier"], []).append(row)
    return found


def plain(indicator):
    return indicator.replace("*", "0001")


def of(table, *kinds):
    return [plain(r["indicator"]) for r in table if r["kind"] in kinds]


def is_file(path, others):
    return not path.endswith("/") and not any(o != path and o.startswith(path + "/") for o in others)


def base():
    return {"/etc/os-release": (b"ID=debian\nVERSION_ID=12\n", 0o644), "/etc/passwd": (b"root:x:0:0:root:/root:/bin/sh\n", 0o644),
            "/var/lib/dpkg/status": (DEBIAN.encode(), 0o644), "/usr/bin/env": (SCRIPT, 0o755)}


def code(table, where, windows):
    """What is built in, wherever it is put."""
    files = {}
    texts = of(table, "string") + [d.lstrip(".") if not d.startswith(".") else "update" + d for d in of(table, "domain")]
    symbols, sonames = of(table, "symbol"), of(table, "soname")
    if (symbols or sonames or texts) and not windows:
        for i, soname in enumerate(sonames or [None]):
            files[f"{where}/engine{i}.so"] = (parts.elf(symbols if i == 0 else (), soname, texts if i == 0 else ()), 0o755)
    for name in of(table, "file"):
        windows_file = name.lower().endswith((".exe", ".dll", ".sys"))
        if windows_file == windows or not windows:
            files[f"{where}/{name}"] = (b"\x01made\x00" + name.encode(), 0o644)
    versions = of(table, "version") + of(table, "organisation")
    if windows and versions:
        files[f"{where}/engine.dll"] = (parts.pe({"CompanyName": versions[0], "ProductName": "Engine"}, texts), 0o644)
    for words in of(table, "licence"):
        files[f"{where}/license.txt"] = (f"This product contains code of {words}. All rights reserved.\n".encode(), 0o644)
    for form in of(table, "definitions"):
        made = {"clamav": parts.cvd, "kaspersky": parts.avc}.get(form)
        if made:
            files[f"{where}/bases/base.dat"] = (made(), 0o644)
    return files


def places(table):
    """Paths, units, accounts."""
    files = {}
    paths = [p for p in of(table, "path") if p.startswith("/")]
    for path in paths:
        if is_file(path, paths) and ("." in path.rsplit("/", 1)[1] or "/bin/" in path or "/init.d/" in path or "/sbin/" in path):
            files[path] = (SCRIPT, 0o755)
        else:
            files[path.rstrip("/") + "/bin/agent"] = (SCRIPT, 0o755)
    program = next((p for p in files if "/bin/" in p), "/usr/bin/env")
    for unit in of(table, "service"):
        unit = unit.removesuffix(".service")
        files[f"/etc/systemd/system/{unit}.service"] = (f"[Service]\nExecStart={program}\n".encode(), 0o644)
    accounts = of(table, "account")
    if accounts:
        files["/etc/passwd"] = (("root:x:0:0:root:/root:/bin/sh\n" + "".join(f"{a}:x:90:90::/:/bin/false\n" for a in accounts)).encode(), 0o644)
    # One cannot be a folder and a file.
    return {p: v for p, v in files.items() if not any(o.startswith(p + "/") for o in files)}


def packaged(files, package, maintainer, state="installed"):
    """A root with a package that owns these files."""
    root = base()
    status = DEBIAN + f"Package: {package}\nStatus: install ok {state}\n" + (f"Maintainer: {maintainer}\n" if maintainer else "") + "Architecture: amd64\nVersion: 1.0\n\n"
    root.update(files)
    root["/var/lib/dpkg/status"] = (status.encode(), 0o644)
    root[f"/var/lib/dpkg/info/{package}.list"] = ("".join(p + "\n" for p in files).encode(), 0o644)
    sums = "".join(f"{hashlib.md5(d).hexdigest()}  {p[1:]}\n" for p, (d, _) in files.items() if d is not None)
    root[f"/var/lib/dpkg/info/{package}.md5sums"] = (sums.encode(), 0o644)
    return root


def sbom(table, supplier):
    components = []
    org = of(table, "organisation")
    for name in of([r for r in table if r["relation"] == "branded"], "package")[:3]:
        components.append({"type": "application", "name": name, "version": "1.0", **({"supplier": {"name": org[0]}} if org else {})})
    for purl in of(table, "purl"):
        components.append({"type": "library", "name": purl.split("/")[-1], "version": "1.0", "purl": purl + "@1.0"})
    for vendor in of(table, "cpe_vendor"):
        components.append({"type": "application", "name": f"{supplier} agent", "version": "1.0", "cpe": f"cpe:2.3:a:{vendor}:agent:1.0:*:*:*:*:*:*:*",
                           **({"publisher": org[0]} if org else {})})
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}).encode() if components else None


def image(lower, upper):
    layers = {"a/layer.tar": parts.tar(lower), "b/layer.tar": parts.tar(upper)}
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["made:1"], "Layers": list(layers)}]).encode()
    return parts.tar({**{n: (d, 0o644) for n, d in layers.items()}, "c.json": (b"{}", 0o644), "manifest.json": (manifest, 0o644)})


CHANNEL = {"package": "package", "organisation": "declared", "purl": "declared", "cpe_vendor": "declared", "path": "path", "service": "service", "account": "account",
           "kernel_module": "module", "version": "resource", "symbol": "symbol", "soname": "symbol", "definitions": "definitions", "licence": "licence", "file": "file",
           "signer": "signature", "registry": "registry", "bundle": "bundle"}
SHOWN = {"installed": {"package", "organisation", "path", "service", "account", "symbol", "soname", "definitions", "licence", "file"},
         "removed": {"package", "organisation", "path", "service", "account"}, "residue": {"path", "service", "account"}, "sbom": {"package", "organisation", "purl", "cpe_vendor"},
         "renamed": {"symbol", "soname", "definitions", "licence", "file"}, "windows": {"kernel_module", "organisation", "version", "file"}}
SHOWN["resigned"] = SHOWN["attested"] = {"kernel_module", "organisation", "version"}
SHOWN["macos"] = {"bundle", "path"}
SHOWN["registry"] = {"organisation", "registry", "service", "kernel_module"}
SHOWN["signed"] = SHOWN["catalogue"] = {"signer"}
SHOWN["unlisted"] = SHOWN["nested"] = SHOWN["image"] = SHOWN["whiteout"] = SHOWN["installed"] - {"package", "organisation"}


def signs(table, variant):
    """The independent signs that the rows let such a system show: two are asked for, or one that is strong, or a set of three files."""
    sure = [r for r in table if r["kind"] in SHOWN[variant] and r["confidence"] not in ("low", "memory")]
    if any(r["kind"] in ("definitions", "signer") for r in sure) or sum(r["kind"] == "file" for r in sure) >= 3:
        return 2
    return len({CHANNEL[r["kind"]] for r in sure} - {"file"})


class Estate:
    def __init__(self, folder):
        self.folder, self.systems = folder, []  # (path, variant, supplier or None)
        self.signers, self.forgers = signed.Signers(folder + ".signers"), signed.Signers(folder + ".forgers")

    def add(self, variant, supplier, content):
        path = os.path.join(self.folder, f"{variant}.{supplier or 'nobody'}")
        if isinstance(content, dict):
            parts.write(path, content)
        else:
            path += {"sbom": ".json"}.get(variant, ".bin")
            with open(path, "wb") as f:
                f.write(content)
        self.systems.append((path, variant, supplier))


def supplier_systems(estate, supplier, table):
    linux = {**places(table), **code(table, f"/opt/{supplier}/lib", False)}
    packages, org = of([r for r in table if r["relation"] == "branded"], "package"), (of(table, "organisation") or [""])[0]
    drivers = {f"/Windows/System32/drivers/{n if n.lower().endswith('.sys') else n + '.sys'}": (parts.pe({"CompanyName": org}) if org else b"MZ\0made", 0o644)
               for n in of(table, "kernel_module")}
    own = places(table)
    if linux and packages:
        estate.add("installed", supplier, packaged(linux, packages[0], org))
        estate.add("removed", supplier, {**packaged({p: v for p, v in linux.items() if p.startswith(("/etc/", "/var/"))}, packages[0], org, "x").copy(),
                                         "/var/lib/dpkg/status": ((DEBIAN + f"Package: {packages[0]}\nStatus: deinstall ok config-files\nMaintainer: {org}\nArchitecture: amd64\nVersion: 1\n\n").encode(), 0o644)})
    # A package that no row names, of a maker that one does.
    if linux and org and not packages:
        estate.add("installed", supplier, packaged(linux, f"{supplier}-agent", org))
    if linux:
        estate.add("unlisted", supplier, {**base(), **linux})
        estate.add("nested", supplier, {**base(), "/srv/backup/old.zip": (parts.zip_of({"deep/inner.tar.gz": __import__("gzip").compress(parts.tar(linux), mtime=0)}), 0o644)})
        gone = {os.path.dirname(p) + "/.wh." + os.path.basename(p): (b"", 0o644) for p in linux}
        estate.add("whiteout", supplier, image({**base(), **linux}, gone))
        estate.add("image", supplier, image({**base()}, linux))
    if own:
        left = {p: (None, 0o755) if p.endswith("/bin/agent") else v for p, v in own.items()}
        estate.add("residue", supplier, {**base(), **left})
    inside = {**code(table, "/opt/oem42/engine", False)}
    if inside:
        estate.add("renamed", supplier, packaged({**inside, "/opt/oem42/bin/oem": (SCRIPT, 0o755)}, "oem42-protect", "OEM Forty-two Ltd <x@oem42.example>"))
    windows = {**drivers, **code(table, "/Program Files/Agent", True)}
    if windows:
        estate.add("windows", supplier, windows)
    windows_signed(estate, supplier, table)
    windows_registry(estate, supplier, table)
    macos(estate, supplier, table)
    document = sbom(table, supplier)
    if document:
        estate.add("sbom", supplier, document)


def windows_signed(estate, supplier, table):
    """Signed by the supplier; by an OEM, who can change every name but those inside; by who signs what others make; by a catalogue."""
    names, drivers, signer = (of(table, "version") + of(table, "organisation"))[:1], of(table, "kernel_module")[:2], of([r for r in table if r["relation"] == "branded"], "signer")[:1]
    blank = parts.pe({"FileDescription": "made"})
    if signer:
        estate.add("signed", supplier, {"/Program Files/Agent/agent.exe": (estate.signers.pe(blank, signer[0]), 0o644)})
        estate.add("catalogue", supplier, {"/Windows/System32/DriverStore/x/made.sys": (blank, 0o644), "/Windows/System32/DriverStore/x/made.cat": (estate.signers.catalogue({"made.sys": blank}, signer[0]), 0o644)})
    if names or drivers:
        made = parts.pe({"CompanyName": names[0]} if names else {"FileDescription": "made"})
        where = [f"/Windows/System32/drivers/{d.lower().removesuffix('.sys')}.sys" for d in drivers] or ["/Program Files/OEM/engine.dll"]
        estate.add("resigned", supplier, {p: (estate.signers.pe(made, "OEM Forty-two Ltd"), 0o644) for p in where})
        estate.add("attested", supplier, {p: (estate.signers.pe(made, "Microsoft Corporation", "Microsoft Windows Hardware Compatibility Publisher"), 0o644) for p in where})


def windows_registry(estate, supplier, table):
    """Hives alone: what an image of a system disk tells whose programs lie on another."""
    org, keys = of(table, "organisation")[:1], [k for k in of(table, "registry") if k.lower().startswith("hklm\\software\\")]
    services = {**{s: (16, 2, "D:\\agent.exe") for s in of(table, "service")}, **{d.removesuffix(".sys"): (1, 1, "") for d in of(table, "kernel_module")}}
    if org or keys or services:
        estate.add("registry", supplier, {"/Windows/System32/config/SOFTWARE": (hive.software([("Protection Agent", "1.0", org[0], "")] if org else [("Other", "1", "Somebody", "")], keys), 0o644),
                                          "/Windows/System32/config/SYSTEM": (hive.system(services), 0o644)})


def macos(estate, supplier, table):
    """A bundle and its receipt; what launchd starts; and the supplier's folders below /Library and /Applications."""
    bundles = of(table, "bundle")[:2]
    if not bundles:
        return
    folders = {p: v for p, v in places([r for r in table if r["kind"] == "path" and r["indicator"].startswith(("/Library/", "/Applications/"))]).items()}
    files = {"/Applications/Made.app/Contents/Info.plist": (plistlib.dumps({"CFBundleIdentifier": bundles[0], "CFBundleShortVersionString": "1.0"}), 0o644),
             f"/private/var/db/receipts/{bundles[0]}.plist": (plistlib.dumps({"PackageIdentifier": bundles[0], "PackageVersion": "1.0"}, fmt=plistlib.FMT_BINARY), 0o644),
             "/Library/LaunchDaemons/made.plist": (plistlib.dumps({"Label": bundles[-1], "ProgramArguments": ["/Applications/Made.app/Contents/MacOS/made"]}), 0o644),
             "/Applications/Made.app/Contents/MacOS/made": (SCRIPT, 0o755)}
    estate.add("macos", supplier, {**files, **{p: v for p, v in folders.items() if p != "/etc/passwd" and not any(f == p or f.startswith(p + "/") or p.startswith(f + "/") for f in files)}})


def forged(estate, tables):
    """Signed in suppliers' names under a root that nobody trusts, and by suppliers before the file was changed: neither is enough alone."""
    signers = [n for t in tables.values() for n in of([r for r in t if r["relation"] == "branded"], "signer")[:1]]
    blank = parts.pe({"FileDescription": "made"})
    changed = lambda data: data[:2] + bytes([data[2] ^ 1]) + data[3:]
    estate.add("forged", None, {f"/Program Files/{i}/a.exe": (estate.forgers.pe(blank, n), 0o644) for i, n in enumerate(signers)})
    estate.add("tampered", None, {f"/Program Files/{i}/a.exe": (changed(estate.signers.pe(blank, n)), 0o644) for i, n in enumerate(signers)})
    estate.add("swapped", None, {**{f"/drivers/{i}/made.sys": (changed(blank), 0o644) for i, n in enumerate(signers)},
                                 **{f"/drivers/{i}/made.cat": (estate.forgers.catalogue({"made.sys": blank}, n), 0o644) for i, n in enumerate(signers)}})


def clean_systems(estate, tables):
    names = [n for t in tables.values() for n in of(t, "organisation", "signer")]
    hosts = [d for t in tables.values() for d in of(t, "domain")]
    services = ["management-agent", "agentd", "cma", "armor", "kav"]
    # 1, 3: names in data, in lists of competitors and in rules
    estate.add("names", None, {**base(), "/usr/share/wireshark/manuf": ("\n".join(names).encode(), 0o644), "/usr/share/hwdb/20-vendor.hwdb": ("\n".join(f" ID_VENDOR={n}" for n in names).encode(), 0o644),
                               "/usr/share/rules/all.yar": ("\n".join(f'rule r{i} {{ meta: author = "{n}" condition: true }}' for i, n in enumerate(names)).encode(), 0o644),
                               "/usr/bin/kill-av.sh": (("#!/bin/sh\n" + "\n".join(f"pkill '{n}'" for n in names)).encode(), 0o755),
                               "/usr/bin/rivals": (parts.elf(texts=names[:60] + hosts), 0o755)})
    # 2: authors of ordinary open source
    estate.add("authors", None, packaged({"/usr/share/doc/libfoo/copyright": (b"Copyright 2024 AO Kaspersky Lab\nCopyright 2019 Tencent\nLicensed under the Apache License, Version 2.0\n", 0o644),
                                          "/usr/lib/libfoo.so.1": (parts.elf(["foo"], "libfoo.so.1"), 0o755)}, "libfoo1", "Debian QA Group <packages@qa.debian.org>"))
    # 4: the signer's name hides the vendor, and is nobody's row
    estate.add("signed", None, {"/Windows/System32/drivers/plain.sys": (parts.pe({"CompanyName": "Microsoft Windows Hardware Compatibility Publisher"}), 0o644)})
    # 7: generic names alone
    estate.add("generic", None, {**base(), **{f"/etc/systemd/system/{s}.service": (b"[Service]\nExecStart=/usr/bin/env\n", 0o644) for s in services},
                                 "/usr/bin/agentd": (SCRIPT, 0o755), "/opt/app/RESET": (b"RESET ESET PRESET", 0o644)})
    estate.add("plain", None, base())
    estate.add("macos", None, {f"/Applications/{i}.app/Contents/Info.plist": (plistlib.dumps({"CFBundleIdentifier": f"org.example.remover{i}", "CFBundleName": n}), 0o644) for i, n in enumerate(names)})
    estate.add("registry", None, {"/Windows/System32/config/SOFTWARE": (hive.software([(f"Removal tool for {n}", "1", "Somebody", "") for n in names], [f"HKLM\\Software\\Removers\\{i}" for i in range(99)]), 0o644),
                                  "/Windows/System32/config/SYSTEM": (hive.system({s: (16, 2, "") for s in services}), 0o644)})
    estate.add("layers", None, image(base(), {"/opt/app/run": (SCRIPT, 0o755)}))
    estate.add("hostile", None, {**base(), "/opt/a\n\x1b[31mname": (SCRIPT, 0o755), "/opt/" + "x" * 200: (SCRIPT, 0o755)})


def make(folder, suppliers, only=None):
    tables = rows(suppliers)
    estate = Estate(folder)
    for supplier, table in sorted(tables.items()):
        if not only or supplier in only:
            supplier_systems(estate, supplier, table)
    clean_systems(estate, tables)
    forged(estate, {s: t for s, t in tables.items() if not only or s in only})
    return estate
