package sasl_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"longwire/xmpp/sasl"
)

// FuzzServer sends any sequence of messages, one a line, the first naming the mechanism. Nothing panics, every error is a
// Failure, and without the key nobody gets in.
func FuzzServer(f *testing.F) {
	f.Add([]byte("SCRAM-SHA-256\nn,,n=alice,r=a\nc=biws,r=aR,p=" + noProof))
	f.Add([]byte("SCRAM-SHA-1-PLUS\np=tls-exporter,a=alice@field.net,n=a=2Cb=3Dc,r=a,x=y\nc=cD10bHMtZXhwb3J0ZXIsLA==,r=aR,p=AAAA"))
	f.Add([]byte("PLAIN\nbob@field.net\x00alice\x00pencil"))
	f.Add([]byte("EXTERNAL\nbob@field.net"))
	for _, tt := range failures {
		f.Add([]byte(tt.mech + "\n" + strings.Join(tt.messages, "\n")))
	}
	// The keys are random: only who inverts the hash has a proof, and no password fits.
	creds := accounts{}
	for _, h := range sasl.Hashes() {
		size := map[string]int{sasl.SHA1: 20, sasl.SHA256: 32}[h]
		key := make([]byte, size)
		rand.Read(key)
		for _, user := range []string{"alice", "disabled"} {
			creds[user+" "+h] = sasl.Credential{Hash: h, Salt: []byte("salt"), Iterations: 1, StoredKey: key, ServerKey: key}
		}
	}
	f.Fuzz(func(t *testing.T, play []byte) {
		s := sasl.NewServer(sasl.Config{
			AllowPlain: true, Bindings: []sasl.Binding{exporter, endPoint}, Lookup: creds.lookup, Own: own, Iterations: 1,
		})
		s.SetNonce("R")
		lines := bytes.Split(play, []byte("\n"))
		_, done, err := s.Start(string(lines[0]), nil)
		for _, line := range lines[1:min(len(lines), 8)] {
			check(t, s, done, err)
			_, done, err = s.Next(line)
		}
		check(t, s, done, err)
	})
}

func check(t *testing.T, s *sasl.Server, done bool, err error) {
	if done || s.Username() != "" {
		t.Fatalf("%q got in", s.Username())
	}
	if f, ok := errors.AsType[*sasl.Failure](err); err != nil && (!ok || f.Condition == "") {
		t.Fatalf("error without a condition: %v", err)
	}
}

// FuzzDecode: what Decode takes, Encode gives back.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "=", "biws", "AA==", "AB==", "bi\nws"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := sasl.Decode(text)
		if err == nil && sasl.Encode(data) != text {
			t.Fatalf("%q came back as %q", text, sasl.Encode(data))
		}
	})
}
