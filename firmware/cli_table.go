package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

func withConfig(fs *flag.FlagSet, c *call) {
	fs.StringVar(&c.config, "config", "", "config `FILE`; default: $LONGWIRE_CONFIG, /etc/longwire/longwire.toml, else embedded defaults")
}

func withJSON(fs *flag.FlagSet, c *call) {
	withConfig(fs, c)
	fs.BoolVar(&c.json, "json", false, "print JSON for programs")
}

func withPassword(fs *flag.FlagSet, c *call) {
	withConfig(fs, c)
	fs.BoolVar(&c.generate, "generate", false, "make up a password and print it")
	fs.BoolVar(&c.stdin, "password-stdin", false, "read the password from standard input's first line")
}

func withRecord(fs *flag.FlagSet, c *call) {
	fs.StringVar(&c.telemetry.folder, "folder", "", "`DIR` of the record, or of a copy; default: the node's own")
	fs.Func("since", "only the last `TIME` of it, such as 24h; default: all", func(text string) (err error) {
		if c.telemetry.since, err = time.ParseDuration(text); err != nil || c.telemetry.since <= 0 {
			return errors.New("write how far back, as in 30m or 24h")
		}
		return nil
	})
}

// commands is the table of all commands.
func commands() []command {
	return slices.Concat([]command{
		{name: "node", line: "run the node", flags: withConfig, run: cmdNode, help: `
Runs until SIGTERM or SIGINT; SIGHUP reads the config again. It logs to standard error and tells
systemd when it is ready. Without any config it starts on embedded defaults: ports 5222 and 5223,
its own certificate, no peers.

  longwire node
  longwire node --config field.toml`},
		{name: "check", args: "[FILE]", line: "find every mistake in a config", flags: withConfig, max: 1, run: cmdCheck, help: `
Names each fault with its line and what to do about it. Exit code 1 if there are any. A file that is called
kit.toml is checked as a kit's settings of the machine.

  longwire check
  longwire check new.toml && cp new.toml /etc/longwire/longwire.toml && longwire reload`},
		{name: "config example", args: "[kit]", line: "print a config with every setting explained", max: 1, run: cmdExample, help: `
With the word "kit" it is that of a kit's machine: name, network, clock and firewall.

  longwire config example > longwire.toml
  longwire config example kit > kit.toml`},
		{name: "codec snapshot", args: "FILE", line: "write what the codec knows beforehand, for an image", min: 1, max: 1, run: cmdSnapshot, help: `
A node takes a second to learn it at the start, a small board ten. It looks for the file at
/usr/share/longwire/codec.snapshot first. It is good for one release, on any machine.

  longwire codec snapshot codec.snapshot`},
		{name: "reload", line: "let the running node read its config again", flags: withConfig, run: cmdReload, help: `
Applies any change without a restart; what does not change is not touched. A config with a fault is
refused whole, and the node goes on as before.

  longwire reload`},
		{name: "status", line: "show the node at a glance", flags: withJSON, run: cmdStatus, help: `
Exit code 3 if the node is not running; then it shows what the store knows.

  longwire status
  longwire status --json | jq .fingerprint`},
		{name: "user add", args: "NAME", line: "make an account", flags: withPassword, min: 1, max: 1, run: cmdUserAdd, help: `
NAME is alice@field.net, or alice for the node's first domain. The password is asked for on a
terminal, else it is the first line of standard input. Works while the node is stopped, too.

  longwire user add alice
  longwire user add alice@field.net --generate
  pass show alice | longwire user add alice --password-stdin`},
		{name: "user passwd", args: "NAME", line: "change a password", flags: withPassword, min: 1, max: 1, run: cmdUserPasswd, help: `
Clients that are connected stay so. The password of an account that the config declares is changed
there: 'longwire user credentials' prints what to write.

  longwire user passwd alice`},
		{name: "user credentials", line: "print what stands for a password in a config", run: cmdUserCredentials,
			flags: func(fs *flag.FlagSet, c *call) {
				fs.BoolVar(&c.generate, "generate", false, "make up a password, and print it as a comment")
				fs.BoolVar(&c.stdin, "password-stdin", false, "read the password from standard input's first line")
			}, help: `
For the credentials of a [[user]]. The password cannot be read from it, but weak ones can be guessed.
It needs no node.

  longwire user credentials
  longwire user credentials --generate >> longwire.toml`},
		{name: "user list", line: "list the accounts", flags: withJSON, run: cmdUserList, help: `
The last column tells which accounts the config declares. One that it declared and now leaves out is
disabled, and keeps all that is the user's.

  longwire user list`},
		{name: "user disable", args: "NAME", line: "shut a user out and keep all that is theirs", flags: withConfig, min: 1, max: 1, run: cmdUserDisable, help: `
Until 'user enable', also for an account that the config declares.

  longwire user disable alice`},
		{name: "user enable", args: "NAME", line: "let a disabled user in again", flags: withConfig, min: 1, max: 1, run: cmdUserEnable, help: `
An account that the config declared and left out is from then on like one made by hand.

  longwire user enable alice`},
		{name: "user remove", args: "NAME", line: "delete an account with all that belongs to it", min: 1, max: 1, run: cmdUserRemove,
			flags: func(fs *flag.FlagSet, c *call) {
				withConfig(fs, c)
				fs.BoolVar(&c.yes, "yes", false, "do not ask")
			}, help: `
Contacts, messages that wait, everything. It cannot be undone; 'user disable' can. An account that
the config declares has to be taken out there first.

  longwire user remove alice`},
		{name: "room list", line: "list the rooms", flags: withJSON, run: cmdRoomList, help: `
PEOPLE counts the occupants of all nodes, LINES what the archive holds. DECLARED rooms stand in the config.

  longwire room list`},
		{name: "room show", args: "NAME", line: "show who is in a room, how it is set, and how its federation goes", flags: withJSON, min: 1, max: 1, run: cmdRoomShow, help: `
NAME is ops@chat.field.net, or ops for the first of the node's rooms domains. For each room of another
node that this one is one with: joined, idle (nobody is in it here, so nothing crosses the link),
joining, detached (the state was lost; it is joined anew when the link is back) or refused; when the
last line came, and what waits for it in the queue.

  longwire room show ops
  longwire room show ops --json | jq '.federation.peers[] | select(.state != "joined")'`},
		{name: "room create", args: "NAME [SETTING=VALUE…]", line: "make a room", min: 1, max: -1, run: cmdRoomCreate,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				fs.Func("owner", "`USER` who may configure it; may be given several times", func(v string) error { c.room.owners = append(c.room.owners, v); return nil })
			}, help: `
It stays until it is destroyed. What is not said is as [rooms.defaults] in the config has it; 'room
configure' explains the settings. Works while the node is stopped, too.

  longwire room create ops
  longwire room create ops title="Operations" moderated=yes --owner alice --owner bob@field.net`},
		{name: "room configure", args: "NAME SETTING=VALUE…", line: "change the settings of a room", flags: withJSON, min: 2, max: -1, run: cmdRoomConfigure, help: `
Settings go by these words, or by the names of the form that clients show, as muc#roomconfig_roomname:
title, description, language, persistent, hidden (or public), members_only, moderated, password,
non_anonymous (or whois), change_subject, members_invite, allow_pm, max_occupants, archive, history.
Say yes or no, a number, or text; password= takes the password away. Who is in the room is told.

What the config says of a declared room is changed there.

  longwire room configure ops moderated=yes history=50
  longwire room configure ops title="Operations, day" muc#roomconfig_whois=anyone`},
		{name: "room member", args: "NAME WHO AFFILIATION", line: "say what somebody is in a room: owner, admin, member, outcast, none", min: 3, max: 3, run: cmdRoomMember,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				fs.StringVar(&c.room.nick, "nick", "", "reserve this `NICK` for them")
				fs.StringVar(&c.room.reason, "reason", "", "`TEXT` that they are told")
			}, help: `
WHO is a user of any node, or a whole domain. An outcast who is in the room leaves it, and so does who
is no member any more, if the room is for members only.

  longwire room member ops bob@field.net admin
  longwire room member ops field.net member
  longwire room member ops mallory@field.net outcast --reason "not on this net"`},
		{name: "room federate", args: "NAME [FARROOM]", line: "make a room one with a room of another node (XEP-0289)", min: 1, max: 2, run: cmdRoomFederate,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				f := &c.room.federate
				fs.Func("mode", "`pp`: both go on when the link is down (the default); pr: one order for all, and silence then", textFlag(&f.Mode))
				fs.Func("accept", "`WHO` may join this room: a room, the domain of rooms, \"*\" for any peer's, or none; may be given several times", func(v string) error {
					if f.Accept == nil {
						f.Accept = &[]string{}
					}
					if v != nobody {
						*f.Accept = append(*f.Accept, v)
					}
					return nil
				})
				fs.Func("history", "at the first contact: since, none, or a number of `LINES`", textFlag(&f.History))
				fs.Func("last-n", "when brought level: at most so many of the last `LINES`; 0: all", numberFlag(&f.LastN))
				fs.BoolFunc("watch", "stay joined while nobody is in the room here; --watch=no ends that", yesFlag(&f.Watch))
				fs.BoolVar(&f.Off, "off", false, "end the federation of this room")
			}, help: `
On one node the room joins the other's; on the other it accepts to be joined, and needs no FARROOM. The
domain of FARROOM has to stand among the domains of a [[peer]] on each side. Nothing crosses the link
before somebody enters the room. What is not said stays as it is; FARROOM none joins no room any more,
and --accept none lets nobody join.

The federation of a declared room is changed in the config, below [room.federation].

  longwire room federate ops ops@chat.headquarters.net          # at the kit
  longwire room federate ops --accept chat.field.net            # at headquarters
  longwire room federate ops ops@chat.headquarters.net --mode pr
  longwire room federate ops --off`},
		{name: "room destroy", args: "NAME", line: "end a room, and delete all that was said in it", min: 1, max: 1, run: cmdRoomDestroy,
			flags: func(fs *flag.FlagSet, c *call) {
				withConfig(fs, c)
				fs.BoolVar(&c.yes, "yes", false, "do not ask")
				fs.StringVar(&c.room.alternate, "alternate", "", "`ROOM` to which people are sent")
				fs.StringVar(&c.room.reason, "reason", "", "`TEXT` that they are told")
			}, help: `
It cannot be undone. A room that the config declares has to be taken out there first.

  longwire room destroy ops
  longwire room destroy ops --alternate ops2@chat.field.net --reason "new net" --yes`},
		{name: "peer list", line: "list the peers and their links", flags: withJSON, run: cmdPeerList, help: `
  longwire peer list`},
		{name: "explain", args: "PEER", line: "tell which link carries what for a peer, and why", flags: withJSON, min: 1, max: 1, run: cmdExplain, help: `
For each link in order of preference: whether it carries, and if not, why, since when, and when that may end. For each class of
stanzas: the link that was chosen, the rule that said so, and what keeps better links from it. PEER is a name or a domain.

  longwire explain field
  longwire explain field.net --json | jq .carrier`},
		{name: "link list", line: "list the links and what they do for each peer", flags: withJSON, run: cmdLinkList, help: `
Below the table stands, for each peer over HF: whether the SAP is bound at the SIS server or why not,
both STANAG 5066 addresses, what holds the link up, and how much is on the way. "On the far node"
means that the peer's SIS server has a stanza and the peer itself has not confirmed it.

  longwire link list
  longwire link list --json | jq '.[].peers[].s5066'`},
		{name: "link emcon", args: "NAME on|off", line: "silence a link, or let it send again", flags: withJSON, min: 2, max: 2, run: cmdLinkEMCON, help: `
Emission control: with on, the node sends nothing more on that link, at once. What was handed to the
SIS server and is not yet on the air is taken back as far as the server can; what is on the air is
not. The link goes on receiving. Messages go by another link of the peer, and confirmations too, or wait,
and go out after off. On a link of type ip the node neither dials nor says anything; the system's own
TCP still confirms what comes in on a connection.

It stays on over restarts and power cuts, until off. If the config says emcon = true as well, that
has to be taken out before anything is sent. A SIS server has a switch of its own for the whole
station; this one silences this node. Works while the node is stopped, too.

  longwire link emcon "5066 link hq-2-field" on
  longwire link list`},
		{name: "kit key", line: "make a token for a kit, and a key for headquarters if it has none", flags: withConfig, run: cmdKitKey, help: `
Prints what the configs of headquarters and of the kit need so that the kit can introduce itself over
HF, with a token of its own. Run it once for each kit, at headquarters: where the config has a key
already, only the token is new. What it prints is secret, but for headquarters_key.

  longwire kit key`},
		{name: "kit list", line: "list the kits that this node is the headquarters of", flags: withJSON, run: cmdKitList, help: `
STATE is invited (it has not introduced itself: nothing is taken from it, and what is for it waits),
heard (it has, and may not have our answer yet), paired, silent (paired, and not heard for a day) or
withdrawn (forgotten). CONFLICT: another kit has tried to use the same token, and was refused.

  longwire kit list
  longwire kit list --json | jq '.[] | select(.state != "paired")'`},
		{name: "kit forget", args: "NAME", line: "take a kit back: nothing more from it, nothing more to it", min: 1, max: 1, run: cmdKitForget,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				fs.BoolVar(&c.again, "again", false, "its token is good for one kit more, such as the same one after a reset")
			}, help: `
For a kit that is lost, or was given to others. It is told when it next introduces itself. Its token
is spent: to invite a kit in its place, write a new one here and in the kit's config. With --again the
old token stays good, for the next kit that introduces itself with it: for one that was reset and
given the same bundle, and for the right one of two that have used the same token. Messages for the
kit are kept.

  longwire kit forget field
  longwire kit forget field --again`},
		{name: "queue", args: "[PEER]", line: "show what waits for the peers, and when it will be there", flags: withJSON, max: 1, run: cmdQueueList, help: `
Shows for each stanza how urgent it is, its state, and when it will be at the peer's node: as likely
earlier as later than 'about', and nine times in ten by 'at most'. Below stands what is waited for.
States: queued (with its place in line), with the link (a link has taken it, whether it has left is not
known), on air, at the peer's SIS server (over HF; the peer has not said so yet). What has left the
queue is shown by 'message list'. PEER is a peer's name or one of its domains. Bodies are never shown.

  longwire queue
  longwire queue field.net --json | jq '.[] | .forecast'`},
		{name: "queue list", args: "[PEER]", line: "the same as 'queue'", flags: withJSON, max: 1, run: cmdQueueList, help: `
Shows for each stanza how urgent it is, its state, and when it will be at the peer's node: as likely
earlier as later than 'about', and nine times in ten by 'at most'. Below stands what is waited for.
States: queued (with its place in line), with the link (a link has taken it, whether it has left is not
known), on air, at the peer's SIS server (over HF; the peer has not said so yet). What has left the
queue is shown by 'message list'. PEER is a peer's name or one of its domains. Bodies are never shown.

  longwire queue list
  longwire queue list field.net --json | jq '.[] | .forecast'`},
		{name: "queue cancel", args: "PEER [ID…]", line: "take stanzas out of a queue and tell their senders", min: 1, max: -1, run: cmdQueueCancel,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				fs.BoolVar(&c.all, "all", false, "all that is not yet on its way")
			}, help: `
IDs are those of 'queue list'. What is on its way already stays.

  longwire queue cancel field 17 18
  longwire queue cancel field --all`},
		{name: "queue watch", args: "[PEER]", line: "follow what is queued, sent and confirmed", flags: withJSON, max: 1, run: cmdQueueWatch, help: `
Shows what waits, and then live: queued, sent (with its bytes on the wire), on the far node (over HF: the
peer's SIS server has it, the peer has not said so yet), confirmed by the peer, or gone because it
expired or was cancelled; delivered to the recipient's client, if that says so; also contacts of the
link. Until Ctrl-C, or the node stops: exit code 3.

  longwire queue watch field`},
		{name: "air", args: "[PEER]", line: "show what was spent on what in the last hour and day", flags: withJSON, max: 1, run: cmdAir, help: `
Air time is that of the channel, as best known: as measured over the link, or by its rate in the config;
over a link without either it is not counted. Below stands what was used of each [[budget]]. Works while the
node is stopped, too.

  longwire air field
  longwire air --json | jq '.budgets[]'`},
		{name: "telemetry report", args: "[PEER]", line: "sum up the record: what was spent on what, losses, contacts", max: 1, run: cmdTelemetryReport,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				withRecord(fs, c)
			}, help: `
PEER is its name, or an address that has a folder in the record. Works on a stopped node, and on a copy of
the folder.

  longwire telemetry report --since 24h field
  longwire telemetry report --folder /media/stick/telemetry --json | jq .folding`},
		{name: "fold preview", args: "[PEER]", line: "tell what other rules of folding would have saved", max: 1, run: cmdFoldPreview,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				withRecord(fs, c)
				fs.StringVar(&c.telemetry.preset, "preset", "", "try the rules of this `CLASS` of links: none, satcom, hf-2400, hf-300, hf-75")
			}, help: `
Tries rules on the outlines of what was to cross, which telemetry keeps; nothing is sent, and nothing that was
written is kept. Without --preset they are those of the peer in the config: so change a copy of it, and name that.

  longwire fold preview field --preset hf-75
  longwire fold preview field --config changed.toml
  longwire fold preview --folder /media/stick/telemetry --preset hf-300 --since 24h`},
		{name: "message list", args: "[USER]", line: "show what became of messages for peers", max: 1, run: cmdMessageList,
			flags: func(fs *flag.FlagSet, c *call) {
				withJSON(fs, c)
				fs.IntVar(&c.most, "most", 100, "so many, the newest `NUMBER`")
			}, help: `
Shows a user's messages, or all users', newest first: what waits still, and what is at the peer (its node
has it), delivered (the recipient's client has said so), expired, refused, cancelled or dropped, and why.
How long that is remembered is set by [delivery]. Bodies are never shown.

  longwire message list
  longwire message list alice --most 20`},
		{name: "device run", line: "be a kit: sticks, lamp, button, trial of settings", flags: withDeviceRun, run: cmdDeviceRun, help: `
Runs as root until SIGTERM. It reads the sticks that are plugged in, puts what their bundle says in force,
starts longwire.service and s5066d.service on it, watches whether all is well, and takes it back if
not. What happens is printed, the lamp's signals too.

  longwire device run
  longwire device run --data /var/lib/kit --board pc`},
		{name: "device status", line: "show the kit at a glance, and its last report", flags: withDeviceJSON, run: cmdDeviceStatus, help: `
Exit code 3 if 'device run' does not answer.

  longwire device status
  longwire device status --json | jq -r .public_key`},
		{name: "device apply", args: "FILE", line: "do what a stick with this bundle on it would do", flags: withDevice, min: 1, max: 1, run: cmdDeviceApply, help: `
For a machine without a USB port at hand. It waits for the end of the trial and prints the report. Exit
code 1 if the bundle was refused or undone.

  longwire device apply headquarters.lwb`},
		{name: "device reset", line: "let the kit forget everything", run: cmdDeviceReset,
			flags: func(fs *flag.FlagSet, c *call) {
				withDevice(fs, c)
				fs.BoolVar(&c.yes, "yes", false, "it is meant")
			}, help: `
Settings, users, messages, whom it trusts: all goes, and the kit gets a new key. Only the time of day
stays. It is the same as holding the button, and cannot be undone.

  longwire device reset --yes`},
		{name: "bundle inspect", args: "FILE", line: "show what a bundle is, for whom, and who signed it", flags: withIdentity, min: 1, max: 1, run: cmdBundleInspect, help: `
Takes bundles of settings (.lwb) and of systems (.lws). The signature is checked by the key that the
bundle itself names. Sealed settings are opened with --identity, the kit's own key; nothing of what is
in them is printed.

  longwire bundle inspect field.lwb
  longwire bundle inspect longwire-rpi4-1.4.lws --json | jq .system.version`},
		{name: "bundle verify", args: "FILE", line: "check a bundle whole, by the organisation's public key", flags: withBundleKey, min: 1, max: 1, run: cmdBundleVerify, help: `
Exit code 1 if a kit that trusts the key would not believe the bundle; a system is read to its end.

  longwire bundle verify field.lwb --key organisation/org.pub
  longwire bundle verify longwire-rpi4-1.4.lws --key organisation/org.pub`},
		{name: "bundle diff", args: "OLD NEW", line: "show what a kit would do differently", flags: withIdentity, min: 2, max: 2, run: cmdBundleDiff, help: `
Names each setting that was added, changed or removed, and whom it concerns. Of passwords, tokens and
keys it tells only that they changed. Sealed settings are opened with --identity, the kit's own key; where
the bundles were made, 'twin diff' does without.

  longwire bundle diff old/field.lwb bundles/field.lwb`},
		{name: "version", line: "print the version", run: cmdVersion},
		{name: "help", args: "[COMMAND]", line: "explain a command", max: -1, run: func(c *call) error { return exit(help(c.args, c.std)) }},
	}, amendments())
}

// overview lists all commands.
func overview(w io.Writer) {
	fmt.Fprint(w, "longwire: an XMPP node for places whose only way out is a bad link\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  longwire %-26s %s\n", strings.TrimSpace(c.name+" "+c.args), c.line)
	}
	fmt.Fprint(w, "\nEach takes --help. To begin:\n\n  longwire config example > longwire.toml\n  longwire user add alice\n  longwire node\n")
}

// help explains one command, a group of them, or shows all.
func help(words []string, s std) int {
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		overview(s.out)
		return exitOK
	}
	if cmd, _ := find(words); cmd != nil {
		usage(s.out, cmd)
		return exitOK
	}
	found := false
	for _, c := range commands() {
		if strings.HasPrefix(c.name, words[0]+" ") {
			fmt.Fprintf(s.out, "longwire %-26s %s\n", strings.TrimSpace(c.name+" "+c.args), c.line)
			found = true
		}
	}
	if found {
		return exitOK
	}
	fmt.Fprintf(s.err, "longwire: there is no command %q; %s\n", strings.Join(words, " "), near(words))
	return exitMisuse
}

// synopsis is a command with its arguments and flags in one line.
func synopsis(cmd *command) string {
	words := []string{cmd.name}
	if cmd.args != "" {
		words = append(words, cmd.args)
	}
	eachFlag(cmd, func(name, arg, _ string) {
		words = append(words, "["+strings.TrimSpace("--"+name+" "+arg)+"]")
	})
	return strings.Join(words, " ")
}

func eachFlag(cmd *command, f func(name, arg, text string)) {
	if cmd.flags == nil {
		return
	}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	cmd.flags(fs, &call{})
	fs.VisitAll(func(fl *flag.Flag) {
		arg, text := flag.UnquoteUsage(fl)
		f(fl.Name, arg, text)
	})
}

// usage is what --help prints.
func usage(w io.Writer, cmd *command) {
	fmt.Fprintf(w, "Usage: longwire %s\n\n%s%s.\n", synopsis(cmd), strings.ToUpper(cmd.line[:1]), cmd.line[1:])
	if cmd.help != "" {
		fmt.Fprintf(w, "%s\n", cmd.help)
	}
	first := true
	eachFlag(cmd, func(name, arg, text string) {
		if first {
			fmt.Fprintln(w)
			first = false
		}
		fmt.Fprintf(w, "  %-18s %s\n", strings.TrimSpace("--"+name+" "+arg), text)
	})
}

// near suggests what may have been meant.
func near(args []string) string {
	var same []string
	for _, c := range commands() {
		first, second, _ := strings.Cut(c.name, " ")
		if first == args[0] && second != "" || slices.Contains(args, second) && second != "" {
			same = append(same, "longwire "+c.name)
		}
	}
	if len(same) > 0 {
		return "there is: " + strings.Join(same, ", ")
	}
	return "'longwire help' lists all"
}
