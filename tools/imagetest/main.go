// Command imagetest proves the kit's image in virtual machines, from virgin disks and sticks to a chat over simulated HF, and under power
// cuts, bad updates and hostile sticks. It needs no network but for Debian's packages, and no KVM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/guest"
)

type options struct {
	board string
	image string
	parts []string
	n     int
	from  int
	boots int
	jobs  int
	seed  uint64
	keep  bool
	demo  bool
	quiet bool
}

func main() {
	o := options{}
	flag.StringVar(&o.board, "board", guest.Boards()[0], "whose image: "+strings.Join(guest.Boards(), " or "))
	flag.StringVar(&o.image, "image", "", "the `folder` of an image that 'make image' has made; empty: make it")
	drill := flag.Bool("drill", false, "instead of the test: updates, power cuts, hostile sticks and the reset, for hours")
	part := flag.String("part", "", "of the drill only these `parts`, joined by commas: "+strings.Join(drillNames(), ", "))
	flag.IntVar(&o.n, "n", 0, "of the drill's random power cuts so many; 0: 100 while applying, 20 while updating")
	flag.IntVar(&o.from, "from", 1, "go on with the power cut, or the bad update, of this `number`")
	flag.IntVar(&o.boots, "boots", 1, "of the power cuts while applying, start the kit again after each so `many`th only; after the others its disk is looked at")
	// Kits side by side have one name on one channel: the second finds its modem taken, and a trial may rightly be undone for it.
	flag.IntVar(&o.jobs, "jobs", 1, "of the drill's power cuts so `many` at the same time; with more than one, kits dispute a name on the channel, and some are red for it")
	flag.Uint64Var(&o.seed, "seed", 0, "repeat what was random in an earlier drill; 0 draws a number")
	flag.BoolVar(&o.keep, "keep", false, "keep disks, sticks and logs, and print where they are")
	flag.BoolVar(&o.demo, "demo", false, "instead of the test: start two kits that chat, and stay up for your own clients")
	flag.BoolVar(&o.quiet, "nice", false, "run the guests at a lower priority")
	limit := flag.Duration("limit", 0, "give up after this `time`; 0: 30m for the test, none for the others")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: imagetest [flags]\nTries the kit's image in virtual machines.")
		flag.PrintDefaults()
	}
	flag.Parse()
	o.parts = drillNames()
	if *part != "" {
		o.parts = strings.Split(*part, ",")
	}
	if err := o.check(*drill); flag.NArg() > 0 || err != nil {
		if err != nil {
			fmt.Fprintln(os.Stderr, "imagetest:", err)
		}
		flag.Usage()
		os.Exit(2)
	}
	play := imageTest
	switch {
	case *drill:
		play = imageDrill
	case o.demo:
		play = demo
	case *limit == 0:
		*limit = 30 * time.Minute
	}
	ctx, cancel := rig.Context(*limit)
	defer cancel()
	if !run(ctx, o, os.Stdout, play) {
		cancel()
		os.Exit(1)
	}
}

func (o *options) check(drill bool) error {
	if !slices.Contains(guest.Boards(), o.board) {
		return fmt.Errorf("there is no board %q", o.board)
	}
	for _, p := range o.parts {
		if !slices.Contains(drillNames(), p) {
			return fmt.Errorf("the drill has no part %q", p)
		}
	}
	if o.n < 0 || o.jobs < 1 || o.from < 1 || o.boots < 1 {
		return errors.New("-n, -from, -boots and -jobs are counts")
	}
	if drill && o.demo {
		return errors.New("-drill and -demo exclude each other")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1e9) + 1
	}
	return nil
}

// cuts is how many power cuts there are to be.
func (o *options) cuts(otherwise int) int {
	if o.n > 0 {
		return o.n
	}
	return otherwise
}

// A play gets the workshop with everything built, and puts what it finds on record.
type play func(ctx context.Context, o options, w *workshop, r *record) error

// run makes the workshop, plays, and prints the end.
func run(ctx context.Context, o options, out io.Writer, p play) bool {
	r := &record{out: out}
	if err := rig.Require(ctx, out, needs(o.board, o.image)...); err != nil {
		// A machine that may not install packages can still check everything else.
		fmt.Fprintf(out, "NOT TESTED: the image: %v\n", err)
		return !errors.Is(err, context.Canceled)
	}
	dir, err := os.MkdirTemp("", "lw-")
	if err != nil {
		fmt.Fprintln(out, "imagetest:", err)
		return false
	}
	if o.keep {
		fmt.Fprintln(out, "everything is kept in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	w, err := newWorkshop(ctx, o, dir, r)
	if err == nil {
		err = p(ctx, o, w, r)
	}
	if err != nil && !(o.demo && errors.Is(err, context.Canceled)) {
		r.do("to its end", func() error { return err })
	}
	if o.demo {
		return r.failed == 0
	}
	return r.end()
}

// needs are the foreign programs, with Debian's names.
func needs(board, image string) []rig.Need {
	have := func(pkg string, program ...string) rig.Need { return rig.Need{Package: pkg, Check: program} }
	file := func(pkg, name string) rig.Need { return have(pkg, "test", "-e", name) }
	emulator, loader := "qemu-system-aarch64", "qemu_arm64"
	if board == "qemu-armv7" {
		emulator, loader = "qemu-system-arm", "qemu_arm"
	}
	list := []rig.Need{
		have("qemu-system-arm", emulator, "--version"),
		file("u-boot-qemu", filepath.Join("/usr/lib/u-boot", loader, "u-boot.bin")),
		have("mtools", "mcopy", "--version"),
		file("dosfstools", "/usr/sbin/mkfs.vfat"),
		file("e2fsprogs", "/usr/sbin/debugfs"),
	}
	if image == "" { // what mkimage needs, so that it is asked for at once
		list = append(list, file("fdisk", "/usr/sbin/sfdisk"), file("kmod", "/usr/sbin/depmod"), have("u-boot-tools", "mkimage", "-V"),
			file("debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"))
		if os.Geteuid() != 0 {
			list = append(list, have("fakeroot", "fakeroot", "--version"))
		}
	}
	return list
}
