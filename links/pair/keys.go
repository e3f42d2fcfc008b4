// Package pair is how a kit introduces itself to its headquarters over a link on which only addresses tell who sends: what the two say to each
// other, byte by byte, and what headquarters makes of it. It does no I/O, keeps nothing on flash and no time.
//
//	kit          -> headquarters   Hello: invitation, counter, the kit's key, check; and behind it the kit's first data, which the check covers
//	headquarters -> kit            Answer: invitation, counter of the hello, status, headquarters' time, check; and behind it data, if any
//	headquarters -> kit            Question: who are you? To an address from which something came that headquarters does not know any longer
//
// Each stands at the head of a U_PDU behind an RCOP header with an application of its own (S5066 F, RCOP), so that a node which knows nothing of
// pairing drops it as another application's, and no frame or PDU of a mapping is mistaken for it.
//
// Keys: headquarters has one X25519 key, whose public half the kit is configured with; the kit makes one of its own; and both are configured with a
// token that was made for this one kit. Hello and Answer are made with keys from X25519 and the token together, so that whoever has but one of them,
// the token of a lost stick or headquarters' key, can neither introduce a kit nor answer one. Choice: names and domains are no part of it. The token is
// one peer's at headquarters, whose configuration alone says what may come from there, and lists that the two ends write differently
// would otherwise look like a wrong token.
package pair

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A Token is the secret that lets one kit introduce itself, once.
type Token [16]byte

// An Invitation is the name that a token goes by on the air. It tells nothing of the token.
type Invitation [4]byte

// A PublicKey is the X25519 key that is told to others.
type PublicKey [32]byte

// A PrivateKey is the half that is not.
type PrivateKey [32]byte

// Prefixes of the text forms.
const (
	publicPrefix  = "longwire-pair-1 "
	privatePrefix = "longwire-pair-secret-1 "
)

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewToken makes a token.
func NewToken() (t Token) {
	rand.Read(t[:])
	return t
}

// ParseToken reads what Text has written; capitals and dashes between the letters do no harm.
func ParseToken(s string) (t Token, err error) {
	s = strings.ToLower(strings.ReplaceAll(s, "-", ""))
	b, err := tokenText.DecodeString(s)
	if err != nil || len(b) != len(t) || tokenText.EncodeToString(b) != s {
		return t, errors.New("pair: a token is 26 letters a to z and digits 2 to 7")
	}
	if t = Token(b); t == (Token{}) {
		return t, errors.New("pair: this token is all zeros, and no secret")
	}
	return t, nil
}

// Text is the token for a configuration: a secret.
func (t Token) Text() string { return tokenText.EncodeToString(t[:]) }

// String names the token and keeps it secret.
func (t Token) String() string { return "token " + t.Invitation().String() }

// Invitation is the token's name on the air.
func (t Token) Invitation() (i Invitation) {
	sum := sha256.Sum256(append([]byte("longwire pairing 1 invitation "), t[:]...))
	copy(i[:], sum[:])
	return i
}

func (i Invitation) String() string { return hex.EncodeToString(i[:]) }

// NewPrivateKey makes a key.
func NewPrivateKey() (k PrivateKey) {
	rand.Read(k[:])
	return k
}

// ParsePrivateKey reads what Text has written.
func ParsePrivateKey(s string) (k PrivateKey, err error) {
	b, err := parseKey(s, privatePrefix)
	if err != nil {
		return k, err
	}
	return PrivateKey(b), nil
}

// Text is the key for a configuration: a secret.
func (k PrivateKey) Text() string { return privatePrefix + base64.StdEncoding.EncodeToString(k[:]) }

// String names the key and keeps it secret.
func (k PrivateKey) String() string { return "secret of " + k.Public().String() }

// Public is what others are told.
func (k PrivateKey) Public() PublicKey { return PublicKey(k.ecdh().PublicKey().Bytes()) }

func (k PrivateKey) ecdh() *ecdh.PrivateKey {
	key, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil {
		panic("pair: X25519: " + err.Error()) // any 32 bytes are one
	}
	return key
}

// ParsePublicKey reads what String has written.
func ParsePublicKey(s string) (k PublicKey, err error) {
	if strings.HasPrefix(s, privatePrefix) {
		return k, errors.New("pair: this is the secret half of a key; the public half is wanted")
	}
	b, err := parseKey(s, publicPrefix)
	if err != nil {
		return k, err
	}
	return PublicKey(b), nil
}

// String is the key for a configuration.
func (k PublicKey) String() string { return publicPrefix + base64.StdEncoding.EncodeToString(k[:]) }

// Short is what people compare.
func (k PublicKey) Short() string {
	sum := sha256.Sum256(k[:])
	return hex.EncodeToString(sum[:4])
}

func parseKey(s, prefix string) ([]byte, error) {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return nil, fmt.Errorf("pair: a key of this kind begins with %q", strings.TrimSpace(prefix))
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 32 || base64.StdEncoding.EncodeToString(b) != text {
		return nil, errors.New("pair: a key is 44 letters of base64 behind its prefix")
	}
	return b, nil
}
