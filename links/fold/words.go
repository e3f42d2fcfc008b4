package fold

import (
	"encoding"
	"fmt"
)

// The first word of each is ours; the sentence is how guides to other servers put it.
var (
	messageModes  = [][]string{{"off"}, {"strip", "strip all elements in the rule set"}}
	presenceModes = [][]string{{"off"}, {"coalesce"}, {"minimal"}, {"all"}, {"matched", "do not pass the matched elements"}}
)

func word(modes [][]string, i int) string {
	if i < len(modes) {
		return modes[i][0]
	}
	return fmt.Sprint("mode ", i)
}

func parse(of string, modes [][]string, text []byte) (int, error) {
	var known []string
	for i, words := range modes {
		for _, w := range words {
			if w == string(text) {
				return i, nil
			}
			known = append(known, fmt.Sprintf("%q", w))
		}
	}
	return 0, fmt.Errorf("fold: there is no %s mode %q, only %s", of, text, list(known))
}

func (m MessageMode) String() string { return word(messageModes, int(m)) }

func (m PresenceMode) String() string { return word(presenceModes, int(m)) }

// MarshalText writes the mode's word.
func (m MessageMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText writes the mode's word.
func (m PresenceMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads "off" or "strip", or "strip all elements in the rule set".
func (m *MessageMode) UnmarshalText(text []byte) error {
	i, err := parse("message", messageModes, text)
	if err == nil {
		*m = MessageMode(i)
	}
	return err
}

// UnmarshalText reads "off", "coalesce", "minimal", "all" or "matched", or "do not pass the matched elements".
func (m *PresenceMode) UnmarshalText(text []byte) error {
	i, err := parse("presence", presenceModes, text)
	if err == nil {
		*m = PresenceMode(i)
	}
	return err
}

// Words of a configuration.
var (
	scopes     = [][]string{{"both"}, {"message"}, {"presence"}}
	actions    = [][]string{{"strip"}, {"keep"}, {"drop"}, {"refuse"}}
	conditions = [][]string{{"always"}, {"unless-late"}, {"unless-reply"}, {"only-if-empty"}, {"only-in-notes"}}
)

var _ = []encoding.TextUnmarshaler{new(Scope), new(Action), new(Condition), new(MessageMode), new(PresenceMode)}

func (s Scope) String() string     { return word(scopes, int(s)) }
func (a Action) String() string    { return word(actions, int(a)) }
func (c Condition) String() string { return word(conditions, int(c)) }

// MarshalText writes the word for it.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText writes the word for it.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// MarshalText writes the word for it.
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "both", "message" or "presence".
func (s *Scope) UnmarshalText(text []byte) error {
	i, err := parse("scope", scopes, text)
	if err == nil {
		*s = Scope(i)
	}
	return err
}

// UnmarshalText reads "strip", "keep", "drop" or "refuse".
func (a *Action) UnmarshalText(text []byte) error {
	i, err := parse("action", actions, text)
	if err == nil {
		*a = Action(i)
	}
	return err
}

// UnmarshalText reads "always", "unless-late", "unless-reply", "only-if-empty" or "only-in-notes".
func (c *Condition) UnmarshalText(text []byte) error {
	i, err := parse("condition", conditions, text)
	if err == nil {
		*c = Condition(i)
	}
	return err
}
