package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Names in the data partition that a reset knows.
const (
	resetMark = "reset" // there: all below is to go
	trashName = "trash"
	maxKept   = 1 << 20 // bytes of a file that outlives a reset
)

// Names in the kit's folder that outlive a reset: the last known time, as a clock that goes back would only do harm, and what is known
// of the systems in the slots, as they stay too. Others write them.
const (
	ClockFile  = "clock"
	UpdateFile = "update.json"
)

var outlive = []struct {
	name string
	perm fs.FileMode
}{{ClockFile, 0o600}, {UpdateFile, 0o644}}

// ours are the folders of a kit in the data partition.
var ours = []string{"longwire", "s5066d", kitFolder}

// Reset decides that the kit forgets everything, as one transaction: after it the next Open, or FinishReset, completes it whatever
// happens.
func Reset(data string) error { return reset(flash{}, data) }

func reset(d disk, data string) error {
	mark := filepath.Join(data, resetMark)
	err := removeAll(d, filepath.Join(data, trashName)) // of a reset long ago
	if err == nil {
		err = replace(d, mark, []byte("this kit is being reset\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("provision: resetting the kit: %w", err)
	}
	return nil
}

// FinishReset carries a decided reset out, if there is one. Nothing may use the kit any more.
func FinishReset(data string) error { return finishReset(flash{}, data) }

// finishReset moves everything out of sight at first, which takes an instant, and then removes it. Cut anywhere, it goes on.
func finishReset(d disk, data string) error {
	mark, trash := filepath.Join(data, resetMark), filepath.Join(data, trashName)
	if !exists(mark) {
		return removeAll(d, trash)
	}
	if err := errors.Join(d.mkdir(trash, 0o700), d.sync(data)); err != nil {
		return err
	}
	for _, name := range ours {
		// In the trash already: what stands there now was made by this function.
		if from, to := filepath.Join(data, name), filepath.Join(trash, name); exists(from) && !exists(to) {
			if err := d.rename(from, to); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(d.sync(trash), d.sync(data)); err != nil {
		return err
	}
	if err := carry(d, filepath.Join(trash, kitFolder), filepath.Join(data, kitFolder)); err != nil {
		return err
	}
	if err := d.remove(mark); err != nil {
		return err
	}
	if err := d.sync(data); err != nil {
		return err
	}
	return removeAll(d, trash)
}

// carry takes along what outlives a reset.
func carry(d disk, from, to string) error {
	for _, f := range outlive {
		b, err := readBounded(filepath.Join(from, f.name), maxKept)
		if err != nil {
			continue // there is none, or whatever it is, it is not ours
		}
		if err := errors.Join(d.mkdir(to, 0o711), d.sync(filepath.Dir(to))); err != nil {
			return err
		}
		if err := replace(d, filepath.Join(to, f.name), b, f.perm); err != nil {
			return err
		}
	}
	return nil
}
