package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"longwire/xmpp/jid"
)

// peerCodec checks how stanzas are coded for a peer, and reads its file of phrases.
func (k *checker) peerCodec(i int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d].codec", i)
	c := &p.Codec
	k.oneOf(at+".method", c.Method, CodecAuto, CodecMix, CodecLight, CodecNone)
	for j, name := range c.Names {
		a, err := jid.Parse(name)
		if err != nil {
			k.bad(fmt.Sprintf("%s.names[%d]", at, j), `write it as in "bob@field.net"`, "%q is not an address", name)
			continue
		}
		c.Names[j] = a.String()
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"texts", c.Texts}, {"phrases", c.Phrases}} {
		for j, s := range l.list {
			if strings.TrimSpace(s) == "" || !utf8.ValidString(s) {
				k.bad(fmt.Sprintf("%s.%s[%d]", at, l.key, j), "take it out", "%q is no text", s)
			}
		}
	}
	if c.File != "" {
		lines, err := readPhrases(c.File)
		if err != nil {
			k.bad(at+".phrases_file", "write the name of a file with one phrase a line", "%v", reason(err))
		}
		c.Lines = lines
		for _, s := range lines {
			if !utf8.ValidString(s) {
				k.bad(at+".phrases_file", "save it as UTF-8", "%q is no text", s)
				break
			}
		}
	}
	if n := c.size(); n > maxPhrases {
		k.bad(at, fmt.Sprintf("keep to %d", maxPhrases), "names, texts and phrases have %d bytes", n)
	}
	if c.size() > 0 && !k.c.coded(p) {
		k.warn(at, `take it out, or set s5066.mapping = "longwire" on both sides`, "peer %q has names, texts or phrases, and no link on which they count", p.Name)
	} else if c.size() > 0 && c.Method == CodecNone {
		k.warn(at, `take it out, or the method none`, "peer %q has names, texts or phrases, and the method none uses them for nothing", p.Name)
	}
}

// reason is why a file cannot be read, without its name.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// coded tells whether a link of the peer may code stanzas by more than deflate.
func (c *Config) coded(p *Peer) bool {
	for _, l := range c.linksOf(p) {
		if l.Type == LinkIP || p.S5066.Mapping == MappingLongwire {
			return true
		}
	}
	return len(c.linksOf(p)) == 0
}
