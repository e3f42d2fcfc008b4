package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"longwire/images/bundle"
	"longwire/links/pair"
	"longwire/tools/organisation"
	"longwire/xmpp/sasl"
)

// house is a star with the secrets of its organisation at hand. What is missing is made up, and kept when the vault is
// saved.
type house struct {
	star   *Star
	folder *organisation.Folder
	vault  *organisation.Vault
	made   map[string][]password // by end: passwords that were made up
}

// rehearsal is a house without a folder, for a look at what would be.
func rehearsal(s *Star) *house {
	return &house{star: s, vault: &organisation.Vault{}, made: map[string][]password{}}
}

// password is one to be printed and handed over.
type password struct{ address, text string }

func openHouse(s *Star) (*house, error) {
	f, err := organisation.Open(s.Organisation)
	if err != nil {
		return nil, err
	}
	v, err := f.Vault()
	return &house{star: s, folder: f, vault: v, made: map[string][]password{}}, err
}

// tokenOf is what a kit's token is kept as.
func tokenOf(kit string) string { return "pairing token " + kit }

// token is a kit's, made once. A kit that is renamed keeps it.
func (h *house) token(kit *End) (string, error) {
	return h.vault.Get(tokenOf(kit.Name), func() (string, error) {
		if t, known := h.vault.Known(tokenOf(kit.FormerName)); known {
			return t, nil
		}
		return pair.NewToken().Text(), nil
	})
}

// renewToken shuts out whoever has the old one.
func (h *house) renewToken(kit string) { h.vault.Set(tokenOf(kit), pair.NewToken().Text()) }

// pairKey is headquarters', made once.
func (h *house) pairKey() (secret, public string, err error) {
	secret, err = h.vault.Get("pairing key", func() (string, error) { return pair.NewPrivateKey().Text(), nil })
	if err != nil {
		return "", "", err
	}
	k, err := pair.ParsePrivateKey(secret)
	if err != nil {
		return "", "", fmt.Errorf("the pairing key is damaged; put a copy of the organisation's folder back: %w", err)
	}
	return secret, k.Public().String(), nil
}

// user is an account as longwire.toml declares it.
func (h *house) user(e *End, u User) (table, error) {
	address := u.at(e)
	text := u.Password
	if text == "" {
		var err error
		if text, err = h.vault.Get("password "+address, organisation.NewPassword); err != nil {
			return nil, err
		}
		h.made[e.Name] = append(h.made[e.Name], password{address, text})
	}
	creds, err := h.credentials(address, text)
	if err != nil {
		return nil, fmt.Errorf("%s: user %s: %s; choose another password, or leave it out and one is made up", e.Name, address, strings.TrimPrefix(err.Error(), "sasl: "))
	}
	t := table{"address": address, "credentials": creds}
	if u.Disabled {
		t["disabled"] = true
	}
	return t, nil
}

// credentials are what a node checks a password by. Their salt is random, so they are kept for as long as the password
// stays the same.
func (h *house) credentials(address, password string) ([]string, error) {
	purpose := "credentials " + address
	kept, _ := h.vault.Known(purpose)
	if old := strings.Fields(kept); len(old) == len(sasl.Hashes()) {
		fits := true
		for _, text := range old {
			c, err := sasl.ParseCredential(text)
			fits = fits && err == nil && c.Verify(password)
		}
		if fits {
			return old, nil
		}
	}
	var fresh []string
	for _, hash := range sasl.Hashes() {
		c, err := sasl.NewCredential(hash, password, nil, 0)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, sasl.FormatCredential(c))
	}
	h.vault.Set(purpose, strings.Join(fresh, " "))
	return fresh, nil
}

// certificate is what an end shows, in PEM.
type certificate struct{ cert, key []byte }

// certificate reads an end's, or makes one if a link needs it; none: the node makes its own.
func (h *house) certificate(e *End) (c certificate, err error) {
	if e.Certificate != "" {
		if c.cert, err = os.ReadFile(h.star.path(e.Certificate)); err == nil {
			c.key, err = os.ReadFile(h.star.path(e.CertificateKey))
		}
		return c, err
	}
	if !h.star.tls() || !h.star.uses(e, linkIP) {
		return c, nil
	}
	text, err := h.vault.Get("certificate "+e.Domains[0], func() (string, error) {
		cert, key, err := organisation.NewCertificate(e.Domains)
		return string(cert) + "\x00" + string(key), err
	})
	cert, key, _ := strings.Cut(text, "\x00")
	return certificate{[]byte(cert), []byte(key)}, err
}

// recipient is an end's public key; "": not known yet.
func (h *house) recipient(e *End) (string, error) {
	if e.Report == "" {
		return e.PublicKey, nil
	}
	text, err := os.ReadFile(h.star.path(e.Report))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // the stick has not come back yet
	}
	if err != nil {
		return "", err
	}
	key, err := organisation.KitKey(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", e.Report, err)
	}
	return key, nil
}

// trust is what kits are to obey from now on; none: what they obey already.
func (h *house) trust() ([]bundle.Key, error) {
	if h.star.Trust == nil {
		return nil, nil
	}
	var all []bundle.Key
	if h.folder != nil {
		s, err := h.folder.Signer()
		if err != nil {
			return nil, err
		}
		all = []bundle.Key{s.Public()} // or the next bundle would be refused
	}
	for _, name := range h.star.Trust {
		text, err := os.ReadFile(h.star.path(name))
		if err != nil {
			return nil, err
		}
		keys, err := bundle.ParseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, k := range keys {
			if !slices.ContainsFunc(all, k.Equal) {
				all = append(all, k)
			}
		}
	}
	return all, nil
}
