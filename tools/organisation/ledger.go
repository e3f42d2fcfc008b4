package organisation

import (
	"encoding/hex"
	"errors"
	"fmt"
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

// Record notes what was issued, and keeps a config bundle's file. The count never goes back: whoever numbered a bundle
// by hand once does not make the next one too old.
func (f *Folder) Record(kind bundle.Kind, target string, counter uint64, content [32]byte, file []byte) error {
	l := ledger{}
	if err := f.read(ledgerFile, &l); err != nil {
		return err
	}
	if file != nil {
		if err := os.MkdirAll(filepath.Join(f.dir, issuedDir), 0o700); err != nil {
			return err
		}
		if err := WriteFile(f.issued(target), file, 0o600); err != nil {
			return err
		}
	}
	counter = max(counter, l[key(kind, target)].Counter)
	l[key(kind, target)] = Entry{counter, hex.EncodeToString(content[:]), time.Now().UTC().Truncate(time.Second)}
	return f.write(ledgerFile, l)
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

func (f *Folder) issued(name string) string {
	return filepath.Join(f.dir, issuedDir, fmt.Sprintf("%s.lwb", name))
}
