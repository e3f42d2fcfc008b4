package config

import "time"

// Budget bounds the air time that something may cost in any hour. Empty fields fit anything.
type Budget struct {
	Peer       string        `toml:"peer" eg:"\"field\"" doc:"On the way to this peer. Default: each peer for itself."`
	User       string        `toml:"user" eg:"\"alice@headquarters.net\"" doc:"Of this user; \"*\" is each user for themselves. Default: all together."`
	Room       string        `toml:"room" eg:"\"hqroom1@chat.headquarters.net\"" doc:"In this room; \"*\" is each room for itself. Default: in a room or not."`
	Precedence string        `toml:"precedence" eg:"\"routine\"" doc:"Of this precedence. Default: any."`
	Kind       string        `toml:"kind" eg:"\"message\"" doc:"Of this kind: message, groupchat, iq, presence, receipt. Default: any."`
	Soft       time.Duration `toml:"soft" eg:"\"5m\"" doc:"Air time in any hour from which on what fits goes as the least urgent, and its sender is told. \"0s\": no such limit."`
	Hard       time.Duration `toml:"hard" eg:"\"10m\"" doc:"Air time in any hour from which on what fits is refused. \"0s\": no such limit."`
}

func (b *Budget) setDefaults() { *b = Budget{} }

// Air is about single messages that cost much of it.
type Air struct {
	WarnAfter time.Duration `toml:"warn_after" doc:"The sender of a message that costs more air time than this is told. \"0s\": nobody is."`
	Hold      time.Duration `toml:"hold" doc:"Such a message waits so long before it is sent, so that it can be cancelled."`
}
