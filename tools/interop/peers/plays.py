"""What every play with slixmpp needs: a client that remembers what it saw, and a runner that reports each check.

A play is a script that gets the stage as JSON in its first argument: servers, accounts, certificates. It prints one JSON object a line for each
check: {"name": ..., "ok": ..., "detail": ...}.
"""

import asyncio
import json
import sys
import traceback

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

PATIENCE = 15  # seconds for anything to happen
QUIET = 1.0  # seconds in which nothing must happen


class Stage:
    """The servers under test, and accounts that nobody has used yet."""

    def __init__(self, data):
        self.servers = data["servers"]
        self.reference = data["reference"]
        self.accounts = {name: list(s["accounts"]) for name, s in self.servers.items()}
        self.home, self.away = "headquarters", "field"
        self.rooms = data["rooms"]
        self.long = data["long"] or PATIENCE
        self.clients = []  # of the check that runs

    def account(self, server):
        return self.accounts[server].pop(0)

    async def log_in(self, server, name=None, **kw):
        client = self.client(server, name or self.account(server), **kw)
        await client.log_in()
        return client

    def client(self, server, name, **kw):
        self.clients.append(Client(self.servers[server], name, **kw))
        return self.clients[-1]

    async def do(self, what):
        """Has something done that is not a client's, as cutting the link."""
        print(json.dumps({"do": what}), flush=True)
        answer = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        assert answer.strip() == "", f"{what}: {answer}"

    def clear(self):
        """Ends what clients a check has left connected."""
        for c in self.clients:
            if c.transport:
                c.transport.abort()
        self.clients.clear()


class Client(slixmpp.ClientXMPP):
    """A slixmpp client that keeps every stanza it gets."""

    def __init__(self, server, name, resource="slixmpp", mech=None, direct=False, plain_gs2=False, password=None, tls=None, plugins=(), sm=False):
        self.spot = server
        config = {}
        if sm:
            plugins = tuple(plugins) + ("xep_0198",)
        super().__init__(f"{name}@{server['domain']}/{resource}", password or server["password"], sasl_mech=mech, plugin_config=config)
        for p in plugins:
            self.register_plugin(p)
        self.use_ipv6 = False
        self.ca_certs = server["certificate"]
        self.direct = direct
        if tls:
            self.ssl_context.minimum_version = self.ssl_context.maximum_version = tls
        if plain_gs2:
            self._without_channel_binding()
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        self.auto_reconnect = False
        self.seen = []
        self.news = asyncio.Event()
        for kind in ("message", "presence", "iq"):
            self.register_handler(Callback("note " + kind, MatchXPath("{jabber:client}" + kind), self._note))
        for event in ("session_start", "failed_all_auth", "session_resumed", "sm_enabled", "sm_failed", "disconnected", "failed_auth"):
            self.add_event_handler(event, lambda _, event=event: self._note(event))

    def _without_channel_binding(self):
        """slixmpp says that it could do channel binding whenever there is TLS. This says that it cannot."""
        mechanisms = self["feature_mechanisms"]
        ask = mechanisms.sasl_callback

        def answer(required, optional):
            creds = ask(required, optional)
            creds.pop("channel_binding", None)
            return creds

        mechanisms.sasl_callback = answer

    def _note(self, what):
        self.seen.append(what)
        self.news.set()

    async def log_in(self, presence=True):
        self.dial()
        got = await self.until("a session", lambda s: s in ("session_start", "failed_all_auth", "disconnected"))
        if got != "session_start":
            raise AssertionError(f"login ended with {got}")
        if presence:
            self.send_presence()
            await self.until("the own presence", lambda s: is_presence(s, "available", self.boundjid.full))

    def dial(self):
        port = self.spot["direct"] if self.direct else self.spot["port"]
        self.connect((self.spot["host"], port), use_ssl=self.direct, force_starttls=not self.direct, disable_starttls=self.direct)

    async def log_out(self):
        await asyncio.wait_for(self.disconnect(wait=2), PATIENCE)

    async def until(self, what, predicate, patience=PATIENCE):
        """Waits for something that was not waited for before, and returns it."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            for i, s in enumerate(self.seen):
                if predicate(s):
                    return self.seen.pop(i)
            self.news.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self.news.wait(), left)
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.boundjid} waited {patience} s for {what}; last saw {[str(s)[:300] for s in self.seen][-3:]}") from None

    async def never(self, what, predicate):
        """Makes sure that something does not come."""
        await asyncio.sleep(QUIET)
        for s in self.seen:
            if predicate(s):
                raise AssertionError(f"{self.boundjid} got {what}: {s}")

    async def ask(self, iq, patience=PATIENCE):
        return await iq.send(timeout=patience)

    def say(self, to, body, **kw):
        self.send_message(mto=to, mbody=body, mtype="chat", **kw)


def is_message(s, body, sender=None):
    return getattr(s, "name", "") == "message" and s["type"] != "error" and s["body"] == body and (sender is None or s["from"].bare == slixmpp.JID(sender).bare)


def is_error(s, condition):
    return getattr(s, "name", "") in ("message", "presence", "iq") and s["type"] == "error" and s["error"]["condition"] == condition


def is_presence(s, kind, sender):
    """kind is a type, or a value of show; JIDs without resource match any resource."""
    if getattr(s, "name", "") != "presence":
        return False
    jid = slixmpp.JID(sender)
    same = s["from"] == jid if jid.resource else s["from"].bare == jid.bare
    return same and s["type"] == kind


def is_push(s, jid, **want):
    """A roster push about jid whose attributes are as wanted."""
    if getattr(s, "name", "") != "iq" or s["type"] != "set":
        return False
    for item in s.xml.iter("{jabber:iq:roster}item"):
        if item.get("jid") == jid and all(item.get(k) == v for k, v in want.items()):
            return True
    return False


def refused(coroutine, condition):
    """Awaits an iq that must be refused."""

    async def run():
        try:
            await coroutine
        except slixmpp.exceptions.IqError as e:
            assert e.iq["error"]["condition"] == condition, f"refused with {e.iq['error']['condition']}, not {condition}"
        else:
            raise AssertionError("accepted")

    return run()


def play(checks):
    """Runs checks, which are pairs of a name and a coroutine function that takes the stage."""
    stage = Stage(json.loads(sys.argv[1]))

    async def run():
        for name, check in checks(stage):
            before = set(asyncio.all_tasks())
            try:
                await asyncio.wait_for(check(stage), 4 * PATIENCE)
                report(name, True)
            except Exception as e:  # a failed check must not hide the next
                report(name, False, str(e) if isinstance(e, AssertionError) and str(e) else traceback.format_exc(limit=-4))
            for t in set(asyncio.all_tasks()) - before:
                t.cancel()
            stage.clear()

    asyncio.get_event_loop().run_until_complete(run())


def report(name, ok, detail=""):
    print(json.dumps({"name": name, "ok": ok, "detail": detail}), flush=True)
