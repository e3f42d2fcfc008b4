"""A client of slixmpp with the plugins that clients for people have. It gets an account as JSON in its first argument and commands as JSON lines,
and tells as JSON lines that it is ready and what it hears. What a person's client asks when it comes online, meets a contact or opens a chat, it asks."""

import asyncio
import json
import sys

import slixmpp

PLUGINS = ("xep_0012 xep_0030 xep_0045 xep_0048 xep_0049 xep_0054 xep_0060 xep_0084 xep_0085 xep_0092 xep_0115 xep_0153 xep_0163 xep_0172 xep_0191 "
           "xep_0198 xep_0199 xep_0202 xep_0203 xep_0280 xep_0308 xep_0313 xep_0333").split()
PICTURE = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082")


def tell(**what):
    print(json.dumps(what), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, a):
        super().__init__(a["jid"], a["password"])
        self.ca_certs, self.use_ipv6, self.auto_reconnect = a["certificate"], False, False
        for p in PLUGINS:
            self.register_plugin(p)
        self.register_plugin("xep_0184", {"auto_ack": True, "auto_request": True})
        self.met, self.opened = set(), set()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.hear)
        self.add_event_handler("vcard_avatar_update", lambda p: self.meet("card", p["from"], self["xep_0054"].get_vcard, p["from"].bare))
        self.add_event_handler("failed_all_auth", lambda _: sys.exit("the password is refused"))
        self.connect((a["host"], a["port"]))

    async def begin(self, _):
        own, server = self.boundjid.bare, self.boundjid.host
        await self.get_roster()
        for ask in (lambda: self["xep_0030"].get_info(jid=server), lambda: self["xep_0030"].get_items(jid=server), lambda: self["xep_0030"].get_info(jid=own),
                    self["xep_0280"].enable, self["xep_0048"].get_bookmarks, self["xep_0191"].get_blocked, lambda: self["xep_0313"].retrieve(jid=own),
                    lambda: self["xep_0153"].set_avatar(avatar=PICTURE, mtype="image/png")):
            await self.ask(ask)
        self.send_presence()
        self["xep_0199"].enable_keepalive(interval=60, timeout=30)
        tell(ready=True)

    async def ask(self, ask, *args):
        """Asks, and takes it as a client does when there is no answer."""
        try:
            await ask(*args)
        except (slixmpp.exceptions.IqError, slixmpp.exceptions.IqTimeout):
            pass

    def meet(self, what, who, ask, *args):
        if (what, str(who)) not in self.met and who.bare != self.boundjid.bare:
            self.met.add((what, str(who)))
            asyncio.ensure_future(self.ask(ask, *args))

    def hear(self, m):
        if m["body"] and m["type"] in ("chat", "normal"):
            tell(heard=m["body"])
            if m.xml.find("{urn:xmpp:chat-markers:0}markable") is not None:
                self["xep_0333"].send_marker(mto=m["from"], id=m["id"], marker="displayed")

    def open(self, to):
        """Asks about a contact what a client shows beside the chat."""
        there = self.client_roster[to].resources
        full = slixmpp.JID(f"{to}/{next(iter(there))}" if there and next(iter(there)) else to)
        for plugin, name in (("xep_0054", "get_vcard"), ("xep_0012", "get_last_activity")):
            self.meet(name, slixmpp.JID(to), getattr(self[plugin], name), to)
        for plugin, name in (("xep_0030", "get_info"), ("xep_0092", "get_version"), ("xep_0202", "get_entity_time")):
            self.meet(name, full, getattr(self[plugin], name), full)

    def state(self, to, state):
        m = self.make_message(mto=to, mtype="chat")
        m["chat_state"] = state
        m.send()

    def say(self, to, text):
        self.open(to)
        self.state(to, "composing")
        m = self.make_message(mto=to, mbody=text, mtype="chat")
        m["chat_state"] = "active"
        m.enable("markable")
        m.send()

    def show(self, show):
        self.send_presence(pshow=show or None)


async def obey(client):
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        c = json.loads(line)
        client.say(c["to"], c["say"]) if "say" in c else client.show(c["show"])
    await client.disconnect(wait=2)


client = Client(json.loads(sys.argv[1]))
client.loop.run_until_complete(obey(client))
