//go:build !linux

package rig

import (
	"errors"
	"syscall"
	"time"
)

// ChildAttr keeps the terminal's Ctrl-C from a child.
func ChildAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// RSS needs Linux.
func RSS(int) (int64, error) { return 0, errors.New("rig: memory can be read on Linux only") }

// CPU needs Linux.
func CPU(int) (time.Duration, error) {
	return 0, errors.New("rig: processor time can be read on Linux only")
}
