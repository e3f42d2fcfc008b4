package sasl

// SetNonce fixes the server's part of the nonce, for published vectors.
func (s *Server) SetNonce(nonce string) { s.nonce = func() string { return nonce } }

// SetNonce fixes the client's nonce, for published vectors.
func (c *Client) SetNonce(nonce string) { c.nonce = nonce }
