package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"longwire/board"
	"longwire/tools/rig/guest"
)

// drillReset holds the button: shortly, which does nothing, and long, after which the kit knows nothing any more.
func drillReset(ctx context.Context, _ options, w *workshop, r *record) error {
	b, err := newBase(ctx, w, r)
	if err != nil {
		return err
	}
	defer b.close()
	k, err := b.start(ctx, filepath.Join(w.dir, "reset"))
	if err != nil {
		return err
	}
	defer k.remove()
	p, ok := board.Find(w.board)
	if !ok {
		return fmt.Errorf("there is no profile of %s", w.board)
	}
	r.all(
		step{"the button held for half the time does nothing", func() error {
			k.at = k.Console.Here()
			if err := k.Hold(ctx, button, p.Button.Hold/2); err != nil {
				return err
			}
			if l, err := k.Await(ctx, &k.at, p.Button.Hold, resetText); err == nil {
				return errors.New("the kit said " + l.Text)
			}
			return mayEnter(ctx, k, 1)
		}},
		step{"held long enough it resets the kit, which starts anew", func() error {
			k.at = k.Console.Here()
			if err := k.Hold(ctx, button, p.Button.Hold+2*time.Second); err != nil {
				return err
			}
			if _, err := k.sees(ctx, stickTime, resetText); err != nil {
				return err
			}
			if _, err := k.sees(ctx, bootTime, started); err != nil {
				return err
			}
			_, _, err := k.lamp(ctx, bootTime, board.Attention)
			return err
		}},
		step{"nothing of settings, accounts and messages is left", func() error {
			k.off()
			image := filepath.Join(k.m.Dir, "data.img")
			defer os.Remove(image)
			if err := guest.Extract(k.m.Disk, "data", image); err != nil {
				return err
			}
			for _, gone := range []string{"/kit/gen/000001", "/longwire/longwire.db"} {
				if guest.ExistsExt4(image, gone) {
					return fmt.Errorf("/data%s is still there", gone)
				}
			}
			return nil
		}},
		step{"it takes another organisation's bundle, as a new kit does", func() error {
			if err := k.on(ctx); err != nil {
				return err
			}
			if _, _, err := k.lamp(ctx, bootTime, board.Attention); err != nil {
				return err
			}
			other := *b.s
			if other.signer, err = newSigner(); err != nil {
				return err
			}
			stick, err := other.stick(filepath.Join(k.m.Dir, "other.img"), 1)
			if err != nil {
				return err
			}
			verdict, report, err := k.offer(ctx, stick)
			if err == nil && verdict != board.Applied {
				err = fmt.Errorf("the lamp says %v, and the report\n%s", verdict, report)
			}
			return errors.Join(err, mayEnter(ctx, k, 1))
		}},
	)
	return nil
}

// button is the key that is the button of QEMU's boards (board.Profile), by QEMU's name.
const button = "f12"

const resetText = "kit: reset: "
