package stream_test

import (
	"io"
	"testing"

	"longwire/xmpp/stream"
)

// chat is a usual message as a client sends it, 300 bytes and some.
const chat = `<message to='bob@headquarters.net/desk' type='chat' id='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c'>` +
	`<body>Convoy at phase line BLUE, ETA 1430Z. Say again your last.</body>` +
	`<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>` +
	`<origin-id xmlns='urn:xmpp:sid:0' id='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c'/></message>`

// repeat reads the same text for ever.
type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func BenchmarkReadChat(b *testing.B) {
	r := stream.NewReader(&repeat{text: chat}, stream.Options{NS: stream.NSClient, HeaderLess: true})
	b.SetBytes(int64(len(chat)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s, err := stream.ParseStanza([]byte(chat))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.Append(buf[:0])
	}
	io.Discard.Write(buf)
}
