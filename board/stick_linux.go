package board

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Bounds of what is looked at on a stick.
const maxListed = 4096

// ErrProtected is wrapped when a report cannot be written because the stick has a lock, or is broken.
var ErrProtected = errors.New("the stick is write-protected")

// Stick is a mounted stick, or a folder that plays one. Nothing on it is executed, links are not followed, and only plain files of its
// root folder are read.
type Stick struct {
	device, kind, dir string // device "": a folder

	mu   sync.Mutex // guards what follows, and changes of the mount
	root *os.File
}

// File is a plain file in the root folder of a stick.
type File struct {
	Name string
	Size int64
}

// FolderStick makes a folder play a stick, for tests and for bundles that came another way.
func FolderStick(dir string) (*Stick, error) {
	s := &Stick{dir: dir}
	return s, s.openRoot()
}

// Device is what is mounted, "" with a folder.
func (s *Stick) Device() string { return s.device }

// Filesystem is VFAT or Ext4, "" with a folder.
func (s *Stick) Filesystem() string { return s.kind }

func (s *Stick) openRoot() error {
	root, err := os.OpenFile(s.dir, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("board: stick: %w", err)
	}
	s.root = root
	return nil
}

// Files lists the plain files of the root folder, by name. Of a folder with thousands it sees some.
func (s *Stick) Files() ([]File, error) {
	entries, err := s.list()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if !e.Type().IsRegular() || !plain(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil {
			files = append(files, File{e.Name(), info.Size()})
		}
	}
	return files, nil
}

// Others lists what in the root folder is not a plain file, and so not read: folders, links, pipes.
func (s *Stick) Others() ([]string, error) {
	entries, err := s.list()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s *Stick) list() ([]os.DirEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil, fmt.Errorf("board: stick: %w", os.ErrClosed)
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return nil, fmt.Errorf("board: stick: %w", err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxListed)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("board: listing the stick: %w", err)
	}
	return entries, nil
}

// plain tells whether a name is that of a file in the folder itself.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 && !strings.ContainsAny(name, "/\x00")
}

// Open opens a plain file of the root folder that has at most so many bytes.
func (s *Stick) Open(name string, most int64) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil, fmt.Errorf("board: stick: %w", os.ErrClosed)
	}
	if !plain(name) {
		return nil, fmt.Errorf("board: %q is no name of a file on a stick", name)
	}
	// O_NONBLOCK: opening a pipe would wait for ever.
	fd, err := unix.Openat(int(s.root.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("board: %q on the stick: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is no plain file")
	case info.Size() > most:
		err = fmt.Errorf("it has %d bytes, and at most %d are read", info.Size(), most)
	default:
		return f, nil
	}
	f.Close()
	return nil, fmt.Errorf("board: %q on the stick: %w", name, err)
}

// ReadFile reads a plain file of the root folder that has at most so many bytes.
func (s *Stick) ReadFile(name string, most int64) ([]byte, error) {
	f, err := s.Open(name, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	if err != nil {
		return nil, fmt.Errorf("board: %q on the stick: %w", name, err)
	}
	return b, nil
}

// WriteReport puts a file on the stick, whole or not at all, and leaves the stick mounted read-only. No file of it may be open. An error
// that wraps ErrProtected says that the stick does not take it; everything else goes on.
func (s *Stick) WriteReport(name, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !plain(name) {
		return fmt.Errorf("board: %q is no name of a file on a stick", name)
	}
	if s.root == nil {
		return fmt.Errorf("board: stick: %w", os.ErrClosed)
	}
	if s.device == "" {
		return s.write(name, text)
	}
	if err := s.remount(true); err != nil {
		return errors.Join(fmt.Errorf("board: report %q: %w", name, err), s.remount(false))
	}
	return errors.Join(s.write(name, text), s.remount(false))
}

func (s *Stick) write(name, text string) (err error) {
	defer func() {
		if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EIO) {
			err = fmt.Errorf("%w: %w", ErrProtected, err)
		}
		if err != nil {
			err = fmt.Errorf("board: report %q: %w", name, err)
		}
	}()
	temp := filepath.Join(s.dir, "~report.tmp")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temp, filepath.Join(s.dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return s.root.Sync()
}
