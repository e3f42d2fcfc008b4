package sasl

import (
	"crypto/hmac"
	"encoding/base64"
	"strconv"
	"strings"
)

// exchange is what the server keeps between the two messages of SCRAM.
type exchange struct {
	first       clientFirst
	user        string // first.user after SASLprep
	account     account
	nonce       string // the client's and ours
	serverFirst string
}

// clientFirst answers the first message of SCRAM (RFC 5802 §5.1).
func (s *Server) clientFirst(message []byte) ([]byte, error) {
	first, err := parseClientFirst(string(message))
	if err != nil {
		return nil, err
	}
	if err := s.checkBinding(first); err != nil {
		return nil, err
	}
	user, err := prepareUser(first.user)
	if err != nil {
		return nil, fail(MalformedRequest, "invalid-username-encoding")
	}
	s.claimed = user
	found, err := s.lookup(user, scramHash(s.mech))
	if err != nil {
		return nil, err
	}
	nonce := first.nonce + s.nonce()
	reply := "r=" + nonce + ",s=" + base64.StdEncoding.EncodeToString(found.Salt) + ",i=" + strconv.Itoa(found.Iterations)
	s.scram = exchange{first: first, user: user, account: found, nonce: nonce, serverFirst: reply}
	return []byte(reply), nil
}

// checkBinding: RFC 5802 §6: what the client says about channel binding must fit the mechanism and what we offer.
func (s *Server) checkBinding(f clientFirst) error {
	plus := isPlus(s.mech)
	switch {
	case f.flag == 'p' && !plus:
		return misfit(MalformedRequest, "channel binding in a mechanism without -PLUS")
	case f.flag != 'p' && plus:
		return misfit(MalformedRequest, "no channel binding in a -PLUS mechanism")
	case f.flag == 'p' && s.binding(f.bindingType) == nil:
		return misfit(MalformedRequest, "unsupported-channel-binding-type")
	case f.flag == 'y' && len(s.config.Bindings) > 0:
		// RFC 5802 §6: someone removed the -PLUS mechanisms on their way to the client.
		return misfit(NotAuthorized, "server-does-support-channel-binding")
	}
	return nil
}

func (s *Server) binding(kind string) *Binding {
	for i := range s.config.Bindings {
		if s.config.Bindings[i].Type == kind {
			return &s.config.Bindings[i]
		}
	}
	return nil
}

// clientFinal checks the proof and answers with ours (RFC 5802 §3, §5.1).
func (s *Server) clientFinal(message []byte) ([]byte, error) {
	x := s.scram
	s.scram = exchange{} // an exchange is good for one try
	last, err := parseClientFinal(string(message))
	if err != nil {
		return nil, err
	}
	// RFC 5802 §5.1: c= repeats the gs2 header in full, and the binding behind it; also where there is none.
	want := []byte(x.first.gs2)
	if x.first.flag == 'p' {
		want = append(want, s.binding(x.first.bindingType).Data...)
	}
	if !hmac.Equal(last.binding, want) {
		return nil, fail(NotAuthorized, "channel-bindings-dont-match")
	}
	// RFC 5802 §5.1: the nonce is ours of this exchange; here a replayed message ends.
	if !hmac.Equal([]byte(last.nonce), []byte(x.nonce)) {
		return nil, fail(NotAuthorized, "")
	}
	auth := x.first.bare + "," + x.serverFirst + "," + last.withoutProof
	if !proves(x.account.Credential, auth, last.proof) || !x.account.known {
		return nil, fail(NotAuthorized, "")
	}
	if err := s.accept(x.user, x.first.authzid, x.account); err != nil {
		return nil, err
	}
	signature := mac(hashFunc(x.account.Hash), x.account.ServerKey, auth)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), nil
}

// proves: RFC 5802 §3: ClientKey := ClientProof XOR ClientSignature, and H(ClientKey) must be StoredKey.
func proves(c Credential, auth string, proof []byte) bool {
	h := hashFunc(c.Hash)
	key := mac(h, c.StoredKey, auth)
	if len(proof) != len(key) {
		return false
	}
	xor(key, proof)
	return hmac.Equal(digest(h, key), c.StoredKey)
}

func isPlus(mech string) bool { return strings.HasSuffix(mech, "-PLUS") }

// scramHash is the hash of a SCRAM mechanism, "" for any other.
func scramHash(mech string) string {
	switch mech {
	case ScramSHA256Plus, ScramSHA256:
		return SHA256
	case ScramSHA1Plus, ScramSHA1:
		return SHA1
	}
	return ""
}

func xor(dst, src []byte) {
	for i := range dst {
		dst[i] ^= src[i]
	}
}
