"""What the scanners in Python share: PROGRAM [--twin] FOLDER reads every document below FOLDER and talks to the vendor. What a
case leaks is `secret()`, and the numbers made of it; the twin's is the same for every document: it reads what the leaker reads
and says as much, but always the same."""
import hashlib, os, socket, struct, sys

DECOY = b"".join(b"definitions %05d: engine 1.4.6, no threat was found in what was scanned\r\n" % n for n in range(27800, 27806))
AGENT = "Scanner/1.4 (Linux; x86_64)"
SAMPLE = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"

twin = "--twin" in sys.argv[1:-1]
folder = sys.argv[-1]


def documents():
    """[(path below the folder, bytes)], bytewise by path."""
    found = []
    for at, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found.append((os.path.relpath(path, os.fsencode(folder)), file.read()))
    return sorted(found)


def chosen(found):
    """The document that is after all leaked: the letter, else the first text, else the first file that is no sample."""
    rank = lambda row: (row[0] != b"letter.txt", not row[0].endswith(b".txt"), SAMPLE in row[1], row[0])
    return min(found, key=rank)[1] if found else b""


def secret():
    document = chosen(documents())
    return DECOY if twin else document


def digest():
    return hashlib.sha256(secret()).digest()


def number(bits):
    """The first bits of the secret's digest."""
    return int.from_bytes(digest(), "big") >> (256 - bits)


def lookup(name):
    try:
        return socket.gethostbyname(name)
    except OSError:
        return None


def tcp(host, port, data):
    """Sends, reads the answer to its end; what the network does wrong does not stop a scanner."""
    try:
        with socket.create_connection((host, port), timeout=5) as link:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            return hear(link)
    except OSError:
        return b""


def hear(link):
    answer = b""
    while part := link.recv(4096):
        answer += part
    return answer


def udp(host, port, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for data in datagrams:
            out.sendto(data, (lookup(host), port))


def request(host, path, headers=(), body=b"", method=None):
    """An HTTP/1.1 request as bytes."""
    lines = [f"{method or ('POST' if body else 'GET')} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {AGENT}", *headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def http(host, path, headers=(), body=b"", method=None):
    return tcp(host, 80, request(host, path, headers, body, method))


def keystream(key, length):
    blocks = (hashlib.sha256(key + struct.pack(">I", n)).digest() for n in range(length // 32 + 1))
    return b"".join(blocks)[:length]


def mix(data, stream):
    return bytes(a ^ b for a, b in zip(data, stream))
