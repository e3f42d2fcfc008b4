package pep

import (
	"errors"
	"slices"
	"strconv"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/rsm"
	"longwire/xmpp/stanza"
)

// Bounds of one answer: what is asked for without a page is cut to the newest, and says so.
const (
	maxAnswer = 192 << 10 // octets of payloads, but one item at least
	maxAsked  = 100       // ids in one request
)

// items answers with items of a node. XEP-0060 §6.5.
func (s *Service) items(q *request) error {
	n, err := s.find(q)
	if err != nil {
		return err
	}
	if n.Config.Transient {
		return lacks("persistent-items")
	}
	var page []store.PubsubItem
	var set *rsm.Result
	if ids, err := asked(q); err != nil {
		return err
	} else if ids != nil {
		page, err = s.byID(q, ids)
		if err != nil {
			return err
		}
	} else if page, set, err = s.page(q); err != nil {
		return err
	}
	b := markup.AppendPlainAttr(append([]byte(nil), "<pubsub xmlns='"+NS+"'><items"...), "node", q.node)
	if len(page) == 0 {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		for i := range page {
			b = appendItem(b, &page[i], true)
		}
		b = append(b, "</items>"...)
	}
	if set != nil {
		b = set.Append(b)
	}
	q.Reply(append(b, "</pubsub>"...))
	return nil
}

// find is load, for who may read the node.
func (s *Service) find(q *request) (store.PubsubNode, error) {
	n, err := s.load(q)
	if err != nil {
		return n, err
	}
	return n, s.may(q.Turn, q.Account, &n.Config, q.Stanza.From)
}

// asked lists the items that are asked for by id; nil: none is.
func asked(q *request) (ids []string, err error) {
	for _, e := range q.act.Children {
		if e.Name != (markup.Name{Space: NS, Local: "item"}) {
			continue
		}
		id := e.Attr("id")
		if id == "" || len(ids) == maxAsked {
			return nil, stanza.Fail(stanza.BadRequest, "an item is asked for by its id, and at most "+strconv.Itoa(maxAsked)+" are")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// byID reads the items that are there. XEP-0060 §6.5.8, §6.5.9.12.
func (s *Service) byID(q *request, ids []string) (found []store.PubsubItem, err error) {
	err = s.host.Read(q.Turn, func(tx *store.Tx) error {
		for _, id := range ids {
			it, err := s.item(tx, q, id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return failed("reading the items of", q.Account, q.node, err)
			}
			found = append(found, it)
		}
		return nil
	})
	return found, err
}

func (s *Service) item(tx *store.Tx, q *request, id string) (store.PubsubItem, error) {
	if q.node != NodeLegacyBookmarks {
		return tx.PubsubItem(q.Account.String(), q.node, id)
	}
	it, ok, err := s.legacyItem(tx, q.Account)
	if err == nil && (!ok || id != it.ID) {
		err = store.ErrNotFound
	}
	return it, err
}

// window is the part of a node's items that is asked for.
type window struct {
	ids    []string
	sizes  []int
	lo, hi int
	tail   bool // what is too much is cut from the front
}

// page reads the items that are asked for by their place: all, the newest of them (XEP-0060 §6.5.7), or a page (XEP-0059).
// They come oldest first. set is nil for who gets what was asked for and did not ask for a set.
func (s *Service) page(q *request) (found []store.PubsubItem, set *rsm.Result, err error) {
	newest, err := maxItems(q)
	if err != nil {
		return nil, nil, err
	}
	e := rsm.Find(q.Payload)
	r, err := rsm.Parse(e)
	if err != nil {
		return nil, nil, err
	}
	err = s.host.Read(q.Turn, func(tx *store.Tx) error {
		w, err := s.list(tx, q)
		if err != nil {
			return err
		}
		if err := w.narrow(r, newest); err != nil {
			return err
		}
		if cut := w.cut(); cut || e != nil {
			set = &rsm.Result{FirstIndex: w.lo, Count: len(w.ids)}
			if w.lo < w.hi {
				set.First, set.Last = w.ids[w.lo], w.ids[w.hi-1]
			}
		}
		for _, id := range w.ids[w.lo:w.hi] {
			it, err := s.item(tx, q, id)
			if err != nil {
				return failed("reading the items of", q.Account, q.node, err)
			}
			found = append(found, it)
		}
		return nil
	})
	return found, set, err
}

func maxItems(q *request) (int, error) {
	if !q.act.HasAttr("max_items") {
		return -1, nil
	}
	n, err := strconv.ParseUint(q.act.Attr("max_items"), 10, 31)
	if err != nil || n == 0 {
		return 0, stanza.Fail(stanza.BadRequest, "max_items is a positive number")
	}
	return int(n), nil
}

// list reads the order of a node's items.
func (s *Service) list(tx *store.Tx, q *request) (w window, err error) {
	if q.node == NodeLegacyBookmarks {
		it, ok, err := s.legacyItem(tx, q.Account)
		if ok {
			w.ids, w.sizes = []string{it.ID}, []int{len(it.Payload)}
		}
		return w, err
	}
	err = tx.PubsubItems(q.Account.String(), q.node, false, func(it store.PubsubItem) (bool, error) {
		w.ids, w.sizes = append(w.ids, it.ID), append(w.sizes, len(it.Payload))
		return true, nil
	})
	if err != nil {
		err = failed("reading the items of", q.Account, q.node, err)
	}
	return w, err
}

// narrow finds the page. newest is of max_items, -1 when there is none.
func (w *window) narrow(r rsm.Request, newest int) error {
	place := func(id string) (int, error) {
		i := slices.Index(w.ids, id)
		if i < 0 {
			return 0, stanza.Fail(stanza.ItemNotFound, "the item before or after the page is not there") // XEP-0059 §2.2
		}
		return i, nil
	}
	w.hi = len(w.ids)
	if r.After != "" {
		i, err := place(r.After)
		if err != nil {
			return err
		}
		w.lo = i + 1
	}
	if r.Before != "" {
		i, err := place(r.Before)
		if err != nil {
			return err
		}
		w.hi = i
	}
	if r.Index >= 0 {
		w.lo = min(r.Index, w.hi)
	}
	w.lo = min(w.lo, w.hi)
	if newest >= 0 {
		w.lo = max(w.lo, w.hi-newest)
	}
	w.tail = r.HasBefore || r.Max < 0 && r.After == "" && r.Index < 0
	if r.Max >= 0 {
		if r.HasBefore {
			w.lo = max(w.lo, w.hi-r.Max)
		} else {
			w.hi = min(w.hi, w.lo+r.Max)
		}
	}
	return nil
}

// cut makes an answer of the page that is not too large, and tells whether that took something away.
func (w *window) cut() bool {
	size := 0
	if w.tail {
		for i := w.hi - 1; i >= w.lo; i-- {
			if size += w.sizes[i]; size > maxAnswer && i < w.hi-1 {
				w.lo = i + 1
				return true
			}
		}
		return false
	}
	for i := w.lo; i < w.hi; i++ {
		if size += w.sizes[i]; size > maxAnswer && i > w.lo {
			w.hi = i
			return true
		}
	}
	return false
}
