package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A step is one call of disk.
type step struct {
	op         string // mkdir, write, sync, rename, symlink, remove
	path, from string // below the data folder; from: of rename, and the target of symlink
	data       []byte
	perm       fs.FileMode
}

// recorder is a disk that writes down what is done to it.
type recorder struct {
	flash
	root  string
	steps []step
}

func (r *recorder) rel(path string) string {
	rel, err := filepath.Rel(r.root, path)
	if err != nil {
		panic(err)
	}
	return rel
}

func (r *recorder) add(s step, err error) error {
	if err == nil {
		r.steps = append(r.steps, s)
	}
	return err
}

func (r *recorder) mkdir(path string, perm fs.FileMode) error {
	if exists(path) {
		return nil
	}
	return r.add(step{op: "mkdir", path: r.rel(path), perm: perm}, r.flash.mkdir(path, perm))
}

func (r *recorder) write(path string, data []byte, perm fs.FileMode, gid int) error {
	return r.add(step{op: "write", path: r.rel(path), data: slices.Clone(data), perm: perm}, r.flash.write(path, data, perm, gid))
}

func (r *recorder) sync(path string) error {
	return r.add(step{op: "sync", path: r.rel(path)}, r.flash.sync(path))
}

func (r *recorder) rename(from, to string) error {
	return r.add(step{op: "rename", from: r.rel(from), path: r.rel(to)}, r.flash.rename(from, to))
}

func (r *recorder) symlink(target, path string) error {
	return r.add(step{op: "symlink", from: target, path: r.rel(path)}, r.flash.symlink(target, path))
}

func (r *recorder) remove(path string) error {
	return r.add(step{op: "remove", path: r.rel(path)}, r.flash.remove(path))
}

// cutting tells what a cut leaves of the steps that were done.
type cutting struct {
	name string
	// survives tells whether step i of those done is on flash.
	survives func(done []step, i int) bool
	// content is what is on flash of a file that was written in step i.
	content func(done []step, i int) []byte
}

// synced tells whether a later step has made step i safe: its file, or for a name its folder.
func synced(done []step, i int) (data, name bool) {
	s := done[i]
	for _, later := range done[i+1:] {
		if later.op == "sync" && later.path == s.path {
			data = true
		}
		if later.op == "sync" && later.path == filepath.Dir(s.path) {
			name = true
		}
		if s.op == "rename" && later.op == "rename" && later.path == filepath.Dir(s.path) {
			break // what it was is no more
		}
	}
	return data, name
}

// renamedFile finds the file's content at a later name, too: a file that was written, synced and renamed is whole.
var cuttings = []cutting{
	{"the program is killed", func([]step, int) bool { return true }, func(done []step, i int) []byte { return done[i].data }},
	{"the power fails and only what was synced is there", func(done []step, i int) bool {
		_, name := synced(done, i)
		return name
	}, func(done []step, i int) []byte {
		if data, _ := synced(done, i); data {
			return done[i].data
		}
		return nil
	}},
	{"the power fails and names are there before their content", func([]step, int) bool { return true }, func(done []step, i int) []byte {
		if data, _ := synced(done, i); data {
			return done[i].data
		}
		return done[i].data[:len(done[i].data)/2]
	}},
	{"the power fails and removals are not there", func(done []step, i int) bool {
		_, name := synced(done, i)
		return name || done[i].op != "remove"
	}, func(done []step, i int) []byte {
		if data, _ := synced(done, i); data {
			return done[i].data
		}
		return nil
	}},
}

// replay carries out on another folder what a cut has left of steps. A step whose ground is missing leaves nothing.
func replay(t *testing.T, root string, done []step, c cutting) {
	t.Helper()
	for i, s := range done {
		if s.op == "sync" || !c.survives(done, i) {
			continue
		}
		path := filepath.Join(root, s.path)
		var err error
		switch s.op {
		case "mkdir":
			err = flash{}.mkdir(path, s.perm)
		case "write":
			err = flash{}.write(path, c.content(done, i), s.perm, -1)
		case "rename":
			err = flash{}.rename(filepath.Join(root, s.from), path)
		case "symlink":
			err = flash{}.symlink(s.from, path)
		case "remove":
			err = flash{}.remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !strings.Contains(err.Error(), "not empty") {
			t.Fatalf("%s: step %d %s %s: %v", c.name, i, s.op, s.path, err)
		}
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS makes folders by the umask and files by their mode.
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		return os.Chmod(filepath.Join(to, rel), st.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// cutEverywhere lets do change a kit, then cuts it behind each step in each way, and lets judge see what a fresh start makes of it.
func cutEverywhere(t *testing.T, b *bench, do func(k *Kit), judge func(at string, k *Kit, whole bool)) {
	t.Helper()
	before := filepath.Join(t.TempDir(), "before")
	copyTree(t, b.o.Data, before)
	r := &recorder{root: b.o.Data}
	k, err := open(b.o, r)
	if err != nil {
		t.Fatal(err)
	}
	do(k)
	cuts := 0
	for _, c := range cuttings {
		for n := 0; n <= len(r.steps); n++ {
			o := b.o
			o.Data = filepath.Join(t.TempDir(), "data")
			o.Node = "" // follows
			copyTree(t, before, o.Data)
			replay(t, o.Data, r.steps[:n], c)
			at := fmt.Sprintf("%s behind step %d of %d", c.name, n, len(r.steps))
			if n > 0 {
				at += fmt.Sprintf(" (%s %s)", r.steps[n-1].op, r.steps[n-1].path)
			}
			k, err := Open(o)
			if err != nil {
				t.Errorf("%s: %v", at, err)
				continue
			}
			judge(at, k, n == len(r.steps))
			cuts++
		}
	}
	t.Logf("%d cuts", cuts)
	if cuts < 20 {
		t.Errorf("only %d cuts: the recorder sees nothing", cuts)
	}
}

// whole checks that a kit is in one of two states, each with all its documents, and that nothing unfinished lies about.
func whole(t *testing.T, at string, k *Kit) {
	t.Helper()
	m := k.Meta()
	if m.Generation > 0 {
		if _, _, err := k.read(m.Generation); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if n, ok, err := k.pointed(); !ok || err != nil || n != m.Generation {
			t.Errorf("%s: current is %d, %v, %v", at, n, ok, err)
		}
	}
	for _, n := range k.generations() {
		if _, _, err := k.read(n); err != nil || n > m.Generation {
			t.Errorf("%s: generation %d lies about: %v", at, n, err)
		}
	}
	if exists(filepath.Join(k.root, "current.new")) || exists(filepath.Join(k.root, "key.new")) {
		t.Errorf("%s: something unfinished lies about", at)
	}
}

func TestACutWhileApplyingLeavesOldOrNew(t *testing.T) {
	b := newBench(t)
	b.keep(b.open(), b.encode(settings(1), b.org, ""))
	b.keep(b.open(), b.encode(settings(2), b.org, ""))
	key := b.open().PublicKey()
	c := settings(3)
	c.Docs.SIS, c.Docs.TLSCert, c.Docs.TLSKey = "address = \"1.1.0.1\"\n", []byte("cert"), []byte("key")
	raw := b.encode(c, b.org, "")
	seen := map[uint64]int{}
	cutEverywhere(t, b, func(k *Kit) {
		if err := k.Apply(b.plan(k, raw, true)); err != nil {
			t.Fatal(err)
		}
	}, func(at string, k *Kit, last bool) {
		whole(t, at, k)
		m := k.Meta()
		seen[m.Number]++
		switch {
		case m.Number == 2 && m.Trial == nil && m.Counter == 2 && len(m.Files) == 1 && !last:
		case m.Number == 3 && m.Trial != nil && m.Counter == 3 && len(m.Files) == 4:
		default:
			t.Errorf("%s: %+v", at, m)
		}
		if k.PublicKey() != key {
			t.Errorf("%s: the key is another", at)
		}
		// From there it goes on.
		if m.Trial != nil {
			if err := k.Undo(nil); err != nil || k.Meta().Number != 2 {
				t.Errorf("%s: undo: %v, %+v", at, err, k.Meta())
			}
		}
	})
	if seen[2] == 0 || seen[3] == 0 {
		t.Errorf("seen %v", seen)
	}
}

func TestACutWhileATrialEndsLeavesOldOrNew(t *testing.T) {
	for name, end := range map[string]func(*Kit) error{
		"keep": (*Kit).Keep,
		"undo": func(k *Kit) error { return k.Undo([]string{"why"}) },
		"boot": func(k *Kit) error { _, err := k.Boot(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.keep(b.open(), b.encode(settings(1), b.org, ""))
			k := b.open()
			raw := b.encode(settings(2), b.org, "")
			if err := k.Apply(b.plan(k, raw, true)); err != nil {
				t.Fatal(err)
			}
			cutEverywhere(t, b, func(k *Kit) {
				if err := end(k); err != nil {
					t.Fatal(err)
				}
			}, func(at string, k *Kit, last bool) {
				whole(t, at, k)
				m := k.Meta()
				trial := m.Number == 2 && m.Trial != nil && m.Trial.Boots == 0 && !last
				after := map[string]bool{
					"keep": m.Number == 2 && m.Trial == nil,
					"undo": m.Number == 1 && m.Trial == nil && m.Counter == 2 && m.failed(hexSum(raw)),
					"boot": m.Number == 2 && m.Trial != nil && m.Trial.Boots == 1,
				}[name]
				if !trial && !after {
					t.Errorf("%s: %+v", at, m)
				}
				if m.Trial != nil {
					if err := k.Undo(nil); err != nil || k.Meta().Number != 1 {
						t.Errorf("%s: undo: %v, %+v", at, err, k.Meta())
					}
				}
			})
		})
	}
}

func TestACutAtTheFirstStartLeavesAKit(t *testing.T) {
	b := newBench(t)
	cutEverywhere(t, b, func(*Kit) {}, func(at string, k *Kit, _ bool) {
		whole(t, at, k)
		if id := k.ID(); !strings.HasPrefix(id, "kit-") || !k.Virgin() {
			t.Errorf("%s: %s", at, id)
		} else if again, err := Open(k.o); err != nil || again.ID() != id {
			t.Errorf("%s: opened again: %v", at, err)
		}
	})
}

func TestACutWhileResettingIsBeforeOrCarriedOut(t *testing.T) {
	b := newBench(t)
	k := b.open()
	id := k.ID()
	b.keep(k, b.encode(settings(1), b.org, ""))
	for name, text := range map[string]string{"longwire/longwire.db": "messages", "longwire/tls/ca.pem": "x", "kit/clock": "1790000000\n", "kit/update.json": "{}"} {
		path := filepath.Join(b.o.Data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[bool]int{}
	cutEverywhere(t, b, func(k *Kit) {
		if err := errors.Join(reset(k.disk, b.o.Data), finishReset(k.disk, b.o.Data)); err != nil {
			t.Fatal(err)
		}
	}, func(at string, k *Kit, last bool) {
		whole(t, at, k)
		old := exists(filepath.Join(k.o.Data, "longwire", "longwire.db"))
		seen[old]++
		if old != (k.ID() == id) || old != !k.Virgin() || old && last {
			t.Errorf("%s: messages there: %v, same key: %v, virgin: %v", at, old, k.ID() == id, k.Virgin())
		}
		if b, err := os.ReadFile(filepath.Join(k.root, ClockFile)); err != nil || string(b) != "1790000000\n" {
			t.Errorf("%s: the clock: %q, %v", at, b, err)
		}
		if b, err := os.ReadFile(filepath.Join(k.root, UpdateFile)); err != nil || string(b) != "{}" {
			t.Errorf("%s: what is known of the slots: %q, %v", at, b, err)
		}
		if exists(filepath.Join(k.o.Data, trashName)) || exists(filepath.Join(k.o.Data, resetMark)) {
			t.Errorf("%s: the reset was not ended", at)
		}
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("seen %v", seen)
	}
}

// failing is a disk on which one step fails, with half of what it should have done.
type failing struct {
	flash
	left int
}

var errFlash = errors.New("no space left on device")

func (f *failing) fails() bool { f.left--; return f.left == 0 }

func (f *failing) mkdir(path string, perm fs.FileMode) error {
	if f.fails() {
		return errFlash
	}
	return f.flash.mkdir(path, perm)
}

func (f *failing) write(path string, data []byte, perm fs.FileMode, gid int) error {
	if f.fails() {
		return errors.Join(errFlash, f.flash.write(path, data[:len(data)/2], perm, gid))
	}
	return f.flash.write(path, data, perm, gid)
}

func (f *failing) sync(path string) error {
	if f.fails() {
		return errFlash
	}
	return f.flash.sync(path)
}

func (f *failing) rename(from, to string) error {
	if f.fails() {
		return errFlash
	}
	return f.flash.rename(from, to)
}

func (f *failing) symlink(target, path string) error {
	if f.fails() {
		return errFlash
	}
	return f.flash.symlink(target, path)
}

func (f *failing) remove(path string) error {
	if f.fails() {
		return errFlash
	}
	return f.flash.remove(path)
}

func TestAFullFlashLeavesOldOrNewAndTheKitGoesOn(t *testing.T) {
	for n := 1; ; n++ {
		b := newBench(t)
		b.keep(b.open(), b.encode(settings(1), b.org, ""))
		f := &failing{}
		k, err := open(b.o, f)
		if err != nil {
			t.Fatal(err)
		}
		plan := b.plan(k, b.encode(settings(2), b.org, ""), true)
		f.left = n
		err = k.Apply(plan)
		tried := f.left <= 0
		f.left = 0
		whole := func(m Meta) bool { return m.Number == 1 && m.Trial == nil || m.Number == 2 && m.Trial != nil }
		if m := k.Meta(); !whole(m) || err == nil && m.Number != 2 {
			t.Errorf("step %d: %v, %+v", n, err, m)
		}
		if m := b.open().Meta(); m.Number != k.Meta().Number {
			t.Errorf("step %d: the flash says %d, the kit %d", n, m.Number, k.Meta().Number)
		}
		// The same kit, without a restart.
		if k.Meta().Number == 1 {
			b.keep(k, b.encode(settings(3), b.org, ""))
		}
		if !tried {
			if err != nil || n < 10 {
				t.Errorf("after %d steps: %v", n, err)
			}
			return
		}
	}
}
