"""The whole job from nothing, as people see it: two nodes are joined over IP and HF, by commands that the stage's hand types."""

from xml.etree import ElementTree as ET

from federation import SOON, both, gone, hears
from plays import is_message, is_presence, play
from roomkit import CLIENTS, name_of

STATES = "http://jabber.org/protocol/chatstates"
XHTML, HTML = "http://jabber.org/protocol/xhtml-im", "http://www.w3.org/1999/xhtml"


async def pair(stage):
    return await stage.log_in(stage.home, **CLIENTS), await stage.log_in(stage.away, **CLIENTS)


async def converse(stage, patience, lines=5):
    """Both talk at once, and each line comes once, in order."""
    stage.accounts = {k: v[1:] + v[:1] for k, v in stage.accounts.items()}
    a = await stage.log_in(stage.home, stage.accounts[stage.home][0], **CLIENTS)
    b = await stage.log_in(stage.away, stage.accounts[stage.away][0], **CLIENTS)
    for i in range(lines):
        a.say(b.boundjid.bare, f"how copy over there {i} <&> ✓")
        b.say(a.boundjid.bare, f"loud and clear over there {i}")
    for reader, text, sender in ((b, "how copy over there {} <&> ✓", a), (a, "loud and clear over there {}", b)):
        for i in range(lines):
            s = await reader.until(f"line {i}", lambda s: name_of(s) == "message" and s["body"] != "", patience)
            assert s["body"] == text.format(i) and s["from"].bare == sender.boundjid.bare, s
        await reader.never("a line twice", lambda s: name_of(s) == "message" and s["body"] != "")


async def ip_link(stage):
    await stage.do("IP link")
    await converse(stage, 10, 20)


async def satcom(stage):
    await stage.do("satcom")
    await converse(stage, stage.long, 10)


async def console(stage):
    await stage.do("console")


async def hf_link(stage):
    await stage.do("5066 link")
    await converse(stage, stage.long)


def rich(a, b, body):
    """A message as clients write them, with more than its text."""
    m = a.make_message(mto=b.boundjid.bare, mbody=body, mtype="chat")
    ET.SubElement(m.xml, f"{{{STATES}}}active")
    ET.SubElement(ET.SubElement(ET.SubElement(m.xml, f"{{{XHTML}}}html"), f"{{{HTML}}}body"), f"{{{HTML}}}p").text = body
    m.send()


def extras(s):
    return {c.tag for c in s.xml if c.tag in (f"{{{STATES}}}active", f"{{{XHTML}}}html")}


def composing(a, b):
    m = a.make_message(mto=b.boundjid.bare, mtype="chat")
    ET.SubElement(m.xml, f"{{{STATES}}}composing")
    m.send()


async def fold_messages(stage):
    await stage.do("no folding")
    for folded in (False, True):
        if folded:
            await stage.do("fold messages")
        stage.accounts = {k: v[1:] + v[:1] for k, v in stage.accounts.items()}
        people = [await stage.log_in(p, stage.accounts[p][0], **CLIENTS) for p in (stage.home, stage.away)]
        for a, b in (people, people[::-1]):
            # Nothing waits for a link only to tell that somebody types: so the link is up first.
            a.say(b.boundjid.bare, "are you there?")
            await b.until("the first message", lambda s: is_message(s, "are you there?"), stage.long)
            composing(a, b)
            rich(a, b, "at the ford over there")
            s = await b.until("the message", lambda s: is_message(s, "at the ford over there"), stage.long)
            assert len(extras(s)) == (0 if folded else 2), s
            # Less urgent than what somebody wrote, it may come behind it.
            typing = lambda s: name_of(s) == "message" and s.xml.find(f"{{{STATES}}}composing") is not None
            if folded:
                a.say(b.boundjid.bare, "and behind it, over there")
                await b.until("the next message", lambda s: is_message(s, "and behind it, over there"), stage.long)
                await b.never("typing", typing)
            else:
                await b.until("typing", typing, stage.long)
        stage.clear()


async def fold_presence(stage):
    for folded in (False, True):
        if folded:
            await stage.do("fold presence")
        stage.accounts = {k: v[1:] + v[:1] for k, v in stage.accounts.items()}
        a, b = [await stage.log_in(p, stage.accounts[p][0], **CLIENTS) for p in (stage.home, stage.away)]
        a.send_presence(pto=b.boundjid.full, pshow="away")
        a.say(b.boundjid.bare, "still over there")
        await b.until("the message", lambda s: is_message(s, "still over there"), stage.long)
        away = lambda s: is_presence(s, "away", a.boundjid.bare)
        if folded:
            await b.never("presence", away)
        else:
            await b.until("presence", away, stage.long)
        stage.clear()


async def rooms(stage):
    await stage.do("rooms")
    a, b = await both(stage, "walk")
    for speaker, reader in ((a, b), (b, a)):
        speaker.say("one room over there")
        await hears(speaker, "one room over there", speaker.nick, SOON)
        await hears(reader, "one room over there", speaker.nick, stage.long)
    await stage.do("cut")
    for side in (a, b):
        side.say(f"alone over there, {side.nick}")
        await hears(side, f"alone over there, {side.nick}", side.nick, SOON)
    await stage.do("mend")
    for speaker, reader in ((a, b), (b, a)):
        await hears(reader, f"alone over there, {speaker.nick}", speaker.nick, stage.long)
    await gone(stage, a, b)


async def refusals(stage):
    await stage.do("refusals")


async def telemetry(stage):
    await stage.do("telemetry")


async def failover(stage):
    await stage.do("both links")
    await converse(stage, stage.long)
    await stage.do("cut")
    try:
        await converse(stage, stage.long)
    finally:
        await stage.do("mend")


async def processes(stage):
    await stage.do("same processes")


def checks(stage):
    yield "1. IP link: clients on both nodes talk", ip_link
    yield "1. the same by satellite: 600 ms each way, loss, 9600 bit/s", satcom
    yield "2. 5066 subsystem: friendly name, auto-discover, ARQ, broadcast", console
    yield "3. 5066 link: clients on both nodes talk over HF", hf_link
    yield "4. message folding strips all elements in the rule set, and nothing before", fold_messages
    yield "4. presence folding does not pass the matched elements", fold_presence
    yield "5. FMUC: one room on both nodes, which both go on when the link is down", rooms
    yield "4. folding that would break the federated room is refused", refusals
    yield "6. telemetry: a folder for each peer address", telemetry
    yield "7. HF takes over when the satellite is gone", failover
    yield "no step needed a restart", processes


if __name__ == "__main__":
    play(checks)
