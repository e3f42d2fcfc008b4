// Package provision is the state of a kit on flash: who it is, whom it trusts, and the generations of its configuration. A bundle
// is judged whole before anything is touched, applied as one transaction, and on trial until its health is known; a power cut at any
// instant leaves the old or the new, never half of each. Nothing here depends on a date.
package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"longwire/images/bundle"
)

// kitFolder is the kit's own folder in the data partition.
const kitFolder = "kit"

// MaxBoots is how many starts of the machine a trial may take.
const MaxBoots = 3

// Options of Open; zero values are the defaults.
type Options struct {
	Data    string       // the data partition; /data
	Node    string       // the node's own folder; longwire in Data
	Board   string       // bundles for other boards are refused; "": for all boards
	Anchors []bundle.Key // of the image: if there are any, no other key is ever accepted
	S5066D  string       // the program whose check judges s5066d.toml; /usr/bin/s5066d
	Scratch string       // a folder in memory for what is being judged; the system's
	Log     *slog.Logger

	// Group is the group of a service that may read its document. nil: none may but this program's user.
	Group func(service string) (gid int, ok bool)
}

func (o Options) orDefault() Options {
	if o.Data == "" {
		o.Data = "/data"
	}
	if o.Node == "" {
		o.Node = filepath.Join(o.Data, "longwire")
	}
	if o.S5066D == "" {
		o.S5066D = "/usr/bin/s5066d"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Group == nil {
		o.Group = func(string) (int, bool) { return -1, false }
	}
	return o
}

// Kit is the state. One goroutine changes it; any may ask. mu guards meta.
type Kit struct {
	o    Options
	root string // Data/kit
	disk disk
	log  *slog.Logger

	identity  string // private
	recipient string // "age1…"
	id        string // "kit-…"

	mu   sync.Mutex
	meta *Meta
}

// Open finds a kit, or makes a new one with a key of its own. What a power cut has left half is cleaned: a reset is completed, an
// unfinished generation removed.
func Open(o Options) (*Kit, error) { return open(o, flash{}) }

func open(o Options, d disk) (*Kit, error) {
	o = o.orDefault()
	k := &Kit{o: o, root: filepath.Join(o.Data, kitFolder), disk: d, log: o.Log, meta: &Meta{Format: metaFormat}}
	if err := finishReset(d, o.Data); err != nil {
		return nil, fmt.Errorf("provision: completing the reset: %w", err)
	}
	for _, dir := range []string{k.root, filepath.Join(k.root, genName)} {
		if err := d.mkdir(dir, 0o711); err != nil {
			return nil, fmt.Errorf("provision: %w", err)
		}
		if err := d.sync(filepath.Dir(dir)); err != nil {
			return nil, fmt.Errorf("provision: %w", err)
		}
	}
	if err := k.load(); err != nil {
		if err := k.repair(err); err != nil {
			return nil, err
		}
	}
	if err := k.loadKey(); err != nil {
		return nil, err
	}
	k.prune()
	return k, nil
}

// loadKey reads the kit's key, and makes it at the first start.
func (k *Kit) loadKey() error {
	path := filepath.Join(k.root, keyName)
	b, err := readBounded(path, 4096)
	if errors.Is(err, fs.ErrNotExist) {
		if !k.Virgin() {
			k.log.Error("the kit's key is lost; it gets a new one, and bundles sealed for the old one are of no use any more", "file", path)
		}
		return k.makeKey(path)
	}
	if err == nil {
		err = k.take(strings.TrimSpace(string(b)))
	}
	if err != nil {
		return fmt.Errorf("provision: the kit's key %s: %w", path, err)
	}
	return nil
}

func (k *Kit) makeKey(path string) error {
	identity, _, err := bundle.NewIdentity()
	if err == nil {
		err = replace(k.disk, path, []byte(identity+"\n"), 0o600)
	}
	if err == nil {
		err = k.take(identity)
	}
	if err != nil {
		return fmt.Errorf("provision: making the kit's key: %w", err)
	}
	return nil
}

// take makes the kit the one of an identity.
func (k *Kit) take(identity string) (err error) {
	k.identity = identity
	if k.recipient, err = bundle.Recipient(identity); err == nil {
		k.id, err = bundle.KitID(k.recipient)
	}
	return err
}

// ID is the kit's id, which is made from its key.
func (k *Kit) ID() string { return k.id }

// PublicKey is the line that headquarters seals bundles to.
func (k *Kit) PublicKey() string { return k.recipient }

// Meta is what the kit knows of itself now.
func (k *Kit) Meta() Meta {
	k.mu.Lock()
	defer k.mu.Unlock()
	return *k.meta.clone()
}

// Name is the kit's name, else its id.
func (k *Kit) Name() string {
	if m := k.Meta(); m.Name != "" {
		return m.Name
	}
	return k.ID()
}

// Virgin tells that no bundle was kept or is on trial.
func (k *Kit) Virgin() bool { return k.Meta().Digest == "" }

// Current is the path of the folder in force, which stays the same when another generation takes its place.
func (k *Kit) Current() string { return filepath.Join(k.root, currentName) }

// Root is the kit's own folder.
func (k *Kit) Root() string { return k.root }

// Has tells whether the generation in force has a document.
func (k *Kit) Has(name string) bool {
	_, ok := k.Meta().Files[name]
	return ok
}

// Document is a document of the generation in force; nil if it has none.
func (k *Kit) Document(name string) ([]byte, error) {
	if !k.Has(name) {
		return nil, nil
	}
	b, err := readBounded(filepath.Join(k.Current(), name), maxDocument)
	if err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	return b, nil
}

// pinned are the keys that bundles have brought.
func (k *Kit) pinned() (keys []bundle.Key, err error) {
	m := k.Meta()
	for _, line := range m.Trust {
		var key bundle.Key
		if err := key.UnmarshalText([]byte(line)); err != nil {
			return nil, fmt.Errorf("provision: a trusted key of generation %d: %w", m.Generation, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Trust are the keys whose bundles are accepted; none: the first bundle brings its key.
func (k *Kit) Trust() ([]bundle.Key, error) {
	keys, err := k.pinned()
	if err != nil {
		return nil, err
	}
	switch {
	case len(k.o.Anchors) == 0:
		return keys, nil
	case len(keys) == 0:
		return k.o.Anchors, nil
	}
	keys = slices.DeleteFunc(keys, func(key bundle.Key) bool { return !k.anchored(key) })
	if len(keys) == 0 {
		return k.o.Anchors, nil // the image is of another organisation now
	}
	return keys, nil
}

// anchored tells whether the image accepts a key.
func (k *Kit) anchored(key bundle.Key) bool {
	return len(k.o.Anchors) == 0 || slices.ContainsFunc(k.o.Anchors, key.Equal)
}

// Apply puts what was judged in force, on trial.
func (k *Kit) Apply(p *Plan) error {
	old := k.Meta()
	m := &Meta{
		Name: p.Config.Name, Fleet: p.Config.Fleet, Digest: p.Digest, Number: p.Config.Counter, Note: p.Config.Note,
		Counter: max(old.Counter, p.Config.Counter), CounterKey: p.Key.ID(),
		Trial: &Trial{Previous: old.Generation}, Failed: slices.DeleteFunc(old.Failed, func(f Failed) bool { return f.Digest == p.Digest }),
	}
	if old.Trial != nil {
		m.Trial.Previous = old.Trial.Previous
	}
	if old.Digest == "" && old.CounterKey != p.Key.ID() {
		m.Counter = p.Config.Counter // another organisation's, of which nothing came to be
	}
	for _, key := range p.trust {
		line, err := key.MarshalText()
		if err != nil {
			return fmt.Errorf("provision: %w", err)
		}
		m.Trust = append(m.Trust, string(line))
	}
	return k.commit(m, p.docs)
}

// Trial is the trial that goes on; nil if there is none.
func (k *Kit) Trial() *Trial { return k.Meta().Trial }

// Boot is to be called once at each start of the machine. It counts the starts of a trial, and tells whether the trial has had
// them all and has to be undone.
func (k *Kit) Boot() (over bool, err error) {
	m := k.Meta()
	if m.Trial == nil {
		return false, nil
	}
	if m.Trial.Boots >= MaxBoots {
		return true, nil
	}
	m.Trial.Boots++
	return false, k.again(&m)
}

// Keep ends a trial well.
func (k *Kit) Keep() error {
	m := k.Meta()
	if m.Trial == nil {
		return nil
	}
	m.Trial = nil
	return k.again(&m)
}

// again commits the documents in force with other knowledge.
func (k *Kit) again(m *Meta) error {
	_, docs, err := k.read(m.Generation)
	if err != nil {
		return err
	}
	return k.commit(m, docs)
}

// Undo ends a trial: what was in force before is so again, and remembers why.
func (k *Kit) Undo(why []string) error {
	m := k.Meta()
	if m.Trial == nil {
		return nil
	}
	old, docs := &Meta{Format: metaFormat}, documents{}
	if n := m.Trial.Previous; n > 0 {
		var err error
		if old, docs, err = k.read(n); err != nil {
			k.log.Error("the configuration before the trial is damaged; the kit goes on with none", "err", err)
			// The organisation's keys stay, or else anybody's bundle would do.
			old, docs = &Meta{Name: m.Name, Fleet: m.Fleet, Trust: m.Trust}, documents{}
		}
	}
	old.Trial = nil
	old.Counter, old.CounterKey = m.Counter, m.CounterKey
	old.Failed = m.Failed
	old.addFailed(Failed{Digest: m.Digest, Number: m.Number, Why: bounded(why)})
	return k.commit(old, docs)
}

// bounded cuts reasons to what fits into a report.
func bounded(why []string) []string {
	why = slices.Clone(why[:min(len(why), 20)])
	for i, w := range why {
		why[i] = Clean(w, 500)
	}
	return why
}

// MakeFolder makes the folder in the data partition in which a service keeps its data, for the user that runs it; uid -1: nobody in
// particular.
func (k *Kit) MakeFolder(service string, uid, gid int) error {
	path := filepath.Join(k.o.Data, service)
	if exists(path) {
		return nil
	}
	if err := k.disk.mkdir(path, 0o700); err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	if os.Geteuid() == 0 && uid >= 0 {
		if err := os.Chown(path, uid, gid); err != nil {
			return fmt.Errorf("provision: %w", err)
		}
	}
	return k.disk.sync(k.o.Data)
}

// ForThis tells whether a system bundle is for this kit; why not otherwise.
func (k *Kit) ForThis(t bundle.Target) error {
	m := k.Meta()
	return k.target(&m, t, m.Name)
}
