package organisation

import (
	"crypto/rand"
	"errors"
	"strings"
)

// Vault is the secrets that were made up once and must stay: by what they are for, as "password alice@field.net". The
// zero value knows none and cannot be saved.
type Vault struct {
	folder  *Folder
	secrets map[string]string
	changed bool
}

// Vault opens the secrets.
func (f *Folder) Vault() (*Vault, error) {
	v := &Vault{folder: f}
	return v, f.read(vaultFile, &v.secrets)
}

// Known is the secret for a purpose if there is one.
func (v *Vault) Known(purpose string) (secret string, known bool) {
	secret, known = v.secrets[purpose]
	return secret, known
}

// Get is the secret for a purpose. The first time it is made up.
func (v *Vault) Get(purpose string, invent func() (string, error)) (string, error) {
	if s, known := v.Known(purpose); known {
		return s, nil
	}
	s, err := invent()
	if err == nil {
		v.Set(purpose, s)
	}
	return s, err
}

// Set replaces a secret.
func (v *Vault) Set(purpose, secret string) {
	if v.secrets == nil {
		v.secrets = map[string]string{}
	}
	if old, ok := v.secrets[purpose]; !ok || old != secret {
		v.secrets[purpose], v.changed = secret, true
	}
}

// Save writes what is new. Nothing that depends on a secret may leave the house before.
func (v *Vault) Save() error {
	if !v.changed {
		return nil
	}
	if v.folder == nil {
		return errors.New("secrets were made up, and there is no folder to keep them in")
	}
	err := v.folder.write(vaultFile, v.secrets)
	v.changed = err != nil
	return err
}

// letters of passwords: none that is easily taken for another.
const letters = "abcdefghijkmnpqrstuvwxyz23456789"

// NewPassword makes up a password that is easy to type from paper: 15 letters, 75 bits, in groups of five.
func NewPassword() (string, error) {
	b := make([]byte, 15)
	rand.Read(b) // never fails
	var s strings.Builder
	for i, c := range b {
		if i > 0 && i%5 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(letters[c%32])
	}
	return s.String(), nil
}
