package rig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Room is a room that a node's configuration declares.
type Room struct {
	Keys       map[string]any // of [[room]]
	Federation map[string]any // of [room.federation]; nil: none
}

func (r Room) toml() string {
	var b strings.Builder
	table := func(name string, keys map[string]any) {
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			fmt.Fprintf(&b, "%s = %s\n", k, literal(keys[k]))
		}
	}
	table("[[room]]", r.Keys)
	if r.Federation != nil {
		table("[room.federation]", r.Federation)
	}
	return b.String()
}

// RoomsAt is where the rooms of a domain are, of our nodes and of the reference.
func RoomsAt(domain string) string { return "chat." + domain }
