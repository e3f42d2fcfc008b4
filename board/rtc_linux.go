package board

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ReadRTC reads a battery-backed clock, which keeps UTC.
func ReadRTC(device string) (time.Time, error) {
	var t *unix.RTCTime
	err := withRTC(device, func(fd int) (err error) {
		t, err = unix.IoctlGetRTCTime(fd)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("board: reading the clock's chip: %w", err)
	}
	return time.Date(int(t.Year)+1900, time.Month(t.Mon+1), int(t.Mday), int(t.Hour), int(t.Min), int(t.Sec), 0, time.UTC), nil
}

// SetRTC sets it.
func SetRTC(device string, at time.Time) error {
	at = at.UTC()
	t := unix.RTCTime{Sec: int32(at.Second()), Min: int32(at.Minute()), Hour: int32(at.Hour()), Mday: int32(at.Day()),
		Mon: int32(at.Month()) - 1, Year: int32(at.Year()) - 1900}
	if err := withRTC(device, func(fd int) error { return unix.IoctlSetRTCTime(fd, &t) }); err != nil {
		return fmt.Errorf("board: setting the clock's chip: %w", err)
	}
	return nil
}

func withRTC(device string, f func(fd int) error) error {
	file, err := os.Open(device)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := f(int(file.Fd())); err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	return nil
}
