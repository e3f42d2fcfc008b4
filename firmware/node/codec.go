package node

import (
	"sync"

	"longwire/firmware/config"
	"longwire/links/codec"
	"longwire/links/s5066/frame"
)

// lores are what both ends of each peer's links know beforehand, made once for each provision.
type lores struct {
	mu sync.Mutex
	by map[[4]byte]*codec.Lore
}

// of is the lore of a peer: what ships, and what its configuration adds.
func (l *lores) of(c *config.PeerCodec) (base, own *codec.Lore, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	base = codec.Base()
	if own, err = base.With(codec.Provision{JIDs: c.Names, Strings: c.Texts, Phrases: c.AllPhrases()}); err != nil {
		return nil, nil, err
	}
	if l.by == nil {
		l.by = map[[4]byte]*codec.Lore{}
	}
	if made, ok := l.by[own.ID()]; ok {
		return base, made, nil
	}
	l.by[own.ID()] = own
	return base, own, nil
}

// slow is a rate, in bit/s, at which thinking costs less than sending.
const slow = 64000

// methods are how stanzas may be coded for a peer on a link, the best first. The link says whether it compresses at all.
func (n *Node) methods(l *config.Link, p *config.Peer) ([]frame.Method, error) {
	c := &p.Codec
	how := c.Method
	if how == config.CodecAuto {
		how = config.CodecMix
		if l.Type == config.LinkIP && l.Class != "satcom" && (l.Rate == 0 || l.Rate > slow) {
			how = config.CodecNone
		}
	}
	if how == config.CodecNone || !l.Compress {
		return []frame.Method{}, nil
	}
	base, own, err := n.lores.of(c)
	if err != nil {
		return nil, err
	}
	_, _ = base, own
	return []frame.Method{frame.Text()}, nil
}
