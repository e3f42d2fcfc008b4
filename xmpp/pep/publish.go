package pep

import (
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// single is the id of the item of a node that keeps one, when the publisher gives none. XEP-0060 §12.20.
const single = "current"

// publication is an item on its way into a node.
type publication struct {
	node string
	item store.PubsubItem
	none bool                              // there is no item, only an event
	name markup.Name                       // of the payload
	elem *markup.Element                   // the payload, when a client has sent it
	pre  func(c *store.PubsubConfig) error // puts preconditions into a configuration; nil: there are none
}

// publish puts an item into a node of the account. XEP-0060 §7.1.
func (s *Service) publish(q *request) error {
	p, err := s.read(q)
	if err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if private(q.node) {
		if err := s.adopt(q.Turn, q.Account); err != nil {
			return err
		}
	}
	given := p.item.ID
	id, err := s.put(q.Turn, q.Account, p)
	if err != nil {
		return err
	}
	b := append([]byte(nil), "<pubsub xmlns='"+NS+"'><publish"...)
	b = markup.AppendPlainAttr(b, "node", q.node)
	if given != "" || id == "" {
		b = append(b, "/></pubsub>"...)
	} else {
		// XEP-0060 §7.1.2: the publisher learns the id that it got.
		b = append(markup.AppendPlainAttr(append(b, "><item"...), "id", id), "/></publish></pubsub>"...)
	}
	q.Reply(b)
	return nil
}

// read takes a publish request apart.
func (s *Service) read(q *request) (p publication, err error) {
	if err := q.own(); err != nil {
		return p, err
	}
	if err := q.named(); err != nil {
		return p, err
	}
	p.node, p.none = q.node, true
	for _, e := range q.act.Children {
		if e.Name != (markup.Name{Space: NS, Local: "item"}) {
			continue
		}
		if !p.none {
			return p, stanza.Fail(stanza.BadRequest, "one item is published at a time") // XEP-0060 §7.1.1
		}
		p.none = false
		if err := p.read(e, q.Stanza.From); err != nil {
			return p, err
		}
	}
	p.pre, err = s.preconditions(q)
	return p, err
}

// read reads the <item/>.
func (p *publication) read(e *markup.Element, from jid.JID) error {
	p.item = store.PubsubItem{ID: e.Attr("id"), Publisher: from.String(), Published: time.Now()}
	if len(p.item.ID) > maxID {
		return stanza.Fail(stanza.NotAcceptable, fmt.Sprintf("the id of an item may have at most %d bytes", maxID))
	}
	switch len(e.Children) {
	case 0:
	case 1:
		p.elem = e.Children[0]
		p.item.Payload, p.name = p.elem.Raw, p.elem.Name
	default:
		return refuse(stanza.BadRequest, "", "invalid-payload", "")
	}
	return nil
}

// preconditions reads <publish-options/>. XEP-0060 §7.1.5: a field is met when putting it into the configuration changes
// nothing; a new node gets it.
func (s *Service) preconditions(q *request) (func(*store.PubsubConfig) error, error) {
	e := q.Payload.Child(NS, "publish-options")
	if e == nil {
		return nil, nil
	}
	f, err := forms.Parse(forms.Find(e))
	if err != nil {
		return nil, err
	}
	if f.FormType != formOptions || f.Type != forms.Submit {
		return nil, stanza.Fail(stanza.BadRequest, "the form is not of the type "+formOptions)
	}
	return func(c *store.PubsubConfig) error {
		return s.apply(c, f, refuse(stanza.Conflict, "", "precondition-not-met", "a field is not known here"))
	}, nil
}
