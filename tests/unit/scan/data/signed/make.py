#!/usr/bin/env python3
"""How the files beside this one were made: make.py, with osslsigncode 2.9 (Debian backports) and python3-cryptography. They are kept because certificates that
expired and stamps of the past cannot be made by the tools that every Debian 12 has. No byte of any vendor is in them."""
import datetime, os, subprocess, sys, tempfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../../../estate"))
import parts, signed
day = lambda y: datetime.datetime(y, 1, 1, tzinfo=datetime.timezone.utc)
name = lambda o: x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, o), x509.NameAttribute(NameOID.COMMON_NAME, o)])


def certificate(subject, key, issuer, issuer_key, start, end, use=None, ca=False):
    b = x509.CertificateBuilder().subject_name(subject if isinstance(subject, x509.Name) else name(subject)).issuer_name(issuer if isinstance(issuer, x509.Name) else name(issuer))
    b = b.public_key(key.public_key()).serial_number(x509.random_serial_number())
    b = b.not_valid_before(day(start)).not_valid_after(day(end)).add_extension(x509.BasicConstraints(ca, None), True)
    if use:
        b = b.add_extension(x509.ExtendedKeyUsage([use]), True)
    return b.sign(issuer_key, hashes.SHA256())


with tempfile.TemporaryDirectory() as t:
    key = {n: rsa.generate_private_key(65537, 2048) for n in ("root", "leaf", "tsa", "false")}
    pem = lambda c: c.public_bytes(serialization.Encoding.PEM)
    put = lambda n, b: open(f"{t}/{n}", "wb").write(b)
    for n, k in key.items():
        put(n + ".key", k.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
    root = certificate("Made Root", key["root"], "Made Root", key["root"], 2010, 2120, ca=True)
    false = certificate("Made Root", key["false"], "Made Root", key["false"], 2010, 2120, ca=True)
    code, stamp = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING
    put("root.pem", pem(root))
    put("good.pem", pem(certificate("Example Software JSC", key["leaf"], "Made Root", key["root"], 2020, 2119, code)))
    put("first.pem", pem(certificate("First Ltd", key["leaf"], "Made Root", key["root"], 2020, 2119, code)))
    put("server.pem", pem(certificate("Example Software JSC", key["leaf"], "Made Root", key["root"], 2020, 2119, ExtendedKeyUsageOID.SERVER_AUTH)))
    put("old.pem", pem(certificate("Example Software JSC", key["leaf"], "Made Root", key["root"], 2015, 2018, code)))
    put("false.pem", pem(certificate("Example Software JSC", key["leaf"], "Made Root", key["false"], 2020, 2119, code)))
    put("attester.pem", pem(certificate(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Platform Corporation"), x509.NameAttribute(NameOID.COMMON_NAME, "Platform Publisher of Others")]),
                                        key["leaf"], "Made Root", key["root"], 2020, 2119, code)))
    put("tsa.pem", pem(certificate("Made Stamps", key["tsa"], "Made Root", key["root"], 2012, 2030, stamp)))
    put("tsafalse.pem", pem(certificate("Made Stamps", key["tsa"], "Made Root", key["false"], 2012, 2030, stamp)))
    put("plain.exe", parts.pe({"CompanyName": "Example Software JSC", "ProductName": "Engine"}))

    def sign(out, cert, *more, source="plain.exe"):
        subprocess.run(["osslsigncode", "sign", "-certs", f"{t}/{cert}.pem", "-key", f"{t}/leaf.key", *more, "-in", f"{t}/{source}", "-out", f"{t}/{out}"], check=True, stdout=subprocess.DEVNULL)
        if not out.startswith("_"):
            os.replace(f"{t}/{out}", f"{here}/{out}")

    tsa = lambda y, c="tsa": ("-TSA-certs", f"{t}/{c}.pem", "-TSA-key", f"{t}/tsa.key", "-TSA-time", str(int(day(y).timestamp()) + 86400))
    sign("good.exe", "good")
    sign("server.exe", "server")
    sign("md5.exe", "good", "-h", "md5")
    sign("expired.exe", "old")
    sign("stamped.exe", "old", *tsa(2017))
    sign("late.exe", "old", *tsa(2020))
    sign("falsestamp.exe", "old", *tsa(2017, "tsafalse"))
    sign("false.exe", "false")
    sign("attested.exe", "attester")
    sign("_first.exe", "first", "-h", "sha1")
    sign("nested.exe", "good", "-nest", "-h", "sha256", source="_first.exe")
    os.replace(f"{t}/root.pem", f"{here}/root.pem")
