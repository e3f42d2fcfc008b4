package node

import (
	"fmt"
	"sync"

	"longwire/firmware/config"
	"longwire/links/codec"
	"longwire/links/s5066/frame"
)

// methods are how stanzas may be coded for peers, made once for each configuration of a codec.
type methods struct {
	mu sync.Mutex
	by map[string][]frame.Method
}

// of are those for a peer on a link, the best first; none: stanzas are not coded.
func (m *methods) of(cfg *config.Config, l *config.Link, p *config.Peer) ([]frame.Method, error) {
	kind := map[string]frame.Kind{config.CodecMix: frame.Mix, config.CodecLight: frame.Light}[cfg.CodecOn(l, p)]
	c := &p.Codec
	provision := codec.Provision{JIDs: c.Names, Strings: c.Texts, Phrases: c.AllPhrases()}
	key := fmt.Sprintf("%d %q", kind, provision)
	m.mu.Lock()
	defer m.mu.Unlock()
	if made, ok := m.by[key]; ok {
		return made, nil
	}
	made, err := frame.Methods(kind, provision)
	if err != nil {
		return nil, err
	}
	if m.by == nil {
		m.by = map[string][]frame.Method{}
	}
	m.by[key] = made
	return made, nil
}
