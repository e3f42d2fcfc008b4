package local

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// contact is an address of the node's own at every local domain, that is no account.
type contact struct {
	name string // local part
	sink router.Sink
}

// SetContact gives a local part of all local domains to a service of the node; "" takes it back. An account of that name gets nothing as
// long as it lasts.
func (h *Host) SetContact(name string, to router.Sink) {
	if name == "" {
		h.contact.Store(nil)
		return
	}
	h.contact.Store(&contact{name, to})
}

// Contact tells whether an address is that of the node's own contact.
func (h *Host) Contact(address jid.JID) bool {
	c := h.contact.Load()
	return c != nil && address.Local() == c.name
}
