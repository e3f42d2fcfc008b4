// Package slots reads and writes which of the two systems of a kit boots next.
//
// A kit has two system partitions, rootA and rootB, and a small one, bootenv, that both the boot loader (images/layouts/boot.cmd) and the
// running system read and write. It holds the same few variables twice, each copy in one sector of its own. A write always goes to the older
// copy and never touches the newer one, so whatever a power cut leaves of that sector, the state is the old one or the new one.
//
// A copy is what U-Boot's "env export -c -s 0x200" makes and "env import -c" checks: the CRC-32 of the other 508 bytes, little endian, then
// NAME=value texts, each ended by a zero byte, and zeros. The names are those of RAUC's U-Boot back end. BOOT_GEN counts 0, 1, 2, 0 …: of two
// good copies the newer is the one whose number follows the other's.
package slots

import (
	"fmt"
	"strings"
)

// A Slot is one of the two places for a system.
type Slot string

// The slots.
const (
	A Slot = "A"
	B Slot = "B"
)

// Other is the other slot.
func (s Slot) Other() Slot {
	if s == A {
		return B
	}
	return A
}

// Partition is the name of the slot's partition (its GPT PARTLABEL).
func (s Slot) Partition() string { return "root" + string(s) }

// ParseSlot reads "A" or "B".
func ParseSlot(text string) (Slot, error) {
	if s := Slot(text); s == A || s == B {
		return s, nil
	}
	return "", fmt.Errorf("slots: %q is not a slot: want A or B", text)
}

// Running tells which slot the running system was started from: the boot loader writes kit.slot= on the kernel's command line, which is
// /proc/cmdline. The last one counts, as with the kernel's own words.
func Running(cmdline string) (Slot, error) {
	found := ""
	for word := range strings.FieldsSeq(cmdline) {
		if v, ok := strings.CutPrefix(word, "kit.slot="); ok {
			found = v
		}
	}
	if found == "" {
		return "", fmt.Errorf("slots: no kit.slot= on the kernel's command line: this machine was not started by a kit's boot loader")
	}
	return ParseSlot(found)
}

// Attempts is how often a slot is started before the boot loader gives it up for the other one.
const Attempts = 3

// State is what one copy says.
type State struct {
	Order [2]Slot      // which slot to try first; an empty second one: the other slot holds no system, and is never started
	Left  map[Slot]int // starts that remain, 0 to Attempts; a slot with 0 is passed over
}

// Fresh is the state of a kit from the factory, and what the boot loader takes when it finds no good copy.
func Fresh() State {
	return State{Order: [2]Slot{A, B}, Left: map[Slot]int{A: Attempts, B: Attempts}}
}

func (s State) clone() State {
	return State{Order: s.Order, Left: map[Slot]int{A: s.Left[A], B: s.Left[B]}}
}

// Equal tells whether both say the same.
func (s State) Equal(t State) bool {
	return s.Order == t.Order && s.Left[A] == t.Left[A] && s.Left[B] == t.Left[B]
}

// String says it as "A (3 left), B (2 left)", the first to try first.
func (s State) String() string {
	if s.Order[1] == "" {
		return fmt.Sprintf("%s only (%d left)", s.Order[0], s.Left[s.Order[0]])
	}
	return fmt.Sprintf("%s (%d left), %s (%d left)", s.Order[0], s.Left[s.Order[0]], s.Order[1], s.Left[s.Order[1]])
}

// Next is what the boot loader does at the next start: the slot that it takes, and the state that it writes before it loads the kernel. When
// no slot has a start left, both get theirs again: a kit must never stop trying.
func (s State) Next() (Slot, State) {
	s = s.clone()
	for _, slot := range s.Order {
		if slot != "" && s.Left[slot] > 0 {
			s.Left[slot]--
			return slot, s
		}
	}
	s.Left[A], s.Left[B] = Attempts, Attempts
	s.Left[s.Order[0]]--
	return s.Order[0], s
}

// Try makes the slot the next to start, with all its attempts: how a freshly written system gets its trial. The other slot keeps what it has
// and is what the boot loader falls back to.
func (s State) Try(slot Slot) State {
	s = s.clone()
	s.Order = [2]Slot{slot, slot.Other()}
	s.Left[slot] = Attempts
	return s
}

// MarkGood says that the slot's system came up healthy: it stays first, with all its attempts. A slot that is not in the order stays out.
func (s State) MarkGood(slot Slot) State {
	only := s.Order[1] == "" && s.Order[0] == slot
	if s = s.Try(slot); only {
		s.Order[1] = ""
	}
	return s
}

// Forbid takes a slot out of the order, and all its attempts: what is done before its partition is overwritten, so that half a system is
// not started even when the other one uses up its attempts. The other one gets all of its.
func (s State) Forbid(slot Slot) State {
	s = s.clone()
	s.Order = [2]Slot{slot.Other(), ""}
	s.Left[slot], s.Left[slot.Other()] = 0, Attempts
	return s
}
