package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Names in the kit's folder. Generations never change once current has pointed to them; whatever a kit learns begins a new one.
//
//	key              the kit's own age identity
//	gen/000007/      the documents and meta.json of one generation
//	current          symlink to the generation in force: renaming it is the one point at which anything changes
//	reports/         the last reports
//
// Others keep their files beside these.
const (
	keyName     = "key"
	genName     = "gen"
	currentName = "current"
	metaName    = "meta.json"
	reportsName = "reports"

	maxMeta     = 1 << 20
	maxDocument = 2 << 20
)

// The documents of a generation.
const (
	NodeFile = "longwire.toml"
	SISFile  = "s5066d.toml"
	HostFile = "kit.toml"
	CertFile = "tls-cert.pem"
	PrivFile = "tls-key.pem"

	PhrasesFile = "phrases.txt"
)

// documents are the files of a generation by name.
type documents map[string][]byte

// reader is the service that may read a document beside root; "" nobody.
func reader(name string) string {
	switch name {
	case NodeFile, CertFile, PrivFile, PhrasesFile:
		return "longwire"
	case SISFile:
		return "s5066d"
	}
	return ""
}

func genDir(root string, n uint64) string {
	return filepath.Join(root, genName, fmt.Sprintf("%06d", n))
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// write lays a generation down beside the others, safe on flash, and not in force.
func (k *Kit) write(m *Meta, docs documents) error {
	dir := genDir(k.root, m.Generation)
	if err := removeAll(k.disk, dir); err != nil {
		return err
	}
	if err := k.disk.mkdir(dir, 0o711); err != nil {
		return err
	}
	m.Files = map[string]string{}
	put := func(name string, data []byte) error {
		gid, perm := -1, fs.FileMode(0o600)
		if who := reader(name); who != "" {
			if id, ok := k.o.Group(who); ok {
				gid, perm = id, 0o640
			}
		}
		path := filepath.Join(dir, name)
		if err := k.disk.write(path, data, perm, gid); err != nil {
			return err
		}
		return k.disk.sync(path)
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		m.Files[name] = hexSum(docs[name])
		if err := put(name, docs[name]); err != nil {
			return err
		}
	}
	meta, err := m.encode()
	if err != nil {
		return err
	}
	if err := put(metaName, meta); err != nil {
		return err
	}
	if err := k.disk.sync(dir); err != nil {
		return err
	}
	return k.disk.sync(filepath.Dir(dir))
}

// point puts a generation in force.
func (k *Kit) point(n uint64) error {
	link := filepath.Join(k.root, currentName)
	target, err := filepath.Rel(k.root, genDir(k.root, n))
	if err != nil {
		return err
	}
	fresh := link + ".new"
	if err := removeAll(k.disk, fresh); err != nil {
		return err
	}
	if err := k.disk.symlink(target, fresh); err != nil {
		return err
	}
	if err := k.disk.rename(fresh, link); err != nil {
		return err
	}
	return k.disk.sync(k.root)
}

// commit makes m and docs the generation in force. After an error the kit is what the flash says: the old, or the new.
func (k *Kit) commit(m *Meta, docs documents) error {
	m.Format, m.Generation = metaFormat, k.highest()+1
	err := k.write(m, docs)
	if err == nil {
		err = k.point(m.Generation)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("provision: writing generation %d in %s: %w", m.Generation, k.root, err), k.load())
	}
	k.mu.Lock()
	k.meta = m
	k.mu.Unlock()
	k.prune()
	return nil
}

// highest is the highest number that any generation has.
func (k *Kit) highest() uint64 {
	var n uint64
	for _, g := range k.generations() {
		n = max(n, g)
	}
	return max(n, k.meta.Generation)
}

// generations lists the numbers of all that lie in gen, finished or not, ascending.
func (k *Kit) generations() (all []uint64) {
	list, err := os.ReadDir(filepath.Join(k.root, genName))
	if err != nil {
		return nil
	}
	for _, e := range list {
		if n, err := strconv.ParseUint(e.Name(), 10, 63); err == nil {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// prune removes what is neither in force nor needed: of the generations the one in force stays, the one that undo returns to, and
// the newest complete one before, in case the flash loses a file. What cannot be removed is tried again later.
func (k *Kit) prune() {
	keep := map[uint64]bool{k.meta.Generation: true}
	if k.meta.Trial != nil {
		keep[k.meta.Trial.Previous] = true
	}
	all := k.generations()
	spare := false
	for _, n := range slices.Backward(all) {
		if n < k.meta.Generation && !spare {
			if _, _, err := k.read(n); err == nil {
				keep[n], spare = true, true
			}
		}
		if !keep[n] {
			if err := removeAll(k.disk, genDir(k.root, n)); err != nil {
				k.log.Warn("an old generation cannot be removed", "generation", n, "err", err)
			}
		}
	}
	for _, name := range []string{currentName, keyName} {
		if err := removeAll(k.disk, filepath.Join(k.root, name+".new")); err != nil {
			k.log.Warn("a left-over cannot be removed", "file", name+".new", "err", err)
		}
	}
}

// read takes a generation from flash and checks that it is whole.
func (k *Kit) read(n uint64) (*Meta, documents, error) {
	dir := genDir(k.root, n)
	b, err := readBounded(filepath.Join(dir, metaName), maxMeta)
	if err != nil {
		return nil, nil, fmt.Errorf("provision: generation %d: %w", n, err)
	}
	m, err := decodeMeta(b)
	if err != nil {
		return nil, nil, fmt.Errorf("provision: generation %d: %w", n, err)
	}
	if m.Generation != n {
		return nil, nil, fmt.Errorf("provision: %s says that it is generation %d", dir, m.Generation)
	}
	docs := documents{}
	for name, want := range m.Files {
		if name != filepath.Base(name) {
			return nil, nil, fmt.Errorf("provision: generation %d names the file %q", n, name)
		}
		data, err := readBounded(filepath.Join(dir, name), maxDocument)
		if err != nil {
			return nil, nil, fmt.Errorf("provision: generation %d: %w", n, err)
		}
		if hexSum(data) != want {
			return nil, nil, fmt.Errorf("provision: generation %d: %s is damaged", n, name)
		}
		docs[name] = data
	}
	return m, docs, nil
}

// pointed is the generation that current points to.
func (k *Kit) pointed() (n uint64, ok bool, err error) {
	target, err := os.Readlink(filepath.Join(k.root, currentName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("provision: %w", err)
	}
	n, err = strconv.ParseUint(filepath.Base(target), 10, 63)
	if err != nil {
		return 0, false, fmt.Errorf("provision: %s points to %q, which is no generation", filepath.Join(k.root, currentName), target)
	}
	return n, true, nil
}

// load takes the generation in force from flash.
func (k *Kit) load() error {
	n, ok, err := k.pointed()
	m := &Meta{Format: metaFormat}
	if err == nil && ok {
		m, _, err = k.read(n)
	}
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.meta = m
	k.mu.Unlock()
	return nil
}

// repair returns to the newest complete generation when the flash has lost the one in force.
func (k *Kit) repair(lost error) error {
	last, known, err := k.pointed()
	for _, n := range slices.Backward(k.generations()) {
		if known && err == nil && n > last {
			continue // never was in force
		}
		m, docs, err := k.read(n)
		if err != nil {
			continue
		}
		k.log.Error("the configuration in force is damaged; an older one takes its place", "err", lost, "generation", n)
		k.mu.Lock()
		k.meta = m
		k.mu.Unlock()
		m = m.clone()
		m.Trial = nil
		return k.commit(m, docs)
	}
	return fmt.Errorf("%w; no older one is whole either: reset the kit and plug its stick in again", lost)
}
