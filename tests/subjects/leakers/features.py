"""The channels in which cases leak, as functions of what a run sent: what the column `feature` of the table names. Each leaves out
what only the kernel chose (ports, sequence numbers, identifications)."""
import hashlib, re, struct

# The private half of the key in 15-envelope.
EXPONENT = int(
    "8047b4b48cb91b169f6cc1ee22e134bde414ae1e09384bf94381b9968737dac5"
    "1bd843eb205b35f348a4f7d61cd3e2e4ca0aef4e4e0af16908d5934b81759a9a"
    "a5bd8efcdfcb3815574d235001c85c87dea53d9ff72342516ade963732eb3a30"
    "179e5d8c506550de8077e72ef78d292b245e36066d4f8970c0a8545e55724b71", 16)


def content(run):
    """Everything that was said, and to whom."""
    return [(flow.proto, flow.host, flow.port, flow.sni, flow.data, tuple(flow.datagrams)) for flow in run.flows]


def everything(run):
    return content(run), run.names


def shape(run):
    """How much was said, of what kind: (protocols and ports, names, messages, bytes)."""
    messages = sum(max(1, len(flow.datagrams)) for flow in run.flows)
    size = sum(len(flow.data) + sum(map(len, flow.datagrams)) for flow in run.flows) + sum(map(len, run.names))
    return {(flow.proto, flow.port) for flow in run.flows}, len(run.names), messages, size


def first(run):
    return run.flows[0]


def names(run):
    return run.names


def sni(run):
    return [flow.sni for flow in run.flows]


def length(run):
    return [len(flow.data) for flow in run.flows]


def count(run):
    return len(run.flows)


def ip(run):
    head = first(run).heads[0]
    return head[4:6], head[8], first(run).source


def icmp(run):
    return first(run).datagrams[0]


def stamp(run):
    return first(run).datagrams[0][40:48]


def wait(run):
    """Time between the two checks, to the nearest of the four that there are."""
    return round((run.flows[1].times[0] - run.flows[0].times[0] - 0.05) / 0.2)


def gaps(run):
    times = first(run).times
    return [int(b - a > 0.02) for a, b in zip(times, times[1:])]


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) % 256
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + s[i]) % 256
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) % 256])
    return bytes(out)


def unsealed(run):
    """What the message says to somebody who takes the key from its beginning."""
    return rc4(first(run).data[:16], first(run).data[16:])


def opened(run, modulus):
    """What the vendor reads in the envelope."""
    data = first(run).data
    key = pow(int.from_bytes(data[:128], "big"), EXPONENT, modulus).to_bytes(128, "big")[-16:]
    stream = b"".join(hashlib.sha256(key + struct.pack(">I", n)).digest() for n in range(len(data) // 32))
    return bytes(a ^ b for a, b in zip(data[128:], stream))


def hidden(run):
    """What the vendor reads in the identifier."""
    drawn, masked = (int(part, 16) for part in re.search(rb"X-Request-Id: (.{16})(.{16})", first(run).data).groups())
    return rc4(b"vendor's" + struct.pack("<Q", drawn), struct.pack("<Q", masked))


def window(run):
    return first(run).syn[14:16]
