package sasl_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"longwire/xmpp/sasl"
)

// accounts is a Lookup on a map of name and hash; PBKDF2 runs once per account.
type accounts map[string]sasl.Credential

func (a accounts) lookup(user, hash string) (sasl.Credential, error) {
	switch user {
	case "down":
		return sasl.Credential{}, errors.New("store: no space left on the device")
	case "damaged":
		return sasl.Credential{Hash: hash, Iterations: 4096}, nil
	case "mixed":
		return sasl.Credential{Hash: "SHA-512"}, nil
	}
	c, ok := a[user+" "+hash]
	if !ok {
		return c, sasl.ErrUnknownUser
	}
	if user == "disabled" {
		return c, sasl.ErrDisabled
	}
	return c, nil
}

func own(user, authzid string) bool { return authzid == user+"@field.net" }

var (
	exporter = sasl.Binding{Type: sasl.TLSExporter, Data: []byte("exported keying material, 32 byte")}
	endPoint = sasl.Binding{Type: sasl.TLSServerEndPoint, Data: []byte("hash of the certificate")}
)

// known are made once: each is a PBKDF2.
var known = sync.OnceValue(func() accounts {
	a := accounts{}
	add := func(user, hash string) {
		c, err := sasl.NewCredential(hash, "pencil", []byte("0123456789abcdef"), 4096)
		if err != nil {
			panic(err)
		}
		a[user+" "+hash] = c
	}
	for _, user := range []string{"alice", "a,b=c", "disabled", "müller"} {
		for _, h := range sasl.Hashes() {
			add(user, h)
		}
	}
	add("old", sasl.SHA1)
	return a
})

// config has everything switched on.
func config() sasl.Config {
	return sasl.Config{
		Encrypted: true, AllowPlain: true, External: "alice", Bindings: []sasl.Binding{exporter, endPoint},
		Lookup: known().lookup, Own: own, Secret: []byte("server secret"),
	}
}

// login plays a whole exchange over the base64 frames.
func login(s *sasl.Server, c *sasl.Client, mech string) error {
	first, err := sasl.Decode(sasl.Encode(c.Start()))
	if err != nil {
		return err
	}
	out, done, err := s.Start(mech, first)
	for err == nil && !done {
		var response []byte
		if response, err = c.Next(out); err != nil {
			return err
		}
		out, done, err = s.Next(response)
	}
	if err != nil {
		return err
	}
	_, err = c.Next(out)
	return err
}

// The exchanges printed in RFC 5802 §5 and RFC 7677 §3.
var vectors = []struct {
	mech, hash, cnonce, snonce, salt string
	messages                         [4]string
}{
	{
		"SCRAM-SHA-1", sasl.SHA1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
		[4]string{
			"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
			"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
	},
	{
		"SCRAM-SHA-256", sasl.SHA256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==",
		[4]string{
			"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
	},
}

func TestExchangesOfTheRFCs(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.mech, func(t *testing.T) {
			salt, _ := base64.StdEncoding.DecodeString(v.salt)
			cred, err := sasl.NewCredential(v.hash, "pencil", salt, 4096)
			if err != nil {
				t.Fatal(err)
			}
			s := sasl.NewServer(sasl.Config{Lookup: func(user, hash string) (sasl.Credential, error) { return cred, nil }})
			s.SetNonce(v.snonce)
			c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: v.mech, Username: "user", Password: "pencil"})
			if err != nil {
				t.Fatal(err)
			}
			c.SetNonce(v.cnonce)

			first := c.Start()
			challenge, done1, err1 := s.Start(v.mech, first)
			last, err2 := c.Next(challenge)
			answer, done2, err3 := s.Next(last)
			_, err4 := c.Next(answer)
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			if got := [4]string{string(first), string(challenge), string(last), string(answer)}; got != v.messages {
				t.Errorf("got  %q\nwant %q", got, v.messages)
			}
			if done1 || !done2 || !c.Done() || s.Username() != "user" {
				t.Errorf("done %v, %v, client %v, user %q", done1, done2, c.Done(), s.Username())
			}
		})
	}
}

func TestEveryMechanismWithEveryBinding(t *testing.T) {
	cfg := config()
	all := []string{sasl.ScramSHA256Plus, sasl.ScramSHA1Plus, sasl.ScramSHA256, sasl.ScramSHA1, sasl.Plain}
	for _, mech := range all {
		for _, b := range []*sasl.Binding{nil, &exporter, &endPoint} {
			plus := strings.HasSuffix(mech, "-PLUS")
			if plus != (b != nil) {
				continue
			}
			for _, user := range []string{"alice", "a,b=c", "müller"} {
				for _, authzid := range []string{"", user + "@field.net"} {
					name := mech
					if b != nil {
						name += " " + b.Type
					}
					t.Run(fmt.Sprintf("%s %s %s", name, user, authzid), func(t *testing.T) {
						c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: mech, Username: user, Password: "pencil", Authzid: authzid, Binding: b})
						if err != nil {
							t.Fatal(err)
						}
						s := sasl.NewServer(cfg)
						if err := login(s, c, mech); err != nil {
							t.Fatal(err)
						}
						if s.Username() != user || s.Authzid() != authzid || s.Mechanism() != mech || !c.Done() {
							t.Errorf("got user %q, authzid %q, mechanism %q", s.Username(), s.Authzid(), s.Mechanism())
						}
					})
				}
			}
		}
	}
}

func TestMechanismsOffered(t *testing.T) {
	b := []sasl.Binding{exporter}
	for _, tt := range []struct {
		name string
		cfg  sasl.Config
		want string
	}{
		{"plaintext", sasl.Config{}, "SCRAM-SHA-256 SCRAM-SHA-1"},
		{"trusted plaintext", sasl.Config{AllowPlain: true}, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"},
		{"TLS without binding", sasl.Config{Encrypted: true, AllowPlain: true}, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"},
		{"TLS", sasl.Config{Encrypted: true, AllowPlain: true, Bindings: b}, "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"},
		{"client certificate", sasl.Config{Encrypted: true, External: "alice", Bindings: b}, "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1"},
	} {
		if got := strings.Join(sasl.NewServer(tt.cfg).Mechanisms(), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestInitialResponseMayComeLater(t *testing.T) {
	for _, mech := range []string{sasl.ScramSHA256, sasl.Plain, sasl.External} {
		s := sasl.NewServer(config())
		out, done, err := s.Start(mech, nil)
		if err != nil || done || sasl.Encode(out) != "=" {
			t.Fatalf("%s: got %q, %v, %v; want an empty challenge", mech, out, done, err)
		}
		first := map[string]string{sasl.ScramSHA256: "n,,n=alice,r=abc", sasl.Plain: "\x00alice\x00pencil", sasl.External: ""}[mech]
		if _, done, err = s.Next([]byte(first)); err != nil || done != (mech != sasl.ScramSHA256) {
			t.Errorf("%s: %v, %v", mech, done, err)
		}
	}
}

// step is one message from the client and what a test expects of the whole.
type failureCase struct {
	name, mech string
	messages   []string // the first is the initial response; R and S stand for nonce and a proof of nothing
	want       sasl.Failure
}

const noProof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" // 32 octets
const biws = "biws"                                            // n,,

var failures = []failureCase{
	{"unknown mechanism", "DIGEST-MD5", []string{""}, sasl.Failure{Condition: sasl.InvalidMechanism}},
	{"mechanism in lower case", "plain", []string{""}, sasl.Failure{Condition: sasl.InvalidMechanism}},
	{"no mechanism", "", []string{""}, sasl.Failure{Condition: sasl.InvalidMechanism}},
	{"oversize", sasl.ScramSHA256, []string{"n,,n=alice,r=" + strings.Repeat("x", 2048)}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "message too long"}},
	{"empty client-first", sasl.ScramSHA256, []string{""}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"half a gs2 header", sasl.ScramSHA256, []string{"n,"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "gs2 header is incomplete"}},
	{"strange gs2 flag", sasl.ScramSHA256, []string{"x,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"non-standard flag", sasl.ScramSHA256, []string{"F,n,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"binding without a name", sasl.ScramSHA256Plus, []string{"p=,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"junk for an authzid", sasl.ScramSHA256, []string{"n,alice,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"empty authzid", sasl.ScramSHA256, []string{"n,a=,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"wrong escape in authzid", sasl.ScramSHA256, []string{"n,a=x=2,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-username-encoding"}},
	{"mandatory extension", sasl.ScramSHA256, []string{"n,,m=x,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "extensions-not-supported"}},
	{"mandatory extension at the end", sasl.ScramSHA256, []string{"n,,n=alice,r=a,m=x"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"no username", sasl.ScramSHA256, []string{"n,,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"empty username", sasl.ScramSHA256, []string{"n,,n=,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-username-encoding"}},
	{"wrong escape", sasl.ScramSHA256, []string{"n,,n=al=2cice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-username-encoding"}},
	{"escape at the end", sasl.ScramSHA256, []string{"n,,n=alice=,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-username-encoding"}},
	{"control character in username", sasl.ScramSHA256, []string{"n,,n=al\x01ice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-username-encoding"}},
	{"username is not UTF-8", sasl.ScramSHA256, []string{"n,,n=\xff,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"NUL", sasl.ScramSHA256, []string{"n,,n=a\x00,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"empty nonce", sasl.ScramSHA256, []string{"n,,n=alice,r="}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"no nonce", sasl.ScramSHA256, []string{"n,,n=alice"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"space in nonce", sasl.ScramSHA256, []string{"n,,n=alice,r=a b"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"umlaut in nonce", sasl.ScramSHA256, []string{"n,,n=alice,r=ä"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"binding without -PLUS", sasl.ScramSHA256, []string{"p=tls-exporter,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"-PLUS without binding", sasl.ScramSHA256Plus, []string{"n,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"-PLUS with y", sasl.ScramSHA256Plus, []string{"y,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"binding of another type", sasl.ScramSHA256Plus, []string{"p=tls-unique,,n=alice,r=a"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "unsupported-channel-binding-type"}},
	{"downgrade", sasl.ScramSHA256, []string{"y,,n=alice,r=a"}, sasl.Failure{Condition: sasl.NotAuthorized, Text: "server-does-support-channel-binding"}},
	{"store is down", sasl.ScramSHA256, []string{"n,,n=down,r=a"}, sasl.Failure{Condition: sasl.TemporaryAuthFailure}},
	{"damaged credential", sasl.ScramSHA256, []string{"n,,n=damaged,r=a"}, sasl.Failure{Condition: sasl.TemporaryAuthFailure}},
	{"credential of another hash", sasl.ScramSHA256, []string{"n,,n=mixed,r=a"}, sasl.Failure{Condition: sasl.TemporaryAuthFailure}},

	{"no proof", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=R"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"proof is not base64", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=R,p=x"}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-encoding"}},
	{"binding is not base64", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=b,r=R,p=" + noProof}, sasl.Failure{Condition: sasl.MalformedRequest, Text: "invalid-encoding"}},
	{"no binding", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "r=R,p=" + noProof}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"mandatory extension in client-final", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=R,m=x,p=" + noProof}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"empty client-final", sasl.ScramSHA256, []string{"n,,n=alice,r=a", ""}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"wrong proof", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"short proof", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=R,p="}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"wrong nonce", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=" + biws + ",r=a,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"other gs2 header", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=eSws,r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized, Text: "channel-bindings-dont-match"}},
	{"binding data behind n", sasl.ScramSHA256, []string{"n,,n=alice,r=a", "c=biwseA==,r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized, Text: "channel-bindings-dont-match"}},
	{"binding data missing", sasl.ScramSHA256Plus, []string{"p=tls-exporter,,n=alice,r=a", "c=cD10bHMtZXhwb3J0ZXIsLA==,r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized, Text: "channel-bindings-dont-match"}},
	{"unknown user", sasl.ScramSHA256, []string{"n,,n=nobody,r=a", "c=" + biws + ",r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"disabled account, wrong proof", sasl.ScramSHA256, []string{"n,,n=disabled,r=a", "c=" + biws + ",r=R,p=" + noProof}, sasl.Failure{Condition: sasl.NotAuthorized}},

	{"PLAIN without NUL", sasl.Plain, []string{"alice"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN with one NUL", sasl.Plain, []string{"alice\x00pencil"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN with three NUL", sasl.Plain, []string{"\x00alice\x00pen\x00cil"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN without username", sasl.Plain, []string{"\x00\x00pencil"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN without password", sasl.Plain, []string{"\x00alice\x00"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN not UTF-8", sasl.Plain, []string{"\x00alice\x00\xff"}, sasl.Failure{Condition: sasl.MalformedRequest}},
	{"PLAIN wrong password", sasl.Plain, []string{"\x00alice\x00pen"}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"PLAIN unpreparable password", sasl.Plain, []string{"\x00alice\x00pen\x01"}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"PLAIN unknown user", sasl.Plain, []string{"\x00nobody\x00pencil"}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"PLAIN store is down", sasl.Plain, []string{"\x00down\x00pencil"}, sasl.Failure{Condition: sasl.TemporaryAuthFailure}},
	{"PLAIN as another", sasl.Plain, []string{"bob@field.net\x00alice\x00pencil"}, sasl.Failure{Condition: sasl.InvalidAuthzid}},
	{"PLAIN as another, wrong password", sasl.Plain, []string{"bob@field.net\x00alice\x00pen"}, sasl.Failure{Condition: sasl.NotAuthorized}},
	{"PLAIN disabled", sasl.Plain, []string{"\x00disabled\x00pencil"}, sasl.Failure{Condition: sasl.AccountDisabled}},
	{"PLAIN disabled, wrong password", sasl.Plain, []string{"\x00disabled\x00pen"}, sasl.Failure{Condition: sasl.NotAuthorized}},

	{"EXTERNAL as another", sasl.External, []string{"bob@field.net"}, sasl.Failure{Condition: sasl.InvalidAuthzid}},
	{"EXTERNAL with NUL", sasl.External, []string{"a\x00b"}, sasl.Failure{Condition: sasl.MalformedRequest}},
}

func TestFailures(t *testing.T) {
	cfg := config()
	for _, tt := range failures {
		t.Run(tt.name, func(t *testing.T) {
			s := sasl.NewServer(cfg)
			s.SetNonce("R")
			out, done, err := s.Start(tt.mech, []byte(tt.messages[0]))
			for _, m := range tt.messages[1:] {
				if err != nil || done {
					t.Fatalf("ended early: %q, %v, %v", out, done, err)
				}
				out, done, err = s.Next([]byte(strings.Replace(m, "r=R", "r=aR", 1)))
			}
			if done || !errors.Is(err, &tt.want) {
				t.Fatalf("got %q, %v, %v; want %v", out, done, err, &tt.want)
			}
			if s.Username() != "" || s.Authzid() != "" {
				t.Errorf("names %q after a failure", s.Username())
			}
			if _, done, err := s.Next([]byte("anything")); done || !errors.Is(err, &sasl.Failure{Condition: sasl.MalformedRequest}) {
				t.Errorf("after the failure: %v, %v", done, err)
			}
		})
	}
}

func TestFailuresAfterACorrectProof(t *testing.T) {
	for _, tt := range []struct {
		name, user, authzid, password, want string
	}{
		{"right", "alice", "", "pencil", ""},
		{"wrong password", "alice", "", "pen", sasl.NotAuthorized},
		{"disabled", "disabled", "", "pencil", sasl.AccountDisabled},
		{"disabled and wrong", "disabled", "", "pen", sasl.NotAuthorized},
		{"as another", "alice", "bob@field.net", "pencil", sasl.InvalidAuthzid},
		{"as a resource", "alice", "alice@field.net/desk", "pencil", sasl.InvalidAuthzid},
		{"as another and wrong", "alice", "bob@field.net", "pen", sasl.NotAuthorized},
		{"no SHA-256 credential", "old", "", "pencil", sasl.NotAuthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA256, Username: tt.user, Password: tt.password, Authzid: tt.authzid})
			if err != nil {
				t.Fatal(err)
			}
			err = login(sasl.NewServer(config()), c, sasl.ScramSHA256)
			if tt.want == "" && err != nil || tt.want != "" && !errors.Is(err, &sasl.Failure{Condition: tt.want}) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPlainRefusedWithTheReason(t *testing.T) {
	for _, tt := range []struct {
		encrypted bool
		want      string
	}{{false, sasl.EncryptionRequired}, {true, sasl.MechanismTooWeak}} {
		s := sasl.NewServer(sasl.Config{Encrypted: tt.encrypted, Lookup: config().Lookup})
		if _, _, err := s.Start(sasl.Plain, []byte("\x00alice\x00pencil")); !errors.Is(err, &sasl.Failure{Condition: tt.want}) {
			t.Errorf("encrypted %v: got %v, want %s", tt.encrypted, err, tt.want)
		}
	}
	s := sasl.NewServer(sasl.Config{Lookup: config().Lookup})
	if _, _, err := s.Start(sasl.ScramSHA256Plus, []byte("p=tls-exporter,,n=alice,r=a")); !errors.Is(err, &sasl.Failure{Condition: sasl.InvalidMechanism}) {
		t.Errorf("-PLUS without a binding: got %v", err)
	}
}

func TestPlainWithOnlyAnOldHash(t *testing.T) {
	s := sasl.NewServer(config())
	if _, done, err := s.Start(sasl.Plain, []byte("\x00old\x00pencil")); !done || err != nil || s.Username() != "old" {
		t.Errorf("got %v, %v, %q", done, err, s.Username())
	}
}

func TestExternal(t *testing.T) {
	for _, tt := range []struct{ user, authzid, want string }{
		{"alice", "", ""},
		{"alice", "alice@field.net", ""},
		{"old", "", ""},
		{"nobody", "", sasl.NotAuthorized},
		{"disabled", "", sasl.AccountDisabled},
		{"down", "", sasl.TemporaryAuthFailure},
	} {
		cfg := config()
		cfg.External = tt.user
		s := sasl.NewServer(cfg)
		_, done, err := s.Start(sasl.External, []byte(tt.authzid))
		if tt.want == "" && (!done || err != nil || s.Username() != tt.user) || tt.want != "" && !errors.Is(err, &sasl.Failure{Condition: tt.want}) {
			t.Errorf("%s %q: got %v, %v, want %q", tt.user, tt.authzid, done, err, tt.want)
		}
	}
}

func TestReplayFails(t *testing.T) {
	s := sasl.NewServer(config())
	c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA256, Username: "alice", Password: "pencil"})
	if err != nil {
		t.Fatal(err)
	}
	first := c.Start()
	challenge, _, err := s.Start(sasl.ScramSHA256, first)
	if err != nil {
		t.Fatal(err)
	}
	last, err := c.Next(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := s.Next(last); !done || err != nil {
		t.Fatal(done, err)
	}
	if _, done, err := s.Next(last); done || !errors.Is(err, &sasl.Failure{Condition: sasl.MalformedRequest}) {
		t.Errorf("twice in one exchange: %v, %v", done, err)
	}
	for _, again := range []*sasl.Server{s, sasl.NewServer(config())} {
		if _, _, err := again.Start(sasl.ScramSHA256, first); err != nil {
			t.Fatal(err)
		}
		if _, done, err := again.Next(last); done || !errors.Is(err, &sasl.Failure{Condition: sasl.NotAuthorized}) {
			t.Errorf("replayed in a fresh exchange: %v, %v", done, err)
		}
	}
}

func TestBindingOfAnotherChannelFails(t *testing.T) {
	for _, b := range []sasl.Binding{{Type: sasl.TLSExporter, Data: []byte("of another channel")}, {Type: sasl.TLSServerEndPoint, Data: exporter.Data}} {
		c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA1Plus, Username: "alice", Password: "pencil", Binding: &b})
		if err != nil {
			t.Fatal(err)
		}
		want := &sasl.Failure{Condition: sasl.NotAuthorized, Text: "channel-bindings-dont-match"}
		if err := login(sasl.NewServer(config()), c, sasl.ScramSHA1Plus); !errors.Is(err, want) {
			t.Errorf("%s: got %v", b.Type, err)
		}
	}
}

func TestClientThatCouldBindIsWelcomeWhereNothingIsOffered(t *testing.T) {
	cfg := config()
	cfg.Bindings = nil
	c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA256, Username: "alice", Password: "pencil", Binding: &exporter})
	if err != nil {
		t.Fatal(err)
	}
	if first := c.Start(); !strings.HasPrefix(string(first), "y,,") {
		t.Fatalf("client says %q", first)
	}
	if err := login(sasl.NewServer(cfg), c, sasl.ScramSHA256); err != nil {
		t.Error(err)
	}
}

func TestUnknownUsersLookLikeKnownOnes(t *testing.T) {
	cfg := config()
	cfg.Iterations = 4096 // as config's accounts have
	ask := func(user string) []string {
		s := sasl.NewServer(cfg)
		s.SetNonce("R")
		out, done, err := s.Start(sasl.ScramSHA256, []byte("n,,n="+user+",r=a"))
		if err != nil || done {
			t.Fatal(user, err)
		}
		return strings.Split(string(out), ",")
	}
	known, nobody, again, other := ask("alice"), ask("nobody"), ask("nobody"), ask("nobody2")
	if !slices.Equal(nobody, again) {
		t.Errorf("the salt of an unknown user changes: %q, then %q", nobody, again)
	}
	if nobody[1] == other[1] || nobody[1] == known[1] {
		t.Errorf("two users share a salt: %q, %q, %q", nobody, other, known)
	}
	if known[0] != nobody[0] || known[2] != nobody[2] || len(known[1]) != len(nobody[1]) {
		t.Errorf("told apart: %q and %q", known, nobody)
	}
	cfg.Secret = []byte("another node's secret")
	if slices.Equal(nobody, ask("nobody")) {
		t.Error("the fake salt does not depend on the secret")
	}
}

func TestClaimedIsKnownAfterAFailure(t *testing.T) {
	for mech, first := range map[string]string{sasl.Plain: "\x00alice\x00wrong", sasl.ScramSHA1: "n,,n=nobody,r=a"} {
		s := sasl.NewServer(config())
		s.Start(mech, []byte(first))
		s.Next(nil)
		if want := map[string]string{sasl.Plain: "alice", sasl.ScramSHA1: "nobody"}[mech]; s.Claimed() != want || s.Username() != "" {
			t.Errorf("%s: claimed %q, user %q", mech, s.Claimed(), s.Username())
		}
		s.Start(sasl.ScramSHA256, nil)
		if s.Claimed() != "" {
			t.Errorf("%s: %q claimed by the next exchange", mech, s.Claimed())
		}
	}
}

func TestUnknownExtensionsAreIgnored(t *testing.T) {
	s := sasl.NewServer(config())
	if _, done, err := s.Start(sasl.ScramSHA256, []byte("n,,n=alice,r=a,x=anything,y=more=")); done || err != nil {
		t.Errorf("got %v, %v", done, err)
	}
}
