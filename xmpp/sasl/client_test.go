package sasl_test

import (
	"errors"
	"strings"
	"testing"

	"longwire/xmpp/sasl"
)

func TestClientRefusesWhatIsNotAServer(t *testing.T) {
	for _, tt := range []struct{ name, challenge string }{
		{"empty", ""},
		{"two parts", "r=aR,s=QSXCR+Q6sek8bf92"},
		{"other nonce", "r=bR,s=QSXCR+Q6sek8bf92,i=4096"},
		{"our nonce alone", "r=a,s=QSXCR+Q6sek8bf92,i=4096"},
		{"no salt", "r=aR,s=,i=4096"},
		{"salt is not base64", "r=aR,s=x,i=4096"},
		{"no iterations", "r=aR,s=QSXCR+Q6sek8bf92,i=0"},
		{"endless iterations", "r=aR,s=QSXCR+Q6sek8bf92,i=99999999"},
		{"mandatory extension", "m=x,r=aR,s=QSXCR+Q6sek8bf92,i=4096"},
		{"oversize", "r=aR,s=QSXCR+Q6sek8bf92,i=4096," + strings.Repeat("x", 2048)},
	} {
		c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA1, Username: "user", Password: "pencil"})
		if err != nil {
			t.Fatal(err)
		}
		c.SetNonce("a")
		c.Start()
		if out, err := c.Next([]byte(tt.challenge)); err == nil || c.Done() {
			t.Errorf("%s: answered %q", tt.name, out)
		}
	}
}

func TestClientWantsTheServersProof(t *testing.T) {
	for _, answer := range []string{"", "e=other-error", "v=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="} {
		c, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA1, Username: "user", Password: "pencil"})
		if err != nil {
			t.Fatal(err)
		}
		c.SetNonce("a")
		c.Start()
		if _, err := c.Next([]byte("r=aR,s=QSXCR+Q6sek8bf92,i=4096")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Next([]byte(answer)); !errors.Is(err, sasl.ErrServer) || c.Done() {
			t.Errorf("%q: got %v", answer, err)
		}
	}
}

func TestClientConfigThatCannotWork(t *testing.T) {
	for _, c := range []sasl.ClientConfig{
		{Mechanism: "DIGEST-MD5", Username: "user", Password: "pencil"},
		{Mechanism: sasl.ScramSHA256Plus, Username: "user", Password: "pencil"},
		{Mechanism: sasl.Plain, Password: "pencil"},
		{Mechanism: sasl.Plain, Username: "user"},
		{Mechanism: sasl.Plain, Username: "us\x00er", Password: "pencil"},
	} {
		if _, err := sasl.NewClient(c); err == nil {
			t.Errorf("%+v passed", c)
		}
	}
}
