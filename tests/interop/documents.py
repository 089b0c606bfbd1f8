#!/usr/bin/env python3
"""The documents of the experiment, opened by other people's readers: documents.py FACTOR_WRITE. Each must be what its name
says and show its tokens; with every factor that changes bytes at either level. A reader that is not installed is skipped by name."""
import csv, email, email.policy, io, os, re, shutil, subprocess, sys, tempfile, zipfile
import xml.etree.ElementTree as xml

if os.geteuid() != 0:
    print("1..0 # skipped: owners are root's to give")
    sys.exit(0)
number = 0
failed = False


def check(good, text):
    global number, failed
    number += 1
    failed |= not good
    print(f"{'ok' if good else 'not ok'} {number} - {text}")


def tool(name, *command):
    if not shutil.which(name):
        print(f"# {name} is not installed: skipped")
        return None
    r = subprocess.run([name, *command], capture_output=True)
    return r.returncode, r.stdout.decode("latin-1")


def plain(path, content):
    return content.decode("ascii")


def pdf(path, content):
    said = tool("pdftotext", "-layout", path, "-")
    if said is None:
        return None
    return said[1] if said[0] == 0 else ""


def inflated(path, content):
    tested = tool("unzip", "-tq", path)
    assert tested is None or tested[0] == 0, path
    with zipfile.ZipFile(path) as z:
        assert z.testzip() is None, path
        return {i.filename: z.read(i) for i in z.infolist()}


def archive(path, content):
    return inflated(path, content)["lists.txt"].decode("ascii")


def paragraphs(part, tag):
    return "\n".join("".join(p.itertext()) for p in xml.fromstring(part).iter(tag))


def docx(path, content):
    parts = inflated(path, content)
    for name in parts:
        xml.fromstring(parts[name])
    w = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}p"
    assert re.match(r"(OFFICIAL-SENSITIVE|INFORMAL-MEMORANDA) \(registry", paragraphs(parts["word/header1.xml"], w))
    return paragraphs(parts["word/document.xml"], w)


def odt(path, content):
    parts = inflated(path, content)
    assert parts["mimetype"] == b"application/vnd.oasis.opendocument.text"
    return paragraphs(parts["content.xml"], "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}p")


def rows(path, content):
    table = list(csv.DictReader(io.StringIO(content.decode("ascii"), newline="")))
    assert len(table) >= 6 and all(len(row) == 6 and None not in row and None not in row.values() for row in table), path
    assert all(re.fullmatch(r"QQ\d{6}A", row["national insurance"]) for row in table)
    return "\n".join(row["reference"] for row in table)


def mail(path, content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert not message.defects and not any(part.defects for part in message.walk()), path
    body, attachment = message.iter_parts()
    return body.get_content() + attachment.get_content()


def source(path, content):
    compiled = tool("gcc", "-Wall", "-Werror", "-fsyntax-only", "-x", "c", path)
    assert compiled is None or compiled[0] == 0, path
    return content.decode("ascii")


readers = {  # by ending: what file(1) says, and who reads
    ".zip": ("Zip archive data", archive), ".docx": ("Microsoft Word 2007+", docx), ".csv": ("CSV text|ASCII text", rows),
    ".pdf": ("PDF document, version 1.4", pdf), ".eml": ("ASCII text|mail", mail), ".txt": ("ASCII text", plain),
    ".com": ("", plain), ".odt": ("OpenDocument Text", odt), ".c": ("C source", source),
}
for factor, level in (("content", 0), ("content", 1), ("marking", 1), ("sample", 1), ("metadata.size", 1)):
    folder = tempfile.mkdtemp(prefix="hm-documents-", dir="/var/tmp")
    try:
        told = subprocess.run([sys.argv[1], folder, factor, str(level)], capture_output=True, text=True)
        if told.returncode:
            print("#", told.stderr.strip())
        check(told.returncode == 0 and told.stdout.count("\n") == 11, f"{factor} {level}: documents are made")
        for line in told.stdout.splitlines():
            identity, path, *tokens = line.split("\t")
            path = os.path.join(folder, path)
            kind, reader = readers[os.path.splitext(path)[1]]
            try:
                text = reader(path, open(path, "rb").read())
            except Exception as why:
                print("#", repr(why))
                text = ""
            if text is not None:
                missing = [t for t in tokens if t not in text]
                check(text and not missing, f"{factor} {level}: {identity} is read, with {len(tokens)} tokens")
            said = tool("file", "-b", path)
            if said and kind:
                good = re.search(kind, said[1])
                if not good:
                    print("#", said[1].strip())
                check(good, f"{factor} {level}: file knows {identity}")
    finally:
        shutil.rmtree(folder)
print(f"1..{number}")
sys.exit(failed)
