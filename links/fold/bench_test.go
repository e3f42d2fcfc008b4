package fold_test

import (
	"testing"

	"longwire/links/fold"
	"longwire/xmpp/stanza"
)

// typical is a message as a client sends it.
const typical = body + `<active` + chats + `<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>` +
	`<origin-id xmlns='urn:xmpp:sid:0' id='b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c'/>`

func TestWhatNothingMatchesCostsNoAllocation(t *testing.T) {
	deep, _ := fold.Preset("hf-300")
	deep.Rules = append([]fold.Rule{{Names: []string{"q"}, Space: "urn:q", Deep: true}}, deep.Rules...)
	for _, f := range []*fold.Folder{preset(t, "satcom"), preset(t, "hf-75"), folder(t, deep)} {
		for _, s := range []*stanza.Stanza{message(t, body), message(t, body+`<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>`), message(t, omemo),
			message(t, body+fmuc), presence(t, "subscribe", "")} {
			if n := testing.AllocsPerRun(100, func() { f.Fold(now, s) }); n != 0 && !raceDetector {
				t.Errorf("%s: %v allocations", s.Bytes(), n)
			}
		}
	}
}

func benchmarkFold(b *testing.B, class, inner string) {
	f, s := preset(b, class), message(b, inner)
	b.ReportAllocs()
	for b.Loop() {
		f.Fold(now, s)
	}
}

func BenchmarkNothingMatches(b *testing.B) { benchmarkFold(b, "hf-300", body) }

func BenchmarkTypicalMessage(b *testing.B) { benchmarkFold(b, "hf-300", typical) }

func BenchmarkDropped(b *testing.B) { benchmarkFold(b, "hf-300", `<composing`+chats) }

func BenchmarkDerivedBody(b *testing.B) { benchmarkFold(b, "hf-300", html) }

func BenchmarkDeep(b *testing.B) {
	p, _ := fold.Preset("hf-2400")
	p.Rules = append(p.Rules, fold.Rule{Names: []string{"q"}, Space: "urn:q", Deep: true})
	f, s := folder(b, p), message(b, body+parts[27])
	b.ReportAllocs()
	for b.Loop() {
		f.Fold(now, s)
	}
}
