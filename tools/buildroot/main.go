// Command buildroot makes the image of a kit with Buildroot, or proves that it could be made.
//
//	buildroot image -tree DIR [-out DIR] [-key FILE]... [-jobs N] BOARD
//	buildroot check -tree DIR [-linux DIR] [-uboot DIR]
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
	"runtime"
	"strings"

	"longwire/images/layouts"
)

const usage = `usage:
  buildroot image -tree DIR [-out DIR] [-key FILE]... [-jobs N] BOARD
  buildroot check -tree DIR [-linux DIR] [-uboot DIR]
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
		fmt.Fprintln(os.Stderr, "buildroot:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out, errs io.Writer) error {
	misuse := func(format string, a ...any) error {
		fmt.Fprintf(errs, "buildroot: "+format+"\n"+usage, a...)
		return errUsage
	}
	if len(args) == 0 {
		return misuse("want a command")
	}
	name := args[0]
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	dir := fs.String("tree", "", "")
	var b build
	var c check
	switch name {
	case "image":
		fs.StringVar(&b.out, "out", "", "")
		fs.IntVar(&b.jobs, "jobs", runtime.NumCPU(), "")
		fs.Func("key", "", func(s string) error { b.keys = append(b.keys, s); return nil })
	case "check":
		fs.StringVar(&c.linux, "linux", "", "")
		fs.StringVar(&c.uboot, "uboot", "", "")
	default:
		return misuse("there is no command %q", name)
	}
	if err := fs.Parse(args[1:]); err != nil {
		return misuse("%s", err)
	}
	if *dir == "" {
		return misuse("-tree: where is Buildroot? git clone -b %s https://gitlab.com/buildroot.org/buildroot.git", release)
	}
	t, err := open(ctx, *dir, out)
	if err != nil {
		return err
	}
	if name == "check" {
		if fs.NArg() > 0 {
			return misuse("what is %q?", fs.Arg(0))
		}
		return c.run(ctx, t)
	}
	if fs.NArg() != 1 {
		return misuse("want one board of %s", strings.Join(layouts.Names(), ", "))
	}
	if b.board, err = layouts.Find(fs.Arg(0)); err != nil {
		return misuse("%s", err)
	}
	if b.out == "" {
		b.out = filepath.Join("build", "buildroot", b.board.Name)
	}
	return b.run(ctx, t)
}
