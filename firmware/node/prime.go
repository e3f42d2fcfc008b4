package node

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"longwire/firmware/config"
	"longwire/links/codec"
)

// Where what the codec knows beforehand lies ready: in the image, or from an earlier start.
const (
	imageSnapshot = "/usr/share/longwire/codec.snapshot"
	ownSnapshot   = "codec.snapshot" // in the data folder
)

// slowStart is how long making it may take before it is kept for the next start. Choice: a desktop takes one second, a board ten and more.
const slowStart = 3 * time.Second

// prime readies the codec in the background, if a link has use for it. A frame that comes before waits for that, and nothing else does.
func (n *Node) prime(ctx context.Context, ready func()) error {
	ready()
	if wants(n.Config()) {
		own := filepath.Join(n.Config().Data, ownSnapshot)
		if !n.restore(imageSnapshot) && !n.restore(own) {
			n.learn(own)
		}
		debug.FreeOSMemory() // learning leaves some 12 MiB behind, which an idle node would keep for minutes
	}
	<-ctx.Done()
	return nil
}

// wants tells whether stanzas are coded on any link.
func wants(cfg *config.Config) bool {
	for i := range cfg.Peers {
		if cfg.Coded(&cfg.Peers[i]) {
			return true
		}
	}
	return false
}

// restore takes a snapshot, if there is one and it is of this release.
func (n *Node) restore(path string) bool {
	b, err := readSnapshot(path)
	if err == nil {
		err = codec.Base().Restore(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.log.Info("a snapshot of the codec is not used", "file", path, "err", err)
	}
	return err == nil
}

// maxSnapshot is more than any snapshot has: what is longer is none, and is not read to its end.
const maxSnapshot = 16 << 20

func readSnapshot(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSnapshot))
}

// learn makes what is known, and keeps it where that took long.
func (n *Node) learn(own string) {
	start := time.Now()
	codec.Base().Prime()
	took := time.Since(start)
	n.log.Debug("the codec is ready", "took", took)
	if took < slowStart {
		return
	}
	err := os.WriteFile(own+".new", codec.Base().Snapshot(), 0o600)
	if err == nil {
		err = os.Rename(own+".new", own) // whatever a failure of power leaves is found out by its sum
	}
	if err != nil {
		n.log.Warn("the snapshot of the codec is not kept; the next start takes as long again", "took", took, "err", err)
	}
}
