package sasl_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"longwire/xmpp/sasl"
)

func TestFrames(t *testing.T) {
	for _, tt := range []struct {
		text string
		data []byte
		fail string
	}{
		{"", nil, ""},
		{"=", []byte{}, ""},
		{"biws", []byte("n,,"), ""},
		{"AA==", []byte{0}, ""},
		{"==", nil, sasl.IncorrectEncoding},
		{"A", nil, sasl.IncorrectEncoding},
		{"AA", nil, sasl.IncorrectEncoding},   // padding missing
		{"AB==", nil, sasl.IncorrectEncoding}, // bits behind the end
		{"=AAA", nil, sasl.IncorrectEncoding},
		{"bi ws", nil, sasl.IncorrectEncoding},
		{"bi\nws", nil, sasl.IncorrectEncoding},
		{"biws\r\n", nil, sasl.IncorrectEncoding},
		{" ", nil, sasl.IncorrectEncoding},
		{"bi-_", nil, sasl.IncorrectEncoding}, // the alphabet for URLs
		{strings.Repeat("AAAA", 684), nil, sasl.MalformedRequest},
	} {
		data, err := sasl.Decode(tt.text)
		if tt.fail != "" {
			if !errors.Is(err, &sasl.Failure{Condition: tt.fail}) {
				t.Errorf("%.20q: got %v, want %s", tt.text, err, tt.fail)
			}
			continue
		}
		if err != nil || string(data) != string(tt.data) || (data == nil) != (tt.data == nil) {
			t.Errorf("%q: got %q, %v", tt.text, data, err)
		}
		if back := sasl.Encode(data); back != tt.text {
			t.Errorf("%q came back as %q", tt.text, back)
		}
	}
}

func TestFailureIsComparedByMeaning(t *testing.T) {
	f := &sasl.Failure{Condition: sasl.TemporaryAuthFailure, Text: "text", Err: io.ErrUnexpectedEOF}
	for _, same := range []error{&sasl.Failure{}, &sasl.Failure{Condition: sasl.TemporaryAuthFailure}, &sasl.Failure{Text: "text"}, io.ErrUnexpectedEOF} {
		if !errors.Is(f, same) {
			t.Errorf("%v is not %v", f, same)
		}
	}
	for _, other := range []error{&sasl.Failure{Condition: sasl.NotAuthorized}, &sasl.Failure{Text: "x"}, io.EOF} {
		if errors.Is(f, other) {
			t.Errorf("%v is %v", f, other)
		}
	}
	if got := f.Error(); got != "sasl: temporary-auth-failure: text: unexpected EOF" {
		t.Error(got)
	}
}
