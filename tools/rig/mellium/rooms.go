package mellium

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"

	"mellium.im/xmlstream"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/muc"
	"mellium.im/xmpp/stanza"
)

// A Presence is what arrives, with what a room says about the occupant.
type Presence struct {
	stanza.Presence
	User struct {
		Item   muc.Item `xml:"item"`
		Status []struct {
			Code int `xml:"code,attr"`
		} `xml:"status"`
	} `xml:"http://jabber.org/protocol/muc#user x"`
}

// Has tells whether the room gave the presence this status.
func (p Presence) Has(code int) bool {
	for _, s := range p.User.Status {
		if s.Code == code {
			return true
		}
	}
	return false
}

// A Result is a message from an archive.
type Result struct {
	ID        string `xml:"id,attr"`
	Query     string `xml:"queryid,attr"`
	Forwarded struct {
		Delay struct {
			Stamp string `xml:"stamp,attr"`
		} `xml:"urn:xmpp:delay delay"`
		Message struct {
			stanza.Message
			Body string `xml:"body"`
		} `xml:"jabber:client message"`
	} `xml:"urn:xmpp:forward:0 forwarded"`
}

// replay gives what was read to a second reader.
type replay struct {
	tokens []xml.Token
	xmlstream.Encoder
}

func (r replay) reader() xmlstream.TokenReadEncoder {
	return struct {
		xml.TokenReader
		xmlstream.Encoder
	}{xmlstream.ReaderFunc(func() (xml.Token, error) {
		if len(r.tokens) == 0 {
			return nil, io.EOF
		}
		t := r.tokens[0]
		r.tokens = r.tokens[1:]
		return t, nil
	}), r.Encoder}
}

// Join enters a room.
func (c *Client) Join(ctx context.Context, room, nick string, opt ...muc.Option) (*muc.Channel, error) {
	j, err := jid.Parse(room + "/" + nick)
	if err != nil {
		return nil, fmt.Errorf("mellium: %w", err)
	}
	ch, err := c.rooms.Join(ctx, j, c.Session, opt...)
	if err != nil {
		return nil, fmt.Errorf("mellium: join %s: %w", j, err)
	}
	return ch, nil
}

// SayIn says a line in a room, or to one of its occupants.
func (c *Client) SayIn(ctx context.Context, to, id, body string) error {
	j, err := jid.Parse(to)
	if err != nil {
		return fmt.Errorf("mellium: %w", err)
	}
	kind := stanza.GroupChatMessage
	if j.Resourcepart() != "" {
		kind = stanza.ChatMessage
	}
	text := xmlstream.Wrap(xmlstream.Token(xml.CharData(body)), xml.StartElement{Name: xml.Name{Local: "body"}})
	return c.send(ctx, stanza.Message{To: j, ID: id, Type: kind}.Wrap(text))
}

// Rename takes another nick in a room.
func (c *Client) Rename(ctx context.Context, room, nick string) error {
	j, err := jid.Parse(room + "/" + nick)
	if err != nil {
		return fmt.Errorf("mellium: %w", err)
	}
	return c.send(ctx, stanza.Presence{To: j}.Wrap(nil))
}
