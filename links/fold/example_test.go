package fold_test

import (
	"fmt"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/stream"
)

func Example() {
	policy, _ := fold.Preset("hf-300")
	policy.Rules = append([]fold.Rule{{Names: []string{"geoloc"}, Space: "http://jabber.org/protocol/geoloc"}}, policy.Rules...)
	folder, err := fold.New(policy, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _ := stream.ParseStanza([]byte(`<message from='anna@field.net/phone' to='ben@headquarters.net' id='m1'>` +
		`<body>ETA 1430Z</body><geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>69.6</lat></geoloc>` +
		`<active xmlns='http://jabber.org/protocol/chatstates'/></message>`))
	r := folder.Fold(time.Now(), s)
	fmt.Printf("%s\n", r.Stanza.Bytes())
	for _, c := range r.Cuts {
		fmt.Printf("rule %d took %d bytes of %s\n", c.Rule, c.Bytes, c.Name.Local)
	}
	// Output:
	// <message from='anna@field.net/phone' to='ben@headquarters.net' id='m1'><body>ETA 1430Z</body></message>
	// rule 101 took 74 bytes of geoloc
	// rule 1 took 55 bytes of active
}
