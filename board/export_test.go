//go:build linux

package board

import "golang.org/x/sys/unix"

// ExplainDenied is the error of a port this user may not open.
func ExplainDenied(name string) string { return explain(PortConfig{Name: name}, unix.EACCES).Error() }
