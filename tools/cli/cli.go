// Package cli runs a program that is a table of commands, with help that teaches and errors that say what to do.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Exit codes.
const (
	OK     = 0
	Failed = 1
	Misuse = 2
)

// ErrMisuse is wrapped when a command was called wrongly.
var ErrMisuse = errors.New("misuse")

// Wrong makes an error that wraps ErrMisuse.
func Wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMisuse}, args...)...)
}

// Program is a table of commands.
type Program struct {
	Name     string
	Intro    string // what it is, above the table
	Outro    string // how to begin, below it
	Commands []Command
}

// Command is one line of the table.
type Command struct {
	Name  string // one word, or two
	Args  string // "FILE", "[FILE]"
	Line  string // what it does, in one line
	Help  string // more, with examples
	Flags func(*flag.FlagSet)
	Min   int
	Max   int
	Run   func(Call) error
}

// Call is one invocation.
type Call struct {
	Args     []string
	Out, Err io.Writer
}

// Main runs the program on the process's own arguments; it does not return.
func (p Program) Main() { os.Exit(p.Run(os.Args[1:], os.Stdout, os.Stderr)) }

// Run finds the command and carries it out; it returns the exit code.
func (p Program) Run(args []string, out, err io.Writer) int {
	if len(args) == 0 {
		p.overview(err)
		return Misuse
	}
	isHelp := func(s string) bool { return slices.Contains([]string{"help", "-h", "-help", "--help"}, s) }
	if isHelp(args[0]) {
		if cmd, _ := p.find(args[1:]); cmd != nil {
			p.usage(out, *cmd)
		} else {
			p.overview(out)
		}
		return OK
	}
	cmd, rest := p.find(args)
	if cmd == nil {
		fmt.Fprintf(err, "%s: there is no command %q; see '%s help'\n", p.Name, strings.Join(args[:min(2, len(args))], " "), p.Name)
		return Misuse
	}
	c := Call{Out: out, Err: err}
	switch e := p.invoke(c, *cmd, rest); {
	case e == nil:
		return OK
	case errors.Is(e, ErrMisuse):
		fmt.Fprintf(err, "%s %s: %s\nMore: %s help %s\n", p.Name, cmd.Name, strings.TrimPrefix(e.Error(), ErrMisuse.Error()+": "), p.Name, cmd.Name)
		return Misuse
	default:
		fmt.Fprintf(err, "%s: %s\n", p.Name, strings.TrimPrefix(e.Error(), p.Name+": "))
		return Failed
	}
}

func (p Program) find(args []string) (*Command, []string) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		for i := range p.Commands {
			if p.Commands[i].Name == name {
				return &p.Commands[i], args[n:]
			}
		}
	}
	return nil, nil
}

// invoke takes flags from anywhere among the arguments.
func (p Program) invoke(c Call, cmd Command, args []string) error {
	fs := cmd.set()
	for len(args) > 0 {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			p.usage(c.Out, cmd)
			return nil
		} else if err != nil {
			return Wrong("%w", err)
		}
		if args = fs.Args(); len(args) > 0 {
			c.Args, args = append(c.Args, args[0]), args[1:]
		}
	}
	switch {
	case len(c.Args) < cmd.Min:
		return Wrong("it needs %s", cmd.Args)
	case len(c.Args) > cmd.Max:
		return Wrong("%q is too much", c.Args[cmd.Max])
	}
	return cmd.Run(c)
}

func (cmd Command) set() *flag.FlagSet {
	fs := flag.NewFlagSet(cmd.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if cmd.Flags != nil {
		cmd.Flags(fs)
	}
	return fs
}

func (p Program) overview(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", p.Intro)
	width := 0
	for _, c := range p.Commands {
		width = max(width, len(c.Name)+1+len(c.Args))
	}
	for _, c := range p.Commands {
		fmt.Fprintf(w, "  %s %-*s  %s\n", p.Name, width, strings.TrimSpace(c.Name+" "+c.Args), c.Line)
	}
	fmt.Fprintf(w, "\nEach takes --help. %s\n", strings.TrimSpace(p.Outro))
}

func (p Program) usage(w io.Writer, cmd Command) {
	fmt.Fprintf(w, "Usage: %s %s\n\n%s.\n", p.Name, strings.TrimSpace(cmd.Name+" [flags] "+cmd.Args), strings.ToUpper(cmd.Line[:1])+cmd.Line[1:])
	if cmd.Help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.Trim(cmd.Help, "\n"))
	}
	first := true
	cmd.set().VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprintln(w)
			first = false
		}
		arg, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-22s %s\n", strings.TrimSpace("--"+f.Name+" "+arg), text)
	})
}
