package provision

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Names in the data partition that a reset knows.
const (
	resetMark = "reset" // there: all below is to go
	trashName = "trash"
	clockName = "clock" // in the kit's folder: the last known time, which a reset keeps
	maxClock  = 4096
)

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
	if err := keepClock(d, filepath.Join(trash, kitFolder), filepath.Join(data, kitFolder)); err != nil {
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

// keepClock takes the last known time along: a clock that goes back would only do harm.
func keepClock(d disk, from, to string) error {
	b, err := readBounded(filepath.Join(from, clockName), maxClock)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return nil // whatever it is, it is no clock
	}
	if err := errors.Join(d.mkdir(to, 0o711), d.sync(filepath.Dir(to))); err != nil {
		return err
	}
	return replace(d, filepath.Join(to, clockName), b, 0o600)
}
