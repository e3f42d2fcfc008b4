package node

import "longwire/links/s5066"

// dialers are the ways to a SIS server beside TCP.
func (n *Node) dialers() map[string]s5066.Dialer { return nil }
