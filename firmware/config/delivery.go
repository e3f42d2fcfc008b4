package config

import "time"

// Values of Delivery.Receipts.
const (
	ReceiptsHop    = "hop"
	ReceiptsClient = "client"
)

// Delivery is what senders learn of what became of their messages.
type Delivery struct {
	Receipts string        `toml:"receipts" doc:"Who says that a message arrived (XEP-0184): client, the far client alone; or hop, where its receipt cannot come over the link this node does, once the far node has the message. Such a receipt is marked."`
	Keep     time.Duration `toml:"keep" doc:"How long the node remembers what became of a message,"`
	Max      int           `toml:"max" doc:"and of how many for each account."`
}

// Attendant is the contact at which users ask the node about their messages.
type Attendant struct {
	Enabled bool   `toml:"enabled" doc:"There is a contact that answers \"status\", \"why 12\" and \"cancel 12\"."`
	Name    string `toml:"name" doc:"Its name, as in node@field.net. No user can have it."`
}
