package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	publicWord = "longwire-org-1"
	secretWord = "longwire-org-secret-1"

	maxName    = 64       // bytes of a key's, kit's, fleet's or board's name
	maxKeyFile = 64 << 10 // bytes of a file with keys
)

// Key is an organisation's public key: what it signs, a kit that trusts the key obeys.
type Key struct {
	Public ed25519.PublicKey
	Name   string // for people; nobody vouches for it
}

// ID is the key's fingerprint, as people compare it: "org-" and 4 groups of 4 characters, 80 bits of its SHA-256.
func (k Key) ID() string { return fingerprint("org", k.Public) }

// Equal tells whether both are the same key, by whatever name.
func (k Key) Equal(o Key) bool { return k.Public != nil && bytes.Equal(k.Public, o.Public) }

// String is the one-line text form.
func (k Key) String() string { return line(publicWord, k.Public, k.Name) }

// MarshalText makes the text form: "longwire-org-1 BASE64 NAME".
func (k Key) MarshalText() ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads the text form.
func (k *Key) UnmarshalText(text []byte) error {
	b, name, err := parseLine(publicWord, string(text))
	if err != nil {
		return err
	}
	if len(b) != ed25519.PublicKeySize {
		return fmt.Errorf("bundle: a public key has %d bytes, not %d; copy the whole line", ed25519.PublicKeySize, len(b))
	}
	*k = Key{Public: b, Name: name}
	return nil
}

func (k Key) check() error {
	if len(k.Public) != ed25519.PublicKeySize {
		return fmt.Errorf("bundle: a public key has %d bytes, not %d", ed25519.PublicKeySize, len(k.Public))
	}
	return checkTitle("the organisation's name", k.Name)
}

// ParseKeys reads a file of public keys: one a line, with empty lines and # comments between.
func ParseKeys(text []byte) ([]Key, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("bundle: a file with keys may have %d bytes, not %d", maxKeyFile, len(text))
	}
	var keys []Key
	for n, l := range strings.Split(string(text), "\n") {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		var k Key
		if err := k.UnmarshalText([]byte(l)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		keys = append(keys, k)
	}
	if keys == nil {
		return nil, errors.New("bundle: there is no key in it")
	}
	return keys, nil
}

// Signer is an organisation's secret key. The zero value signs nothing.
type Signer struct {
	secret ed25519.PrivateKey
	name   string
}

// NewSigner makes a key pair.
func NewSigner(name string) (Signer, error) {
	if err := checkTitle("the organisation's name", name); err != nil {
		return Signer{}, err
	}
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Signer{}, fmt.Errorf("bundle: make a key: %w", err)
	}
	return Signer{secret, name}, nil
}

// Public is the key that others verify with.
func (s Signer) Public() Key {
	if s.secret == nil {
		return Key{}
	}
	return Key{Public: s.secret.Public().(ed25519.PublicKey), Name: s.name}
}

// MarshalText makes the text form: "longwire-org-secret-1 BASE64 NAME".
func (s Signer) MarshalText() ([]byte, error) {
	if s.secret == nil {
		return nil, errors.New("bundle: there is no secret key")
	}
	return []byte(line(secretWord, s.secret.Seed(), s.name)), nil
}

// UnmarshalText reads the text form.
func (s *Signer) UnmarshalText(text []byte) error {
	b, name, err := parseLine(secretWord, string(text))
	if err != nil {
		return err
	}
	if len(b) != ed25519.SeedSize {
		return fmt.Errorf("bundle: a secret key has %d bytes, not %d; copy the whole line", ed25519.SeedSize, len(b))
	}
	*s = Signer{ed25519.NewKeyFromSeed(b), name}
	return nil
}

// String never shows the secret.
func (s Signer) String() string { return "secret of " + s.Public().ID() }

// GoString never shows the secret either.
func (s Signer) GoString() string { return s.String() }

// ReadSigner reads a secret key's file, which nobody but its owner may be able to read.
func ReadSigner(file string) (Signer, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Signer{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Signer{}, fmt.Errorf("%s: others can read this secret key; chmod 600 %s", file, file)
	}
	if info.Size() > maxKeyFile {
		return Signer{}, fmt.Errorf("%s: too large for a key", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Signer{}, err
	}
	var s Signer
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		if err := s.UnmarshalText([]byte(l)); err != nil {
			return Signer{}, fmt.Errorf("%s: %w", file, err)
		}
		return s, nil
	}
	return Signer{}, fmt.Errorf("%s: there is no key in it", file)
}

// WriteSigner writes a secret key's file, for its owner's eyes only. It never overwrites one.
func WriteSigner(file string, s Signer) error {
	text, err := s.MarshalText()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# Secret: whoever has this file commands every kit that trusts %s.\n%s\n", s.Public().ID(), text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func line(word string, b []byte, name string) string {
	return strings.TrimSpace(word + " " + base64.StdEncoding.EncodeToString(b) + " " + name)
}

func parseLine(word, text string) (b []byte, name string, err error) {
	text = strings.TrimSpace(text)
	first, rest, _ := strings.Cut(text, " ")
	if first != word {
		switch {
		case first == secretWord:
			return nil, "", errors.New("bundle: this is a secret key; give the public one, and keep the secret one to yourself")
		case first == publicWord:
			return nil, "", errors.New("bundle: this is a public key; the secret one is wanted")
		case strings.HasPrefix(first, "longwire-org"):
			return nil, "", fmt.Errorf("bundle: a key of the form %.30q is unknown here; it is from a newer program", first)
		}
		return nil, "", fmt.Errorf("bundle: this is not a key; one begins with %q", word)
	}
	code, name, _ := strings.Cut(strings.TrimSpace(rest), " ")
	b, err = base64.StdEncoding.Strict().DecodeString(code)
	if err != nil {
		return nil, "", fmt.Errorf("bundle: the key behind %q is damaged; copy the whole line", word)
	}
	name = strings.TrimSpace(name)
	return b, name, checkTitle("the organisation's name", name)
}

// fingerprint is what people compare: word-xxxx-xxxx-xxxx-xxxx, RFC 4648 §6 in small letters.
func fingerprint(word string, b []byte) string {
	sum := sha256.Sum256(b)
	s := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
	return word + "-" + s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// checkTitle accepts a line of readable text, or none.
func checkTitle(what, s string) error {
	if len(s) > maxName {
		return fmt.Errorf("bundle: %s has %d bytes; %d are allowed", what, len(s), maxName)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(s) != s {
		return fmt.Errorf("bundle: %s %q is not plain text", what, s)
	}
	return nil
}
