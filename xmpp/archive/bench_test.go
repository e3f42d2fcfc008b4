package archive_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// nowhere is a client's stream that costs nothing.
type nowhere struct{}

func (nowhere) Send(*stanza.Stanza, uint64) {}
func (nowhere) End(string, string)          {}
func (nowhere) Addr() string                { return "" }

// BenchmarkSay is one message on the quick way, from session to outbox, without and with archives; what the store does later is
// not in it, but runs beside it.
func BenchmarkSay(b *testing.B) {
	for _, archived := range []bool{false, true} {
		b.Run(fmt.Sprint("archived ", archived), func(b *testing.B) {
			s := servicetest.New(b)
			if archived {
				s.Host.UseArchiver(archive.New(s.Host, archive.Options{Accounts: store.ArchiveLimits{Entries: 10000}}))
			}
			var rs []*local.Resource
			for _, full := range []string{"alice@field.net/desk", "bob@field.net/phone"} {
				r := local.NewResource(jid.MustParse(full), nowhere{})
				s.Host.Bind(r, 1)
				rs = append(rs, r)
			}
			st, err := stream.ParseStanza([]byte("<message from='alice@field.net/desk' to='bob@field.net/phone' type='chat' id='m1'><body>Convoy has left, nothing to report.</body></message>"))
			if err != nil {
				b.Fatal(err)
			}
			t := new(router.Turn)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n%1000 == 0 { // no talk is that fast
					b.StopTimer()
					if err := s.DB.Update(func(*store.Tx) error { return nil }); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				m, err := s.Host.Sent(t, rs[0], st)
				if err == nil {
					err = s.Router.Route(t, m)
				}
				if err != nil {
					b.Fatal(err)
				}
				t.Done()
			}
		})
	}
}

// BenchmarkAnswer is a page of 50 out of 10,000, as it is sent.
func BenchmarkAnswer(b *testing.B) {
	s := newShelf(b, alice, 10_000)
	ask := func(inner string) *stanza.Stanza {
		st, err := stream.ParseStanza([]byte("<iq type='set' id='1' from='alice@field.net/desk' to='alice@field.net'>" + inner + "</iq>"))
		if err != nil {
			b.Fatal(err)
		}
		return st
	}
	for _, c := range [][2]string{
		{"last", query(set("<max>50</max><before/>"))},
		{"after", query(set("<max>50</max><after>" + s.id(5000) + "</after>"))},
		{"start", query(form(field("start", "2026-12-23T20:00:00Z")))},
		{"with", query(form(field("with", "carol@field.net")), set("<max>50</max><before/>"))},
	} {
		b.Run(c[0], func(b *testing.B) {
			st := ask(c[1])
			b.ReportAllocs()
			for b.Loop() {
				err := s.db.View(func(tx *store.Tx) error {
					results, fin, err := s.src.Answer(tx, st)
					if len(results) != 50 || !strings.Contains(string(fin), "<fin ") {
						b.Fatal(len(results), string(fin))
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
