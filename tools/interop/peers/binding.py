"""SCRAM with channel binding over the standard library alone: sockets, ssl, hashlib. slixmpp binds by tls-unique only; this binds by
tls-server-end-point, with TLS 1.2 and 1.3, and tls-unique with TLS 1.2, and tries what a server must refuse.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import sys

NS = "urn:ietf:params:xml:ns:xmpp-sasl"


class Refused(Exception):
    pass


class Stream:
    def __init__(self, place, direct, version):
        self.place = place
        context = ssl.create_default_context(cafile=place["certificate"])
        context.minimum_version = context.maximum_version = version
        self.sock = socket.create_connection((place["host"], place["direct" if direct else "port"]), 10)
        self.buffer = b""
        if not direct:
            self.open()
            self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            self.until(rb"<proceed[^>]*>")
            assert not self.buffer, "bytes behind <proceed/>"
        else:
            context.set_alpn_protocols(["xmpp-client"])
        self.sock = context.wrap_socket(self.sock, server_hostname=place["domain"])
        self.features = self.open()

    def open(self):
        self.send(f"<?xml version='1.0'?><stream:stream to='{self.place['domain']}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        return self.until(rb"</stream:features>|<stream:features/>")

    def send(self, text):
        self.sock.sendall(text.encode())

    def until(self, pattern):
        while True:
            m = re.search(pattern, self.buffer)
            if m:
                got, self.buffer = self.buffer[: m.end()], self.buffer[m.end() :]
                return got.decode()
            data = self.sock.recv(65536)
            if not data:
                raise Refused(f"closed after {self.buffer!r}")
            self.buffer += data

    def mechanisms(self):
        return re.findall(r"<mechanism>([^<]+)<", self.features)

    def answer(self):
        got = self.until(rb"</(challenge|success)>|<success[^>]*/>|</failure>|</stream:stream>")
        if "<failure" in got or "</stream:stream>" in got:
            raise Refused(got)
        return base64.b64decode(re.search(r"<(?:challenge|success)[^>]*>([^<]*)<", got).group(1))

    def scram(self, mechanism, gs2, binding, password=None, spoil=None):
        """Authenticates. spoil changes the client-final message without its proof."""
        algorithm = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}[mechanism.removesuffix("-PLUS")]

        def mac(key, text):
            return hmac.new(key, text, algorithm).digest()

        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n={self.place['accounts'][0]},r={nonce}"
        self.send(f"<auth xmlns='{NS}' mechanism='{mechanism}'>{base64.b64encode((gs2 + bare).encode()).decode()}</auth>")
        challenge = self.answer().decode()
        fields = dict(f.split("=", 1) for f in challenge.split(","))
        assert fields["r"].startswith(nonce), challenge
        final = "c=" + base64.b64encode(gs2.encode() + binding).decode() + ",r=" + fields["r"]
        if spoil:
            final = spoil(final)
        salted = hashlib.pbkdf2_hmac(algorithm, (password or self.place["password"]).encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        message = f"{bare},{challenge},{final}".encode()
        key = mac(salted, b"Client Key")
        signature = mac(hashlib.new(algorithm, key).digest(), message)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        self.send(f"<response xmlns='{NS}'>{base64.b64encode(f'{final},p={proof}'.encode()).decode()}</response>")
        verifier = self.answer().decode()
        assert base64.b64decode(verifier.removeprefix("v=")) == mac(mac(salted, b"Server Key"), message), "wrong server signature"
        features = self.open()
        assert "urn:ietf:params:xml:ns:xmpp-bind" in features, features

    def end_point(self):
        """RFC 5929 §4.1, for certificates signed with SHA-256."""
        return hashlib.sha256(self.sock.getpeercert(True)).digest()


def plus(mechanism, direct, version, kind):
    def check(place):
        s = Stream(place, direct, version)
        assert mechanism in s.mechanisms(), f"not offered: {s.mechanisms()}"
        data = s.end_point() if kind == "tls-server-end-point" else s.sock.get_channel_binding("tls-unique")
        s.scram(mechanism, f"p={kind},,", data)

    return check


def wrong_binding(place):
    s = Stream(place, True, ssl.TLSVersion.TLSv1_3)
    must_refuse(lambda: s.scram("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", b"\0" * 32))


def downgraded(place):
    """RFC 5802 §6: y says "I could bind, but you do not offer it", although we do."""
    s = Stream(place, True, ssl.TLSVersion.TLSv1_3)
    must_refuse(lambda: s.scram("SCRAM-SHA-256", "y,,", b""))


def unbound(place):
    s = Stream(place, True, ssl.TLSVersion.TLSv1_3)
    s.scram("SCRAM-SHA-256", "n,,", b"")


def spoiled(place):
    """The gs2 header is bound too: c= of another header than the first."""
    s = Stream(place, True, ssl.TLSVersion.TLSv1_3)
    must_refuse(lambda: s.scram("SCRAM-SHA-256", "n,,", b"", spoil=lambda f: f.replace("c=biws", "c=eSws")))


def second_try(place):
    s = Stream(place, False, ssl.TLSVersion.TLSv1_3)
    must_refuse(lambda: s.scram("SCRAM-SHA-1", "n,,", b"", password="wrong"))
    s.scram("SCRAM-SHA-1", "n,,", b"")


def must_refuse(login):
    try:
        login()
    except Refused as e:
        assert "not-authorized" in str(e) or "malformed-request" in str(e), e
    else:
        raise AssertionError("accepted")


def checks():
    for direct, way in ((False, "STARTTLS"), (True, "direct TLS")):
        for mechanism in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"):
            for version, v in ((ssl.TLSVersion.TLSv1_2, "TLS 1.2"), (ssl.TLSVersion.TLSv1_3, "TLS 1.3")):
                yield f"{mechanism} tls-server-end-point, {way}, {v}", plus(mechanism, direct, version, "tls-server-end-point")
            yield f"{mechanism} tls-unique, {way}, TLS 1.2", plus(mechanism, direct, ssl.TLSVersion.TLSv1_2, "tls-unique")
    yield "SCRAM without binding (n)", unbound
    yield "second try after a wrong password", second_try
    yield "refused: binding to another certificate", wrong_binding
    yield "refused: client-final with another gs2 header", spoiled
    yield "refused: downgrade to no binding (y)", downgraded


def main():
    stage = json.loads(sys.argv[1])
    place = stage["servers"]["headquarters"]
    for name, check in checks():
        if stage["reference"] and ("end-point" in name or "certificate" in name or "downgrade" in name):
            continue  # the reference binds by tls-unique alone
        try:
            check(place)
            result = {"name": name, "ok": True}
        except Exception as e:
            result = {"name": name, "ok": False, "detail": f"{type(e).__name__}: {e}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
