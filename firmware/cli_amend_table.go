package main

import "flag"

func withDirection(fs *flag.FlagSet, c *call) {
	withConfig(fs, c)
	fs.BoolVar(&c.inward, "in", false, "what comes from the peer, in place of what is sent to it")
}

// amendments are the commands that change the config file.
func amendments() []command {
	return []command{
		{name: "link add", args: "NAME SETTING=VALUE…", line: "add a link", flags: withConfig, min: 2, max: -1, run: cmdLinkAdd, help: `
Settings go by the words of 'longwire config example', below [[link]]. Say yes or no, a number, or text; of a list
give several with commas between them, or the word again. What is not said has its default.

The config file is changed as you would with an editor, comments stay, and the running node applies it at once.
A change that the whole would be wrong with is refused, and so is one that the node cannot apply: then nothing is changed.

  longwire link add "IP link hq-2-field" remote_address=203.0.113.7
  longwire link add SatCom class=satcom remote_address=203.0.113.8 local_port=65511 remote_port=65511 rate=9600
  longwire link add "5066 link hq-2-field" type=s5066 server=localhost:5066 sap=6 local_5066_address=1.1.0.1`},
		{name: "link set", args: "NAME SETTING=VALUE…", line: "change settings of a link", flags: withConfig, min: 2, max: -1, run: cmdLinkSet, help: `
SETTING= alone brings the default back. A list grows by SETTING+=VALUE and shrinks by SETTING-=VALUE. With name=NEW
the link gets another name, in its peers and their routes too. A secret is asked for with SETTING=-, or read from
standard input, so that it does not stand on the command line.

  longwire link set SatCom rate=19200 windows="mon-fri 06:00-18:00"
  longwire link set SatCom windows+="sat-sun 08:00-12:00" emcon=no
  longwire link set SatCom name="SatCom, roof"`},
		{name: "link remove", args: "NAME", line: "remove a link that no peer uses", flags: withConfig, min: 1, max: 1, run: cmdLinkRemove, help: `
  longwire link remove SatCom`},
		{name: "peer add", args: "NAME SETTING=VALUE…", line: "add a peer", flags: withConfig, min: 2, max: -1, run: cmdPeerAdd, help: `
A peer needs its domains, that of its rooms included, and the links that reach it, the best first. Settings of the
tables below a peer, as remote_5066_address of [peer.s5066], need not name the table where it is plain which is meant.

  longwire peer add field domain=field.net domain=chat.field.net link="IP link hq-2-field"
  longwire peer add field domain=field.net,chat.field.net link=SatCom link=HF remote_5066_address=1.1.0.2`},
		{name: "peer set", args: "PEER SETTING=VALUE…", line: "change settings of a peer", flags: withConfig, min: 2, max: -1, run: cmdPeerSet, help: `
PEER is its name or one of its domains. SETTING= alone brings the default back; a list grows by SETTING+=VALUE and
shrinks by SETTING-=VALUE.

  longwire peer set field remote_5066_address=1.1.0.2 mapping=longwire
  longwire peer set field failover.after=30s lifetimes.message=48h
  longwire peer set field domains+=lists.field.net`},
		{name: "peer link", args: "PEER LINK on|first|off", line: "tick a link for a peer, or untick it", flags: withConfig, min: 3, max: 3, run: cmdPeerLink, help: `
On puts the link at the end of the peer's order of preference, first at its head.

  longwire peer link field "5066 link hq-2-field" on
  longwire peer link field SatCom first
  longwire peer link field SatCom off`},
		{name: "peer remove", args: "PEER", line: "remove a peer", flags: withConfig, min: 1, max: 1, run: cmdPeerRemove, help: `
What waits for it goes back to its senders.

  longwire peer remove field`},
		{name: "fold show", args: "PEER", line: "show what is taken out of the traffic with a peer", flags: withDirection, min: 1, max: 1, run: cmdFoldShow, help: `
The rules in force for each class of link that reaches the peer: its own, by the numbers that 'fold remove' takes, then
those of the preset. The first that names an element decides. On a running node also what they took out since it started.

  longwire fold show field
  longwire fold show field --in`},
		{name: "fold set", args: "PEER SETTING=VALUE…", line: "change how the traffic with a peer is folded", flags: withDirection, min: 2, max: -1, run: cmdFoldSet, help: `
The settings are preset, messages, presence, window, rooms, subscriptions and shorten_ids; 'longwire config example'
explains them below [peer.fold]. Folding that would break a federated room, or what messages mean, is refused.

  longwire fold set field preset=hf-300
  longwire fold set field messages="strip all elements in the rule set" presence=minimal
  longwire fold set field presence=`},
		{name: "fold add", args: "PEER NAMESPACE ELEMENT… [SETTING=VALUE…]", line: "add a rule to the folding for a peer", flags: withDirection, min: 3, max: -1, run: cmdFoldAdd, help: `
The elements of the namespace are stripped from messages, if nothing else is said by scope (message, presence, both),
action (strip, keep, drop, refuse), if and deep. The namespace jabber:client is that of body, thread and the like.

  longwire fold add field http://jabber.org/protocol/chatstates composing active gone paused inactive
  longwire fold add field http://jabber.org/protocol/xhtml-im html
  longwire fold add field http://jabber.org/protocol/caps c scope=presence
  longwire fold add field urn:xmpp:receipts request received action=keep`},
		{name: "fold remove", args: "PEER NUMBER", line: "remove a rule from the folding for a peer", flags: withDirection, min: 2, max: 2, run: cmdFoldRemove, help: `
  longwire fold remove field 1`},
		{name: "route add", args: "PEER SETTING=VALUE…", line: "say which links of a peer may carry what", flags: withConfig, min: 2, max: -1, run: cmdRouteAdd, help: `
The settings are precedence, kinds, links and wait; the first route that fits decides, and what fits none may take all links.

  longwire route add field precedence=routine link=SatCom wait=2h   # routine waits two hours for SatCom, then takes HF
  longwire route add field kinds=presence,receipt link=SatCom        # these never go over HF`},
		{name: "route remove", args: "PEER NUMBER", line: "remove a route of a peer", flags: withConfig, min: 2, max: 2, run: cmdRouteRemove, help: `
'longwire config show route' shows them with their numbers.

  longwire route remove field 1`},
		{name: "precedence add", args: "SETTING=VALUE…", line: "say how urgent messages are by whose they are", flags: withConfig, min: 1, max: -1, run: cmdPrecedenceAdd, help: `
The settings are from, to, room, larger_than, precedence and at_most; the first rule that fits a message decides.

  longwire precedence add from=watch@field.net precedence=immediate
  longwire precedence add larger_than=4KiB at_most=routine`},
		{name: "precedence remove", args: "NUMBER", line: "remove such a rule", flags: withConfig, min: 1, max: 1, run: cmdPrecedenceRemove, help: `
'longwire config show precedence' shows them with their numbers.

  longwire precedence remove 1`},
		{name: "budget add", args: "SETTING=VALUE…", line: "bound the air time that something may cost in an hour", flags: withConfig, min: 1, max: -1, run: cmdBudgetAdd, help: `
The settings are peer, user, room, precedence and kind, which say for what, and soft and hard.

  longwire budget add peer=field hard=20m
  longwire budget add user="*" soft=2m hard=5m
  longwire budget add kind=presence hard=1m`},
		{name: "budget remove", args: "NUMBER", line: "remove such a bound", flags: withConfig, min: 1, max: 1, run: cmdBudgetRemove, help: `
'longwire config show budget' shows them with their numbers.

  longwire budget remove 1`},
		{name: "config show", args: "[WORD…]", line: "print what the config says, without its secrets", flags: withConfig, max: -1, run: cmdConfigShow, help: `
With words: only what holds all of them.

  longwire config show
  longwire config show field route`},
		{name: "config set", args: "KEY=VALUE…", line: "change any other setting", flags: withConfig, min: 1, max: -1, run: cmdConfigSet, help: `
Keys are those of 'longwire config example', with their table before them. KEY= alone brings the default back, and a
list grows by KEY+=VALUE and shrinks by KEY-=VALUE.

  longwire config set rooms.federation.enabled=yes
  longwire config set telemetry.prometheus=127.0.0.1:9464 log.level=debug
  longwire config set clients.listen+=127.0.0.1:5225`},
	}
}
