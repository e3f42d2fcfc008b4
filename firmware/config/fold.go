package config

import "time"

// FoldAuto and FoldNone are the values of Fold.Preset that are no class of links.
const (
	FoldAuto = "auto"
	FoldNone = "none"
)

// Fold is what is taken out of the traffic with a peer, in one direction. An empty mode is the preset's.
type Fold struct {
	Preset        string        `toml:"preset" doc:"Where the rules and modes come from: auto, the class of the link that carries the traffic; none; lean, which keeps all that is said and told, and drops chat states and what the far node makes again; or a class: satcom, hf-2400, hf-300, hf-75. What is set below goes before it."`
	Messages      string        `toml:"messages" eg:"\"strip\"" doc:"Message folding: off, or strip, \"strip all elements in the rule set\". Default: the preset's."`
	Presence      string        `toml:"presence" eg:"\"minimal\"" doc:"Presence folding: off, coalesce (the newest within window, if it tells anything new), minimal (who comes and goes), all (none but what federated rooms and subscriptions need), or matched, \"do not pass the matched elements\": with no rule for presence that is all presence, which suits 1:1 chat only. Default: the preset's."`
	Window        time.Duration `toml:"window" doc:"How long presence waits for a newer one with coalesce. \"0s\": the preset's."`
	Rooms         []string      `toml:"rooms" eg:"[\"chat.headquarters.net\"]" doc:"Domains of rooms that users may enter across the link though presence is all. Entering is presence, and so is everybody in the room."`
	Subscriptions bool          `toml:"subscriptions" doc:"Requests to see each other's presence cross though presence is all."`
	ShortenIDs    bool          `toml:"shorten_ids" doc:"Ids are numbers on the air and are restored in answers; messages between people go without resources, and what the far node can make again is left out. Both ends must be Longwire. Where the file does not say: if stanzas are coded on a link to the peer (codec), which tells that it is."`

	Rules []FoldRule `toml:"rule" doc:"An element that is taken out, or kept; one table each. The first rule that names an element decides, and these come before the preset's."`
}

// FoldRule is about elements in messages or presence.
type FoldRule struct {
	Names     []string `toml:"names" eg:"[\"composing\", \"active\", \"gone\", \"paused\", \"inactive\"]" doc:"The elements; \"*\" is any."`
	Namespace string   `toml:"namespace" eg:"\"http://jabber.org/protocol/chatstates\"" doc:"Their namespace; \"*\" is any, and without one they are the stanza's own, such as thread."`
	Scope     string   `toml:"scope" doc:"message, presence or both."`
	Action    string   `toml:"action" doc:"strip takes the element out, keep leaves it, drop leaves out the whole message if it has no text, refuse sends the message back to its sender."`
	If        string   `toml:"if" doc:"When to strip: always, unless-reply (the message answers another), unless-late (what it tells is older than a minute), only-if-empty, only-in-notes (messages that are nothing but receipts and marks)."`
	Deep      bool     `toml:"deep" doc:"Also inside other elements, except what is forwarded, signed or encrypted."`
}

func (r *FoldRule) setDefaults() { *r = FoldRule{Scope: "message", Action: "strip", If: "always"} }
