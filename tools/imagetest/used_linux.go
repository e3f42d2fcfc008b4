package main

import (
	"os"
	"syscall"
)

// used is how much of a sparse file takes room.
func used(st os.FileInfo) int64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return st.Size()
}
