package config

// Values of Questions.Mode and PeerPresence.Synthetic.
const (
	QuestionsAuto  = "auto"
	QuestionsLocal = "local"
	QuestionsCross = "cross"

	SyntheticAuto = "auto"
	SyntheticOn   = "on"
	SyntheticOff  = "off"
)

// Questions are what clients of ours ask about things of a peer (IQ), most often without their users' knowledge.
type Questions struct {
	Mode  string   `toml:"mode" doc:"local: this node answers at once, by what it knows, or refuses; cross: they are asked over the link; auto: local where one of the peer's links has a class, else cross."`
	Cross []string `toml:"cross" eg:"[\"vcard-temp\"]" doc:"Namespaces of questions that are asked over the link all the same."`
}

// PeerPresence is what our users see of those of a peer.
type PeerPresence struct {
	Synthetic string `toml:"synthetic" doc:"Contacts whose presence does not cross are shown as available while the peer can be reached: auto, where folding takes all their presence; on; or off."`
}
