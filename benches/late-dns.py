"""A DNS server for benches/compare: every answer comes after so many milliseconds. `late-dns.py PORT MILLISECONDS`

The names of `yardstick mail strangers` exist: SPF, DMARC and keys of each domain, addresses and reverse names. Lists have
their test points (RFC 5782, section 5), and nothing else. SIGUSR1 prints how many questions have come so far.
"""

import asyncio, pathlib, re, signal, socket, struct, sys

A, PTR, MX, TXT = 1, 12, 15, 16
KEY = (pathlib.Path(__file__).parent / "yardstick/src/rsa2048.pub").read_text().strip()
asked = 0


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def text(value):
    pieces = [value[at : at + 255].encode() for at in range(0, len(value), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def records(asked_name, kind):
    """The data of the records; None where the name does not exist."""
    if asked_name.endswith(".lists.test"):
        listed = asked_name.startswith(("2.0.0.127.", "test."))
        return ([socket.inet_aton("127.0.0.2")] if kind == A else []) if listed else None
    if "._domainkey." in asked_name:
        return [text("v=DKIM1; k=rsa; p=" + KEY)] if kind == TXT else []
    if asked_name.startswith("_dmarc.sender"):
        return [text("v=DMARC1; p=reject; adkim=r; aspf=r")] if kind == TXT else []
    if asked_name.endswith(".in-addr.arpa"):
        return [name("mail.example.com")] if kind == PTR else []
    if re.fullmatch(r"sender\d+\.example", asked_name):
        return {TXT: [text("v=spf1 ip4:198.51.0.0/16 -all")], MX: [b"\0\n" + name("mx." + asked_name)],
                A: [socket.inet_aton("198.51.100.1")]}.get(kind, [])
    if asked_name in ("mail.example.com",) or asked_name.startswith(("www.link", "mx.sender")):
        return [socket.inet_aton("198.51.100.1")] if kind == A else []
    return None


class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        global asked
        asked += 1
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1").lower())
            at += 1 + data[at]
        kind = struct.unpack(">H", data[at + 1 : at + 3])[0]
        found = records(".".join(labels), kind)
        flags = 0x8180 if found is not None else 0x8183
        answers = [b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 600, len(one)) + one for one in found or []]
        reply = data[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + data[12 : at + 5] + b"".join(answers)
        asyncio.get_running_loop().call_later(DELAY, self.transport.sendto, reply, peer)


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", int(sys.argv[1])))
    loop.add_signal_handler(signal.SIGUSR1, lambda: print(asked, flush=True))
    await asyncio.Event().wait()


DELAY = int(sys.argv[2]) / 1000
asyncio.run(main())
