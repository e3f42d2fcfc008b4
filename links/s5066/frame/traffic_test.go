package frame_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"longwire/links/codec"
	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// bodies are messages of about 40 characters, as people write them.
var bodies = []string{
	"the convoy left at six and is on its way", "we have fuel for two more days at camp 4", "please send the new map of the east road",
	"weather is fine here, light wind from SW", "generator two failed again in the night.", "can you confirm the time of the meeting?",
	"the doctor needs more blood of type zero", "radio check on channel four at noon, ok?", "all quiet here since yesterday evening..",
	"boat arrives tomorrow around nine o clock", "bring batteries and the spare antenna pls", "road is blocked by a fallen tree at km 12",
	"two trucks are back, one is still missing", "i will call you right after the briefing", "who has the keys of the storage building",
	"Water level is rising slowly at bridge 3", "Helicopter landed safely with the medics", "need an answer before we move out tonight",
	"The printer works again, thanks for help", "send Jim's report to the commander first", "How many blankets do you still have left?",
	"Kitchen is closed until Monday, sorry all", "patrol reports smoke two miles north of B", "We lost the signal near the old quarry 7",
	"ok, understood. will be there in an hour", "Ferry runs only at high tide until Friday", "ask Maria whether the tents have arrived",
	"My phone is nearly flat, back in an hour", "Three people with minor injuries, no rush", "Grid 4521 8837, approach from the west...",
	"engine makes a strange noise above 40 kmh", "that is not what the old timetable says!", "Good morning, anything new over there yet",
	"fresh bread and coffee when you get back", "Airfield opens 0630, two flights expected", "the school roof was damaged by the storm",
	"nobody answers at the customs office now", "Spare tyre is under the bench, left side.", "Did the medicine for Mrs Olsen turn up ok?",
	"Let me know if the pump needs more diesel",
}

// A person has a client of one make.
type person struct{ name, resource, lang, form string }

// people, and what their clients put around a message: B is the body, I the id.
var people = []person{
	{"carla", "gajim.Q8F2ZK0W", " xml:lang='nb'", "B<origin-id id='I' xmlns='urn:xmpp:sid:0'/><request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/><markable xmlns='urn:xmpp:chat-markers:0'/>"},
	{"oscar", "Conversations.t7Bz", " xml:lang='de'", "B<markable xmlns='urn:xmpp:chat-markers:0'/><origin-id id='I' xmlns='urn:xmpp:sid:0'/><request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/>"},
	{"viktor", "dino.3fa90b77", "", "B<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id id='I' xmlns='urn:xmpp:sid:0'/><active xmlns='http://jabber.org/protocol/chatstates'/>"},
	{"tango", "phone", "", "<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id id='I' xmlns='urn:xmpp:sid:0'/>B<markable xmlns='urn:xmpp:chat-markers:0'/>"},
}

func uuid(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.Uint32()&0xFFFF, r.Uint32()&0xFFF, r.Uint32()&0x3FFF|0x8000, r.Uint64()&(1<<48-1))
}

func message(r *rand.Rand, p person, body string) []byte {
	id := uuid(r)
	content := strings.NewReplacer("B", "<body>"+body+"</body>", "I", id).Replace(p.form)
	return canonical(fmt.Appendf(nil, "<message from='%s@north.example/%s' id='%s' to='base@south.example/gajim.H5M1C9TD' type='chat'%s>%s</message>",
		p.name, p.resource, id, p.lang, content))
}

// stanza makes one of any kind.
func stanza(r *rand.Rand) []byte {
	p := people[r.IntN(len(people))]
	switch r.IntN(8) {
	case 0:
		return canonical(fmt.Appendf(nil, "<iq from='north.example' id='%x' to='south.example' type='get'><ping xmlns='urn:xmpp:ping'/></iq>", r.Uint32()))
	case 1:
		return canonical(fmt.Appendf(nil, "<presence from='%s@north.example/%s' to='base@south.example'/>", p.name, p.resource))
	case 2:
		junk := make([]byte, r.IntN(1500))
		for i := range junk {
			junk[i] = byte(r.Uint32())
		}
		return canonical(fmt.Appendf(nil, "<iq from='%s@north.example' to='south.example' type='set' id=\"%x\"><data xmlns='x'>%s</data></iq>", p.name, r.Uint32(), base64.StdEncoding.EncodeToString(junk)))
	case 3:
		return canonical(fmt.Appendf(nil, "<message to='base@south.example' from='%s@north.example'><body>%s</body></message>", p.name, strings.Repeat("again ", r.IntN(300))))
	}
	return message(r, p, bodies[r.IntN(len(bodies))])
}

var names = frame.Header{Out: "k3f9qz", In: "b7wm2c"}

func known(taken, sent uint32) frame.Known {
	return frame.Known{Out: names.Out, In: names.In, Taken: taken, Sent: sent}
}

// methods are those of all tests.
func methods() []codecs.Method {
	all, err := codecs.For(codecs.Mix, codec.Provision{})
	if err != nil {
		panic(err)
	}
	return all
}

// canonical is what comes out for a text.
func canonical(text []byte) []byte {
	if c, err := codec.Canonical(text); err == nil {
		return c
	}
	return text
}

func newEncoder() *frame.Encoder { return &frame.Encoder{Method: methods()[0]} }

func newDecoder() *frame.Decoder { return &frame.Decoder{Methods: methods()} }
