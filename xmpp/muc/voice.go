package muc

import (
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// formRequest is the FORM_TYPE of a request for voice, and of its approval. XEP-0045 §16.5.2.
const formRequest = NS + "#request"

// voice takes requests for voice, and what moderators say to them. XEP-0045 §7.13, §8.6.
func (s *Service) voice(q *request) (done bool, err error) {
	c, ok := q.stanza.Child(forms.NS, "x")
	if !ok {
		return false, nil
	}
	x, err := q.stanza.Element(c)
	if err != nil {
		return false, nil
	}
	f, err := forms.Parse(x)
	if err != nil {
		return true, err
	}
	if f.Type == forms.Cancel {
		return true, nil // whatever was asked, it was not answered
	}
	if f.FormType != formRequest {
		return false, nil
	}
	if err := q.NeedTx(); err != nil {
		return true, err
	}
	switch {
	case q.from == nil:
		return true, stanza.Fail(stanza.Forbidden, "you are not in the room") // XEP-0045 §17.2
	case f.Type != forms.Submit:
		return true, stanza.Fail(stanza.BadRequest, "the form is not filled in")
	case f.Has("muc#request_allow"):
		return true, s.approve(q, f)
	}
	return true, s.requestVoice(q, f)
}

// requestVoice asks the moderators. XEP-0045 §8.6.
func (s *Service) requestVoice(q *request, f *forms.Form) error {
	if role, _ := f.Value("muc#role"); role != Participant.String() {
		return stanza.Fail(stanza.BadRequest, "only the role participant can be asked for") // XEP-0045 §7.13
	}
	o, st := q.from, q.state
	if o.Role != Visitor {
		return nil // it has what it asks for
	}
	if err := s.pacing.take(q.Turn, o.Real.Bare(), 1); err != nil {
		return err
	}
	form := forms.Form{
		Type: forms.Blank, FormType: formRequest, Title: "Request for voice",
		Instructions: "Tick the box and submit the form to let this person speak.",
		Fields: []forms.Field{
			{Var: "muc#role", Type: forms.ListSingle, Label: "Requested role", Values: []string{Participant.String()},
				Options: []forms.Option{{Label: "Participant", Value: Participant.String()}}},
			{Var: "muc#jid", Type: forms.JIDSingle, Label: "User", Values: []string{o.Real.String()}},
			{Var: "muc#roomnick", Type: forms.TextSingle, Label: "Nick", Values: []string{o.Nick}},
			{Var: "muc#request_allow", Type: forms.Boolean, Label: "Let this person speak", Values: forms.Bool(false)},
		},
	}
	ask := &stanza.Stanza{Kind: stanza.Message, From: q.room.jid, ID: q.stanza.ID}
	ask.SetInner(form.Append(nil))
	return q.room.each(q.Turn, st, func(to *Occupant, _ *Session) *stanza.Stanza {
		if to.Role != Moderator {
			return nil
		}
		return ask
	})
}

// approve is a moderator's answer. What was asked by a nick is granted to it as long as the same user has it.
func (s *Service) approve(q *request, f *forms.Form) error {
	allow, _, err := f.Bool("muc#request_allow")
	if err != nil {
		return stanza.Fail(stanza.BadRequest, "muc#request_allow is neither true nor false")
	}
	if q.standing().Role != Moderator {
		return stanza.Fail(stanza.Forbidden, "")
	}
	if !allow {
		return nil
	}
	nick, _ := f.Value("muc#roomnick")
	p := planBy(q)
	o := p.occupant(nick)
	if user, _ := f.Value("muc#jid"); user != "" {
		real, err := jid.Parse(user)
		if err != nil {
			return stanza.Fail(stanza.JIDMalformed, "")
		}
		if by := q.state.ByReal(real); by != nil {
			o = by // it may have another nick by now
		} else if o != nil && o.Real.Bare() != real.Bare() {
			o = nil
		}
	}
	if o == nil || o.Hidden {
		return stanza.Fail(stanza.ItemNotFound, "the one who asked is not in the room")
	}
	if o.Role >= Participant {
		return nil // another moderator was faster
	}
	if err := p.cast(item{nick: o.Nick, role: Participant.String()}); err != nil {
		return err
	}
	return p.carry(nil)
}
