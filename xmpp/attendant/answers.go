package attendant

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
)

// How many messages are looked at, and how many are listed when nobody says how many.
const (
	mostListed = 50
	listed     = 10
)

const trouble = "I cannot look at the messages just now. Please ask again in a minute."

func help(*Attendant, jid.JID) string {
	return "I tell what became of your messages to people on the other side of a link. You may write:\n" +
		"status: your latest messages, newest first (status 30: more of them)\n" +
		"why 12: all that is known of message 12, and what it waits for\n" +
		"cancel 12: take message 12 back, if it has not been sent"
}

// status lists the user's messages.
func status(args []string) func(*Attendant, jid.JID) string {
	return func(a *Attendant, who jid.JID) string {
		most := listed
		if len(args) > 0 {
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return "How many? For example: status 20"
			}
			most = min(n, mostListed)
		}
		all, err := a.truth.OfAccount(who, most)
		if err != nil {
			a.log.Warn("attendant: no status", "user", who.String(), "err", err)
			return trouble
		}
		if len(all) == 0 {
			return "None of your messages is for the other side of a link, as far back as I remember."
		}
		var b strings.Builder
		fmt.Fprintf(&b, "Your latest messages, newest first:")
		for _, m := range all {
			fmt.Fprintf(&b, "\n%s to %s, %s: %s", label(m, all), address(m.To), ago(m.Queued), sentence(m))
		}
		return b.String()
	}
}

// why tells all of one message.
func why(args []string) func(*Attendant, jid.JID) string {
	return func(a *Attendant, who jid.JID) string {
		m, all, problem := a.find(who, args, "why")
		if problem != "" {
			return problem
		}
		var b strings.Builder
		fmt.Fprintf(&b, "Message %s to %s, %s, %d bytes, accepted %s.", label(m, all), address(m.To), precedence(m), m.Bytes, ago(m.Queued))
		fmt.Fprintf(&b, "\nIt is %s.", strings.TrimSuffix(sentence(m), "."))
		if !m.State.Left() {
			if w := waits(m); w != "" {
				fmt.Fprintf(&b, "\n%s", w)
			}
			if !m.Expires.IsZero() {
				fmt.Fprintf(&b, "\nIf it cannot be sent by %s, you will be told so.", clock(m.Expires))
			}
		}
		return b.String()
	}
}

// cancel takes one back.
func cancel(args []string) func(*Attendant, jid.JID) string {
	return func(a *Attendant, who jid.JID) string {
		m, all, problem := a.find(who, args, "cancel")
		if problem != "" {
			return problem
		}
		if m.State.Left() {
			return fmt.Sprintf("Too late: message %s is %s.", label(m, all), sentence(m))
		}
		now, err := a.truth.Cancel(who, m.Peer, m.Entry)
		switch {
		case err != nil:
			a.log.Warn("attendant: no cancelling", "user", who.String(), "err", err)
			return trouble
		case now.State == delivery.Cancelled:
			return fmt.Sprintf("Message %s to %s is taken back; it was not sent.", label(m, all), address(m.To))
		}
		return fmt.Sprintf("Too late: message %s is %s. It may be there already, so it stays.", label(now, all), sentence(now))
	}
}

// find looks for the message that a question names; problem is what to say if there is none.
func (a *Attendant) find(who jid.JID, args []string, word string) (m delivery.Message, all []delivery.Message, problem string) {
	if len(args) != 1 {
		return m, nil, fmt.Sprintf("Which message? Its number stands in the answer to 'status'; then for example: %s 12", word)
	}
	number, peer, named := strings.Cut(strings.Trim(args[0], "#.,;:!?"), "@")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return m, nil, fmt.Sprintf("%q is not the number of a message; they stand in the answer to 'status'.", args[0])
	}
	// All of them: one may be asked after that is old.
	if all, err = a.truth.OfAccount(who, 0); err != nil {
		a.log.Warn("attendant: no answer", "user", who.String(), "err", err)
		return m, nil, trouble
	}
	var found []delivery.Message
	for _, m := range all {
		if m.Entry == id && (!named || strings.EqualFold(m.Peer, peer)) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return m, nil, fmt.Sprintf("You have no message %s, as far back as I remember.", args[0])
	case 1:
		return found[0], all, ""
	}
	return m, nil, fmt.Sprintf("There are several of that number. Say which: %s %s or %s %s", word, label(found[0], all), word, label(found[1], all))
}

// label is a message's number, with the peer where that alone would not tell it from another.
func label(m delivery.Message, all []delivery.Message) string {
	for _, o := range all {
		if o.Entry == m.Entry && o.Peer != m.Peer {
			return fmt.Sprintf("%d@%s", m.Entry, m.Peer)
		}
	}
	return strconv.FormatUint(m.Entry, 10)
}

// address is the recipient without what only machines care for.
func address(full string) string {
	j, err := jid.Parse(full)
	if err != nil {
		return full
	}
	return j.Bare().String()
}

func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case t.IsZero() || d > 10*365*24*time.Hour || d < -time.Hour: // the clock was set since
		return "some time ago"
	case d < 5*time.Second:
		return "just now"
	}
	return delivery.Span(d) + " ago"
}

func clock(t time.Time) string {
	t = t.UTC()
	if d := time.Until(t); d > -12*time.Hour && d < 18*time.Hour {
		return t.Format("15:04 UTC")
	}
	if d := time.Until(t).Abs(); d > 300*24*time.Hour {
		return t.Format("2 January 2006 15:04 UTC")
	}
	return t.Format("2 January 15:04 UTC")
}
