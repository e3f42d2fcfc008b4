package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
)

// Hash names as they stand in Credential and in mechanism names.
const (
	SHA1   = "SHA-1"
	SHA256 = "SHA-256"
)

// DefaultIterations is the work factor of a new credential. RFC 5802 §5.1 and RFC 7677 §4 ask for at least 4096.
const DefaultIterations = 10000

// Bounds of the work factor. The upper one protects a client from a hostile server and us from a damaged record.
const (
	minIterations = 4096
	maxIterations = 1 << 20
)

const saltLen = 16

// Credential is what is kept for one account and one hash (RFC 5802 §3): never the password.
type Credential struct {
	Hash       string // "SHA-1" or "SHA-256"
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
}

// Hashes lists the hashes an account needs a Credential for, so that every mechanism is open to it.
func Hashes() []string { return []string{SHA256, SHA1} }

// NewCredential derives the keys of a password. This is the slow PBKDF2: milliseconds on a PC, tens of them on a small
// ARM board. A nil salt is drawn at random, 0 iterations mean DefaultIterations.
func NewCredential(hashName, password string, salt []byte, iterations int) (Credential, error) {
	if hashFunc(hashName) == nil {
		return Credential{}, fmt.Errorf("sasl: making a credential: unknown hash %q", hashName)
	}
	prepared, err := preparePassword(password)
	if err != nil {
		return Credential{}, err
	}
	if iterations == 0 {
		iterations = DefaultIterations
	}
	if iterations < minIterations || iterations > maxIterations {
		return Credential{}, fmt.Errorf("sasl: making a credential: %d iterations, want %d to %d", iterations, minIterations, maxIterations)
	}
	if salt == nil {
		salt = make([]byte, saltLen)
		rand.Read(salt) // crypto/rand never fails
	}
	if len(salt) == 0 {
		return Credential{}, errors.New("sasl: making a credential: empty salt")
	}
	k := derive(hashName, prepared, salt, iterations)
	return Credential{Hash: hashName, Salt: salt, Iterations: iterations, StoredKey: k.stored, ServerKey: k.server}, nil
}

// Verify tells whether password is the one the credential was made from. It takes as long as NewCredential, and always
// the same time for a given credential unless the password cannot be prepared at all.
func (c Credential) Verify(password string) bool {
	if c.check() != nil {
		return false
	}
	prepared, err := preparePassword(password)
	if err != nil {
		return false
	}
	k := derive(c.Hash, prepared, c.Salt, c.Iterations)
	return subtle.ConstantTimeCompare(k.stored, c.StoredKey) == 1
}

// check finds records that were damaged or made by someone else; an all-zero or short key must never match.
func (c Credential) check() error {
	h := hashFunc(c.Hash)
	if h == nil {
		return fmt.Errorf("sasl: credential with unknown hash %q", c.Hash)
	}
	size := h().Size()
	if len(c.StoredKey) != size || len(c.ServerKey) != size || len(c.Salt) == 0 || c.Iterations < 1 || c.Iterations > maxIterations {
		return fmt.Errorf("sasl: damaged %s credential", c.Hash)
	}
	return nil
}

// keys are what RFC 5802 §3 derives from a password.
type keys struct{ client, stored, server []byte }

func derive(hashName, prepared string, salt []byte, iterations int) keys {
	h := hashFunc(hashName)
	salted, err := pbkdf2.Key(h, prepared, salt, iterations, h().Size())
	if err != nil {
		panic("sasl: pbkdf2: " + err.Error()) // only for a key length or a FIPS mode we never ask for
	}
	client := mac(h, salted, "Client Key")
	return keys{client: client, stored: digest(h, client), server: mac(h, salted, "Server Key")}
}

func hashFunc(name string) func() hash.Hash {
	switch name {
	case SHA1:
		return sha1.New
	case SHA256:
		return sha256.New
	}
	return nil
}

func mac(h func() hash.Hash, key []byte, parts ...string) []byte {
	m := hmac.New(h, key)
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

func digest(h func() hash.Hash, data []byte) []byte {
	d := h()
	d.Write(data)
	return d.Sum(nil)
}
