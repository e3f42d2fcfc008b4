package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// memory is a disk that keeps the two sectors of the copies, and can tear a write or fail.
type memory struct {
	b     [2][]byte
	tear  int // a write puts only so many bytes; -1: all
	fails bool
	wrote []int // copies
}

func newMemory(a, b []byte) *memory {
	return &memory{b: [2][]byte{bytes.Clone(a), bytes.Clone(b)}, tear: -1}
}

func factory() *memory { return newMemory(Image()[:CopySize], Image()[SecondCopy:][:CopySize]) }

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return copy(p, m.b[off/SecondCopy]), nil }
func (m *memory) Sync() error                             { return nil }
func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	i := int(off / SecondCopy)
	m.wrote = append(m.wrote, i)
	if m.fails {
		return 0, errors.New("no power")
	}
	n := len(p)
	if m.tear >= 0 {
		n = m.tear
	}
	copy(m.b[i], p[:n])
	return len(p), nil
}

func open(t *testing.T, d Disk) *Env {
	t.Helper()
	e, err := Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// every lists all states that a kit can have.
func every() (all []State) {
	for _, order := range [][2]Slot{{A, B}, {B, A}, {A}, {B}} {
		for a := range Attempts + 1 {
			for b := range Attempts + 1 {
				all = append(all, State{order, map[Slot]int{A: a, B: b}})
			}
		}
	}
	return all
}

func TestCopiesOnFlash(t *testing.T) {
	// uboot.bin was made by U-Boot 2023.01 in QEMU (env export -c -s 0x200), the others by this package: the format on flash.
	for name, want := range map[string]struct {
		state State
		gen   int
	}{
		"fresh.bin": {Fresh(), 0},
		"trial.bin": {Fresh().Try(B), 2},
		"uboot.bin": {State{[2]Slot{B, A}, map[Slot]int{A: 3, B: 2}}, 1},
	} {
		file := filepath.Join("testdata", name)
		if os.Getenv("GOLDEN") != "" && name != "uboot.bin" {
			if err := os.WriteFile(file, encode(want.state, want.gen), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(want.state, want.gen); !bytes.Equal(got, b) {
			t.Errorf("%s: encode gives\n%q, the file is\n%q", name, got, b)
		}
		s, gen, err := decode(b)
		if err != nil || !s.Equal(want.state) || gen != want.gen {
			t.Errorf("%s: decode gives %v, %d, %v", name, s, gen, err)
		}
	}
}

func TestEveryWriteGoesToTheOlderCopy(t *testing.T) {
	m := factory()
	e := open(t, m)
	for i, s := range append(every(), every()...) {
		if s.Equal(e.State()) {
			continue
		}
		before := [2][]byte{bytes.Clone(m.b[0]), bytes.Clone(m.b[1])}
		m.wrote = nil
		if err := e.Set(s); err != nil {
			t.Fatal(err)
		}
		if len(m.wrote) != 1 {
			t.Fatalf("write %d: %d sectors written, want 1", i, len(m.wrote))
		}
		if kept := 1 - m.wrote[0]; !bytes.Equal(before[kept], m.b[kept]) {
			t.Fatalf("write %d touched the newer copy", i)
		}
		if again := open(t, m); !again.State().Equal(s) {
			t.Fatalf("write %d: read %v, want %v", i, again.State(), s)
		}
	}
}

// TestPowerCutLeavesOldOrNew tears the write of every state into every other at every byte, with every number, and with the other copy good or lost.
func TestPowerCutLeavesOldOrNew(t *testing.T) {
	states := every()
	for gen := range 3 {
		for i, old := range states {
			next := states[(i*7+3)%len(states)]
			if old.Equal(next) {
				continue
			}
			for cut := 0; cut <= CopySize; cut++ {
				m := newMemory(encode(old, gen), encode(states[(i+5)%len(states)], (gen+2)%3))
				if gen%2 == 1 {
					m.b[0], m.b[1] = m.b[1], m.b[0]
				}
				e := open(t, m)
				if !e.State().Equal(old) {
					t.Fatalf("gen %d: read %v, want %v", gen, e.State(), old)
				}
				m.tear = cut
				err := e.Set(next)
				got := open(t, m).State()
				if !got.Equal(old) && !got.Equal(next) {
					t.Fatalf("cut at %d of %v -> %v leaves %v", cut, old, next, got)
				}
				if err == nil && !got.Equal(next) {
					t.Fatalf("cut at %d: Set says done, but %v is read", cut, got)
				}
			}
		}
	}
}

func TestAFailedWriteChangesNothing(t *testing.T) {
	m := factory()
	e := open(t, m)
	m.fails = true
	if err := e.Try(B); err == nil {
		t.Fatal("no error")
	}
	if !e.State().Equal(Fresh()) {
		t.Errorf("state is %v after a failed write", e.State())
	}
	m.fails = false
	if err := e.Try(B); err != nil || open(t, m).State().Order[0] != B {
		t.Errorf("second attempt: %v, %v", err, open(t, m).State())
	}
}

func TestTheSameStateIsNotWritten(t *testing.T) {
	m := factory()
	if err := open(t, m).MarkGood(A); err != nil || len(m.wrote) > 0 {
		t.Errorf("wrote %v, %v", m.wrote, err)
	}
}

func TestLostEnvironmentIsFresh(t *testing.T) {
	for _, fill := range []byte{0, 0xff, 'x'} {
		m := newMemory(bytes.Repeat([]byte{fill}, CopySize), bytes.Repeat([]byte{fill}, CopySize))
		e := open(t, m)
		if !e.State().Equal(Fresh()) {
			t.Errorf("%#x: %v", fill, e.State())
		}
		// Even the state that is assumed is written when asked for.
		if err := e.MarkGood(A); err != nil || len(m.wrote) != 1 || m.wrote[0] != 0 {
			t.Errorf("%#x: wrote %v, %v", fill, m.wrote, err)
		}
	}
}

func TestATrialEndsInTheOldSlot(t *testing.T) {
	s := Fresh().Forbid(B).Try(B)
	var seen string
	for range 5 {
		var slot Slot
		slot, s = s.Next()
		seen += string(slot)
	}
	if seen != "BBBAA" {
		t.Errorf("started %s, want BBBAA", seen)
	}
}

func TestABootLoaderNeverStopsTrying(t *testing.T) {
	for _, s := range every() {
		seen := map[Slot]bool{}
		for range 2*Attempts + 1 + Attempts {
			var slot Slot
			slot, s = s.Next()
			seen[slot] = true
			if _, _, err := decode(encode(s, 0)); err != nil {
				t.Fatal(err)
			}
		}
		if s.Order[1] == "" && (len(seen) != 1 || !seen[s.Order[0]]) {
			t.Errorf("%v: started %v", s, seen)
		}
		if s.Order[1] != "" && (!seen[A] || !seen[B]) {
			t.Errorf("from %v only %v were started", s, seen)
		}
	}
}

func TestAForbiddenSlotStaysSo(t *testing.T) {
	s := Fresh().Forbid(B)
	for range 3 {
		if s = s.MarkGood(A); s.Order != [2]Slot{A} || s.Left[A] != Attempts {
			t.Fatalf("marked good: %v", s)
		}
		for range 2 * Attempts {
			var slot Slot
			if slot, s = s.Next(); slot != A {
				t.Fatalf("started %s from %v", slot, s)
			}
		}
	}
	if s = s.Try(B).MarkGood(B); s.Order != [2]Slot{B, A} {
		t.Errorf("after an update: %v", s)
	}
}

func TestRunning(t *testing.T) {
	for line, want := range map[string]Slot{"quiet kit.slot=B ro": B, "kit.slot=B kit.slot=A": A, "kit.slot=C": "", "ro": "", "kit.slot=": ""} {
		if got, err := Running(line); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(Fresh(), 1))
	f.Add(make([]byte, CopySize))
	f.Add(refresh(append([]byte("....BOOT_GEN=1\x00BOOT_GEN=1\x00"), make([]byte, CopySize-26)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == CopySize {
			b = refresh(bytes.Clone(b))
		}
		s, gen, err := decode(b)
		if err != nil {
			return
		}
		again, gen2, err := decode(encode(s, gen))
		if err != nil || !again.Equal(s) || gen2 != gen {
			t.Errorf("%v, %d becomes %v, %d, %v", s, gen, again, gen2, err)
		}
	})
}

// refresh puts the right checksum in front, so that the fuzzer gets past it.
func refresh(b []byte) []byte {
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return b
}
