// Command mkimage makes the image of a kit out of Debian's packages, for QEMU's boards, and writes for Buildroot what it and this have in common.
//
//	mkimage image BOARD [-out DIR] [-cache DIR] [-mirror URL] [-update] [-key FILE]... [-version V]
//	mkimage layout BOARD -genimage | -sfdisk | -fstab | -bootcmd | -bootenv | -users | -uboot-bootcmd | -overlay DIR
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"longwire/images/layouts"
	"longwire/images/slots"
	"longwire/tools/rig"
)

var version = "devel"

const usage = `usage:
  mkimage image BOARD [-out DIR] [-cache DIR] [-mirror URL] [-update] [-key FILE]...
  mkimage layout BOARD -genimage | -sfdisk | -fstab | -bootcmd | -bootenv | -users | -uboot-bootcmd | -overlay DIR
`

// errUsage says that the usage was printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out, errs io.Writer) error {
	misuse := func(format string, a ...any) error {
		fmt.Fprintf(errs, "mkimage: "+format+"\n"+usage, a...)
		return errUsage
	}
	if len(args) < 2 || strings.HasPrefix(args[1], "-") {
		return misuse("want a command and a board")
	}
	board, err := layouts.Find(args[1])
	if err != nil {
		return misuse("%s", err)
	}
	switch args[0] {
	case "image":
		return image(ctx, board, args[2:], out, misuse)
	case "layout":
		return layout(board, args[2:], out, misuse)
	}
	return misuse("there is no command %q", args[0])
}

func image(ctx context.Context, b layouts.Board, args []string, out io.Writer, misuse func(string, ...any) error) error {
	fs := flag.NewFlagSet("mkimage image", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o := options{board: b, log: out, version: version}
	fs.StringVar(&o.out, "out", filepath.Join("build", "image", b.Name), "")
	fs.StringVar(&o.cache, "cache", filepath.Join("build", "cache"), "")
	fs.StringVar(&o.mirror, "mirror", "http://deb.debian.org", "")
	fs.StringVar(&o.version, "version", o.version, "")
	fs.BoolVar(&o.fresh, "update", false, "")
	fs.Func("key", "", func(s string) error { o.keys = append(o.keys, s); return nil })
	if err := fs.Parse(args); err != nil {
		return misuse("%s", err)
	}
	if fs.NArg() > 0 {
		return misuse("what is %q?", fs.Arg(0))
	}
	var err error
	if o.at, err = stamp(os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		return err
	}
	if _, _, err := debianArch(b); err != nil {
		return err
	}
	if err := trust(tree{}, o.keys); err != nil {
		return err
	}
	if err := rig.Require(ctx, out, foreign()...); err != nil {
		return err
	}
	return makeImage(ctx, o)
}

// stamp is the time of all files in an image: SOURCE_DATE_EPOCH, as https://reproducible-builds.org has it, or a fixed one. A kit that knows no
// time must not take the image's for it, so it is in the past.
func stamp(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Unix(1735689600, 0), nil // 2025-01-01
	}
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || n < 0 || n > 1<<32-1 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q is not a number of seconds", epoch)
	}
	return time.Unix(n, 0), nil
}

// foreign are the programs that an image is made with.
func foreign() []rig.Need {
	needs := []rig.Need{
		{Package: "e2fsprogs", Check: []string{"/usr/sbin/mke2fs", "-V"}}, {Package: "mtools", Check: []string{"mtools", "--version"}},
		{Package: "fdisk", Check: []string{"/usr/sbin/sfdisk", "--version"}}, {Package: "kmod", Check: []string{"/usr/sbin/depmod", "--version"}},
		{Package: "u-boot-tools", Check: []string{"mkimage", "-V"}}, {Package: "debian-archive-keyring", Check: []string{"test", "-e", keyring}},
	}
	if os.Geteuid() != 0 {
		needs = append(needs, rig.Need{Package: "fakeroot", Check: []string{"fakeroot", "--version"}})
	}
	return needs
}

func layout(b layouts.Board, args []string, out io.Writer, misuse func(string, ...any) error) error {
	if len(args) == 2 && strings.TrimLeft(args[0], "-") == "overlay" {
		t := tree{}
		if err := t.add(layouts.Overlay(), "."); err != nil {
			return err
		}
		at, err := stamp(os.Getenv("SOURCE_DATE_EPOCH"))
		if err != nil {
			return err
		}
		return t.write(args[1], at)
	}
	if len(args) != 1 {
		return misuse("want one of layout's flags")
	}
	text := ""
	switch "-" + strings.TrimLeft(args[0], "-") {
	case "-genimage":
		text = b.Genimage()
	case "-sfdisk":
		text = b.Sfdisk()
	case "-fstab":
		text = layouts.Fstab()
	case "-bootcmd":
		text = b.BootCmd()
	case "-bootenv":
		text = string(slots.Image())
	case "-uboot-bootcmd":
		text = b.UBootBootCmd() + "\n"
	case "-users":
		var err error
		if text, err = layouts.UsersTable(); err != nil {
			return err
		}
	default:
		return misuse("layout has no flag %s", args[0])
	}
	_, err := io.WriteString(out, text)
	return err
}
