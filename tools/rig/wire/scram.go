package wire

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
)

// A scram is the client's half of RFC 5802 and 7677 for one login.
type scram struct {
	newHash    func() hash.Hash
	gs2, bare  string
	nonce      string
	binding    []byte // what c= carries behind the gs2 header
	password   string
	serverSign []byte
}

// keys remembers salted passwords: a client that reconnects hundreds of times should not burn the machine's time on it.
var keys sync.Map

// newScram prepares a login. A mechanism that ends in -PLUS binds to the TLS connection by way of binding, one of
// "tls-exporter" and "tls-server-end-point".
func newScram(mechanism, user, password, binding string, state *tls.ConnectionState) (*scram, error) {
	s := &scram{gs2: "n,,", password: password, nonce: rand.Text()}
	base, plus := strings.CutSuffix(mechanism, "-PLUS")
	switch base {
	case "SCRAM-SHA-1":
		s.newHash = sha1.New
	case "SCRAM-SHA-256":
		s.newHash = sha256.New
	default:
		return nil, fmt.Errorf("wire: mechanism %q is not known here", mechanism)
	}
	if plus {
		if state == nil {
			return nil, errors.New("wire: channel binding without TLS")
		}
		data, err := channelBinding(binding, state)
		if err != nil {
			return nil, err
		}
		s.gs2, s.binding = "p="+binding+",,", data
	}
	s.bare = "n=" + strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user) + ",r=" + s.nonce
	return s, nil
}

// channelBinding is the data of RFC 9266 or RFC 5929 §4.
func channelBinding(kind string, state *tls.ConnectionState) ([]byte, error) {
	switch kind {
	case "tls-exporter":
		return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	case "tls-server-end-point":
		// Our servers' certificates are signed with SHA-256.
		sum := sha256.Sum256(state.PeerCertificates[0].Raw)
		return sum[:], nil
	}
	return nil, fmt.Errorf("wire: channel binding %q is not known here", kind)
}

// first is the client-first message.
func (s *scram) first() string { return s.gs2 + s.bare }

// final answers the server-first message.
func (s *scram) final(serverFirst string) (string, error) {
	f := fields(serverFirst)
	salt, err := base64.StdEncoding.DecodeString(f["s"])
	if err != nil || !strings.HasPrefix(f["r"], s.nonce) {
		return "", fmt.Errorf("wire: bad SCRAM challenge %q", serverFirst)
	}
	iterations, err := strconv.Atoi(f["i"])
	if err != nil || iterations < 1 || iterations > 1<<20 {
		return "", fmt.Errorf("wire: bad SCRAM challenge %q", serverFirst)
	}
	salted, err := s.salted(salt, iterations)
	if err != nil {
		return "", err
	}
	bare := "c=" + base64.StdEncoding.EncodeToString(append([]byte(s.gs2), s.binding...)) + ",r=" + f["r"]
	message := s.bare + "," + serverFirst + "," + bare
	clientKey := s.mac(salted, "Client Key")
	h := s.newHash()
	h.Write(clientKey)
	signature := s.mac(h.Sum(nil), message)
	for i := range clientKey {
		clientKey[i] ^= signature[i]
	}
	s.serverSign = s.mac(s.mac(salted, "Server Key"), message)
	return bare + ",p=" + base64.StdEncoding.EncodeToString(clientKey), nil
}

// verify checks the server-final message: a server that does not know the password is no server of ours.
func (s *scram) verify(serverFinal string) error {
	got, err := base64.StdEncoding.DecodeString(fields(serverFinal)["v"])
	if err != nil || !hmac.Equal(got, s.serverSign) {
		return fmt.Errorf("wire: the server's SCRAM signature is wrong")
	}
	return nil
}

func (s *scram) salted(salt []byte, iterations int) ([]byte, error) {
	size := s.newHash().Size()
	id := fmt.Sprintf("%d %d %x %s", size, iterations, salt, s.password)
	if k, ok := keys.Load(id); ok {
		return k.([]byte), nil
	}
	k, err := pbkdf2.Key(s.newHash, s.password, salt, iterations, size)
	if err != nil {
		return nil, fmt.Errorf("wire: salting the password: %w", err)
	}
	keys.Store(id, k)
	return k, nil
}

func (s *scram) mac(key []byte, text string) []byte {
	m := hmac.New(s.newHash, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// fields reads "a=x,b=y".
func fields(s string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			out[k] = v
		}
	}
	return out
}
