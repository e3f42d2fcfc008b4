package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"longwire/images/bundle"
	"longwire/tools/rig/guest"
)

// updateCuts is how often the power is cut in an update.
const updateCuts = 20

// How long updates take on a quiet machine.
const (
	writeTime  = 60 * time.Second  // from the plug until the machine starts anew
	updateTime = 150 * time.Second // from there until the new system is good
	giveUpTime = 600 * time.Second // until a kit has fallen back from a system that is not
)

// A bad system is the image of a slot in which something was spoiled.
type badSystem struct {
	name  string
	spoil func(w *workshop, image string) error
}

func badSystems() []badSystem {
	replace := func(path, text string, mode os.FileMode) func(w *workshop, image string) error {
		return func(w *workshop, image string) error {
			file := filepath.Join(w.dir, "spoiled")
			if err := os.WriteFile(file, []byte(text), mode); err != nil {
				return err
			}
			if err := os.Chmod(file, mode); err != nil {
				return err
			}
			return guest.ReplaceExt4(image, path, file)
		}
	}
	return []badSystem{
		{"a node that does not start", replace("/usr/lib/systemd/system/longwire.service", "[Service]\nType=notify\nExecStart=/bin/false\n", 0o644)},
		{"no program that starts at all", replace("/usr/bin/longwire", "this is no program\n", 0o755)},
		{"an init that ends", replace("/usr/lib/systemd/systemd", "this is no program\n", 0o755)},
		{"a kernel that hangs", replace("/boot/Image", hangingKernel(), 0o644)},
	}
}

// hangingKernel is one for arm64 whose first instruction jumps to itself (linux/Documentation/arm64/booting.rst).
func hangingKernel() string {
	b := make([]byte, 4096)
	copy(b, []byte{0, 0, 0, 0x14})                     // b .
	copy(b[16:], []byte{0, 0x10, 0, 0})                // image_size 4096, little endian
	copy(b[24:], []byte{0x0a})                         // flags: 4 KiB pages, anywhere
	copy(b[56:], []byte{'A', 'R', 'M', 0x64, 0, 0, 0}) // magic
	return string(b)
}

// drillUpdate updates a kit from its stick, well and badly.
func drillUpdate(ctx context.Context, o options, w *workshop, r *record) error {
	u, end, err := newUpdates(ctx, w, r)
	if err != nil {
		return err
	}
	defer end()
	if _, _, err := u.good(ctx); err != nil {
		return err
	}
	for i, bad := range badSystems() {
		if i+1 < o.from {
			continue
		}
		if err := u.bad(ctx, bad, i); err != nil {
			return err
		}
	}
	return nil
}

// drillUpdateCuts cuts the power at random in a good update. The kit must come back green in whichever slot, with its data.
func drillUpdateCuts(ctx context.Context, o options, w *workshop, r *record) error {
	u, end, err := newUpdates(ctx, w, r)
	if err != nil {
		return err
	}
	defer end()
	good, span, err := u.good(ctx)
	if err != nil {
		return err
	}
	r.note("from the plug until the new system is good: %.1f s; the power is cut within that", span.Seconds())
	var mu sync.Mutex // guards what follows
	ended := map[string]int{}
	bricks := 0
	err = inParallel(ctx, o.from, o.cuts(updateCuts), o.jobs, func(ctx context.Context, i int) error {
		rng := rand.New(rand.NewPCG(o.seed, 1<<32+uint64(i)))
		at := time.Duration(rng.Int64N(int64(span) * 11 / 10))
		k, err := u.b.start(ctx, filepath.Join(w.dir, fmt.Sprint("update", i)))
		if err != nil {
			return err
		}
		defer k.remove()
		slot := ""
		ok := r.do(fmt.Sprintf("power cut %d, %.1f s after the plug of an update", i, at.Seconds()), func() (err error) {
			slot, err = u.cut(ctx, k, good, at)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		ended[slot]++
		if !ok && ctx.Err() == nil { // else it was the drill that was interrupted
			bricks++
		}
		return nil
	})
	r.figure("kits that ended in slot A / B after a power cut", "%d / %d", ended["A"], ended["B"])
	r.figure("bricks", "%d", bricks)
	return err
}

// newUpdates brings a kit to where updates begin.
func newUpdates(ctx context.Context, w *workshop, r *record) (u *updates, end func(), err error) {
	b, err := newBase(ctx, w, r)
	if err != nil {
		return nil, nil, err
	}
	return &updates{b: b, w: w, r: r}, b.close, nil
}

// updates is the drill under way.
type updates struct {
	b *base
	w *workshop
	r *record
}

// stick makes a stick with a system, spoiled or not.
func (u *updates) stick(name string, counter uint64, spoil func(*workshop, string) error) (*guest.Stick, error) {
	image := u.w.root()
	if spoil != nil {
		image = filepath.Join(u.w.dir, "spoiled.ext4")
		defer os.Remove(image)
		if err := guest.CopyDisk(u.w.root(), image); err != nil {
			return nil, err
		}
		if err := spoil(u.w, image); err != nil {
			return nil, err
		}
	}
	in, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	file := filepath.Join(u.w.dir, name+".lws")
	defer os.Remove(file)
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewWriter(out)
	begin := time.Now()
	system, err := bundle.WriteSystem(buffered, bundle.System{
		Head:    bundle.Head{Counter: counter, Target: bundle.Target{Board: u.w.board}, Created: time.Now()},
		Version: name,
	}, u.b.s.signer, in)
	if err := errors.Join(err, buffered.Flush(), out.Close()); err != nil {
		return nil, err
	}
	if spoil == nil {
		u.r.figure("system bundle", "%6.1f MB, made in %.1f s", float64(system.PayloadSize)/1e6, time.Since(begin).Seconds())
	}
	s, err := guest.NewStick(filepath.Join(u.w.dir, name+".img"), 64+int(system.PayloadSize>>20), guest.FAT, true, nil)
	if err != nil {
		return nil, err
	}
	return s, s.Copy(name+".lws", file)
}

// good updates a kit from a stick, and tells how long that took.
func (u *updates) good(ctx context.Context) (stick *guest.Stick, span time.Duration, err error) {
	if stick, err = u.stick("good", 2, nil); err != nil {
		return nil, 0, err
	}
	k, err := u.b.start(ctx, filepath.Join(u.w.dir, "good-update"))
	if err != nil {
		return nil, 0, err
	}
	defer k.remove()
	begin := time.Now()
	ok := u.r.all(
		step{"a good update is written, and the machine starts anew", func() error {
			k.at = k.Console.Here()
			if err := k.Plug(ctx, stick); err != nil {
				return err
			}
			_, err := k.sees(ctx, writeTime, started)
			return err
		}},
		step{"the new system runs, and is called good", func() error {
			if _, err := k.sees(ctx, updateTime, goodText); err != nil {
				return err
			}
			span = time.Since(begin)
			return k.Unplug(ctx, stick)
		}},
		step{"it runs from slot B, with all its data", func() error { return u.is(ctx, k, "B") }},
		step{"and does so after another start", func() error {
			if err := k.on(ctx); err != nil {
				return err
			}
			return u.is(ctx, k, "B")
		}},
	)
	if !ok {
		return nil, 0, errors.New("a good update does not work")
	}
	u.r.figure("update, from the plug to called good", "%6.1f s", span.Seconds())
	return stick, span, nil
}

// goodText is what the console says when a new system has proved itself.
const goodText = "runs and is healthy"

// bad offers a system that never gets healthy.
func (u *updates) bad(ctx context.Context, bad badSystem, i int) error {
	k, err := u.b.start(ctx, filepath.Join(u.w.dir, fmt.Sprint("bad", i)))
	if err != nil {
		return err
	}
	defer k.remove()
	stick, err := u.stick(fmt.Sprint("bad", i), 2, bad.spoil)
	if err != nil {
		return err
	}
	defer os.Remove(stick.Image)
	begin := time.Now()
	u.r.do("falls back from "+bad.name, func() error {
		k.at = k.Console.Here()
		if err := k.Plug(ctx, stick); err != nil {
			return err
		}
		if _, err := k.sees(ctx, writeTime, started); err != nil {
			return err
		}
		if err := k.settled(ctx, giveUpTime); err != nil {
			return err
		}
		if err := k.Unplug(ctx, stick); err != nil {
			return err
		}
		all, dog := k.Resets()
		u.r.figure("fall back from "+bad.name, "%6.1f s, %d starts, %d by the watchdog", time.Since(begin).Seconds(), all, dog)
		return u.is(ctx, k, "A")
	})
	return ctx.Err()
}

// cut cuts the power in an update, and tells in which slot the kit ended.
func (u *updates) cut(ctx context.Context, k *kit, good *guest.Stick, at time.Duration) (slot string, err error) {
	stick := *good
	stick.Image = filepath.Join(k.m.Dir, "good.img")
	if err := guest.CopyDisk(good.Image, stick.Image); err != nil {
		return "", err
	}
	defer os.Remove(stick.Image)
	if err := k.Plug(ctx, &stick); err != nil {
		return "", err
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(at):
	}
	k.off()
	if err := k.on(ctx); err != nil {
		return "", err
	}
	if err := k.settled(ctx, giveUpTime); err != nil {
		return "", err
	}
	slot, err = k.slot()
	if err != nil {
		return "", err
	}
	return slot, u.is(ctx, k, slot)
}

// is checks that a kit is green in that slot and has its data, and switches it off.
func (u *updates) is(ctx context.Context, k *kit, slot string) error {
	if err := mayEnter(ctx, k, 1); err != nil {
		return err
	}
	got, err := k.slot()
	if err != nil {
		return err
	}
	if got != slot {
		return fmt.Errorf("it runs from slot %s", got)
	}
	k.off()
	l, err := u.b.s.lookAt(k, 1)
	return errors.Join(err, l.whole())
}

// slot is what the kit said at its newest start that it runs from.
func (k *kit) slot() (string, error) {
	slot := ""
	for _, l := range k.Console.Since(0) {
		if strings.Contains(l.Text, "kit: this is ") {
			_, slot, _ = strings.Cut(l.Text, ", slot ")
		}
	}
	if slot == "" {
		return "", errors.New("the kit did not tell its slot:\n" + k.Console.Tail(20))
	}
	return slot[:1], nil
}
