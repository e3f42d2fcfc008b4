package update

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"longwire/images/slots"
)

// labels is where udev lists the partitions of the disk inside by their names: never those of a stick, which may have the same.
const labels = "/dev/disk/kit"

// partition is an open block device.
type partition struct{ *os.File }

var _ Device = partition{}

// OpenPartition opens the partition of a slot for writing. The system refuses it while it is mounted.
func OpenPartition(s slots.Slot) (Device, error) {
	f, err := openExclusive(filepath.Join(labels, s.Partition()))
	if err != nil {
		return nil, err
	}
	return partition{f}, nil
}

// OpenBootEnv opens the partition with the boot environment.
func OpenBootEnv() (*os.File, error) { return openExclusive(filepath.Join(labels, slots.Partition)) }

// openExclusive: O_EXCL on a block device keeps out mounts and those who ask for the same (open(2)).
func openExclusive(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_EXCL, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("%w; something has it mounted", err)
	}
	return f, err
}

// Size implements Device.
func (p partition) Size() (int64, error) { return p.Seek(0, io.SeekEnd) }

// Drop implements Device.
func (p partition) Drop() error {
	if err := p.Sync(); err != nil {
		return err
	}
	// BLKFLSBUF throws away what the page cache holds of a block device.
	if err := unix.IoctlSetInt(int(p.Fd()), unix.BLKFLSBUF, 0); err != nil {
		return fmt.Errorf("drop the cache of %s: %w", p.Name(), err)
	}
	return nil
}
