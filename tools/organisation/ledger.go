package organisation

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"longwire/images/bundle"
)

// Entry is the last bundle of one kind for one target.
type Entry struct {
	Counter uint64    `json:"counter"`
	Content string    `json:"content,omitempty"` // digest of what went into it
	Issued  time.Time `json:"issued"`
}

// ledger is what was issued, by "config field" or "system qemu-aarch64".
type ledger map[string]Entry

func key(kind bundle.Kind, target string) string { return kind.String() + " " + target }

// Last is the last bundle of a kind for a target: a kit's name or a board.
func (f *Folder) Last(kind bundle.Kind, target string) (Entry, error) {
	l := ledger{}
	err := f.read(ledgerFile, &l)
	return l[key(kind, target)], err
}

// Next is the counter of the next bundle for a target, which may have had other names.
func (f *Folder) Next(kind bundle.Kind, targets ...string) (uint64, error) {
	l := ledger{}
	err := f.read(ledgerFile, &l)
	next := uint64(1)
	for _, t := range targets {
		next = max(next, l[key(kind, t)].Counter+1)
	}
	return next, err
}

// Record notes what was issued. The count never goes back: whoever numbered a bundle by hand once does not make the next
// one too old.
func (f *Folder) Record(kind bundle.Kind, target string, counter uint64, content [32]byte) error {
	l := ledger{}
	if err := f.read(ledgerFile, &l); err != nil {
		return err
	}
	counter = max(counter, l[key(kind, target)].Counter)
	l[key(kind, target)] = Entry{counter, hex.EncodeToString(content[:]), time.Now().UTC().Truncate(time.Second)}
	return f.write(ledgerFile, l)
}

// Sign signs a config bundle, sealed to a recipient if there is one, and keeps it before anybody gets it. An open copy
// stays beside a sealed one, since nobody but the kit could tell any more what it says.
func (f *Folder) Sign(c bundle.Config, recipient string, content [32]byte) ([]byte, error) {
	s, err := f.Signer()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(f.dir, issuedDir), 0o700); err != nil {
		return nil, err
	}
	var file []byte
	for _, k := range []struct{ name, to string }{{f.openCopy(c.Name), ""}, {f.issued(c.Name), recipient}} {
		if file, err = c.Encode(s, k.to); err != nil {
			return nil, err
		}
		if err := WriteFile(k.name, file, 0o600); err != nil {
			return nil, err
		}
	}
	return file, f.Record(bundle.KindConfig, c.Name, c.Counter, content)
}

// Issued is the last config bundle for a kit if it was made of this very content; nil if it was not.
func (f *Folder) Issued(name string, content [32]byte) ([]byte, error) {
	last, err := f.Last(bundle.KindConfig, name)
	if err != nil || last.Content != hex.EncodeToString(content[:]) {
		return nil, err
	}
	b, err := os.ReadFile(f.issued(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// OpenCopy is the last config bundle for a kit, never sealed; nil if there is none.
func (f *Folder) OpenCopy(name string) ([]byte, error) {
	b, err := os.ReadFile(f.openCopy(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (f *Folder) issued(name string) string { return filepath.Join(f.dir, issuedDir, name+".lwb") }

// openCopy's name ends so that no kit takes the file when it gets onto a stick.
func (f *Folder) openCopy(name string) string { return filepath.Join(f.dir, issuedDir, name+".open") }
