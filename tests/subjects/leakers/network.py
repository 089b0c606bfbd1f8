"""A network in which every name resolves and every address answers, for one namespace: one end of a veth pair is the programs'
only way out, at the other end these few lines are all that there is (ARP entry fixed, TCP without loss). Keeps what it gets."""
import hashlib, os, re, select, signal, socket, ssl, struct, subprocess, time

ADDRESS, GATEWAY = "10.99.0.1", "10.99.0.2"
OWN, PEER = bytes.fromhex("02686d000001"), bytes.fromhex("02686d000002")  # hardware addresses
SO_TIMESTAMPNS = 35
SYN, ACK, FIN, RST = 2, 16, 1, 4


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Flow:
    """One connection, or all datagrams between two endpoints: `data` is what came by TCP, decrypted where it was TLS."""

    def __init__(self, proto, host, port, source):
        self.proto, self.host, self.port, self.source = proto, host, port, source
        self.data, self.datagrams, self.times, self.syn, self.sni = b"", [], [], b"", None
        self.heads = []


class Connection:
    """The server's side of one TCP connection."""

    def __init__(self, network, pair, seq, flow):
        self.network, self.pair, self.flow = network, pair, flow
        self.got, self.sent, self.safe, self.ended, self.begun = seq + 1, 1000, None, False, False
        self.put(SYN | ACK)
        self.sent += 1

    def put(self, flags, data=b""):
        to, to_port, own, own_port = self.pair
        head = struct.pack(">HHIIBBHHH", own_port, to_port, self.sent & 0xffffffff, self.got & 0xffffffff, 5 << 4, flags, 65535, 0, 0)
        pseudo = socket.inet_aton(own) + socket.inet_aton(to) + struct.pack(">BBH", 0, 6, len(head) + len(data))
        head = head[:16] + struct.pack(">H", checksum(pseudo + head + data)) + head[18:]
        self.network.put_ip(6, own, to, head + data)

    def answer(self, data):
        for at in range(0, len(data), 1400):
            self.put(ACK, data[at:at + 1400])
            self.sent += len(data[at:at + 1400])

    def end(self):
        if not self.ended:
            self.ended = True
            self.put(FIN | ACK)
            self.sent += 1

    def take(self, seq, flags, data):
        if flags & RST:
            self.ended = True
        elif seq == self.got & 0xffffffff and (data or flags & FIN):
            self.got += len(data) + bool(flags & FIN)
            self.put(ACK)
            self.hear(data)
            if flags & FIN:
                self.end()
        elif data or flags & FIN:
            self.put(ACK)

    def hear(self, data):
        if not self.begun and data:
            self.begun = True
            if data[:2] == b"\x16\x03":
                self.begin_tls()
        if self.safe:
            data = self.decrypt(data)
        self.flow.data += data
        head, _, body = self.flow.data.partition(b"\r\n\r\n")
        wanted = re.search(rb"^Content-Length: (\d+)", head, re.M | re.I)
        if re.match(rb"[A-Z]+ \S+ HTTP/1", head) and b"\r\n\r\n" in self.flow.data and len(body) >= int(wanted[1] if wanted else 0):
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            if self.safe:
                self.safe.write(answer)
                answer = self.out.read()
            self.answer(answer)
            self.end()

    def begin_tls(self):
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.safe = self.network.tls.wrap_bio(self.into, self.out, server_side=True)
        self.network.greeted = None

    def decrypt(self, data):
        self.flow.heads.append(data)
        self.into.write(data)
        plain = b""
        try:
            self.safe.do_handshake()
            while part := self.safe.read(65536):
                plain += part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            plain += b"".join(self.flow.heads)  # no hello that this end takes: as it came
            self.flow.heads, self.safe = [], None
        if self.network.greeted:
            self.flow.sni = self.network.greeted
        if self.out.pending:
            self.answer(self.out.read())
        return plain


class Network:
    def __init__(self, folder):
        def run(*command):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as file:
            file.write("1")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "out", "address", OWN.hex(":"), "type", "veth", "peer", "name", "in", "address", PEER.hex(":"))
        run("ip", "address", "add", ADDRESS + "/24", "dev", "out")
        run("ip", "link", "set", "in", "up")
        run("ip", "link", "set", "out", "up")
        run("ip", "neigh", "add", GATEWAY, "lladdr", PEER.hex(":"), "dev", "out")
        run("ip", "route", "add", "default", "via", GATEWAY)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind(("in", 0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.make_authority(folder)

    def make_authority(self, folder):
        key, self.authority = f"{folder}/key.pem", f"{folder}/authority.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                        self.authority, "-days", "2", "-subj", "/CN=vendor.example", "-addext",
                        "subjectAltName=DNS:*.vendor.example,DNS:*.cdn.vendor.example"], check=True, stderr=subprocess.DEVNULL)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.authority, key)
        self.tls.sni_callback = lambda _, name, __: setattr(self, "greeted", name)

    def put_ip(self, proto, source, to, data):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, proto, 0, socket.inet_aton(source), socket.inet_aton(to))
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        self.socket.send(OWN + PEER + b"\x08\x00" + head + data)

    def clear(self):
        self.flows, self.connections, self.names, self.hosts = [], {}, [], {}

    def flow(self, proto, to, port, source, fresh=False):
        host = self.hosts.get(to, to)
        for flow in self.flows:
            if not fresh and (flow.proto, flow.host, flow.port, flow.source) == (proto, host, port, source):
                return flow
        self.flows.append(Flow(proto, host, port, source))
        return self.flows[-1]

    def take(self, packet):
        length = (packet[0] & 15) * 4
        source, to = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        data = packet[length:struct.unpack(">H", packet[2:4])[0]]
        if source == ADDRESS and packet[9] == 6:
            self.take_tcp(packet, source, to, data)
        elif source == ADDRESS and packet[9] == 17:
            port, to_port = struct.unpack(">HH", data[:4])
            if to_port == 53:
                self.resolve(source, port, to, data[8:])
            else:
                self.keep(self.flow("udp", to, to_port, port), packet, data[8:])
        elif source == ADDRESS:
            self.keep(self.flow(f"ip{packet[9]}", to, 0, 0), packet, data)

    def keep(self, flow, packet, data):
        flow.datagrams.append(data)
        flow.heads.append(packet[:20])
        flow.times.append(self.time)

    def take_tcp(self, packet, source, to, data):
        port, to_port, seq, _, offset, flags = struct.unpack(">HHIIBB", data[:14])
        pair = (source, port, to, to_port)
        if flags & SYN:
            flow = self.flow("tcp", to, to_port, port, fresh=True)
            flow.syn = data[:20]
            flow.times.append(self.time)
            self.connections[pair] = Connection(self, pair, seq, flow)
        elif pair in self.connections:
            self.connections[pair].take(seq, flags, data[(offset >> 4) * 4:])

    def resolve(self, source, port, server, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        answer = b""
        if kind == 1:
            self.names.append(name)
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:3], "big") % 131072
            address = socket.inet_aton(f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}")
            self.hosts[socket.inet_ntoa(address)] = name
            answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + address
        data = query[:2] + struct.pack(">HHHHH", 0x8180, 1, bool(answer), 0, 0) + query[12:at + 5] + answer
        head = struct.pack(">HHHH", 53, port, 8 + len(data), 0)
        pseudo = socket.inet_aton(server) + socket.inet_aton(source) + struct.pack(">BBH", 0, 17, 8 + len(data))
        self.put_ip(17, server, source, head[:6] + struct.pack(">H", checksum(pseudo + head + data) or 0xffff) + data)

    def serve(self, seconds):
        ready, _, _ = select.select([self.socket], [], [], seconds)
        if ready:
            frame, said, _, _ = self.socket.recvmsg(70000, 64)
            self.time = next(sum(x * y for x, y in zip(struct.unpack("qq", data[:16]), (1, 1e-9))) for _, kind, data in said
                             if kind == SO_TIMESTAMPNS)
            self.take(frame[14:])
        return bool(ready)

    def record(self, command, env, limit=20):
        """Runs a command until nothing of it is left (this is process 1, so its orphans come here). Returns its exit status, or None
        where it was killed because its time was over. What it sent stands in `flows` and `names`."""
        while self.serve(0):
            pass
        self.clear()
        until = time.monotonic() + limit
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        status = None
        while True:
            try:
                pid, how = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == process.pid:
                status = process.returncode = os.waitstatus_to_exitcode(how)
            if not pid:
                self.serve(0.003)
            if time.monotonic() > until:
                os.kill(-1, signal.SIGKILL)
                status, until = None, time.monotonic() + limit
        while self.serve(0.002):
            pass
        return status
