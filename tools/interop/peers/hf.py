"""slixmpp over HF: two clients who chat through nodes with a radio between them, where everything takes its time."""

from plays import is_error, is_message, play

CLIENTS = dict(mech="SCRAM-SHA-256", plain_gs2=True)
LONG = 60  # seconds for what crosses the air


async def pair(stage):
    return await stage.log_in(stage.home, **CLIENTS), await stage.log_in(stage.away, **CLIENTS)


async def chat(stage):
    a, b = await pair(stage)
    for i in range(10):
        a.say(b.boundjid.bare, f"zur Küste {i} <&> ✓")
        b.say(a.boundjid.bare, f"back to base {i}")
    for i in range(10):
        s = await b.until("a line", lambda s: getattr(s, "name", "") == "message", LONG)
        assert s["body"] == f"zur Küste {i} <&> ✓" and s["from"].bare == a.boundjid.bare, s
        s = await a.until("a line", lambda s: getattr(s, "name", "") == "message", LONG)
        assert s["body"] == f"back to base {i}" and s["from"].bare == b.boundjid.bare, s
    await a.never("a line twice", lambda s: getattr(s, "name", "") == "message")
    await b.never("a line twice", lambda s: getattr(s, "name", "") == "message")


async def long_message(stage):
    a, b = await pair(stage)
    text = " ".join(str(i * i) for i in range(1500))
    a.say(b.boundjid.bare, text)
    await b.until("all of it", lambda s: is_message(s, text), LONG)


async def nobody(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    a.say(f"nobody-here@{stage.servers[stage.away]['domain']}", "hello?")
    await a.until("service-unavailable", lambda s: is_error(s, "service-unavailable"), LONG)


def checks(stage):
    yield "slixmpp chat both ways", chat
    yield "slixmpp message of several U_PDUs", long_message
    yield "slixmpp message to nobody", nobody


if __name__ == "__main__":
    play(checks)
