package node

import (
	"fmt"
	"sync"

	"longwire/firmware/config"
	"longwire/links/codec"
	"longwire/links/codecs"
)

// methods are how stanzas may be coded for peers, made once for each configuration of a codec.
type methods struct {
	mu sync.Mutex
	by map[string][]codecs.Method
}

// of are those for a peer on a link, the best first; none: stanzas are not coded.
func (m *methods) of(cfg *config.Config, l *config.Link, p *config.Peer) ([]codecs.Method, error) {
	kind := map[string]codecs.Kind{config.CodecMix: codecs.Mix, config.CodecLight: codecs.Light}[cfg.CodecOn(l, p)]
	c := &p.Codec
	provision := codec.Provision{JIDs: c.Names, Strings: c.Texts, Phrases: c.AllPhrases()}
	key := fmt.Sprintf("%d %q", kind, provision)
	m.mu.Lock()
	defer m.mu.Unlock()
	if made, ok := m.by[key]; ok {
		return made, nil
	}
	made, err := codecs.For(kind, provision)
	if err != nil {
		return nil, err
	}
	if m.by == nil {
		m.by = map[string][]codecs.Method{}
	}
	m.by[key] = made
	return made, nil
}
