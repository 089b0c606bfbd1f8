"""Signatures as Windows has them (Authenticode), made with openssl: a root that says of itself what it likes, signers under it, signed PEs and catalogues."""
import hashlib, os, struct, subprocess, tempfile


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + body


def oid(dotted):
    first, second, *rest = map(int, dotted.split("."))
    out = [40 * first + second]
    for n in rest:
        part = [n & 127]
        while n := n >> 7:
            part.append(n & 127 | 128)
        out += reversed(part)
    return der(6, bytes(out))


SHA256 = der(0x30, oid("2.16.840.1.101.3.4.2.1"), der(5))
RSA = der(0x30, oid("1.2.840.113549.1.1.1"), der(5))


def _openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


class Signers:
    """A root, and one key that is certified to whoever is asked for."""

    def __init__(self, folder, name="Made Root"):
        self.folder, self.root, self.key, self.made = folder, folder + "/root.pem", folder + "/key.pem", {}
        os.makedirs(folder, exist_ok=True)
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder + "/root.key", "-out", self.root, "-days", "40", "-subj", f"/O={name}/CN={name}")
        _openssl("genrsa", "-out", self.key, "2048")
        with open(folder + "/ext", "w") as f:
            f.write("extendedKeyUsage=codeSigning\n")

    def certificate(self, organisation, common):
        who = (organisation, common)
        if who not in self.made:
            escape = lambda t: t.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+")
            request = _openssl("req", "-new", "-utf8", "-key", self.key, "-subj", f"/O={escape(organisation)}/CN={escape(common)}")
            self.made[who] = _openssl("x509", "-req", "-CA", self.root, "-CAkey", self.folder + "/root.key", "-set_serial", str(len(self.made) + 2), "-days", "30", "-extfile", self.folder + "/ext",
                                      "-outform", "DER", data=request)
        return self.made[who]

    def pkcs7(self, kind, content, organisation, common):
        """PKCS#7 over `content`, the inside of a SEQUENCE."""
        certificate = self.certificate(organisation, common)
        body = certificate[4:] if certificate[1] == 0x82 else certificate[3:]
        tbs, _ = _element(body)
        at = _inside(tbs)
        _, at = _element(at)  # version
        serial, at = _element(at)
        _, at = _element(at)  # algorithm
        issuer, _ = _element(at)
        attributes = der(0x30, oid("1.2.840.113549.1.9.3"), der(0x31, oid(kind))) + der(0x30, oid("1.2.840.113549.1.9.4"), der(0x31, der(4, hashlib.sha256(content).digest())))
        signature = _openssl("dgst", "-sha256", "-sign", self.key, data=der(0x31, attributes))
        signer = der(0x30, der(2, b"\1"), der(0x30, issuer, serial), SHA256, der(0xA0, attributes), RSA, der(4, signature))
        signed = der(0x30, der(2, b"\1"), der(0x31, SHA256), der(0x30, oid(kind), der(0xA0, der(0x30, content))), der(0xA0, certificate), der(0x31, signer))
        return der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, signed))

    def pe(self, plain, organisation, common=None):
        """A PE with its signature; the certificate table is at its end."""
        plain += b"\0" * (-len(plain) % 8)
        body = self.pkcs7("1.3.6.1.4.1.311.2.1.4", indirect(pe_digest(plain)), organisation, common or organisation)
        body += b"\0" * (-len(body) % 8)
        entry = struct.pack("<IHH", 8 + len(body), 0x200, 2) + body
        at = _certificates_at(plain)
        return plain[:at] + struct.pack("<II", len(plain), len(entry)) + plain[at + 8:] + entry

    def catalogue(self, files, organisation, common=None):
        """A catalogue of these PEs: name -> bytes."""
        members = b""
        for name, data in files.items():
            value = der(0x30, der(0x1E, "File".encode("utf-16-be")), der(2, b"\x10\x01\0\1"), der(4, (name + "\0").encode("utf-16-le")))
            attributes = der(0x30, oid("1.3.6.1.4.1.311.12.2.1"), der(0x31, value)) + der(0x30, oid("1.3.6.1.4.1.311.2.1.4"), der(0x31, der(0x30, indirect(pe_digest(data)))))
            members += der(0x30, der(4, pe_digest(data)), der(0x31, attributes))
        content = der(0x30, oid("1.3.6.1.4.1.311.12.1.1")) + der(4, b"made" * 4) + der(0x17, b"250101000000Z") + der(0x30, oid("1.3.6.1.4.1.311.12.1.3"), der(5)) + der(0x30, members)
        return self.pkcs7("1.3.6.1.4.1.311.10.1", content, organisation, common or organisation)


def _element(data):
    size, head = data[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(data[2:head], "big")
    return data[:head + size], data[head + size:]


def _inside(element):
    size = element[1]
    return element[2 + (size & 0x7F if size & 0x80 else 0):]


def _certificates_at(data):
    pe = struct.unpack_from("<I", data, 60)[0]
    return pe + 24 + (112 if struct.unpack_from("<H", data, pe + 24)[0] == 0x20B else 96) + 32


def pe_digest(data):
    """Without the checksum, the directory entry of the certificates, and these."""
    at, pe = _certificates_at(data), struct.unpack_from("<I", data, 60)[0]
    start, size = struct.unpack_from("<II", data, at)
    end = start or len(data)
    return hashlib.sha256(data[:pe + 88] + data[pe + 92:at] + data[at + 8:end] + data[end + size:]).digest()


def indirect(digest):
    """The inside of an SpcIndirectDataContent."""
    image = der(0x30, der(3, b"\0"), der(0xA0, der(0xA2, der(0x80))))
    return der(0x30, oid("1.3.6.1.4.1.311.2.1.15"), image) + der(0x30, SHA256, der(4, digest))
