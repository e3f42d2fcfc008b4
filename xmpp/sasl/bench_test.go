package sasl_test

import (
	"testing"

	"longwire/xmpp/sasl"
)

// BenchmarkScram is the server's work for one login; the client's PBKDF2 is done once, outside.
func BenchmarkScram(b *testing.B) {
	for _, mech := range []string{sasl.ScramSHA256Plus, sasl.ScramSHA256, sasl.ScramSHA1} {
		b.Run(mech, func(b *testing.B) {
			cfg := config()
			c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: mech, Username: "alice", Password: "pencil", Binding: &exporter})
			if err != nil {
				b.Fatal(err)
			}
			if mech != sasl.ScramSHA256Plus {
				cfg.Bindings = nil
			}
			first := c.Start()
			run := func(last []byte) []byte {
				s := sasl.NewServer(cfg)
				s.SetNonce("R")
				challenge, _, err := s.Start(mech, first)
				if err != nil {
					b.Fatal(err)
				}
				if last == nil {
					if last, err = c.Next(challenge); err != nil {
						b.Fatal(err)
					}
				}
				if _, done, err := s.Next(last); !done || err != nil {
					b.Fatal(done, err)
				}
				return last
			}
			last := run(nil)
			b.ReportAllocs()
			for b.Loop() {
				run(last)
			}
		})
	}
}

// BenchmarkPlain pays for a PBKDF2 at each login: a reason to throttle it, and to prefer SCRAM.
func BenchmarkPlain(b *testing.B) {
	a := accounts{}
	c, err := sasl.NewCredential(sasl.SHA256, "pencil", nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	a["alice "+sasl.SHA256] = c
	cfg := sasl.Config{AllowPlain: true, Lookup: a.lookup}
	b.ReportAllocs()
	for b.Loop() {
		if _, done, err := sasl.NewServer(cfg).Start(sasl.Plain, []byte("\x00alice\x00pencil")); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}
