package config

import (
	"errors"
	"os"
	"strings"
)

// How stanzas are coded for a peer that is a Longwire node, too.
const (
	CodecAuto  = "auto"
	CodecMix   = "mix"
	CodecLight = "light"
	CodecNone  = "none"
)

// PeerCodec is how small stanzas get, and what both ends know beforehand.
type PeerCodec struct {
	Method  string   `toml:"method" doc:"The best that is used between two Longwire nodes (s5066: with the mapping longwire). mix: each letter is guessed from what went before, the least air there is, for some time of the processor. light: the same tokens without the guessing, for tiny boards. none: as the link says in compress. auto: mix with s5066, and with ip where zero_rtt says that the peer is a Longwire node, and the class is satcom or the rate at most 64000. The two sides settle for the best that both can, and say so when that is less than this."`
	Names   []string `toml:"names" eg:"[\"alice@headquarters.net\", \"bob@field.net\", \"ops@chat.headquarters.net\"]" doc:"Addresses of both sides' people, rooms and domains, that each need not be told when they are first met. It counts most with non-arq, where nothing is remembered. Like texts and phrases the same on both sides, in any order; 'twin write' does that. While they differ the two sides use none of them."`
	Texts   []string `toml:"texts" eg:"[\"UNCLASSIFIED\", \"https://gajim.org\"]" doc:"The same for other texts that stanzas have again and again: security labels, the nodes and versions of clients."`
	Phrases []string `toml:"phrases" eg:"[\"Request MEDEVAC, grid\", \"Nothing heard\"]" doc:"How people here write: sentences, reports, words of the trade. What is like them costs less."`
	File    string   `toml:"phrases_file" eg:"\"phrases.txt\"" doc:"A file with more of them, one a line. It is read again at each reload."`

	Lines []string `toml:"-"` // of the file
}

// maxPhrases is how much names, texts and phrases may be, in bytes: it all is learned at the start. links/codec takes no more.
const maxPhrases = 256 << 10

// AllPhrases are those of the list and of the file.
func (c *PeerCodec) AllPhrases() []string {
	return append(append([]string{}, c.Phrases...), c.Lines...)
}

func (c *PeerCodec) size() (n int) {
	for _, list := range [][]string{c.Names, c.Texts, c.Phrases, c.Lines} {
		for _, s := range list {
			n += len(s)
		}
	}
	return n
}

// PhrasesOf are the lines of a file of phrases. Empty ones, and those that begin with #, are none.
func PhrasesOf(text string) (lines []string) {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			lines = append(lines, l)
		}
	}
	return lines
}

// readPhrases reads the file.
func readPhrases(path string) ([]string, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, errors.New("this is a folder, not a file")
	case st.Size() > maxPhrases:
		return nil, errors.New("it has more than 256 KiB")
	}
	text, err := os.ReadFile(path)
	return PhrasesOf(string(text)), err
}

// slowRate is a rate, in bit/s, up to which thinking costs less than sending.
const slowRate = 64000

// CodecOn is how stanzas are coded at best between us and a peer on one of its links: CodecMix, CodecLight or CodecNone.
func (c *Config) CodecOn(l *Link, p *Peer) string {
	switch {
	case !l.Compress, l.Type == LinkS5066 && p.S5066.Mapping != MappingLongwire:
		return CodecNone
	case p.Codec.Method != CodecAuto:
		return p.Codec.Method
	case l.Type == LinkS5066, l.ZeroRTT && (l.Class == "satcom" || l.Rate > 0 && l.Rate <= slowRate):
		return CodecMix
	}
	return CodecNone
}

// Coded tells whether stanzas for a peer are coded on any of its links, so that it is a Longwire node.
func (c *Config) Coded(p *Peer) bool {
	for _, l := range c.linksOf(p) {
		if c.CodecOn(l, p) != CodecNone {
			return true
		}
	}
	return false
}
