package update

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longwire/images/bundle"
	"longwire/store"
)

const makeAnew = "ask the maker of the bundle for the one that this kit needs"

func refuse(remedy, format string, args ...any) error {
	return &Refusal{Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}

func systemOf(f *bundle.SystemFile) System {
	return System{Version: f.Version, Counter: f.Counter, Digest: hex.EncodeToString(f.Digest[:])}
}

// judge decides by what the bundle says, before its payload is read and before anything is touched. size is the slot's.
func (u *Updater) judge(ctx context.Context, f *bundle.SystemFile, size int64) error {
	u.mu.Lock()
	st, onTrial, runs := u.state.clone(), u.onTrial(), u.version()
	u.mu.Unlock()
	s := systemOf(f)
	if f.FirstUse {
		return refuse("plug in the stick with the kit's settings first", "this kit does not know yet whom to trust, and takes no system from strangers")
	}
	if err := forThis(u.o.Kit(), f.Target); err != nil {
		return err
	}
	if st.Slots[u.running].Digest == s.Digest {
		return ErrRunning
	}
	if onTrial && st.Next.Digest == s.Digest {
		return ErrRunning
	}
	if onTrial {
		return refuse("wait until the lamp is green", "the system that runs, version %s, is still on trial", runs)
	}
	if i := slices.IndexFunc(st.Failed, func(f Failure) bool { return f.Digest == s.Digest && !f.Forgiven }); i >= 0 {
		return refuse("ask for a newer one, or pull the stick out and plug it in again to try once more", "version %s was tried and given up: %s", s.Version, st.Failed[i].Why)
	}
	switch {
	case f.Downgrade:
	case s.Counter <= st.Counter && st.Slots[u.running.Other()].Digest != s.Digest: // the same again mends a slot that does not start
		return refuse("ask for a newer one, or for one that says that it goes back on purpose",
			"version %s is not newer: its counter is %d, and %d was here already", s.Version, s.Counter, st.Counter)
	case lower(s.Version, runs):
		return refuse("ask for a newer one, or for one that says that it goes back on purpose",
			"version %s is older than %s, which runs", s.Version, runs)
	}
	if f.ImageSize > size {
		return refuse(makeAnew, "the image has %d bytes and does not fit into the %d of a slot", f.ImageSize, size)
	}
	return u.judgeStore(ctx, f)
}

// forThis: what a bundle is bound to must be this kit. A name or fleet that the kit does not have is not its own.
func forThis(kit, t bundle.Target) error {
	for _, x := range []struct{ what, want, is string }{
		{"the board", t.Board, kit.Board}, {"the kit", t.KitID, kit.KitID}, {"a kit called", t.Name, kit.Name}, {"the fleet", t.Fleet, kit.Fleet},
	} {
		switch {
		case x.want == "" || x.want == x.is:
		case x.is == "":
			return refuse(makeAnew, "the system is for %s %s, and this kit is of none", x.what, x.want)
		default:
			return refuse(makeAnew, "the system is for %s %s, and this is %s", x.what, x.want, x.is)
		}
	}
	return nil
}

// judgeStore: the system must be able to work with the store, and as long as it is on trial with the format that it has
// now, since the system before it may have to read it again.
func (u *Updater) judgeStore(ctx context.Context, f *bundle.SystemFile) error {
	have := u.storeFormat(ctx)
	newest := max(f.StoreFormat, 1) // a bundle that does not tell is from before there was a second one
	oldest := max(f.StoreOldest, 1)
	switch {
	case newest < have:
		return refuse(makeAnew, "the messages and accounts here are kept in format %d, and version %s only reads up to %d", have, f.Version, newest)
	case oldest > have:
		return refuse("install a version in between first",
			"the messages and accounts here are kept in format %d, which version %s reads no more (from %d on)", have, f.Version, oldest)
	}
	return nil
}

// storeFormat is the format that the store has; of one that does not exist yet or cannot be asked for, what we would make.
func (u *Updater) storeFormat(ctx context.Context) uint64 {
	have, err := u.o.StoreFormat(ctx)
	if err != nil {
		u.o.Log.Warn("the format of the store is not known; it is taken to be the newest", "err", err)
	}
	if err != nil || have == 0 {
		return store.Newest
	}
	return have
}

// lower tells whether version a is certainly lower than b: both begin with numbers that are joined by dots, as in v1.2.3.
// Of others nothing is said; it is the counter that orders bundles.
func lower(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return x != nil && y != nil && slices.Compare(x, y) < 0
}

func numbers(version string) (list []int) {
	v := strings.TrimPrefix(version, "v")
	if i := strings.IndexFunc(v, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); i >= 0 {
		v = v[:i]
	}
	if !strings.Contains(v, ".") {
		return nil // a revision may begin with digits too
	}
	for _, part := range strings.Split(v, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		list = append(list, n)
	}
	return list
}
