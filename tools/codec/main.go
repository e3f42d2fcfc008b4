// Command codec measures, trains and checks the codec of stanzas: what a link sends for real traffic, method by method.
package main

import "longwire/tools/cli"

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{
		Name: "codec",
		Intro: `codec: what stanzas cost on the air. Traffic comes as .jsonl, one stanza a line:

  {"s":0,"d":"AB","k":"msg-chat","x":"<message …/>"}

s is the session (a pair of nodes), d the direction (AB or BA), k the kind (any word: figures are per kind), x the
stanza as it stands on a stream between servers. Other fields are passed over, but for b, the text of a message.`,
		Outro:    "Begin with 'codec measure FILE'.",
		Commands: []cli.Command{measureCommand(), costCommand(), soakCommand(), trainCommand(), vectorsCommand()},
	}
}
