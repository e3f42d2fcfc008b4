package config

// Precedence is how urgent messages are, and who may say so.
type Precedence struct {
	Prefixes bool             `toml:"prefixes" doc:"A text that begins with !! is flash, with ! immediate. The signs stay in the text."`
	Headers  bool             `toml:"headers" doc:"The header Precedence of a message (XEP-0131) is obeyed, and where there is none its Urgency."`
	Rules    []PrecedenceRule `toml:"rule" doc:"What messages get by whose they are; one table each. The first that fits a message decides."`
}

// PrecedenceRule fits a message by who writes to whom and how long it is.
type PrecedenceRule struct {
	From       string `toml:"from" eg:"\"watch@field.net\"" doc:"The sender: a user's address, or a domain. Default, or \"*\": any."`
	To         string `toml:"to" eg:"\"headquarters.net\"" doc:"Whom it is for: an address, or a domain. Default, or \"*\": any."`
	Room       string `toml:"room" eg:"\"hqroom1@chat.headquarters.net\"" doc:"The room it is said in: its address, or a domain of rooms; \"*\" is any room. Default: in a room or not."`
	LargerThan Size   `toml:"larger_than" eg:"\"4KiB\"" doc:"Only messages with more bytes than this. 0: of any size."`
	Precedence string `toml:"precedence" eg:"\"priority\"" doc:"What it gets where its sender says nothing: flash, immediate, priority or routine."`
	AtMost     string `toml:"at_most" eg:"\"immediate\"" doc:"What its sender may say at most; more counts as this."`
}

func (r *PrecedenceRule) setDefaults() { *r = PrecedenceRule{} }
