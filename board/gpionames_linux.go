package board

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// findLine asks all chips for a line of that name.
func findLine(name string) (GPIOConfig, error) {
	chips, _ := filepath.Glob("/dev/gpiochip*")
	var denied error
	for _, chip := range chips {
		lines, err := lineNames(chip)
		if err != nil {
			denied = err
			continue
		}
		if i := slices.Index(lines, name); i >= 0 {
			return GPIOConfig{Chip: chip, Line: i}, nil
		}
	}
	if denied != nil {
		return GPIOConfig{}, denied
	}
	return GPIOConfig{}, fs.ErrNotExist
}

// maxLines bounds what is asked of one chip.
const maxLines = 1024

// lineNames are those of a chip's lines, by number; a name may have more words in brackets, which say what else the pin can be.
func lineNames(chip string) ([]string, error) {
	f, err := os.OpenFile(chip, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var info unix.GPIOChipInfo
	if err := ioctl(f, unix.GPIO_GET_CHIPINFO_IOCTL, unsafe.Pointer(&info)); err != nil {
		return nil, err
	}
	var names []string
	for i := range min(info.Lines, maxLines) {
		line := unix.GPIOV2LineInfo{Offset: i}
		if err := ioctl(f, unix.GPIO_V2_GET_LINEINFO_IOCTL, unsafe.Pointer(&line)); err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(unix.ByteSliceToString(line.Name[:]), " ")
		names = append(names, name)
	}
	return names, nil
}
