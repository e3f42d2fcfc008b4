package config

import "time"

// Values of Link.Direction.
const (
	DirectionBoth    = "both"
	DirectionInbound = "inbound"
)

// Failover is when another of a peer's links is taken.
type Failover struct {
	After     time.Duration `toml:"after" doc:"A link that has something to carry and has confirmed nothing for so long is left for the next one."`
	BackAfter time.Duration `toml:"back_after" doc:"A better link must have been up for so long before it is used again,"`
	BackMax   time.Duration `toml:"back_max" doc:"doubled each time it fails soon after, up to this."`
}

// Route says which of a peer's links may carry something.
type Route struct {
	Precedence []string      `toml:"precedence" eg:"[\"routine\"]" doc:"Whose: flash, immediate, priority, routine. Default: any."`
	Kinds      []string      `toml:"kinds" eg:"[\"presence\"]" doc:"What: message, groupchat, iq, presence, receipt. Default: any."`
	Links      []string      `toml:"links" eg:"[\"IP link hq-2-field\"]" doc:"The links that may carry it, of those that the peer has."`
	Wait       time.Duration `toml:"wait" doc:"After waiting for them so long it may take any other. \"0s\": it waits for them however long it takes."`
}

func (r *Route) setDefaults() { *r = Route{} }
