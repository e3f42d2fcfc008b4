package sasl_test

import (
	"strings"
	"testing"

	"longwire/xmpp/sasl"
)

// The user "user" with the password "pencil" of RFC 5802 §5 and RFC 7677 §3, in the form of RFC 5803 §2.
const (
	pencil1   = "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE="
	pencil256 = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)

func TestStoredFormIsThatOfRFC5803(t *testing.T) {
	for _, text := range []string{pencil1, pencil256} {
		c, err := sasl.ParseCredential(text)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Verify("pencil") || c.Verify("pencil2") {
			t.Errorf("%s is not the password's", text)
		}
		if got := sasl.FormatCredential(c); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
}

func TestStoredFormsThatAreNoneSayWhyWithoutTheKeys(t *testing.T) {
	for _, tt := range []struct{ text, why string }{
		{"", "not of the form"},
		{"pencil", "not of the form"},
		{strings.Replace(pencil256, "SHA-256", "SHA-512", 1), `unknown scheme "SCRAM-SHA-512"`},
		{strings.TrimPrefix(pencil256, "SCRAM-"), `unknown scheme "SHA-256"`},
		{strings.Replace(pencil256, "4096", "04096", 1), `"04096" iterations`},
		{strings.Replace(pencil256, "4096", "4095", 1), `"4095" iterations, want 4096 to 1048576`},
		{strings.Replace(pencil256, "W22Z", "W2!Z", 1), "salt is not base64"},
		{strings.Replace(pencil256, "W22ZaJ0SNY7soEsUEjb6gQ==", "", 1), "salt has 0 bytes"},
		{strings.Replace(pencil256, "4qY=", "4qY", 1), "stored key is not base64"},
		{strings.Replace(pencil1, "SHA-1", "SHA-256", 1), "stored key has 20 bytes"},
		{pencil256 + "AAAA", "server key is not base64"},
		{pencil256 + strings.Repeat("A", 1024), "at most 1024"},
	} {
		_, err := sasl.ParseCredential(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.why)
		}
		if err != nil && (strings.Contains(err.Error(), "WG5d8") || strings.Contains(err.Error(), "6dlGY")) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

// FuzzParseCredential: what is read prints the same again, and is a credential that can be verified.
func FuzzParseCredential(f *testing.F) {
	f.Add(pencil1)
	f.Add(pencil256)
	f.Add("SCRAM-SHA-1$4096:AA==$AA==:AA==")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := sasl.ParseCredential(text)
		if err != nil {
			return
		}
		if got := sasl.FormatCredential(c); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	})
}
