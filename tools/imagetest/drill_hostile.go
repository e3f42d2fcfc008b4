package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"longwire/board"
	"longwire/images/bundle"
	"longwire/tools/rig/guest"
)

// A hostile stick is one that must change nothing.
type hostile struct {
	name  string
	files map[string][]byte
	fs    guest.Filesystem // "": FAT
	// says is a word of the report.
	says    string
	verdict board.Signal
	blank   bool // the stick has no file system
}

// hostiles are a few of the cases that firmware/provision's tests know, on real file systems and through the whole kit.
func (s *drillground) hostiles() (all []hostile, err error) {
	seal := func(c bundle.Config, signer bundle.Signer) []byte {
		b, fault := c.Encode(signer, "")
		err = errors.Join(err, fault)
		return b
	}
	stranger, fault := bundle.NewSigner("Stranger")
	if fault != nil {
		return nil, fault
	}
	good := seal(s.config(2), s.signer)
	old := s.config(1)
	old.Note = "other settings with a number that was used"
	foreign, broken, impossible := s.config(2), s.config(2), s.config(2)
	foreign.Name, foreign.Target = "field", bundle.Target{Name: "field"}
	broken.Docs.Node += "\nno_such_setting = 1\n"
	// A SIS server that is not there: everything can be read, and nothing works.
	impossible.Docs.Node = strings.Replace(impossible.Docs.Node, "127.0.0.1:5066", "127.0.0.1:5067", 1)
	one := func(b []byte) map[string][]byte { return map[string][]byte{"kit.lwb": b} }
	all = []hostile{
		{name: "a key that is not the organisation's", files: one(seal(s.config(2), stranger))},
		{name: "other settings with an old number", files: one(seal(old, s.signer))},
		{name: "settings for another kit", files: one(seal(foreign, s.signer)), says: "field", verdict: board.Working},
		{name: "a bundle cut short", files: one(good[:len(good)*2/3])},
		{name: "a bundle with one bit changed", files: one(flipped(good))},
		{name: "two bundles for this kit", files: map[string][]byte{"one.lwb": good, "two.lwb": seal(s.config(3), s.signer)}},
		{name: "settings that the node cannot read", files: one(seal(broken, s.signer)), says: "no_such_setting"},
		{name: "settings that cannot work", files: one(seal(impossible, s.signer)), says: "UNDONE"},
		{name: "a file of 40 MB", files: one(make([]byte, 40<<20))},
		{name: "symbolic links to the kit's own files", fs: guest.Ext4, says: "a link",
			files: map[string][]byte{"key.lwb": []byte("-> /data/kit/key"), "up.lwb": []byte("-> ../../data/kit/current/longwire.toml")}},
		{name: "no file system", blank: true},
		{name: "an empty stick", verdict: board.Working},
	}
	return all, err
}

func flipped(b []byte) []byte {
	c := append([]byte(nil), b...)
	c[len(c)/2] ^= 1
	return c
}

// drillHostile offers them one after the other to a kit that works.
func drillHostile(ctx context.Context, _ options, w *workshop, r *record) error {
	b, err := newBase(ctx, w, r)
	if err != nil {
		return err
	}
	defer b.close()
	k, err := b.start(ctx, filepath.Join(w.dir, "hostile"))
	if err != nil {
		return err
	}
	defer k.remove()
	list, err := b.s.hostiles()
	if err != nil {
		return err
	}
	for i, h := range list {
		r.do("refused: "+h.name, func() error { return h.try(ctx, k, filepath.Join(k.m.Dir, fmt.Sprintf("hostile%d.img", i))) })
	}
	r.do("nothing was changed by all of them", func() error {
		if err := mayEnter(ctx, k, 1); err != nil {
			return err
		}
		k.off()
		l, err := b.s.lookAt(k, 1)
		return errors.Join(err, l.whole())
	})
	r.do("the right bundle is taken all the same", func() error {
		if err := k.on(ctx); err != nil {
			return err
		}
		if err := k.settled(ctx, bootTime+trialTime); err != nil {
			return err
		}
		stick, err := b.s.stick(filepath.Join(k.m.Dir, "good.img"), 4)
		if err != nil {
			return err
		}
		verdict, report, err := k.offer(ctx, stick)
		if err == nil && verdict != board.Applied {
			err = fmt.Errorf("the lamp says %v, and the report\n%s", verdict, report)
		}
		return errors.Join(err, mayEnter(ctx, k, 4))
	})
	return nil
}

// try offers one, which must be refused in plain words.
func (h *hostile) try(ctx context.Context, k *kit, image string) error {
	fs, size := h.fs, 64
	if fs == "" {
		fs = guest.FAT
	}
	stick, err := guest.NewStick(image, size, fs, false, h.files)
	if err != nil {
		return err
	}
	if h.blank {
		return h.tryBlank(ctx, k, stick)
	}
	want := h.verdict
	if want == 0 {
		want = board.Refused
	}
	verdict, report, err := k.offer(ctx, stick)
	switch {
	case err != nil:
		return err
	case verdict != want:
		return fmt.Errorf("the lamp says %v; the report is\n%s", verdict, report)
	case want == board.Refused && !strings.Contains(report, "REFUSED, nothing was changed") && !strings.Contains(report, "UNDONE"):
		return fmt.Errorf("the report does not say that nothing was changed:\n%s", report)
	case !strings.Contains(report, h.says):
		return fmt.Errorf("the report does not say %q:\n%s", h.says, report)
	}
	return nil
}

// tryBlank: on a stick without a file system there is no room for a report; the lamp alone tells.
func (h *hostile) tryBlank(ctx context.Context, k *kit, stick *guest.Stick) error {
	if err := stick.Wipe(); err != nil {
		return err
	}
	k.at = k.Console.Here()
	if err := k.Plug(ctx, stick); err != nil {
		return err
	}
	if _, _, err := k.lamp(ctx, stickTime, board.Refused); err != nil {
		return err
	}
	return k.Unplug(ctx, stick)
}
