package slots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Where the copies lie in the bootenv partition: half of it apart, so that they share no erase block of the flash below.
const (
	SecondCopy = 512 << 10
	EnvSize    = 1 << 20 // of the partition
)

// Partition is the name of the partition that holds the copies (its GPT PARTLABEL).
const Partition = "bootenv"

// A Disk is the bootenv partition, for example an *os.File of /dev/disk/kit/bootenv.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// An Env is the boot environment on a disk. It is not safe for concurrent use, and there must be only one of a disk that writes.
type Env struct {
	disk  Disk
	state State
	gen   int
	newer int // which copy holds state: 0 or 1; -1 if none does
}

// Open reads the newer good copy. When there is none, the state is Fresh, as for the boot loader: a kit whose environment was lost still
// starts, and so must what runs on it.
func Open(disk Disk) (*Env, error) {
	e := &Env{disk: disk}
	if err := e.read(); err != nil {
		return nil, err
	}
	return e, nil
}

func offset(i int) int64 { return int64(i) * SecondCopy }

func (e *Env) read() error {
	var states [2]State
	var gens [2]int
	var good [2]bool
	for i := range 2 {
		b := make([]byte, CopySize)
		if _, err := e.disk.ReadAt(b, offset(i)); err != nil {
			return fmt.Errorf("slots: read copy %d of the boot environment: %w", i, err)
		}
		var err error
		states[i], gens[i], err = decode(b)
		good[i] = err == nil
	}
	e.newer = newer(gens, good)
	if e.newer < 0 {
		// Choice: the next copy goes to the first place with number 0; boot.cmd does the same.
		e.state, e.gen = Fresh(), 2
		return nil
	}
	e.state, e.gen = states[e.newer], gens[e.newer]
	return nil
}

// newer tells which copy counts. Two good copies with numbers that do not follow each other cannot be: then the first counts.
func newer(gens [2]int, good [2]bool) int {
	switch {
	case good[0] && good[1] && gens[1] == (gens[0]+1)%3:
		return 1
	case good[0]:
		return 0
	case good[1]:
		return 1
	}
	return -1
}

// State is what the environment says.
func (e *Env) State() State { return e.state.clone() }

// Set writes a state: over the older copy, in one sector, and waits until it is on the disk. It then reads the sector back, since a flash that
// takes writes and forgets them is what a kit must notice. Nothing is written when the newer copy says the same already.
func (e *Env) Set(s State) error {
	if e.newer >= 0 && s.Equal(e.state) {
		return nil
	}
	at, gen := 0, (e.gen+1)%3
	if e.newer == 0 {
		at = 1
	}
	b := encode(s, gen)
	if _, _, err := decode(b); err != nil {
		return err
	}
	if _, err := e.disk.WriteAt(b, offset(at)); err != nil {
		return fmt.Errorf("slots: write copy %d of the boot environment: %w", at, err)
	}
	if err := e.disk.Sync(); err != nil {
		return fmt.Errorf("slots: sync copy %d of the boot environment: %w", at, err)
	}
	back := make([]byte, CopySize)
	if _, err := e.disk.ReadAt(back, offset(at)); err != nil {
		return fmt.Errorf("slots: read copy %d of the boot environment back: %w", at, err)
	}
	if !bytes.Equal(b, back) {
		return errors.Join(fmt.Errorf("slots: copy %d of the boot environment reads back differently: the flash may be worn out", at), e.read())
	}
	e.state, e.gen, e.newer = s.clone(), gen, at
	return nil
}

// Try, MarkGood and Forbid do what State's methods of these names say, and write it.
func (e *Env) Try(s Slot) error      { return e.Set(e.state.Try(s)) }
func (e *Env) MarkGood(s Slot) error { return e.Set(e.state.MarkGood(s)) }
func (e *Env) Forbid(s Slot) error   { return e.Set(e.state.Forbid(s)) }

// Image is what the partition of a new kit holds.
func Image() []byte {
	b := make([]byte, EnvSize)
	copy(b, encode(Fresh(), 1))
	copy(b[SecondCopy:], encode(Fresh(), 0))
	return b
}
