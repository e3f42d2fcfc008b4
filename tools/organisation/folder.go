// Package organisation is the folder in which an organisation keeps what makes its bundles: its key, what it has issued
// to whom with which counter, and the secrets that must be the same the next time. Losing the folder means that its
// kits have to be reset by hand; who has it commands them.
package organisation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"longwire/images/bundle"
)

// Files in the folder.
const (
	secretFile = "org.secret"   // the signing key
	PublicFile = "org.pub"      // what kits trust; for everybody
	ledgerFile = "ledger.json"  // what was issued
	vaultFile  = "secrets.json" // passwords, tokens and keys that were made up
	issuedDir  = "issued"       // the last config bundle of each kit
)

// Folder is an organisation's folder.
type Folder struct{ dir string }

// Create makes the folder if need be, and a key pair in it. It never replaces one.
func Create(dir, name string) (*Folder, error) {
	s, err := bundle.NewSigner(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, secretFile)
	if err := bundle.WriteSigner(secret, s); errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s: there is a key already, and kits may trust it; choose another folder with --org", secret)
	} else if err != nil {
		return nil, err
	}
	k := s.Public()
	text := fmt.Sprintf("# %s, fingerprint %s. Public: kits that have it obey what the secret half signed.\n%s\n", k.Name, k.ID(), k)
	return &Folder{dir}, WriteFile(filepath.Join(dir, PublicFile), []byte(text), 0o644)
}

// Open opens a folder that Create made.
func Open(dir string) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(dir, secretFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no key of an organisation in this folder; make one with 'mkbundle keys new --org %s --name \"Example Relief\"', or name the right folder with --org", dir, dir)
		}
		return nil, err
	}
	return &Folder{dir}, nil
}

// Dir is where the folder lies.
func (f *Folder) Dir() string { return f.dir }

// Signer reads the signing key.
func (f *Folder) Signer() (bundle.Signer, error) {
	return bundle.ReadSigner(filepath.Join(f.dir, secretFile))
}

// read fills v from a JSON file; one that is missing leaves it as it is.
func (f *Folder) read(name string, v any) error {
	file := filepath.Join(f.dir, name)
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: the file is damaged (%w); put a copy of it back", file, err)
	}
	return nil
}

func (f *Folder) write(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(f.dir, name), append(b, '\n'), 0o600)
}

// WriteFile writes a file whole or not at all, and has it on the disk when it returns.
func WriteFile(file string, b []byte, perm fs.FileMode) error {
	dir, name := filepath.Split(file)
	t, err := os.CreateTemp(filepath.Clean(dir+"."), "."+name+"-*")
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	err = errors.Join(err, t.Chmod(perm), t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	d, err := os.Open(filepath.Clean(dir + "."))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
