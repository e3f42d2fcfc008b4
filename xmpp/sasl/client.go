package sasl

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ClientConfig says who authenticates, and how.
type ClientConfig struct {
	Mechanism string // one of the SCRAM mechanisms or PLAIN
	Username  string // localpart
	Password  string
	Authzid   string   // usually ""
	Binding   *Binding // needed for -PLUS; with another mechanism it says that we could bind but the server did not offer to ('y')
}

// Client is the client's side of one authentication, for tests and load tools.
type Client struct {
	config ClientConfig
	hash   string
	nonce  string
	step   step

	gs2, bare string
	signature []byte // what the server has to answer
}

// ErrServer says that the server could not prove that it knows the password's keys.
var ErrServer = errors.New("sasl: server failed to authenticate itself")

// NewClient makes a Client. The username and the password are prepared here.
func NewClient(c ClientConfig) (*Client, error) {
	hash := scramHash(c.Mechanism)
	if hash == "" && c.Mechanism != Plain {
		return nil, fmt.Errorf("sasl: client does not know mechanism %q", c.Mechanism)
	}
	if isPlus(c.Mechanism) && c.Binding == nil {
		return nil, fmt.Errorf("sasl: %s without a channel binding", c.Mechanism)
	}
	var err error
	if c.Username, err = prepareUser(c.Username); err != nil {
		return nil, fmt.Errorf("sasl: username: %w", err)
	}
	if c.Password, err = preparePassword(c.Password); err != nil {
		return nil, err
	}
	return &Client{config: c, hash: hash, nonce: rand.Text()}, nil
}

// Start gives the initial response.
func (c *Client) Start() []byte {
	c.step = initial
	if c.config.Mechanism == Plain {
		c.step = finished
		return []byte(c.config.Authzid + "\x00" + c.config.Username + "\x00" + c.config.Password)
	}
	flag := "n"
	switch {
	case isPlus(c.config.Mechanism):
		flag = "p=" + c.config.Binding.Type
	case c.config.Binding != nil:
		flag = "y"
	}
	authzid := ""
	if c.config.Authzid != "" {
		authzid = "a=" + saslname.Replace(c.config.Authzid)
	}
	c.gs2 = flag + "," + authzid + ","
	c.bare = "n=" + saslname.Replace(c.config.Username) + ",r=" + c.nonce
	return []byte(c.gs2 + c.bare)
}

// Next answers a challenge. The data of <success/> goes here too; then there is nothing to answer.
func (c *Client) Next(challenge []byte) ([]byte, error) {
	switch {
	case len(challenge) > maxMessage:
		return nil, errors.New("sasl: server sent a message that is too long")
	case c.step == initial:
		out, err := c.proof(string(challenge))
		if err == nil {
			c.step = final
		}
		return out, err
	case c.step == final:
		value, ok := strings.CutPrefix(string(challenge), "v=")
		got, err := base64.StdEncoding.DecodeString(value)
		if !ok || err != nil || !hmac.Equal(got, c.signature) {
			return nil, ErrServer
		}
		c.step = finished
		return nil, nil
	case c.step == finished && len(challenge) == 0:
		return nil, nil
	}
	return nil, errors.New("sasl: server sent a message that nothing asked for")
}

// Done tells whether the client is content: with SCRAM, whether the server proved itself.
func (c *Client) Done() bool { return c.step == finished }

// proof reads server-first and makes client-final (RFC 5802 §3).
func (c *Client) proof(serverFirst string) ([]byte, error) {
	parts := strings.SplitN(serverFirst, ",", 4)
	if len(parts) < 3 {
		return nil, errors.New("sasl: server-first is not r=,s=,i=")
	}
	nonce, ok1 := strings.CutPrefix(parts[0], "r=")
	salt64, ok2 := strings.CutPrefix(parts[1], "s=")
	count, ok3 := strings.CutPrefix(parts[2], "i=")
	salt, err1 := base64.StdEncoding.DecodeString(salt64)
	iterations, err2 := strconv.Atoi(count)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || iterations < 1 || iterations > maxIterations || len(salt) == 0 {
		return nil, errors.New("sasl: server-first is not r=,s=,i=")
	}
	if !strings.HasPrefix(nonce, c.nonce) || len(nonce) == len(c.nonce) || !validNonce(nonce) {
		return nil, errors.New("sasl: server changed our nonce") // RFC 5802 §5.1
	}
	binding := []byte(c.gs2)
	if isPlus(c.config.Mechanism) {
		binding = append(binding, c.config.Binding.Data...)
	}
	withoutProof := "c=" + base64.StdEncoding.EncodeToString(binding) + ",r=" + nonce
	auth := c.bare + "," + serverFirst + "," + withoutProof
	h := hashFunc(c.hash)
	k := derive(c.hash, c.config.Password, salt, iterations)
	c.signature = mac(h, k.server, auth)
	proof := mac(h, k.stored, auth)
	xor(proof, k.client)
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}
