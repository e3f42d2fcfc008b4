package telemetry

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

//go:embed README.md
var readme string

//go:embed schema.json
var schema string

// Schema is the JSON Schema of a line.
func Schema() string { return schema }

const (
	ending     = ".jsonl"
	parts      = 16 // a node's record has about so many files when it is full
	leastPart  = 4 << 10
	maxFolders = 64 // peers' addresses; what is beyond goes into "others"
	// leaveFree is how much of the disk is not for telemetry: the store needs it more.
	leaveFree = 1 << 20
)

// A segment is one file.
type segment struct {
	folder string
	number int
	size   int64
}

// folder is the node's folder on disk. One goroutine uses it.
type folder struct {
	path  string
	max   int64
	all   []segment // oldest first
	total int64
	next  int
	open  map[string]int // by peer's folder: number of the segment that grows
	free  func(path string) (int64, error)
	write func(name string, b []byte) error
}

// openFolder makes the folder, or finds what is in it.
func openFolder(path string, most int64) (*folder, error) {
	f := &folder{path: path, max: most, next: 1, open: make(map[string]int), free: freeBytes, write: appendTo}
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	if err := f.scan(); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"README.md": readme, "schema.json": schema} {
		name = filepath.Join(path, name)
		if have, err := os.ReadFile(name); err == nil && string(have) == text {
			continue
		}
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			return nil, fmt.Errorf("telemetry: %w", err)
		}
	}
	return f, f.shrink(0)
}

// scan finds the segments there are. A line that was not finished when the power went is cut off.
func (f *folder) scan() error {
	f.total = int64(len(readme) + len(schema))
	names, err := segments(f.path)
	if err != nil {
		return err
	}
	for _, s := range names {
		name := f.name(s.folder, s.number)
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		if s.size, err = mend(name, info.Size()); err != nil {
			return fmt.Errorf("telemetry: %w", err)
		}
		f.all = append(f.all, s)
		f.total += s.size
		f.next = max(f.next, s.number+1)
	}
	return nil
}

// mend cuts a file back to its last whole line.
func mend(name string, size int64) (int64, error) {
	if size == 0 {
		return 0, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return size, err
	}
	defer file.Close()
	b := make([]byte, min(size, maxLine))
	if _, err := file.ReadAt(b, size-int64(len(b))); err != nil {
		return size, err
	}
	if b[len(b)-1] == '\n' {
		return size, nil
	}
	keep := size - int64(len(b)) + int64(strings.LastIndexByte(string(b), '\n')) + 1
	return keep, file.Truncate(keep)
}

// segments lists the files of a node's folder, oldest first.
func segments(path string) (all []segment, err error) {
	dirs, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(path, d.Name()))
		if err != nil {
			return nil, fmt.Errorf("telemetry: %w", err)
		}
		for _, file := range files {
			n, err := strconv.Atoi(strings.TrimSuffix(file.Name(), ending))
			if err == nil && n > 0 && strings.HasSuffix(file.Name(), ending) {
				all = append(all, segment{folder: d.Name(), number: n})
			}
		}
	}
	slices.SortFunc(all, func(a, b segment) int { return a.number - b.number })
	return all, nil
}

func (f *folder) name(dir string, n int) string {
	return filepath.Join(f.path, dir, fmt.Sprintf("%06d%s", n, ending))
}

// part is how large a segment may become.
func (f *folder) part() int64 { return max(f.max/parts, leastPart) }

// grow makes room for n bytes of a peer's folder, and tells in which segment; fresh when that has nothing in it yet.
func (f *folder) grow(dir string, n int) (s *segment, fresh bool, err error) {
	if err := f.yield(); err != nil {
		return nil, false, err
	}
	if err := f.shrink(int64(n)); err != nil {
		return nil, false, err
	}
	i := slices.IndexFunc(f.all, func(s segment) bool { return s.folder == dir && s.number == f.open[dir] })
	if i >= 0 && f.all[i].size+int64(n) <= f.part() {
		return &f.all[i], f.all[i].size == 0, nil
	}
	if err := os.MkdirAll(filepath.Join(f.path, dir), 0o750); err != nil {
		return nil, false, fmt.Errorf("telemetry: %w", err)
	}
	f.all = append(f.all, segment{folder: dir, number: f.next})
	f.open[dir] = f.next
	f.next++
	return &f.all[len(f.all)-1], true, nil
}

// newest is the segment that was begun last.
func (f *folder) newest() *segment { return &f.all[len(f.all)-1] }

// add writes whole lines to a segment. What was written of them when the disk is full is taken back.
func (f *folder) add(s *segment, b []byte) error {
	name := f.name(s.folder, s.number)
	if err := f.write(name, b); err != nil {
		if again := os.Truncate(name, s.size); again != nil && !errors.Is(again, fs.ErrNotExist) {
			delete(f.open, s.folder) // the next goes into another
		}
		return fmt.Errorf("telemetry: %w", err)
	}
	s.size += int64(len(b))
	f.total += int64(len(b))
	return nil
}

// shrink deletes the oldest until n more bytes fit.
func (f *folder) shrink(n int64) error {
	for f.total+n > f.max && len(f.all) > 0 {
		if err := f.forget(); err != nil {
			return err
		}
	}
	if f.total+n > f.max {
		return fmt.Errorf("telemetry: %d bytes do not fit into max_size %d", n, f.max)
	}
	return nil
}

// forget deletes the oldest segment.
func (f *folder) forget() error {
	s := f.all[0]
	if err := os.Remove(f.name(s.folder, s.number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("telemetry: %w", err)
	}
	f.all = f.all[1:]
	f.total -= s.size
	if f.open[s.folder] == s.number {
		delete(f.open, s.folder)
	}
	if !slices.ContainsFunc(f.all, func(o segment) bool { return o.folder == s.folder }) {
		_ = os.Remove(filepath.Join(f.path, s.folder)) // it is empty, or holds what is not ours
	}
	return nil
}

var errNearlyFull = errors.New("telemetry: the disk is nearly full")

// yield gives the disk back what the store may need.
func (f *folder) yield() error {
	free, err := f.free(f.path)
	if err != nil || free >= leaveFree {
		return nil // what cannot be asked is no reason to keep no record
	}
	if len(f.all) > 0 {
		if err := f.forget(); err != nil {
			return err
		}
	}
	return errNearlyFull
}

func freeBytes(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

func appendTo(name string, b []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return errors.Join(err, file.Close())
}
