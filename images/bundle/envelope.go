package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/veraison/go-cose"
)

// Content types: the domain that a signature is for. RFC 9052 §3.1.
const (
	configType = "application/vnd.longwire.config+cbor"
	systemType = "application/vnd.longwire.system+cbor"
)

func headers(contentType string, key ed25519.PublicKey) cose.Headers {
	return cose.Headers{Protected: cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm:   cose.AlgorithmEdDSA,
		cose.HeaderLabelContentType: contentType,
		cose.HeaderLabelKeyID:       []byte(key),
	}}
}

// prefix is what every envelope of a kind begins with; the kid follows.
func prefix(contentType string) []byte {
	b := []byte{
		0xd2, 0x84, // tag 18, array of 4
		0x58, byte(1 + 2 + 3 + len(contentType) + 3 + ed25519.PublicKeySize), // byte string: the protected header
		0xa3,       // map of 3
		0x01, 0x27, // alg: EdDSA (-8)
		0x03, 0x78, byte(len(contentType)), // content type
	}
	b = append(b, contentType...)
	return append(b, 0x04, 0x58, ed25519.PublicKeySize) // kid
}

// sign wraps a payload.
func sign(contentType string, payload []byte, s Signer) ([]byte, error) {
	if s.secret == nil {
		return nil, errors.New("bundle: sign: there is no secret key")
	}
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, s.secret)
	if err != nil {
		return nil, fmt.Errorf("bundle: sign: %w", err)
	}
	b, err := cose.Sign1(rand.Reader, signer, headers(contentType, s.Public().Public), payload, nil)
	if err != nil {
		return nil, fmt.Errorf("bundle: sign: %w", err)
	}
	return b, nil
}

// envelope is a COSE_Sign1 message taken apart; nothing of it is believed yet.
type envelope struct {
	kid     ed25519.PublicKey
	payload []byte
	message *cose.Sign1Message
}

// open takes an envelope apart, which must be all of b. All of its bytes but the key, the payload and the signature are
// determined, so there is one way to write it, and the library is only ever shown that one.
func open(contentType string, b []byte) (*envelope, error) {
	pre := prefix(contentType)
	if n := min(len(b), len(pre)); !bytes.Equal(b[:n], pre[:n]) {
		return nil, foreign(b)
	}
	at := len(pre) + ed25519.PublicKeySize
	if len(b) < at+2 {
		return nil, cut(len(b))
	}
	if b[at] != 0xa0 { // an empty map
		return nil, refuse(ErrDamaged, copyAgain, "the file is damaged at byte %d", at)
	}
	at++
	size, header, ok := byteString(b[at:])
	switch {
	case !ok && len(b) < at+9 && b[at]>>5 == 2:
		return nil, cut(len(b))
	case !ok:
		return nil, refuse(ErrDamaged, copyAgain, "the file is damaged at byte %d", at)
	}
	end := uint64(at) + uint64(header) + size + 2 + ed25519.SignatureSize
	switch {
	case size > MaxConfig:
		return nil, refuse(ErrTooLarge, makeAnew, "the file says that it holds %d bytes; %d are allowed", size, MaxConfig)
	case uint64(len(b)) < end:
		return nil, refuse(ErrTruncated, copyAgain, "the file is cut short: %d of its %d bytes are missing", end-uint64(len(b)), end)
	case uint64(len(b)) > end:
		return nil, refuse(ErrDamaged, copyAgain, "there are %d bytes behind the end of the bundle", uint64(len(b))-end)
	}
	e := &envelope{kid: bytes.Clone(b[len(pre) : len(pre)+ed25519.PublicKeySize]), message: cose.NewSign1Message()}
	if err := e.message.UnmarshalCBOR(b); err != nil || len(e.message.Signature) != ed25519.SignatureSize {
		return nil, refuse(ErrDamaged, copyAgain, "the file is damaged (its signature cannot be read)")
	}
	e.payload = e.message.Payload
	return e, nil
}

// verify checks the signature by the key that the envelope names.
func (e *envelope) verify() error {
	v, err := cose.NewVerifier(cose.AlgorithmEdDSA, e.kid)
	if err == nil {
		err = e.message.Verify(nil, v)
	}
	if err != nil {
		return refuse(ErrSignature, "do not use this file: it was damaged or changed after it had been signed; "+copyAgain, "the signature is wrong")
	}
	return nil
}

// byteString reads the head of a CBOR byte string: how many bytes it has, and how many the head takes.
// RFC 8949 §4.2.1: a length is written in the shortest way.
func byteString(b []byte) (size uint64, header int, ok bool) {
	if len(b) == 0 || b[0]>>5 != 2 {
		return 0, 0, false
	}
	switch ai := b[0] & 0x1f; {
	case ai < 24:
		return uint64(ai), 1, true
	case ai == 24 && len(b) >= 2:
		return uint64(b[1]), 2, b[1] >= 24
	case ai == 25 && len(b) >= 3:
		n := binary.BigEndian.Uint16(b[1:])
		return uint64(n), 3, n > 0xff
	case ai == 26 && len(b) >= 5:
		n := binary.BigEndian.Uint32(b[1:])
		return uint64(n), 5, n > 0xffff
	case ai == 27 && len(b) >= 9:
		n := binary.BigEndian.Uint64(b[1:])
		return min(n, 1<<62), 9, n > 0xffffffff
	}
	return 0, 0, false
}

func cut(n int) error {
	if n == 0 {
		return refuse(ErrTruncated, copyAgain, "the file is empty")
	}
	return refuse(ErrTruncated, copyAgain, "the file is cut short after %d bytes", n)
}

// foreign tells what the beginning of a file that is not the wanted one says about it.
func foreign(b []byte) error {
	begins := func(p []byte) bool { return bytes.HasPrefix(b, p) }
	switch {
	case begins(prefix(configType)):
		return refuse(ErrKind, "give its name the ending .lwb", "this is a bundle of settings, not a system")
	case begins([]byte(systemMagic)), begins(prefix(systemType)):
		return refuse(ErrKind, "give its name the ending .lws", "this is a bundle with a system, not one of settings")
	case begins([]byte(publicWord)), begins([]byte(secretWord)):
		return refuse(ErrNotBundle, "put the bundle on the stick, and never a secret key", "this is a key and not a bundle")
	}
	// A later envelope will say what it is as well, in other words than ours.
	if bytes.HasPrefix(b, []byte{0xd2, 0x84}) && bytes.Contains(b[:min(len(b), 128)], []byte(`/vnd.longwire.`)) {
		return refuse(ErrNewer, copyAgain+"; if that does not help, "+updateFirst, "this bundle is in a form that this system does not know, or its first bytes are damaged")
	}
	return refuse(ErrNotBundle, "put the file that mkbundle or twin wrote on the stick", "this is not a Longwire bundle, whatever its name says")
}

// KindOf tells from a file's first 64 bytes what kind of bundle it seems to be; 0: none.
func KindOf(first []byte) Kind {
	switch {
	case bytes.HasPrefix(first, prefix(configType)):
		return KindConfig
	case bytes.HasPrefix(first, []byte(systemMagic)):
		return KindSystem
	}
	return 0
}

// trusted finds a key among those that are trusted.
func trusted(trust []Key, kid ed25519.PublicKey) (Key, bool) {
	for _, k := range trust {
		if bytes.Equal(k.Public, kid) && len(k.Public) == ed25519.PublicKeySize {
			return k, true
		}
	}
	return Key{}, false
}

// believe verifies an envelope by one of the trusted keys; with none, by the key that the envelope itself names.
func (e *envelope) believe(trust []Key) (Key, error) {
	key := Key{Public: e.kid}
	if len(trust) > 0 {
		var ok bool
		if key, ok = trusted(trust, e.kid); !ok {
			var ours []string
			for _, k := range trust {
				ours = append(ours, k.ID())
			}
			return Key{}, refuse(ErrUntrusted, "use a bundle of the organisation that this kit belongs to, or reset the kit to give it to another",
				"it is signed by %s, whom this kit does not know (it obeys %s)", Key{Public: e.kid}.ID(), list(ours))
		}
	}
	return key, e.verify()
}

func list(words []string) string {
	if len(words) > 4 {
		words = append(words[:4:4], "others")
	}
	var b bytes.Buffer
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(w)
	}
	return b.String()
}
