package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitMisuse  = 2
	exitStopped = 3 // status: the node is not running
)

// std is where a command reads and writes.
type std struct {
	in       *os.File
	out, err io.Writer
}

// command is one line of the table of commands.
type command struct {
	name  string // "user add"
	args  string // "NAME", "[PEER]", "PEER ID…"
	line  string // what it does, in one line
	help  string // more, with examples
	flags func(*flag.FlagSet, *call)
	min   int // arguments it takes
	max   int // -1: any number
	run   func(*call) error
}

// call is one invocation of a command.
type call struct {
	std
	ctx  context.Context
	args []string

	config    string
	json      bool
	generate  bool
	stdin     bool
	yes       bool
	all       bool
	again     bool
	inward    bool // of folding: what comes in
	device    deviceFlags
	bundle    bundleFlags
	room      roomFlags
	telemetry telemetryFlags
	most      int
}

// exit is an error that has been told already, with the code to end with.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// run finds the command and carries it out; it returns the exit code.
func run(ctx context.Context, args []string, s std) int {
	if len(args) == 0 {
		overview(s.err)
		return exitMisuse
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(args[1:], s)
	case "-v", "-version", "--version":
		args[0] = "version"
	}
	cmd, rest := find(args)
	if cmd == nil && len(args) == 2 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[1]) {
		return help(args[:1], s) // of a group
	}
	if cmd == nil && len(args) == 1 && help(args, std{out: s.err, err: io.Discard}) == exitOK {
		return exitMisuse // a group: it was listed
	}
	if cmd == nil {
		fmt.Fprintf(s.err, "longwire: there is no command %q; %s\n", strings.Join(args[:min(2, len(args))], " "), near(args))
		return exitMisuse
	}
	c := &call{std: s, ctx: ctx}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if cmd.flags != nil {
		cmd.flags(fs, c)
	}
	var err error
	if c.args, err = parse(fs, rest); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(s.out, cmd)
			return exitOK
		}
		return misuse(s, cmd, err.Error())
	}
	if len(c.args) < cmd.min {
		return misuse(s, cmd, "it needs "+cmd.args)
	}
	if cmd.max >= 0 && len(c.args) > cmd.max {
		return misuse(s, cmd, fmt.Sprintf("%q is too much", c.args[cmd.max]))
	}
	return outcome(s, cmd, cmd.run(c))
}

// outcome tells an error and chooses the exit code.
func outcome(s std, cmd *command, err error) int {
	var code exit
	var faults config.Faults
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &faults):
		fmt.Fprintln(s.err, err)
	case errors.Is(err, admin.ErrMisuse):
		return misuse(s, cmd, strings.TrimPrefix(err.Error(), admin.ErrMisuse.Error()+": "))
	default:
		fmt.Fprintf(s.err, "longwire: %v\n", err)
	}
	return exitFailed
}

// misuse says what is wrong with how a command was called.
func misuse(s std, cmd *command, text string) int {
	fmt.Fprintf(s.err, "longwire %s: %s\nUsage: longwire %s\nMore: longwire help %s\n", cmd.name, text, synopsis(cmd), cmd.name)
	return exitMisuse
}

// find matches the longest command name.
func find(args []string) (*command, []string) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for _, c := range commands() {
			if c.name == name {
				return &c, args[n:]
			}
		}
	}
	return nil, nil
}

// parse takes flags from anywhere among the arguments; behind -- all are arguments.
func parse(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		left := fs.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// load reads the config that the command line, the environment or the system names.
func (c *call) load() (*config.Config, error) {
	return config.Load(config.Search(c.config))
}

// node reaches the running node, or stands in for a stopped one.
func (c *call) node() (caller ctl.Caller, cfg *config.Config, running bool, err error) {
	cfg, faults := c.load()
	if cfg == nil {
		return nil, nil, false, faults
	}
	client, err := ctl.Dial(cfg.Control)
	switch {
	case err == nil:
		return client, cfg, true, nil
	case !errors.Is(err, ctl.ErrNoNode):
		return nil, nil, false, err
	case faults != nil:
		return nil, nil, false, faults
	}
	return ctl.Local{Admin: admin.Stopped(cfg)}, cfg, false, nil
}

// changed says, after a change to a stopped node's store, where the change went.
func (c *call) changed(cfg *config.Config, running bool) {
	if !running {
		fmt.Fprintf(c.err, "No node is running here; the change is in %s.\n", cfg.StorePath())
	}
}
