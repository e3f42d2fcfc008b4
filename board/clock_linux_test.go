package board_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwire/board"
)

func TestWatchdogErrorsHelp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "watchdog0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for device, is := range map[string]error{"/dev/watchdog-none": os.ErrNotExist, file: syscall.ENOTTY} {
		_, err := board.OpenWatchdog(device, time.Minute)
		if !errors.Is(err, is) || !strings.Contains(err.Error(), "board: watchdog") {
			t.Errorf("%s: %v", device, err)
		}
	}
}

func TestRTCErrorsHelp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rtc0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for device, is := range map[string]error{"/dev/rtc-none": os.ErrNotExist, file: syscall.ENOTTY} {
		if _, err := board.ReadRTC(device); !errors.Is(err, is) || !strings.Contains(err.Error(), device) {
			t.Errorf("%s: %v", device, err)
		}
		if err := board.SetRTC(device, time.Now()); !errors.Is(err, is) || !strings.Contains(err.Error(), device) {
			t.Errorf("%s: %v", device, err)
		}
	}
}

// Where there is a clock's chip it is read; nothing is changed.
func TestRTCIsRead(t *testing.T) {
	at, err := board.ReadRTC("/dev/rtc0")
	if err != nil {
		t.Skip("no clock's chip here: ", err)
	}
	if at.Year() < 1970 || at.Location() != time.UTC {
		t.Error(at)
	}
}
