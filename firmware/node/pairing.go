package node

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"longwire/firmware/config"
	"longwire/links/pair"
	"longwire/links/s5066"
	"longwire/store"
)

// kitKey is the secret in the store that is this node's key when it is a kit.
const kitKey = "pairing"

// pairing translates [peer.pairing]; nil if there is none.
func (n *Node) pairing(cfg *config.Config, p *config.Peer) (*s5066.Pairing, error) {
	if p.Pairing.Token == "" {
		return nil, nil
	}
	out := &s5066.Pairing{}
	var err error
	if out.Token, err = pair.ParseToken(p.Pairing.Token); err != nil {
		return nil, err
	}
	if p.Invited() {
		out.Key, err = pair.ParsePrivateKey(cfg.Pairing.Key)
		return out, err
	}
	out.AtOnce = p.Pairing.Introduce == config.IntroduceAtOnce
	if out.Headquarters, err = pair.ParsePublicKey(p.Pairing.HeadquartersKey); err != nil {
		return nil, err
	}
	var secret []byte
	look := func(tx *store.Tx) (err error) {
		secret, err = tx.Secret(kitKey, len(out.Key))
		return err
	}
	if err = n.db.View(look); errors.Is(err, store.ErrNotFound) {
		err = n.db.Update(look) // it is made
	}
	if err == nil && copy(out.Key[:], secret) != len(secret) {
		err = fmt.Errorf("node: the key of this kit has %d bytes", len(secret))
	}
	return out, err
}

// ForgetKit closes a kit again; see admin.ForgetKit.
func (n *Node) ForgetKit(peer string, again bool) error {
	n.reload.Lock()
	defer n.reload.Unlock()
	if err := n.s5066.Forget(peer, again); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	n.log.Warn("kit forgotten", "peer", peer, "again", again)
	return nil
}

// hqClock is the time that headquarters has told us, a kit whose own clock may be wrong.
type hqClock struct {
	mu sync.Mutex
	at time.Time // told
	by time.Time // by our clock, which goes on evenly even when it is set
}

// goodFor is how long such a time is passed on.
const goodFor = time.Hour

func (c *hqClock) told(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.by = at, time.Now()
}

// now is what time it is at headquarters; zero when that was not told for long.
func (c *hqClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := time.Since(c.by)
	if c.at.IsZero() || gone > goodFor {
		return time.Time{}
	}
	return c.at.Add(gone).UTC()
}
