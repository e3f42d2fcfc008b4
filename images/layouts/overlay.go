package layouts

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// all: a file whose name begins with a dot or an underscore would be left out otherwise.
//
//go:embed all:overlay
var overlay embed.FS

// Overlay are the files that every kit's system has on top of its distribution, from its root on. A unit file that is empty masks that unit.
func Overlay() fs.FS {
	sub, err := fs.Sub(overlay, "overlay")
	if err != nil {
		panic("layouts: " + err.Error())
	}
	return sub
}

// Fstab is the kit's fstab, the same on all boards.
func Fstab() string {
	b, err := fs.ReadFile(Overlay(), "etc/fstab")
	if err != nil {
		panic("layouts: " + err.Error())
	}
	return string(b)
}

// A User is an account that a service of the kit runs as. Its group has the same name and number.
type User struct {
	Name    string
	ID      int
	Comment string
	Home    string
}

// Users are those of the overlay's sysusers.d file; sysusers.d(5).
func Users() ([]User, error) {
	const file = "usr/lib/sysusers.d/longwire.conf"
	b, err := fs.ReadFile(Overlay(), file)
	if err != nil {
		return nil, err
	}
	var users []User
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		// u name id "comment" home
		front, rest, ok := strings.Cut(line, `"`)
		comment, home, ok2 := strings.Cut(rest, `"`)
		f := strings.Fields(front)
		if !ok || !ok2 || len(f) != 3 || f[0] != "u" {
			return nil, fmt.Errorf("layouts: %s: want: u NAME NUMBER \"COMMENT\" HOME: %s", file, line)
		}
		id, err := strconv.Atoi(f[2])
		if err != nil {
			return nil, fmt.Errorf("layouts: %s: %w", file, err)
		}
		users = append(users, User{f[1], id, comment, strings.TrimSpace(home)})
	}
	return users, nil
}

// UsersTable is the same for Buildroot's BR2_ROOTFS_USERS_TABLES; "Makeusers syntax" in its manual.
func UsersTable() (string, error) {
	users, err := Users()
	if err != nil {
		return "", err
	}
	var s strings.Builder
	for _, u := range users {
		fmt.Fprintf(&s, "%s %d %s %d * - - dialout %s\n", u.Name, u.ID, u.Name, u.ID, u.Comment)
	}
	return s.String(), nil
}
