package pair

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"
)

// A Session is what a kit and its headquarters have in common.
type Session struct {
	invitation    Invitation
	kit           PublicKey
	hello, answer []byte
}

// ErrKey means a public key that cannot be anybody's.
var ErrKey = errors.New("pair: not a key")

// AtKit makes the Session of a kit with its headquarters.
func AtKit(t Token, kit PrivateKey, headquarters PublicKey) (Session, error) {
	return session(t, kit, headquarters, kit.Public(), headquarters)
}

// AtHeadquarters makes the Session of headquarters with a kit.
func AtHeadquarters(t Token, headquarters PrivateKey, kit PublicKey) (Session, error) {
	return session(t, headquarters, kit, kit, headquarters.Public())
}

func session(t Token, own PrivateKey, other, kit, headquarters PublicKey) (Session, error) {
	key, err := ecdh.X25519().NewPublicKey(other[:])
	if err != nil {
		return Session{}, ErrKey
	}
	// RFC 7748 §6.1: a result of zeros is refused.
	shared, err := own.ecdh().ECDH(key)
	if err != nil {
		return Session{}, ErrKey
	}
	i := t.Invitation()
	bound := string(i[:]) + string(kit[:]) + string(headquarters[:])
	secret := append(shared, t[:]...)
	return Session{invitation: i, kit: kit, hello: derive(secret, "hello "+bound), answer: derive(secret, "answer "+bound)}, nil
}

// derive makes a key. RFC 5869.
func derive(secret []byte, info string) []byte {
	k, err := hkdf.Key(sha256.New, secret, []byte("longwire pairing 1"), info, sha256.Size)
	if err != nil {
		panic("pair: hkdf: " + err.Error()) // 32 bytes are not too many
	}
	return k
}

func sum(key, before, behind []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(before)
	h.Write(behind)
	return h.Sum(nil)[:checkSize]
}

// Hello is the U_PDU that introduces the kit, with its data, if any.
func (s Session) Hello(counter uint16, data []byte) []byte {
	b := head(KindHello, uint8(counter), s.invitation)
	b = append(b, byte(counter>>8), byte(counter))
	b = append(b, s.kit[:]...)
	return seal(s.hello, b, data)
}

// Answer is the U_PDU that answers a hello, with headquarters' data, if any.
func (s Session) Answer(counter uint16, status Status, now time.Time, data []byte) []byte {
	b := head(KindAnswer, uint8(counter), s.invitation)
	b = append(b, byte(counter>>8), byte(counter), byte(status))
	b = appendTime(b, now)
	return seal(s.answer, b, data)
}

// Verify tells whether a hello or an answer is of this session.
func (s Session) Verify(m Message) bool {
	switch {
	case m.Invitation != s.invitation || s.hello == nil:
		return false
	case m.Kind == KindHello:
		return m.Key == s.kit && m.verify(s.hello)
	case m.Kind == KindAnswer:
		return m.verify(s.answer)
	}
	return false
}

// Question is the U_PDU that asks a kit to introduce itself. Whoever asks does not know the kit's key, so that the token alone makes it.
func (t Token) Question(now time.Time) []byte {
	i := t.Invitation()
	return seal(t.questionKey(), appendTime(head(KindQuestion, 0, i), now), nil)
}

// Verify tells whether a question was made with the token.
func (t Token) Verify(m Message) bool {
	return m.Kind == KindQuestion && m.Invitation == t.Invitation() && m.verify(t.questionKey())
}

func (t Token) questionKey() []byte {
	i := t.Invitation()
	return derive(t[:], "question "+string(i[:]))
}
