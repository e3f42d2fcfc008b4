package update

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"longwire/images/bundle"
	"longwire/images/slots"
	"longwire/store"
)

// The keys of all tests; they guard nothing.
const orgSecret = "longwire-org-secret-1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= Example Relief"

func signer(tb testing.TB) (s bundle.Signer) {
	tb.Helper()
	if err := s.UnmarshalText([]byte(orgSecret)); err != nil {
		tb.Fatal(err)
	}
	return s
}

const (
	slotSize  = 64 << 10
	testChunk = 8 << 10
	imageSize = 5*testChunk + 1000
)

// picture is an image of a system; seed tells them apart.
func picture(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// made is a system bundle, and what its maker wrote into it.
func made(tb testing.TB, s bundle.System, image []byte) *bundle.SystemFile {
	tb.Helper()
	b := encoded(tb, s, image)
	f, err := bundle.OpenSystem(bytes.NewReader(b), int64(len(b)), []bundle.Key{signer(tb).Public()})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func encoded(tb testing.TB, s bundle.System, image []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	if s.Counter == 0 {
		s.Counter = 7
	}
	if s.Target.Board == "" {
		s.Target.Board = "qemu-aarch64"
	}
	if s.Version == "" {
		s.Version = "2.0.0"
	}
	if _, err := bundle.WriteSystem(&b, s, signer(tb), bytes.NewReader(image)); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

var errCut = errors.New("the power is gone")

// power counts everything that changes a medium, and fails at the chosen step.
type power struct {
	steps, cut int // cut 0: never
	off        bool
	rnd        *rand.Rand
}

// step returns whether the power fails in the middle of it.
func (p *power) step() (fails bool, err error) {
	if p.off {
		return false, errCut
	}
	p.steps++
	p.off = p.steps == p.cut
	return p.off, nil
}

type piece struct {
	at   int64
	data []byte
}

// medium is a disk with a cache in front: what is not synced may be there after a power cut, or half of it, or nothing.
type medium struct {
	*power
	durable []byte
	pending []piece
	worn    bool // forgets what it takes
}

func (m *medium) WriteAt(b []byte, at int64) (int, error) {
	fails, err := m.step()
	if err != nil {
		return 0, err
	}
	if at+int64(len(b)) > int64(len(m.durable)) {
		return 0, errors.New("beyond the end")
	}
	m.pending = append(m.pending, piece{at, bytes.Clone(b)})
	if fails {
		return 0, errCut
	}
	return len(b), nil
}

func (m *medium) Sync() error {
	fails, err := m.step()
	if err != nil {
		return err
	}
	if fails {
		return errCut
	}
	for _, p := range m.pending {
		if !m.worn {
			copy(m.durable[p.at:], p.data)
		}
	}
	m.pending = nil
	return nil
}

func (m *medium) ReadAt(b []byte, at int64) (int, error) {
	if m.off {
		return 0, errCut
	}
	all := m.durable
	if len(m.pending) > 0 {
		all = bytes.Clone(all)
		for _, p := range m.pending {
			copy(all[p.at:], p.data)
		}
	}
	return copy(b, all[at:]), nil
}

func (m *medium) Size() (int64, error) { return int64(len(m.durable)), nil }
func (m *medium) Close() error         { return nil }
func (m *medium) Drop() error {
	if len(m.pending) > 0 {
		return errors.New("dropped what was not synced")
	}
	return nil
}

// crash decides what became of the writes that were under way.
func (m *medium) crash() {
	for _, p := range m.pending {
		switch m.rnd.IntN(3) {
		case 0:
			copy(m.durable[p.at:], p.data)
		case 1:
			copy(m.durable[p.at:], p.data[:m.rnd.IntN(len(p.data))])
		}
	}
	m.pending = nil
}

// sectors is the partition of the boot environment, without what lies between its two copies.
type sectors [2]*medium

func (s sectors) ReadAt(b []byte, at int64) (int, error) {
	return s[at/slots.SecondCopy].ReadAt(b, at%slots.SecondCopy)
}
func (s sectors) WriteAt(b []byte, at int64) (int, error) {
	return s[at/slots.SecondCopy].WriteAt(b, at%slots.SecondCopy)
}
func (s sectors) Sync() error { return errors.Join(s[0].Sync(), s[1].Sync()) }

// notes is the state file: it is replaced whole, or not.
type notes struct {
	*power
	b []byte
}

func (n *notes) load() ([]byte, error) {
	if n.b == nil {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(n.b), nil
}

func (n *notes) save(b []byte) error {
	fails, err := n.step()
	if err != nil {
		return err
	}
	if !fails || n.rnd.IntN(2) == 0 {
		n.b = bytes.Clone(b)
	}
	if fails {
		return errCut
	}
	return nil
}

// world is a kit: what it has on its media, and how its systems behave.
type world struct {
	tb    testing.TB
	power *power
	env   sectors
	disk  map[slots.Slot]*medium
	notes *notes

	old, new []byte
	format   uint64
	reboots  []string
	told     []string
}

// newWorld is a kit whose slot A holds version 1.0.0 and whose slot B holds something older.
func newWorld(tb testing.TB, seed uint64) *world { return aWorld(tb, seed, false) }

func aWorld(tb testing.TB, seed uint64, alone bool) *world {
	p := &power{rnd: rand.New(rand.NewPCG(seed, 2))}
	image := slots.Image()
	if alone {
		// As after a failed update: what slot B holds is nothing to start.
		e, err := slots.Open(sectors{{power: p, durable: image[:slots.CopySize]}, {power: p, durable: image[slots.SecondCopy:][:slots.CopySize]}})
		if err := errors.Join(err, e.Forbid(slots.B)); err != nil {
			tb.Fatal(err)
		}
		p.steps = 0
	}
	w := &world{tb: tb, power: p, notes: &notes{power: p}, old: picture(1, slotSize), new: picture(2, imageSize), format: store.Newest,
		env: sectors{{power: p, durable: image[:slots.CopySize]}, {power: p, durable: image[slots.SecondCopy:][:slots.CopySize]}}}
	w.disk = map[slots.Slot]*medium{slots.A: {power: p, durable: bytes.Clone(w.old)}, slots.B: {power: p, durable: picture(3, slotSize)}}
	return w
}

// open is the Updater of a system that runs from a slot.
func (w *world) open(s slots.Slot, version string) (*Updater, error) {
	u, err := open(Options{
		Version: version, Cmdline: "quiet kit.slot=" + string(s), Env: w.env,
		Slot: func(s slots.Slot) (Device, error) { return w.disk[s], nil },
		Kit: func() bundle.Target {
			return bundle.Target{KitID: "kit-1", Name: "field", Fleet: "north", Board: "qemu-aarch64"}
		},
		StoreFormat: func(context.Context) (uint64, error) { return w.format, nil },
		Reboot:      func(why string) error { w.reboots = append(w.reboots, why); return nil },
	}, w.notes)
	if err == nil {
		u.chunk = testChunk
	}
	return u, err
}

// running is open for tests without power cuts.
func (w *world) running(s slots.Slot, version string) *Updater {
	w.tb.Helper()
	u, err := w.open(s, version)
	if err != nil {
		w.tb.Fatal(err)
	}
	return u
}

// state reads the boot environment.
func (w *world) state() slots.State {
	w.tb.Helper()
	e, err := slots.Open(w.env)
	if err != nil {
		w.tb.Fatal(err)
	}
	return e.State()
}

// version tells which system a slot holds; "" if it is none that was written whole.
func (w *world) version(s slots.Slot) string {
	switch d := w.disk[s].durable; {
	case bytes.Equal(d, w.old):
		return "1.0.0"
	case bytes.Equal(d[:len(w.new)], w.new):
		return "2.0.0"
	}
	return ""
}

// bootLoader is what the boot script does, written down a second time: it works on the bytes of the two copies. It chooses
// a slot, and writes that before it starts anything.
func (w *world) bootLoader() (slots.Slot, error) {
	var vars [2]map[string]string
	for i, m := range w.env {
		b := m.durable
		if binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
			continue
		}
		vars[i] = map[string]string{}
		for text := range strings.SplitSeq(string(b[4:]), "\x00") {
			if name, value, ok := strings.Cut(text, "="); ok {
				vars[i][name] = value
			}
		}
	}
	from, to := 0, 1
	switch {
	case vars[0] == nil && vars[1] == nil:
		w.tb.Fatal("both copies of the boot environment are lost")
	case vars[0] == nil, vars[1] != nil && vars[1]["BOOT_GEN"] == next(vars[0]["BOOT_GEN"]):
		from, to = 1, 0
	}
	v := vars[from]
	var chosen string
	for range 2 {
		for _, s := range strings.Fields(v["BOOT_ORDER"]) {
			if left := v["BOOT_"+s+"_LEFT"]; chosen == "" && left != "0" {
				chosen = s
				v["BOOT_"+s+"_LEFT"] = string(left[0] - 1)
			}
		}
		if chosen == "" {
			v["BOOT_A_LEFT"], v["BOOT_B_LEFT"] = "3", "3"
		}
	}
	text := fmt.Sprintf("BOOT_A_LEFT=%s\x00BOOT_B_LEFT=%s\x00BOOT_GEN=%s\x00BOOT_ORDER=%s\x00",
		v["BOOT_A_LEFT"], v["BOOT_B_LEFT"], next(v["BOOT_GEN"]), v["BOOT_ORDER"])
	b := make([]byte, slots.CopySize)
	copy(b[4:], text)
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	if _, err := w.env[to].WriteAt(b, 0); err != nil {
		return "", err
	}
	return slots.Slot(chosen), w.env[to].Sync()
}

func next(gen string) string { return map[string]string{"0": "1", "1": "2", "2": "0"}[gen] }

// back is the power coming back.
func (w *world) back() {
	for _, m := range []*medium{w.env[0], w.env[1], w.disk[slots.A], w.disk[slots.B]} {
		m.crash()
	}
	w.power.off = false
}
