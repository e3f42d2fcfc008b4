package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is every way in which this package changes the flash. What is written holds against a power cut only after sync of
// the file, and a name only after sync of its folder; tests stand in for it and cut between any two calls.
type disk interface {
	mkdir(path string, perm fs.FileMode) error // no error if there is one already
	write(path string, data []byte, perm fs.FileMode, gid int) error
	sync(path string) error // of a file or a folder
	rename(from, to string) error
	symlink(target, path string) error
	remove(path string) error // a file, a symlink or an empty folder
}

// flash is the real disk.
type flash struct{}

var _ disk = flash{}

func (flash) mkdir(path string, perm fs.FileMode) error {
	err := os.Mkdir(path, perm)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Chmod(path, perm) // whatever the umask
	}
	return err
}

// write makes a file anew. It belongs to group gid if that is not negative, and this program may say so.
func (flash) write(path string, data []byte, perm fs.FileMode, gid int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && gid >= 0 && os.Geteuid() == 0 {
		err = f.Chown(0, gid)
	}
	if err == nil {
		err = f.Chmod(perm)
	}
	return errors.Join(err, f.Close())
}

func (flash) sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (flash) rename(from, to string) error      { return os.Rename(from, to) }
func (flash) symlink(target, path string) error { return os.Symlink(target, path) }
func (flash) remove(path string) error          { return os.Remove(path) }

// removeAll removes a tree, leaves first; no error if there is none.
func removeAll(d disk, path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if st.IsDir() {
		list, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := removeAll(d, filepath.Join(path, e.Name())); err != nil {
				return err
			}
		}
	}
	return d.remove(path)
}

// replace puts a small file in place of another, or of none, at one instant.
func replace(d disk, path string, data []byte, perm fs.FileMode) error {
	fresh := path + ".new"
	if err := errors.Join(d.write(fresh, data, perm, -1), d.sync(fresh)); err != nil {
		return err
	}
	if err := d.rename(fresh, path); err != nil {
		return err
	}
	return d.sync(filepath.Dir(path))
}

// exists tells whether a name is taken, by whatever.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// readBounded reads a file of at most max bytes.
func readBounded(path string, max int64) ([]byte, error) {
	st, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not an ordinary file", path)
	case st.Size() > max:
		return nil, fmt.Errorf("%s has %d bytes; %d are the most", path, st.Size(), max)
	}
	return os.ReadFile(path)
}
