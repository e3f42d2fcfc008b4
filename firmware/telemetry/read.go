package telemetry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Line is a record as it was read, with the peer's folder it is in.
type Line struct {
	Record
	Address  string // the peer's folder
	Skeleton string // of a Shape: the text it refers to
}

// Read calls f for all lines of a node's folder, or of a copy of it, in the order of the files. What is no line, or one of a
// later version, is counted and passed over.
func Read(folder string, f func(Line) error) (skipped int, err error) {
	all, err := segments(folder)
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("telemetry: there is no record in %s: it holds no folder of a peer with files ending in %s", folder, ending)
	}
	for _, s := range all {
		n, err := readOne(folder, s, f)
		skipped += n
		if err != nil {
			return skipped, err
		}
	}
	return skipped, nil
}

func readOne(folder string, s segment, f func(Line) error) (skipped int, err error) {
	file, err := os.Open(filepath.Join(folder, s.folder, fmt.Sprintf("%06d%s", s.number, ending)))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil // the node has just deleted it
	}
	if err != nil {
		return 0, fmt.Errorf("telemetry: %w", err)
	}
	defer file.Close()
	return readLines(file, s.folder, f)
}

func readLines(in io.Reader, address string, f func(Line) error) (skipped int, err error) {
	skeletons := make(map[uint64]string)
	r := bufio.NewReaderSize(in, maxLine)
	for {
		b, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			skipped++
			if err == nil {
				continue
			}
		}
		if errors.Is(err, io.EOF) {
			if len(bytes.TrimSpace(b)) > 0 {
				skipped++ // is being written, or never was
			}
			return skipped, nil
		}
		if err != nil {
			return skipped, fmt.Errorf("telemetry: %w", err)
		}
		l := Line{Address: address}
		if json.Unmarshal(b, &l.Record) != nil || l.V != Version {
			skipped++
			continue
		}
		switch l.Kind {
		case Skeleton:
			if len(skeletons) < 4*maxSkeletons {
				skeletons[l.ID] = l.Text
			}
			continue
		case Shape:
			l.Skeleton = skeletons[l.ID]
		}
		if err := f(l); err != nil {
			return skipped, err
		}
	}
}
