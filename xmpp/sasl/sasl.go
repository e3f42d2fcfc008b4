// Package sasl authenticates clients (RFC 4422, RFC 6120 §6): the server's and the client's side of SCRAM-SHA-1 and
// SCRAM-SHA-256 with and without channel binding (RFC 5802, RFC 7677), of PLAIN (RFC 4616) and EXTERNAL. It does no I/O.
package sasl

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Names of the mechanisms.
const (
	ScramSHA256Plus = "SCRAM-SHA-256-PLUS"
	ScramSHA1Plus   = "SCRAM-SHA-1-PLUS"
	ScramSHA256     = "SCRAM-SHA-256"
	ScramSHA1       = "SCRAM-SHA-1"
	Plain           = "PLAIN"
	External        = "EXTERNAL"
)

// maxMessage bounds one SASL message in octets after base64. The longest honest one is a client-final that repeats a
// gs2 header with an authzid; it stays far below.
const maxMessage = 2048

// Conditions of a failure (RFC 6120 §6.5).
const (
	Aborted              = "aborted"
	AccountDisabled      = "account-disabled"
	CredentialsExpired   = "credentials-expired"
	EncryptionRequired   = "encryption-required"
	IncorrectEncoding    = "incorrect-encoding"
	InvalidAuthzid       = "invalid-authzid"
	InvalidMechanism     = "invalid-mechanism"
	MalformedRequest     = "malformed-request"
	MechanismTooWeak     = "mechanism-too-weak"
	NotAuthorized        = "not-authorized"
	TemporaryAuthFailure = "temporary-auth-failure"
)

// Failure is why an authentication ended; its Condition is the child of <failure/>. Text is for people and for logs and
// never says whether the account exists. Err, if any, is the cause on our side and is not for the wire.
type Failure struct {
	Condition string
	Text      string
	Err       error
	// Misfit: the sides did not agree on a channel binding, so no secret was tried. A client that goes through its mechanisms
	// one by one must not run out of tries by that.
	Misfit bool
}

func (f *Failure) Error() string {
	s := "sasl: " + f.Condition
	if f.Text != "" {
		s += ": " + f.Text
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

func (f *Failure) Unwrap() error { return f.Err }

// Is compares by meaning: empty fields of the target match anything.
func (f *Failure) Is(target error) bool {
	t, ok := target.(*Failure)
	return ok && (t.Condition == "" || t.Condition == f.Condition) && (t.Text == "" || t.Text == f.Text)
}

func fail(condition, text string) *Failure { return &Failure{Condition: condition, Text: text} }

func misfit(condition, text string) *Failure {
	return &Failure{Condition: condition, Text: text, Misfit: true}
}

// What Config.Lookup returns beside success; any other error is a temporary failure.
var (
	ErrUnknownUser = errors.New("sasl: no such account or no credential for that hash")
	ErrDisabled    = errors.New("sasl: account is disabled") // to be returned together with the account's credential
)

// Decode reads the text of <auth/>, <challenge/>, <response/> or <success/>: nil when there is no data, empty but not nil
// for "=", which stands for data of length zero (RFC 6120 §6.4.2). Errors are *Failure.
func Decode(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, nil
	case text == "=":
		return []byte{}, nil
	case len(text) > base64.StdEncoding.EncodedLen(maxMessage):
		return nil, fail(MalformedRequest, "message too long")
	case strings.ContainsAny(text, "\r\n"): // Go's decoder skips line ends; RFC 6120 §6.4.2 allows no such character
		return nil, fail(IncorrectEncoding, "line end in base64")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fail(IncorrectEncoding, "not base64")
	}
	return b, nil
}

// Encode is the reverse of Decode.
func Encode(data []byte) string {
	if data != nil && len(data) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(data)
}
