// Package rsm is the vocabulary of result sets that are asked for page by page: XEP-0059.
package rsm

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// NS qualifies the <set/>.
const NS = "http://jabber.org/protocol/rsm"

// A Request for one page. Parse makes it; its zero value asks for a page of no items.
type Request struct {
	Max       int // of items, -1 when absent
	After     string
	Before    string
	HasBefore bool // with Before "": the last page
	Index     int  // of the first item, -1 when absent
}

// Whole is the Request of someone who knows no result sets.
func Whole() Request { return Request{Max: -1, Index: -1} }

// Find is the <set/> directly inside e, nil if there is none.
func Find(e *markup.Element) *markup.Element { return e.Child(NS, "set") }

// Parse reads a <set/>; nil is read as Whole. The error is a *stanza.Err, bad-request.
func Parse(e *markup.Element) (Request, error) {
	q := Whole()
	if e == nil {
		return q, nil
	}
	var err error
	if q.Max, err = number(e, "max"); err != nil {
		return Request{}, err
	}
	if q.Index, err = number(e, "index"); err != nil {
		return Request{}, err
	}
	after, before := e.Child(NS, "after"), e.Child(NS, "before")
	if after != nil {
		q.After = after.Text
	}
	if before != nil {
		q.Before, q.HasBefore = before.Text, true
	}
	// XEP-0059 §2.6: an index is for those who know no item beside the page.
	if q.Index >= 0 && (after != nil || before != nil) {
		return Request{}, stanza.Fail(stanza.BadRequest, "a page is asked for by index, or by the item before or after it")
	}
	return q, nil
}

// number reads a child that is an xs:unsignedInt, -1 when it is not there.
func number(e *markup.Element, name string) (int, error) {
	c := e.Child(NS, name)
	if c == nil {
		return -1, nil
	}
	n, err := strconv.ParseUint(strings.TrimSpace(c.Text), 10, 32)
	if err != nil {
		return 0, stanza.Fail(stanza.BadRequest, name+": not a number")
	}
	return int(min(n, math.MaxInt32)), nil
}

// A Result tells which page it is. First and Last are "" when the page is empty.
type Result struct {
	First, Last string
	FirstIndex  int // -1: left out
	Count       int // of the whole set; -1: left out
}

// Append writes the <set/> of an answer.
func (r Result) Append(b []byte) []byte {
	b = append(b, "<set xmlns='"+NS+"'>"...)
	// XEP-0059 §2.2: neither of the two on an empty page.
	if r.First != "" {
		b = append(b, "<first"...)
		if r.FirstIndex >= 0 {
			b = append(strconv.AppendInt(append(b, " index='"...), int64(r.FirstIndex), 10), '\'')
		}
		b = append(markup.AppendEscaped(append(b, '>'), r.First), "</first><last>"...)
		b = append(markup.AppendEscaped(b, r.Last), "</last>"...)
	}
	if r.Count >= 0 {
		b = append(strconv.AppendInt(append(b, "<count>"...), int64(r.Count), 10), "</count>"...)
	}
	return append(b, "</set>"...)
}

// Page finds the page of a set that is held in memory, ordered by its ids: items lo to hi, without hi. most bounds a
// page. An item that has gone since is no hindrance: the order tells where it was.
func (q Request) Page(ids []string, most int) (lo, hi int, r Result) {
	n := most
	if q.Max >= 0 {
		n = min(n, q.Max)
	}
	lo, hi = 0, len(ids)
	if q.After != "" {
		i, found := slices.BinarySearch(ids, q.After)
		if lo = i; found {
			lo++
		}
	}
	if q.Before != "" {
		hi, _ = slices.BinarySearch(ids, q.Before)
	}
	lo = min(max(lo, q.Index), len(ids))
	hi = max(lo, hi)
	if q.HasBefore {
		lo = max(lo, hi-n)
	}
	hi = min(hi, lo+n)
	r = Result{FirstIndex: lo, Count: len(ids)}
	if lo < hi {
		r.First, r.Last = ids[lo], ids[hi-1]
	}
	return lo, hi, r
}
