package board

import (
	"fmt"
	"strings"
	"time"
)

// Signal is what a kit says by its lamp.
type Signal uint8

// The lamp's language.
const (
	Starting Signal = iota
	Working
	LinkUp
	Attention
	ReadingStick
	Applied
	Refused
)

// pattern is how a signal looks. Each has a rhythm of its own, so that one LED is enough; the colour helps where there are more.
type pattern struct {
	name    string
	meaning string
	colour  Colour
	rhythm  string
	steps   []time.Duration // on, off, on, off …; over and over. One step: always on.
}

const ms = time.Millisecond

// patterns is the table of the language, by Signal.
var patterns = [...]pattern{
	Starting:     {"starting", "the kit starts, or tries a new configuration", Amber, "slow blinking", []time.Duration{500 * ms, 500 * ms}},
	Working:      {"working", "all is well; no link to a peer is up now", Green, "steady", []time.Duration{time.Second}},
	LinkUp:       {"link up", "all is well, and a link to a peer is up", Green, "steady with a wink", []time.Duration{1800 * ms, 200 * ms}},
	Attention:    {"needs attention", "something is wrong, or the kit has no configuration yet", Red, "two flashes and a pause", []time.Duration{200 * ms, 200 * ms, 200 * ms, 1400 * ms}},
	ReadingStick: {"reading stick", "leave the stick in", Amber, "flicker", []time.Duration{100 * ms, 100 * ms}},
	Applied:      {"applied", "what was on the stick is in force; pull it out", Green, "long flashes", []time.Duration{1500 * ms, 500 * ms}},
	Refused:      {"refused", "nothing on the stick was used; its report file says why", Red, "four flashes and a pause", []time.Duration{200 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms, 200 * ms, 1400 * ms}},
}

// Signals are all there are.
func Signals() []Signal {
	var all []Signal
	for s := range patterns {
		all = append(all, Signal(s))
	}
	return all
}

func (s Signal) String() string { return patterns[s].name }

// Meaning says it to a person.
func (s Signal) Meaning() string { return patterns[s].meaning }

// Look is the colour and the rhythm, as in "green steady".
func (s Signal) Look() string { return fmt.Sprintf("%v %s", patterns[s].colour, patterns[s].rhythm) }

// Picture draws two to three seconds of a signal: a sign each tenth of a second, # for light.
func (s Signal) Picture() string {
	var b strings.Builder
	steps := patterns[s].steps
	for i := 0; b.Len() < 20; i++ {
		sign := "#"
		if len(steps) > 1 && i%2 == 1 {
			sign = "."
		}
		b.WriteString(strings.Repeat(sign, int(steps[i%len(steps)]/(100*ms))))
	}
	return b.String()
}

// LampTable is the language for people, a line each.
func LampTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %-30s %-32s %s\n", "signal", "look", "a sign is 0.1 s, # is light", "meaning")
	for _, s := range Signals() {
		fmt.Fprintf(&b, "%-16v %-30s %-32s %s\n", s, s.Look(), s.Picture(), s.Meaning())
	}
	return b.String()
}
