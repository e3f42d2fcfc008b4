package archive

import (
	"fmt"
	"slices"
	"time"

	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/rsm"
	"longwire/xmpp/stanza"
)

// A Query says which entries are wanted, and which page of them.
type Query struct {
	ID            string    // queryid
	Start, End    time.Time // zero: open
	With          jid.JID   // zero: anyone
	After, Before uint64    // after-id, before-id; 0: open
	IDs           []uint64  // ids, rising; only these, when IDsOnly
	IDsOnly       bool

	Max                   int    // of entries, -1: as many as there may be
	PageAfter, PageBefore uint64 // from RSM; 0: open
	Backward              bool   // the last page before PageBefore
	Flip                  bool   // newest first on the page
}

// MaxIDs is how many entries may be asked for by their ids.
const MaxIDs = 500

const maxQueryID = 1024

// ParseQuery reads a <query/>. groupchat tells whether the field include-groupchat is known. Errors are *stanza.Err.
func ParseQuery(p *markup.Element, groupchat bool) (q Query, err error) {
	q.ID = p.Attr("queryid")
	if len(q.ID) > maxQueryID {
		return q, stanza.Fail(stanza.BadRequest, "queryid: too long")
	}
	if p.Attr("node") != "" {
		// XEP-0313, Pubsub Archives: reserved for those.
		return q, stanza.Fail(stanza.FeatureNotImplemented, "nodes have no archive")
	}
	q.Flip = p.Child(NS, "flip-page") != nil
	if x := forms.Find(p); x != nil {
		if err := q.form(x, groupchat); err != nil {
			return q, err
		}
	}
	return q, q.page(p)
}

// page reads the result set part.
func (q *Query) page(p *markup.Element) error {
	set, err := rsm.Parse(rsm.Find(p))
	if err != nil {
		return err
	}
	if set.Index >= 0 {
		// XEP-0059 §2.6: an index is optional, and this is how to say that.
		return stanza.Fail(stanza.FeatureNotImplemented, "index: pages are found by id")
	}
	q.Max, q.Backward = set.Max, set.HasBefore
	if set.After != "" {
		if q.PageAfter, err = wireID("after", set.After); err != nil {
			return err
		}
	}
	if set.Before != "" {
		q.PageBefore, err = wireID("before", set.Before)
	}
	return err
}

func (q *Query) form(x *markup.Element, groupchat bool) error {
	f, err := forms.Parse(x)
	if err != nil {
		return err
	}
	if f.Type != forms.Submit {
		return stanza.Fail(stanza.BadRequest, "the form is not of type submit")
	}
	// XEP-0313, Filtering results: FORM_TYPE MUST be this.
	if f.FormType != NS {
		return stanza.Fail(stanza.BadRequest, "the form is not of FORM_TYPE "+NS)
	}
	for _, fd := range f.Fields {
		if err := q.field(f, fd, groupchat); err != nil {
			return err
		}
	}
	return nil
}

// field reads one field; one without a value is as good as none.
func (q *Query) field(f *forms.Form, fd forms.Field, groupchat bool) (err error) {
	if fd.Var == "ids" {
		return q.ids(fd.Values)
	}
	var v string
	switch {
	case len(fd.Values) == 1:
		v = fd.Values[0]
	case len(fd.Values) > 1 && known(fd.Var, groupchat):
		return stanza.Fail(stanza.BadRequest, fd.Var+": one value is enough")
	case len(fd.Values) == 0 && known(fd.Var, groupchat):
		return nil
	}
	switch fd.Var {
	case "start":
		q.Start, err = dateTime(fd.Var, v)
	case "end":
		q.End, err = dateTime(fd.Var, v)
	case "with":
		if q.With, err = jid.Parse(v); err != nil {
			return stanza.Fail(stanza.BadRequest, "with: not an address")
		}
	case "after-id":
		q.After, err = wireID(fd.Var, v)
	case "before-id":
		q.Before, err = wireID(fd.Var, v)
	case "include-groupchat":
		if !groupchat {
			return unknown(fd.Var)
		}
		// Lines of rooms are in the rooms' archives only, so that both answers mean the same.
		if _, _, bad := f.Bool(fd.Var); bad != nil {
			return stanza.Fail(stanza.BadRequest, fd.Var+": neither true nor false")
		}
	default:
		return unknown(fd.Var)
	}
	return err
}

// unknown refuses a field. XEP-0313, Retrieving form fields: feature-not-implemented.
func unknown(field string) error {
	return stanza.Fail(stanza.FeatureNotImplemented, fmt.Sprintf("%.100s: no such field", field))
}

func known(field string, groupchat bool) bool {
	switch field {
	case "start", "end", "with", "after-id", "before-id":
		return true
	}
	return groupchat && field == "include-groupchat"
}

func (q *Query) ids(values []string) error {
	if len(values) > MaxIDs {
		return stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("ids: at most %d", MaxIDs))
	}
	for _, v := range values {
		id, err := wireID("ids", v)
		if err != nil {
			return err
		}
		q.IDs = append(q.IDs, id)
	}
	slices.Sort(q.IDs)
	q.IDs = slices.Compact(q.IDs)
	q.IDsOnly = len(q.IDs) > 0
	return nil
}

// wireID reads an id. Clients take it as it is (XEP-0313, IDs), so that one we never gave is one we do not have.
func wireID(where, s string) (uint64, error) {
	id, ok := ParseID(s)
	if !ok {
		return 0, notFound(where)
	}
	return id, nil
}

func notFound(where string) error {
	return stanza.Fail(stanza.ItemNotFound, where+": no such id in this archive")
}

// dateTime reads a time. XEP-0082 §3.2, DateTime.
func dateTime(field, v string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return t, stanza.Fail(stanza.BadRequest, field+": not a date and time of XEP-0082")
	}
	if t.IsZero() { // which is none
		t = t.Add(1)
	}
	return t.UTC(), nil
}

// formXML is the answer to a get. XEP-0313, Retrieving form fields.
func formXML(groupchat bool) []byte {
	b := []byte("<query xmlns='" + NS + "'><x xmlns='" + forms.NS + "' type='form'>" +
		"<field var='FORM_TYPE' type='hidden'><value>" + NS + "</value></field>" +
		"<field var='with' type='jid-single'/><field var='start' type='text-single'/><field var='end' type='text-single'/>" +
		"<field var='before-id' type='text-single'/><field var='after-id' type='text-single'/>" +
		"<field var='ids' type='list-multi'><validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate></field>")
	if groupchat {
		b = append(b, "<field var='include-groupchat' type='boolean'/>"...)
	}
	return append(b, "</x></query>"...)
}
