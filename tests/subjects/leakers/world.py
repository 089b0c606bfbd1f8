"""What scanners see: a folder of documents like those that Hallmark plants, and of the host what is their business. A world is made of
levels, one a factor; what a factor does not say is the same in all."""
import hashlib, io, os, shutil, socket, zipfile

FACTORS = ("content", "names", "metadata", "presence", "marking", "host", "inventory")
SAMPLE = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TIME = 1715644800


def token(level, number, length=20):
    """Characters as in a canary token; all of a level are its own."""
    digest = hashlib.sha256(f"{level}/{number}".encode()).digest()
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[byte % 32] for byte in digest)[:length].encode()


def archive(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data, how in (("lists.txt", content, zipfile.ZIP_DEFLATED), ("eicar.com", SAMPLE, zipfile.ZIP_STORED)):
            file.writestr(zipfile.ZipInfo(name, (2024, 5, 14, 0, 0, 0)), data, how)
    return out.getvalue()


def documents(levels):
    content = levels["content"]
    marking = b"UK SECRET" if not levels["marking"] else b"NEWSLETTE"
    letter = (marking + b"\n\nPermanent Secretary\n14 May 2024\n\nYou asked for the current word for the operation. It is %b.\n"
              b"It changes on the first of the month; please tell nobody outside the list.\n\nThe convoy leaves the depot at 04:10.\n"
              b"The gate opens to the answer %b.\n\nI have kept no copy of this note.\n\n" + marking + b"\n")
    made = {
        "archive.zip": archive(b"Names of those who were told: list %b\n" % token(content, 0)),
        "eicar.com": SAMPLE,
        "accounts.csv": b"name,national insurance,reference\r\n\"Ashworth, Edith\",QQ123456A,%b\r\n" % token(content, 1),
        "letter.txt": letter % (token(content, 2), token(content, 3)),
        "memo.txt": b"Minutes of the meeting of 13 May 2024\n\nThe panel agreed that reference %b goes forward.\n" % token(content, 4),
        "plan.odt": archive(b"The new alarm code until handover is %b.\n" % token(content, 5)),
        "gate.c": b"static const char day_code[] = \"%b\";\n" % token(content, 6),
    }
    if levels["names"]:
        # letter.txt keeps its name: the one document that everything reads
        made = {name if name == "letter.txt" else token(levels["names"], name, 6).decode().lower() + os.path.splitext(name)[1]: data
                for name, data in made.items()}
    if levels["presence"]:
        made |= {f"more-{n}.txt": b"another text\n" for n in range(levels["presence"])}
    return made


def make(folder, state, **changed):
    """Makes the world's folder anew, /var/lib as far as scanners look at it (`state` stays from run to run), and the host's name."""
    levels = {factor: changed.get(factor, 0) for factor in FACTORS}
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    for name, data in documents(levels).items():
        path = f"{folder}/{name}"
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (TIME + 3600 * levels["metadata"],) * 2)
        os.chmod(path, 0o600 if levels["metadata"] else 0o644)
    if not state:
        shutil.rmtree("/var/lib/scanner", ignore_errors=True)
    os.makedirs("/var/lib/dpkg", exist_ok=True)
    with open("/var/lib/dpkg/status", "w") as file:
        file.write(f"Package: base-files\nVersion: 12.4+{levels['inventory']}\n")
    socket.sethostname(f"host-{levels['host']}")
