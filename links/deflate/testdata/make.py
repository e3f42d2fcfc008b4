#!/usr/bin/env python3
"""Makes czlib.txt: zlib streams as C zlib writes them, flushed in every way there is.

Run with Python 3.11, zlib 1.2.13. A line is one flush: its kind, what came out (hex), what had gone in (a Python literal in
UTF-8, hex). "stream" begins a new stream, "end" holds the last block and the checksum.
"""
import random
import zlib

random.seed(1)
BODIES = ["convoy left at six, on the way", "fuel for two more days", "send the map of the east road",
          "boat arrives around nine o'clock", "weather fine, light wind from west", "vannet stiger ved brua, 3 \u00e5pne luker",
          "\u043c\u043e\u0441\u0442 \u0437\u0430\u043a\u0440\u044b\u0442", ""]


def stanza(i):
    return ("<message from='alice@headquarters.net/desk' to='bob@field.net' type='chat' id='%06x'><body>%s</body></message>"
            % (random.getrandbits(24), BODIES[i % len(BODIES)])).encode()


def noise(n):
    return bytes(random.getrandbits(8) for _ in range(n))


def stream(name, level, strategy, flushes, texts, wbits=15):
    print("stream", name)
    c = zlib.compressobj(level, 8, wbits, 9, strategy)
    for i, t in enumerate(texts):
        kind, flag = flushes[i % len(flushes)]
        print(kind, (c.compress(t) + c.flush(flag)).hex() or "-", t.hex() or "-")
    print("end", c.flush().hex(), "-")


PARTIAL, SYNC, FULL = ("partial", zlib.Z_PARTIAL_FLUSH), ("sync", zlib.Z_SYNC_FLUSH), ("full", zlib.Z_FULL_FLUSH)
chat = [stanza(i) for i in range(24)]
stream("partial, level 9", 9, zlib.Z_DEFAULT_STRATEGY, [PARTIAL], chat)
stream("sync, level 9", 9, zlib.Z_DEFAULT_STRATEGY, [SYNC], chat)
stream("full, level 9", 9, zlib.Z_DEFAULT_STRATEGY, [FULL], chat[:8])
stream("all kinds in turn, level 1", 1, zlib.Z_DEFAULT_STRATEGY, [PARTIAL, SYNC, PARTIAL, FULL], chat)
stream("partial, fixed codes", 6, zlib.Z_FIXED, [PARTIAL], chat[:8])
stream("partial, huffman only", 6, zlib.Z_HUFFMAN_ONLY, [PARTIAL], chat[:8])
stream("stored blocks", 0, zlib.Z_DEFAULT_STRATEGY, [PARTIAL, SYNC], chat[:4] + [noise(300)])
stream("dynamic blocks, small window", 9, zlib.Z_DEFAULT_STRATEGY, [PARTIAL], [b"".join(chat), noise(700), b"x" * 3000, b"".join(chat)], 9)
