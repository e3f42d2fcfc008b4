package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"longwire/images/bundle"
	"longwire/store"
	"longwire/tools/cli"
	"longwire/tools/organisation"
)

type systemOptions struct {
	image, board, version, fleet string
	downgrade                    bool
	storeFormat, storeOldest     uint64
}

func (o *options) systemFlags(fs *flag.FlagSet) {
	s := &o.system
	fs.StringVar(&s.image, "image", "", "the image of a slot, a `FILE`")
	fs.StringVar(&s.board, "board", "", "the `BOARD` that it is for")
	fs.StringVar(&s.version, "version", "", "the system's `VERSION`, for people")
	fs.StringVar(&s.fleet, "fleet", "", "bind the bundle to kits of this fleet, by `NAME`")
	fs.BoolVar(&s.downgrade, "allow-downgrade", false, "kits take it even if they run a system with a higher number")
	fs.Uint64Var(&s.storeFormat, "store-format", store.Newest, "the format `NUMBER` of the store that the system writes; default: as the node of mkbundle's own release")
	fs.Uint64Var(&s.storeOldest, "store-oldest", store.Oldest, "the oldest format `NUMBER` that it can work with; the same")
	fs.StringVar(&o.note, "note", "", "a `TEXT` for those who look into the bundle")
	fs.Uint64Var(&o.counter, "counter", 0, "the bundle's `NUMBER`, instead of the next one")
	fs.StringVar(&o.out, "out", "", "the `FILE` to write; default: longwire-BOARD-VERSION.lws")
}

func (o *options) makeSystem(c cli.Call) error {
	s := o.system
	if s.image == "" || s.board == "" || s.version == "" {
		return cli.Wrong("it needs --image, --board and --version")
	}
	f, err := organisation.Open(o.org)
	if err != nil {
		return err
	}
	signer, err := f.Signer()
	if err != nil {
		return err
	}
	head := bundle.Head{Target: bundle.Target{Board: s.board, Fleet: s.fleet}, Note: o.note, Created: time.Now()}
	if head.Counter, err = o.number(f, bundle.KindSystem, s.board); err != nil {
		return err
	}
	if o.out == "" {
		o.out = "longwire-" + s.board + "-" + s.version + ".lws"
	}
	start := time.Now()
	made, size, err := writeSystem(o.out, bundle.System{Head: head, Version: s.version, Downgrade: s.downgrade, StoreFormat: s.storeFormat, StoreOldest: s.storeOldest}, signer, s.image)
	if err != nil {
		return err
	}
	if err := f.Record(bundle.KindSystem, s.board, head.Counter, made.PayloadSHA256); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s: system %s, no. %d for %s, signed by %s\n", o.out, made.Version, made.Counter, made.Target, signer.Public().ID())
	fmt.Fprintf(c.Out, "image %.1f MB, bundle %.1f MB (%.0f %%), %.1f s\n", mb(made.ImageSize), mb(size), 100*float64(size)/float64(made.ImageSize), time.Since(start).Seconds())
	return nil
}

// writeSystem writes the file whole or not at all.
func writeSystem(out string, s bundle.System, signer bundle.Signer, image string) (made bundle.System, size int64, err error) {
	in, err := os.Open(image)
	if err != nil {
		return s, 0, err
	}
	defer in.Close()
	part := out + ".part"
	f, err := os.Create(part)
	if err != nil {
		return s, 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	made, err = bundle.WriteSystem(w, s, signer, in)
	err = errors.Join(err, w.Flush())
	if info, e := f.Stat(); e == nil {
		size = info.Size()
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(part, out)
	}
	if err != nil {
		return s, 0, errors.Join(err, os.Remove(part))
	}
	return made, size, nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }
