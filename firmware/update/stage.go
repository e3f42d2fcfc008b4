package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"longwire/images/bundle"
	"longwire/store"
)

// syncEvery bounds what waits in memory to be written: on a small machine and a slow card more of it would stall the node.
const syncEvery = 8 << 20

// Stage puts a system into the idle slot and makes it the next to be started. Until that last step, and whatever happens,
// the system that runs stays the one that is started. It does not start the machine anew: that is for the caller, who has a
// report to write first. progress may be nil.
//
// A *Refusal says that the bundle is not taken, and ErrRunning that there is nothing to do; then nothing was touched.
// A *bundle.Error is about its content. Other errors are of this machine.
func (u *Updater) Stage(ctx context.Context, f *bundle.SystemFile, progress func(Progress)) error {
	if !u.stage.TryLock() {
		return refuse("wait until it is over", "another update is under way")
	}
	defer u.stage.Unlock()
	tell := func(step string) func(done, total int64) {
		return func(done, total int64) {
			p := Progress{step, done, total}
			u.mu.Lock()
			u.now = p
			u.mu.Unlock()
			if progress != nil {
				progress(p)
			}
		}
	}
	defer func() {
		u.mu.Lock()
		u.now = Progress{}
		u.mu.Unlock()
	}()

	dev, err := u.o.Slot(u.running.Other())
	if err != nil {
		return fmt.Errorf("update: open slot %s: %w", u.running.Other(), err)
	}
	defer dev.Close()
	size, err := dev.Size()
	if err != nil {
		return fmt.Errorf("update: size of slot %s: %w", u.running.Other(), err)
	}
	if err := u.judge(ctx, f, size); err != nil {
		return err
	}
	if err := f.Check(ctx, tell("checking")); err != nil {
		return err
	}
	err = u.begin(f)
	if err == nil {
		err = u.put(ctx, dev, f, tell)
	}
	if err != nil {
		return errors.Join(err, u.abandon(f.Version, err))
	}
	return u.commit()
}

// begin notes what is about to happen, and takes the slot out of the boot order before a byte of it is changed.
func (u *Updater) begin(f *bundle.SystemFile) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	to := u.running.Other()
	err := u.change(func(s *state) {
		s.Phase, s.Told = writing, ""
		s.Next = &attempt{System: systemOf(f), Slot: to, From: u.running, Was: u.version(), Keep: store.Newest}
		delete(s.Slots, to)
	})
	if err != nil {
		return err
	}
	if err := u.env.Forbid(to); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

// put writes the image and reads it back.
func (u *Updater) put(ctx context.Context, dev Device, f *bundle.SystemFile, tell func(string) func(done, total int64)) error {
	image, err := f.Image()
	if err != nil {
		return err
	}
	defer image.Close()
	if err := u.write(ctx, dev, image, f.ImageSize, tell("writing")); err != nil {
		return err
	}
	if err := dev.Drop(); err != nil {
		return fmt.Errorf("update: read back: %w", err)
	}
	return u.readBack(ctx, dev, f, tell("reading back"))
}

// write puts the first piece last: until then the slot begins with zeros, so that nobody takes it for a file system, not even
// a boot loader that has lost its environment.
func (u *Updater) write(ctx context.Context, dev Device, image io.Reader, size int64, tell func(done, total int64)) error {
	failed := func(err error) error { return fmt.Errorf("update: write the system: %w", err) }
	first := make([]byte, min(u.chunk, size))
	if _, err := dev.WriteAt(first, 0); err != nil {
		return failed(err)
	}
	if err := dev.Sync(); err != nil {
		return failed(err)
	}
	if _, err := io.ReadFull(image, first); err != nil {
		return err
	}
	buf := make([]byte, u.chunk)
	for at, dirty := int64(len(first)), int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(u.chunk, size-at)]
		if _, err := io.ReadFull(image, b); err != nil {
			return err
		}
		if _, err := dev.WriteAt(b, at); err != nil {
			return failed(err)
		}
		at += int64(len(b))
		if dirty += int64(len(b)); dirty >= syncEvery || at == size {
			if err := dev.Sync(); err != nil {
				return failed(err)
			}
			dirty = 0
		}
		tell(at, size)
	}
	// The end of the image is where its digest is found right or wrong.
	if n, err := io.ReadFull(image, buf[:1]); n > 0 || !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := dev.WriteAt(first, 0); err != nil {
		return failed(err)
	}
	if err := dev.Sync(); err != nil {
		return failed(err)
	}
	return nil
}

// readBack compares what the medium holds.
func (u *Updater) readBack(ctx context.Context, dev Device, f *bundle.SystemFile, tell func(done, total int64)) error {
	h, buf := sha256.New(), make([]byte, u.chunk)
	for at := int64(0); at < f.ImageSize; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(u.chunk, f.ImageSize-at)]
		if n, err := dev.ReadAt(b, at); n < len(b) {
			return fmt.Errorf("update: read back at byte %d: %w", at+int64(n), err)
		}
		h.Write(b)
		at += int64(len(b))
		tell(at, f.ImageSize)
	}
	if !bytes.Equal(h.Sum(nil), f.ImageSHA256[:]) {
		return errors.New("update: the slot does not give back what was written to it; its flash is worn out")
	}
	return nil
}

// abandon notes that an update came to nothing. The slot stays out of the boot order.
func (u *Updater) abandon(version string, why error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.change(func(s *state) {
		s.Phase, s.Next = idle, nil
		s.Told = fmt.Sprintf("the update to version %s came to nothing: %v; version %s still runs", version, why, u.version())
	})
}

// commit makes the slot the next to be started. The note goes first: whoever finds the slot started knows that it is on trial.
func (u *Updater) commit() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.change(func(s *state) { s.Phase = written }); err != nil {
		return err
	}
	if err := u.env.Try(u.state.Next.Slot); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	u.o.Log.Info("a new system starts next", "version", u.state.Next.Version, "slot", string(u.state.Next.Slot))
	return nil
}
