"""slixmpp logs in: STARTTLS and direct TLS, each SCRAM that it knows, and with the wrong password."""

import contextlib
import ssl

from plays import Stage, play


def logging_in(**kw):
    async def check(stage: Stage):
        c = await stage.log_in(stage.home, stage.servers[stage.home]["accounts"][0], **kw)
        await c.log_out()

    return check


def refusing(**kw):
    async def check(stage: Stage):
        c = stage.client(stage.home, stage.servers[stage.home]["accounts"][0], password="not this one", **kw)
        c.dial()
        failure = await c.until("a refusal", lambda s: s in ("failed_auth", "session_start"))
        assert failure == "failed_auth", "logged in with the wrong password"
        with contextlib.suppress(AttributeError):  # asyncio's, if the connection is closing already
            c.abort()

    return check


def checks(stage):
    for direct, way in ((False, "STARTTLS"), (True, "direct TLS")):
        yield f"slixmpp as it comes, {way}", logging_in(direct=direct)
        for mech in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
            yield f"slixmpp {mech}, {way}", logging_in(direct=direct, mech=mech, plain_gs2=True)
        # slixmpp knows the binding tls-unique alone, which TLS 1.3 does not have.
        yield f"slixmpp as it comes, {way}, TLS 1.2", logging_in(direct=direct, tls=ssl.TLSVersion.TLSv1_2)
        yield f"slixmpp refused for a wrong password, {way}", refusing(direct=direct, mech="SCRAM-SHA-256", plain_gs2=True)


if __name__ == "__main__":
    play(checks)
