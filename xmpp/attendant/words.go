package attendant

import (
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/delivery"
)

// sentence is a message's state in plain words, with what is expected.
func sentence(m delivery.Message) string {
	switch m.State {
	case delivery.Queued:
		if m.NotBefore.After(time.Now()) {
			return "held until " + clock(m.NotBefore) + because(m.Why)
		}
		place := "queued"
		if m.Position > 0 {
			place = fmt.Sprintf("queued, number %d in line", m.Position)
		}
		return place + "; " + expected(m.Forecast)
	case delivery.WithLink:
		return "with the link, not known to have left; " + expected(m.Forecast)
	case delivery.OnAir:
		return "on the air; " + expected(m.Forecast)
	case delivery.AtRadio:
		return "at the radio of the other side, whose node has not said so yet"
	case delivery.AtPeer:
		return "at the other side's node since " + clock(m.Changed)
	case delivery.Delivered:
		return "delivered to the recipient's client at " + clock(m.Changed)
	case delivery.Expired:
		return "expired at " + clock(m.Changed) + because(m.Why)
	case delivery.Cancelled:
		return "cancelled at " + clock(m.Changed) + because(m.Why)
	case delivery.Refused:
		return "refused at " + clock(m.Changed) + because(m.Why)
	case delivery.Overflow:
		return "dropped at " + clock(m.Changed) + because(m.Why)
	}
	return string(m.State)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// expected is the forecast.
func expected(f delivery.Forecast) string {
	switch {
	case f.Known:
		return "expected over there in " + f.Words
	case f.Why != "":
		return "when it gets there is not known: " + f.Why
	}
	return "when it gets there is not known"
}

// waits is what a message waits for, as a sentence.
func waits(m delivery.Message) string {
	why := m.Why
	if why == "" {
		why = m.Forecast.Why
	}
	if why == "" {
		return ""
	}
	return "It waits because of this: " + why + "."
}

// precedence is how urgent a message is.
func precedence(m delivery.Message) string {
	switch m.Class {
	case store.ClassFlash:
		return "flash"
	case store.ClassImmediate:
		return "immediate"
	case store.ClassPriority:
		return "priority"
	}
	return "routine"
}
