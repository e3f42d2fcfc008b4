package board

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const lockedDown = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// Mount mounts a stick read-only on a folder, which it makes if need be.
func Mount(device, dir string) (*Stick, error) {
	kind, err := probe(device)
	if err != nil {
		return nil, err
	}
	if kind != VFAT && kind != Ext4 {
		return nil, fmt.Errorf("board: %s holds no file system that is read here; format the stick as FAT32", device)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("board: a folder to mount %s: %w", device, err)
	}
	s := &Stick{device: device, kind: kind, dir: dir}
	if err := s.mount(false); err != nil {
		return nil, err
	}
	return s, nil
}

// mount mounts the device and opens its root folder.
func (s *Stick) mount(write bool) error {
	flags := uintptr(lockedDown)
	options := "utf8,umask=0077,errors=remount-ro"
	if s.kind == Ext4 {
		options = "errors=remount-ro"
	}
	if !write {
		flags |= unix.MS_RDONLY
		if s.kind == Ext4 {
			options += ",noload" // a journal that waits would be written to the stick
		}
	}
	err := unix.Mount(s.device, s.dir, s.kind, flags|unix.MS_NOSYMFOLLOW, options)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.10
		err = unix.Mount(s.device, s.dir, s.kind, flags, options)
	}
	if err != nil {
		return explainMount(s.device, s.kind, err)
	}
	if err := s.openRoot(); err != nil {
		return errors.Join(err, unix.Unmount(s.dir, unix.MNT_DETACH))
	}
	return nil
}

func explainMount(device, kind string, err error) error {
	switch {
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("board: mounting %s: %w: the kernel has no file system %s", device, err, kind)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES) && os.Geteuid() != 0:
		return fmt.Errorf("board: mounting %s: %w: only root may", device, err)
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES):
		return fmt.Errorf("board: mounting %s: %w: %w", device, ErrProtected, err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EUCLEAN), errors.Is(err, unix.EIO):
		return fmt.Errorf("board: mounting %s: %w: its file system (%s) is damaged; format the stick anew", device, err, kind)
	}
	return fmt.Errorf("board: mounting %s: %w", device, err)
}

// remount changes between reading and writing by mounting anew: ext4 cannot take up a journal, nor leave it, in between.
func (s *Stick) remount(write bool) error {
	if s.root != nil {
		s.root.Close()
		s.root = nil
		if err := unix.Unmount(s.dir, 0); err != nil {
			return errors.Join(fmt.Errorf("board: %s is in use: %w", s.device, err), s.openRoot())
		}
	}
	return s.mount(write)
}

// Unmount gives the stick back; it may be pulled out then. When something holds it, it leaves as soon as that ends.
func (s *Stick) Unmount() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	s.root.Close()
	s.root = nil
	if s.device == "" {
		return nil
	}
	err := unix.Unmount(s.dir, 0)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(s.dir, unix.MNT_DETACH)
	}
	if err != nil {
		return fmt.Errorf("board: unmounting %s: %w", s.device, err)
	}
	return nil
}
