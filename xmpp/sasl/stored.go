package sasl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// schemePrefix stands before the hash's name in the stored form.
const schemePrefix = "SCRAM-"

// maxStored bounds a stored form; an honest one is a quarter of it.
const maxStored = 1024

// FormatCredential is the stored form of RFC 5803 §2: "SCRAM-SHA-256$4096:salt$stored:server", the last three in base64.
// It holds no password; but whoever has it can guess at weak ones, so it belongs into no log.
func FormatCredential(c Credential) string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s%s$%d:%s$%s:%s", schemePrefix, c.Hash, c.Iterations, b64(c.Salt), b64(c.StoredKey), b64(c.ServerKey))
}

// ParseCredential reads what FormatCredential prints. Errors never quote the keys.
func ParseCredential(text string) (Credential, error) {
	bad := func(err error) (Credential, error) {
		return Credential{}, fmt.Errorf("sasl: stored credential: %w", err)
	}
	if len(text) > maxStored {
		return bad(fmt.Errorf("it has %d bytes, at most %d are read", len(text), maxStored))
	}
	scheme, rest, ok := strings.Cut(text, "$")
	info, value, ok2 := strings.Cut(rest, "$")
	count, salt, ok3 := strings.Cut(info, ":")
	stored, server, ok4 := strings.Cut(value, ":")
	if !ok || !ok2 || !ok3 || !ok4 {
		return bad(errors.New("it is not of the form SCRAM-SHA-256$4096:salt$stored:server"))
	}
	name, ok := strings.CutPrefix(scheme, schemePrefix)
	h := hashFunc(name)
	if !ok || h == nil {
		return bad(fmt.Errorf("unknown scheme %.40q, want SCRAM-SHA-256 or SCRAM-SHA-1", scheme))
	}
	n, err := strconv.Atoi(count)
	// Choice: one way to write a number, so that what is read prints the same again.
	if err != nil || strconv.Itoa(n) != count || n < minIterations || n > maxIterations {
		return bad(fmt.Errorf("%.20q iterations, want %d to %d", count, minIterations, maxIterations))
	}
	c := Credential{Hash: name, Iterations: n}
	for _, f := range []struct {
		what string
		text string
		to   *[]byte
		size int // 0: any but none
	}{{"salt", salt, &c.Salt, 0}, {"stored key", stored, &c.StoredKey, h().Size()}, {"server key", server, &c.ServerKey, h().Size()}} {
		b, err := base64.StdEncoding.Strict().DecodeString(f.text)
		switch {
		case err != nil || strings.ContainsAny(f.text, "\r\n"):
			return bad(fmt.Errorf("its %s is not base64", f.what))
		case len(b) == 0 || f.size > 0 && len(b) != f.size:
			return bad(fmt.Errorf("its %s has %d bytes, not those of %s", f.what, len(b), name))
		}
		*f.to = b
	}
	return c, nil
}

// CheckPassword tells why a text cannot be a password; nil: it can.
func CheckPassword(password string) error {
	_, err := preparePassword(password)
	return err
}
