package config

import (
	"fmt"
	"strings"

	"longwire/links/pair"
)

// pairing checks invitations.
func (k *checker) pairing() {
	key := k.c.Pairing.Key
	if key != "" {
		k.pairKey()
	}
	tokens, invited := map[pair.Invitation]int{}, false
	for i := range k.c.Peers {
		p := &k.c.Peers[i]
		if !k.peerPairing(i, tokens) {
			continue
		}
		invited = invited || p.Invited()
		if p.Invited() && key == "" {
			k.bad(fmt.Sprintf("peer[%d].pairing", i), "set key below [pairing]; or, if this node is the kit, set headquarters_key here", "peer %q is an invited kit, and its headquarters has no key", p.Name)
		}
	}
	if key != "" && !invited {
		k.warn("pairing.key", "take it out, or invite a kit with a token below [peer.pairing]", "no peer is an invited kit, so the key is of no use")
	}
}

func (k *checker) pairKey() {
	const remedy = "let 'longwire kit key' make one"
	if _, err := pair.ParsePrivateKey(k.c.Pairing.Key); err != nil {
		k.bad("pairing.key", remedy, "this is no key: %s", pairWords(err))
	}
}

// peerPairing checks one peer's; false means that it has none.
func (k *checker) peerPairing(i int, tokens map[pair.Invitation]int) bool {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d].pairing", i)
	s := &p.Pairing
	k.oneOf(at+".introduce", s.Introduce, IntroduceAtOnce, IntroduceWithData)
	if s.Token == "" {
		switch {
		case s.HeadquartersKey != "":
			k.bad(at+".headquarters_key", "set the token that headquarters has made for this kit, or take the key out", "peer %q has a key and no token", p.Name)
		case s.Introduce != IntroduceAtOnce:
			k.bad(at+".introduce", "set token and headquarters_key, or take it out", "peer %q has nobody to introduce itself to", p.Name)
		}
		return false
	}
	if links := k.c.linksOf(p); len(links) > 0 && len(k.c.radios(p)) == 0 {
		k.bad(at, `take it out: on a link of type ip, tls = "direct" with pin_sha256 tells who the peer is`,
			"pairing is for links of type s5066, and peer %q is reached by link %q of type %s", p.Name, links[0].Name, links[0].Type)
		return false
	}
	t, err := pair.ParseToken(s.Token)
	if err != nil {
		k.bad(at+".token", "copy the one that was made for this kit, or let 'longwire kit key' make one", "this is no token: %s", pairWords(err))
	} else if j, taken := tokens[t.Invitation()]; taken {
		k.bad(at+".token", "make a token for each kit", "peer %q%s has the same token", k.c.Peers[j].Name, k.on(fmt.Sprintf("peer[%d].pairing.token", j)))
	} else {
		tokens[t.Invitation()] = i
	}
	if s.HeadquartersKey != "" {
		if _, err := pair.ParsePublicKey(s.HeadquartersKey); err != nil {
			k.bad(at+".headquarters_key", "copy the one that belongs to headquarters' key", "this is no key of a headquarters: %s", pairWords(err))
		}
	} else if s.Introduce != IntroduceAtOnce {
		k.bad(at+".introduce", "take it out; the kit's own configuration says it", "peer %q is the kit, which introduces itself to us", p.Name)
	}
	if p.S5066.Mapping == MappingRCOP && p.S5066.ApplicationID == pair.Application {
		k.bad(fmt.Sprintf("peer[%d].s5066.application_id", i), "choose another on both sides", "%#x is the application of pairing", pair.Application)
	}
	return true
}

func pairWords(err error) string { return strings.TrimPrefix(err.Error(), "pair: ") }
