package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitMisuse  = 2
	exitStopped = 3 // status, emcon: the server is not running
)

// version is set by the linker.
var version = ""

// command is one line of the table of commands.
type command struct {
	name  string
	args  string
	line  string
	flags func(*flag.FlagSet, *call)
	min   int
	max   int
	run   func(*call) error
}

// call is one invocation of a command.
type call struct {
	ctx      context.Context
	args     []string
	out, err io.Writer

	config, control string
	json            bool
	channel         channelFlags
}

// errMisuse is wrapped when a command was called wrongly.
var errMisuse = errors.New("misuse")

func commands() []command {
	config := func(fs *flag.FlagSet, c *call) {
		fs.StringVar(&c.config, "config", "", "the config `file`; "+systemPath)
	}
	ask := func(fs *flag.FlagSet, c *call) {
		config(fs, c)
		fs.StringVar(&c.control, "control", "", "the control `socket`, instead of that of the config")
	}
	return []command{
		{"run", "", "serve clients until stopped; SIGHUP reads the config again", config, 0, 0, serve},
		{"check", "", "find every mistake in the config", config, 0, 0, check},
		{"config example", "", "print a config with every setting and what it means", nil, 0, 0, example},
		{"status", "", "how a running server, or channel, stands", func(fs *flag.FlagSet, c *call) {
			ask(fs, c)
			fs.BoolVar(&c.json, "json", false, "for programs")
		}, 0, 0, status},
		{"emcon", "on|off", "stop all transmissions at once, or allow them again", ask, 1, 1, emcon},
		{"channel", "", "serve a simulated HF channel to several servers", channelOptions, 0, 0, serveChannel},
		{"version", "", "which one this is", nil, 0, 0, func(c *call) error {
			_, err := fmt.Fprintln(c.out, "s5066d", versionText())
			return err
		}},
	}
}

// run finds the command and carries it out; it returns the exit code.
func run(ctx context.Context, args []string, out, err io.Writer) int {
	if len(args) == 0 {
		overview(err)
		return exitMisuse
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		overview(out)
		return exitOK
	}
	for _, cmd := range commands() {
		words := strings.Fields(cmd.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			c := &call{ctx: ctx, out: out, err: err}
			return outcome(c, cmd, invoke(c, cmd, args[len(words):]))
		}
	}
	fmt.Fprintf(err, "s5066d: there is no command %q; see 's5066d help'\n", strings.Join(args[:min(2, len(args))], " "))
	return exitMisuse
}

// invoke takes flags from anywhere among the arguments.
func invoke(c *call, cmd command, args []string) error {
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if cmd.flags != nil {
		cmd.flags(fs, c)
	}
	for len(args) > 0 {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			usage(c.out, cmd, fs)
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %w", errMisuse, err)
		}
		if args = fs.Args(); len(args) > 0 {
			c.args, args = append(c.args, args[0]), args[1:]
		}
	}
	switch {
	case len(c.args) < cmd.min:
		return fmt.Errorf("%w: it needs %s", errMisuse, cmd.args)
	case len(c.args) > cmd.max:
		return fmt.Errorf("%w: %q is too much", errMisuse, c.args[cmd.max])
	}
	return cmd.run(c)
}

// outcome tells an error and chooses the exit code.
func outcome(c *call, cmd command, err error) int {
	var faults Faults
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errMisuse):
		fmt.Fprintf(c.err, "s5066d %s: %s\nMore: s5066d %s --help\n", cmd.name, strings.TrimPrefix(err.Error(), "misuse: "), cmd.name)
		return exitMisuse
	case errors.As(err, &faults):
		fmt.Fprintln(c.err, faults.Error())
		return exitFailed
	}
	fmt.Fprintf(c.err, "s5066d: %s\n", strings.TrimPrefix(err.Error(), "s5066d: "))
	if errors.Is(err, errStopped) {
		return exitStopped
	}
	return exitFailed
}

func overview(w io.Writer) {
	fmt.Fprint(w, "S5066d is a STANAG 5066 server.\n\nUsage: s5066d COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-18s %s\n", strings.TrimSpace(c.name+" "+c.args), c.line)
	}
	fmt.Fprintf(w, "\n's5066d COMMAND --help' tells more. The config is %s unless --config names another.\n", systemPath)
}

func usage(w io.Writer, cmd command, fs *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: s5066d %s\n\n%s.\n\n", strings.TrimSpace(cmd.name+" [flags] "+cmd.args), strings.ToUpper(cmd.line[:1])+cmd.line[1:])
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// versionText is the version that was set, or the revision it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "devel"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
