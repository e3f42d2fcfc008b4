// Package foreign runs XMPP clients that others wrote, as a person does who logs in, shows how busy he is, and chats. What the programs send
// and ask besides is theirs.
package foreign

import (
	"context"

	"longwire/tools/rig"
)

// An Account says where and as whom to log in.
type Account struct {
	rig.User
	Host         string
	Port, Direct int // with STARTTLS, and with TLS from the first byte
	Certificate  string
	Dir          string // of the program's own files; it is new to the machine
}

// A Client is a program that runs and is logged in.
type Client interface {
	// Show tells others how busy one is: "", "away" or "xa".
	Show(ctx context.Context, show string) error
	// Say opens the chat with somebody, unless it is open, and says one line.
	Say(ctx context.Context, to, text string) error
	// Heard is how often a text has come, by what the program keeps.
	Heard(text string) (int, error)
	Close()
}

// A Make is a kind of program.
type Make struct {
	Name  string
	Needs []rig.Need
	Open  func(context.Context, Account) (Client, error)
}

// Makes are all that there are. poezio is made with slixmpp, which is there on its own, too, with a person's part played by a script.
var Makes = []Make{
	{"Profanity", []rig.Need{rig.NeedTmux, rig.NeedProfanity}, profanity},
	{"MCabber", []rig.Need{rig.NeedTmux, rig.NeedMcabber}, mcabber},
	{"Poezio", []rig.Need{rig.NeedTmux, rig.NeedPoezio}, poezio},
	{"slixmpp", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, slixmpp},
	{"mellium", nil, openMellium},
}
