package amend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lock keeps other programs like this one from changing files in a folder until unlock is called.
func Lock(folder string) (unlock func(), err error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("amend: %w", err)
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("amend: locking %s: %w", folder, err), d.Close())
	}
	return func() { d.Close() }, nil
}

// Save replaces a file: after a power cut it is the old one or the new one. It keeps its mode and owner; a new file is its
// owner's alone, as there may be secrets in it. A link stays a link.
func Save(path string, text []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("amend: %w", err)
	}
	err = write(fresh, path, text)
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("amend: writing %s: %w", path, err), os.Remove(fresh.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

func write(f *os.File, like string, text []byte) error {
	st, err := os.Stat(like)
	switch {
	case err == nil:
		if err = f.Chmod(st.Mode().Perm()); err == nil {
			if owner, ok := st.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
				err = f.Chown(int(owner.Uid), int(owner.Gid))
			}
		}
	case errors.Is(err, fs.ErrNotExist):
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("amend: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("amend: %w", err)
	}
	return nil
}
