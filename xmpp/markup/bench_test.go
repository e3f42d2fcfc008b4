package markup_test

import (
	"testing"

	"longwire/xmpp/markup"
)

// chat is a usual message as a client sends it.
const chat = `<message to='bob@headquarters.net/desk' type='chat' id='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c'>` +
	`<body>Convoy at phase line BLUE, ETA 1430Z. Say again your last.</body>` +
	`<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>` +
	`<origin-id xmlns='urn:xmpp:sid:0' id='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c'/></message>`

func BenchmarkScan(b *testing.B) {
	in := []byte(chat)
	scope := []markup.Binding{{}}
	s := markup.NewScanner()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset("", scope)
		for {
			if _, err := s.Next(in, false); err != nil {
				break
			}
		}
	}
}

func BenchmarkParseElement(b *testing.B) {
	in := []byte(chat)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := markup.ParseElement(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnescape(b *testing.B) {
	in := []byte("Convoy at phase line BLUE &amp; waiting, ETA 1430Z. Say again your last.")
	b.ReportAllocs()
	for b.Loop() {
		markup.Unescape(in)
	}
}

func BenchmarkAppendEscaped(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = markup.AppendEscaped(buf[:0], "Convoy at phase line BLUE & waiting, ETA 1430Z. Say again your last.")
	}
}
