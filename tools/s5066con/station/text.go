package station

import (
	"fmt"
	"strings"
	"time"
)

// Text is an event in a line for people, or in some.
func Text(e Event) string {
	switch e := e.(type) {
	case Bound:
		return fmt.Sprintf("bound to SAP %d of %s; U_PDUs of %d bytes at most", e.SAP, e.Server, e.MTU)
	case Unbound:
		s := "bind lost: " + e.Why
		if e.Unknown > 0 {
			s += fmt.Sprintf("; what became of %d U_PDUs is not known", e.Unknown)
		}
		return s + hinted(e.Hint)
	case Retry:
		return fmt.Sprintf("not bound: %s; next try in %v%s", e.Why, e.After, hinted(e.Hint))
	case Availability:
		return fmt.Sprintf("the node is %s (%s)", e.Status, e.Reason)
	case Flow:
		if e.On {
			return "the node takes U_PDUs again"
		}
		return "the node takes no more U_PDUs for now (flow off)"
	case Sent:
		return fmt.Sprintf("%s %d to %s: %d bytes given to the node", e.What, e.Sequence, e.To, e.Bytes)
	case Delivered:
		return fmt.Sprintf("%s %d to %s: confirmed by its %s after %v", e.What, e.Sequence, e.To, e.By, e.After)
	case Failed:
		if e.Sequence < 0 {
			return fmt.Sprintf("U_PDU to %s: failed: %s%s", e.To, e.Why, hinted(e.Hint))
		}
		return fmt.Sprintf("%s %d to %s: failed after %v: %s%s", e.What, e.Sequence, e.To, e.After, e.Why, hinted(e.Hint))
	case Answer:
		s := fmt.Sprintf("answer %d from %s: %v (%d bytes, %s)", e.Sequence, e.From, e.After, e.Bytes, e.Mode)
		if e.Duplicate {
			s += ", a copy"
		}
		return s
	case Found:
		return fmt.Sprintf("found %s SAP %d %sin %v", e.Station, e.SAP, quoted(e.Name), e.After)
	case Arrived:
		return fmt.Sprintf("report of %s: %d of %d arrived, %.1f %% lost, %d copies%s", e.From, e.Received, e.Sent, 100*e.Loss, e.Duplicates, at(e.Rate))
	}
	return moreText(e)
}

func moreText(e Event) string {
	switch e := e.(type) {
	case Heard:
		s := fmt.Sprintf("heard %s SAP %d to %s: %d bytes, %s", e.From, e.SAP, e.To, e.Bytes, e.Mode)
		if e.Errored+e.Missing > 0 {
			s += fmt.Sprintf(", %d with errors, %d missing", e.Errored, e.Missing)
		}
		for _, x := range []string{e.Probe, e.Text, e.Data} {
			if x != "" {
				s += ": " + x
			}
		}
		return s
	case Answered:
		if e.Refused != "" {
			return fmt.Sprintf("no %s to %s: %s", e.What, e.To, e.Refused)
		}
		return fmt.Sprintf("answered %s with %s %d", e.To, e.What, e.Sequence)
	case Chat:
		return fmt.Sprintf("<%s> %s", e.From, e.Text)
	case Link:
		s := fmt.Sprintf("hard link to %s: %s", e.Station, e.State)
		if e.Why != "" {
			s += ": " + e.Why
		}
		return s
	case Management:
		return fmt.Sprintf("the node's management: type %d, %s", e.MsgType, e.Body)
	case Planned:
		return fmt.Sprintf("%s: about %v of air, %v in all, %d transmissions (rate %s: %d bit/s)", e.What, round(e.Air), round(e.Time), e.Transmissions, e.Basis, e.Rate)
	case NodeState:
		s := fmt.Sprintf("the node is %s %s(%s)", e.Address, quoted(e.Name), e.Waveform)
		for _, h := range e.Heard {
			s += fmt.Sprintf("; it heard %s", h.Address)
		}
		return s
	case Primitive:
		return strings.TrimSpace(fmt.Sprintf("%s node  %s %s", e.Way, e.Type, e.Text))
	}
	return doneText(e)
}

func doneText(e Event) string {
	switch e := e.(type) {
	case PingDone:
		s := fmt.Sprintf("%d sent to %s, %d confirmed, %d answered, %d failed", e.Sent, e.To, e.Delivered, e.Answered, e.Failed)
		switch {
		case e.Console == "silent":
			s += "\nThe node there is alive; no console answers at this SAP."
		case e.Answered > 0:
			s += "\nround trip: " + e.RoundTrip.String()
		}
		if e.Delivery.Count > 0 {
			s += "\nuntil confirmed: " + e.Delivery.String()
		}
		return s + stopped(e.Stopped)
	case TestDone:
		s := fmt.Sprintf("%d of %d bytes sent to %s with %s: ", e.Sent, e.Size, e.To, e.Mode)
		switch {
		case e.Unknown < e.Sent:
			s += fmt.Sprintf("%d arrived, %d failed, %d unknown%s", e.Delivered, e.Failed, e.Unknown, at(e.Rate))
		case len(e.Reports) == 0:
			s += "what arrived is not known"
		default:
			s += fmt.Sprintf("stations that reported: %d%s", len(e.Reports), at(e.Rate))
		}
		if e.Loss >= 0 {
			s += fmt.Sprintf(", %.1f %% lost", 100*e.Loss)
		}
		if e.Delivery.Count > 0 {
			s += "\nuntil confirmed: " + e.Delivery.String() + "\n" + Draw(e.Delivery.Histogram, 40)
		}
		return s + stopped(e.Stopped)
	case DiscoverDone:
		return fmt.Sprintf("stations that answered: %d, heard at all: %d, in %v%s", e.Found, e.Heard, round(e.Took), stopped(e.Stopped))
	}
	return e.Kind()
}

// Draw is a histogram in lines of at most so many blocks.
func Draw(bars []Bar, width int) string {
	most := 1
	for _, b := range bars {
		most = max(most, b.Count)
	}
	var lines []string
	for _, b := range bars {
		n := (b.Count*width + most - 1) / most
		lines = append(lines, fmt.Sprintf("%8v to %8v  %s %d", time.Duration(b.From), time.Duration(b.To), strings.Repeat("█", n), b.Count))
	}
	return strings.Join(lines, "\n")
}

// String is without the histogram.
func (s Spread) String() string {
	return fmt.Sprintf("least %v, median %v, 90 %% within %v, most %v", s.Least, s.Median, s.P90, s.Most)
}

func round(s Seconds) time.Duration { return Round(time.Duration(s)) }

// Round is a duration as exactly as people want to know it.
func Round(d time.Duration) time.Duration {
	if d >= time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return " (" + hint + ")"
}

func quoted(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%q ", name)
}

func at(rate float64) string {
	if rate == 0 {
		return ""
	}
	return fmt.Sprintf(", %.0f bit/s", rate)
}

func stopped(yes bool) string {
	if yes {
		return "\nStopped. What the node already had may still be sent."
	}
	return ""
}
