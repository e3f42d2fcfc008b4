//go:build linux

package board

import "golang.org/x/sys/unix"

// ExplainDenied is the error of a port this user may not open.
func ExplainDenied(name string) string { return explain(PortConfig{Name: name}, unix.EACCES).Error() }

// DetectOn is Detect on another architecture.
func DetectOn(root, arch string) (Profile, string) { return detect(root, arch) }

// HasKey reads a bitmap of keys.
func HasKey(bitmap string, key uint16, bits int) bool { return hasKey(bitmap, key, bits) }

// Filesystem tells what the head of a device holds.
func Filesystem(head []byte) string { return filesystem(head) }
