package fold

import "time"

// MessageMode is how much of messages passes.
type MessageMode uint8

// Message modes.
const (
	MessagesOff   MessageMode = iota // all
	MessagesStrip                    // all elements in the rule set are stripped
)

// PresenceMode is how much presence passes. What rooms of several nodes tell each other, errors, and entering and leaving
// rooms pass in each; in PresenceAll the last only where Policy.Rooms permits it.
type PresenceMode uint8

// Presence modes.
const (
	// PresenceOff passes all, untouched.
	PresenceOff PresenceMode = iota
	// PresenceCoalesce passes the newest of each from and to within a window, if it tells anything new.
	PresenceCoalesce
	// PresenceMinimal passes who becomes available or unavailable, without show and status.
	PresenceMinimal
	// PresenceAll drops all but what is said above, and subscriptions unless they are switched off.
	PresenceAll
	// PresenceMatched does not pass the matched elements: with rules for presence it passes the rest. Without, everything
	// matches and nothing passes but what is never folded, so this suits 1:1 chat only.
	PresenceMatched
)

// A Policy is what is folded on the way to one peer, or from it. The zero Policy folds nothing.
type Policy struct {
	Messages MessageMode
	Presence PresenceMode
	Rules    []Rule // the first that names an element decides; no rule: it stays

	Window time.Duration // of PresenceCoalesce; default 30 s

	// Rooms are the domains of rooms that users may enter across the link though it is PresenceAll. All their presence
	// passes.
	Rooms []string
	// Lines lets the rules for what is made again at the far side (numbers 1, 6, 7, 8) apply to what federated rooms tell each other too. Only where the peer
	// is of our kind: others know an echo by all that it holds.
	Lines bool
	// NoSubscriptions makes PresenceAll drop subscriptions too. Who asks for one is told so.
	NoSubscriptions bool
}

// DefaultWindow is how long presence waits for a newer one.
const DefaultWindow = 30 * time.Second
