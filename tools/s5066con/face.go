package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"longwire/tools/s5066con/station"
)

// A face shows events, one at a time: text for people, JSON for scripts.
type face struct {
	mu   sync.Mutex
	out  io.Writer
	json bool
	hide func(station.Event) bool // from people
}

// show prints an event.
func (f *face) show(e station.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.json {
		fmt.Fprintf(f.out, "%s\n", encode(e, time.Now()))
		return
	}
	if f.hide != nil && f.hide(e) {
		return
	}
	stamp := time.Now().Format("15:04:05 ")
	for i, line := range strings.Split(station.Text(e), "\n") {
		if i > 0 {
			stamp = strings.Repeat(" ", len(stamp))
		}
		fmt.Fprintf(f.out, "%s%s\n", stamp, line)
	}
}

// encode makes one object: the event's name and time, then its fields.
func encode(e station.Event, now time.Time) []byte {
	head, _ := json.Marshal(struct {
		Event string `json:"event"`
		Time  string `json:"time"`
	}{e.Kind(), now.UTC().Format("2006-01-02T15:04:05.000Z")})
	body, err := json.Marshal(e)
	if err != nil {
		panic("s5066con: an event that is no JSON: " + err.Error())
	}
	if string(body) == "{}" {
		return head
	}
	return append(append(head[:len(head)-1], ','), body[1:]...)
}

// problem is the end of a command that could not do its work.
type problem struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	Code  int    `json:"exit_code"`
}

func (problem) Kind() string { return "error" }

// fail shows why a command ends, where it is looked for.
func (f *face) fail(a *app, code int, err error, hint string) int {
	if f.json {
		f.show(problem{err.Error(), hint, code})
		return code
	}
	fmt.Fprintln(a.err, "s5066con:", err)
	if hint != "" {
		fmt.Fprintln(a.err, "  →", hint)
	}
	return code
}

const jsonHelp = `With -json each line is one object. "event" says what it is, "time" when it was (UTC). Times end in _seconds or are
"seconds": those of the radio. Fields may be added, not changed; ignore events that you do not know.
  bound          server sap mtu
  plan           what air_seconds time_seconds transmissions rate basis (told, measured, assumed): before anything is sent
  sent           what to sequence bytes: the node has it
  delivered      what to sequence by (node, client) seconds: its confirmation came
  failed         what to sequence why code hint seconds: rejected (code: of S_UNIDATA_REQUEST_REJECTED), or -1 no answer, -2 bind lost
  answer         from sequence bytes mode seconds hold_seconds duplicate: another console answered a ping; hold is what it waited
  found          station own sap name seconds hold_seconds: another console answered a discovery
  report         from sent received duplicates bytes loss bit_rate: what another console received of a test
  ping_done      to sent delivered answered failed duplicates console (answers, silent, unknown) delivery round_trip
  test_done      to mode bytes_each sent delivered failed unknown seconds bit_rate loss (-1: not known) delivery reports
  discover_done  found heard seconds
                 delivery, round_trip: count least_seconds median_seconds p90_seconds most_seconds histogram [from_seconds to_seconds count]
  heard          from sap to mode priority bytes errored_bytes missing_bytes probe name text data (hex): any U_PDU that arrived
  answered       to what sequence refused: this console answered a probe, or refused to
  chat           from to mode text
  link           state (asked established rejected terminated offered accepted refused released) station type priority sap why code
  flow           on;  availability  status reason: of the node
  management     type body (hex);  node  name address waveform emcon node_time heard [address last dpdus]: with -rank 15
  primitive      way (to, from the node) type code bytes text hex: with -trace
  unbound        why hint unknown: the bind was lost;  retry  why hint seconds: until the next try
  error          error hint exit_code: the last line of a command that failed
`
