package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"longwire/board"
	"longwire/store"
	"longwire/tools/rig/guest"
)

// queued is how many lines wait for a peer that is not there.
const queued = 5

func queuedLine(i int) string { return fmt.Sprintf("line %d waits for the radio", i) }

// A base is a kit in generation 1 with a full queue, as it stood when it was saved. From there every cut begins, which saves a start of the machine
// each time.
type base struct {
	s           *drillground
	w           *workshop
	disk, state string
}

// newBase sets a kit up from a virgin disk, on a ground of its own. Who has it closes it.
func newBase(ctx context.Context, w *workshop, r *record) (b *base, err error) {
	s, err := newDrillground()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.channel.Close()
		}
	}()
	k, err := w.newKit("drill", w.dir, w.disk())
	if err != nil {
		return nil, err
	}
	defer k.off()
	first, err := s.stick(filepath.Join(w.dir, "first.img"), 1)
	if err != nil {
		return nil, err
	}
	ok := r.all(
		step{"a kit starts from a virgin disk", func() error { return k.boot(ctx, "virgin") }},
		step{"it takes generation 1", func() error {
			verdict, report, err := k.offer(ctx, first)
			if err == nil && verdict != board.Applied {
				err = fmt.Errorf("the lamp says %v, and the report\n%s", verdict, report)
			}
			return err
		}},
		step{"it is green", func() error { _, err := k.green(ctx, trialTime); return err }},
		step{fmt.Sprintf("alice leaves %d lines for a peer that is not there", queued), func() error {
			p := alice(k, 1)
			defer p.leave()
			if err := p.enterWithin(ctx, guest.Patience*loginTime); err != nil {
				return err
			}
			for i := range queued {
				if err := p.sayTaken(ctx, "bob@field.net", queuedLine(i)); err != nil {
					return err
				}
			}
			return nil
		}},
	)
	if !ok {
		return nil, errors.New("the drill cannot begin")
	}
	b = &base{s: s, w: w, disk: k.m.Disk, state: filepath.Join(w.dir, "drill.state")}
	if err := k.Save(ctx, b.state); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *base) close() { b.s.channel.Close() }

// start makes a kit go on from the base in a folder of its own.
func (b *base) start(ctx context.Context, dir string) (*kit, error) {
	k, err := b.w.newKit("kit", dir, b.disk)
	if err != nil {
		return nil, err
	}
	k.m.State = b.state
	if err := k.on(ctx); err != nil {
		return nil, err
	}
	k.m.State = "" // its next start is an ordinary one
	return k, nil
}

// A look is what a disk holds after the power was cut.
type look struct {
	generation int
	lines      []string // of the queue
}

var linkTarget = regexp.MustCompile(`Fast link dest: "(gen/[0-9]+)"`)

// lookAt reads the data partition of a kit that is off: which generation is in force, whole, and what waits in the queue.
func (s *drillground) lookAt(k *kit, generations ...int) (l look, err error) {
	image := filepath.Join(k.m.Dir, "data.img")
	defer os.Remove(image)
	if err := guest.Extract(k.m.Disk, "data", image); err != nil {
		return l, err
	}
	current, err := guest.StatExt4(image, "/kit/current")
	if err != nil {
		return l, err
	}
	m := linkTarget.FindStringSubmatch(current)
	if m == nil {
		return l, fmt.Errorf("/data/kit/current is no link to a generation:\n%s", current)
	}
	read := func(name string) string {
		b, fault := guest.ReadExt4(image, "/kit/"+m[1]+"/"+name)
		err = errors.Join(err, fault)
		return string(b)
	}
	node, sis := read("longwire.toml"), read("s5066d.toml")
	if err != nil {
		return l, err
	}
	i := slices.IndexFunc(generations, func(g int) bool {
		d := s.documents(g)
		return strings.HasSuffix(node, d.Node) && strings.HasSuffix(sis, d.SIS)
	})
	if i < 0 {
		return l, fmt.Errorf("%s is of none of the generations %v, or half of two:\n%s\n%s", m[1], generations, node, sis)
	}
	l.generation = generations[i]
	l.lines, err = queueOn(image, k.m.Dir)
	return l, err
}

// queueOn reads the lines in the queues of a node's store.
func queueOn(image, dir string) (lines []string, err error) {
	b, err := guest.ReadExt4(image, "/longwire/longwire.db")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "longwire.db")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	db, err := store.Open(file, store.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	names, err := db.Queues()
	for _, n := range names {
		list, fault := db.Queue(n).List()
		err = errors.Join(err, fault)
		for _, e := range list {
			lines = append(lines, string(e.Stanza))
		}
	}
	return lines, err
}

// whole checks that the queue has each line once, in order.
func (l look) whole() error {
	if len(l.lines) != queued {
		return fmt.Errorf("%d of %d lines wait in the queue: %q", len(l.lines), queued, l.lines)
	}
	for i, text := range l.lines {
		if !strings.Contains(text, queuedLine(i)) {
			return fmt.Errorf("line %d of the queue is %q", i, text)
		}
	}
	return nil
}
