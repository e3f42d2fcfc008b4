// Command s5066con is the S5066 console: it binds to a SAP of a SIS server and tries what can be done from there. Alone it opens a
// screen; with a subcommand it does one thing, for people and, with -json, for scripts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"longwire/tools/s5066con/settings"
)

// version is set by the build.
var version = "devel"

// Exit codes, which scripts rely on.
const (
	exitGood        = 0
	exitNothing     = 1   // it was tried, and nothing or not enough came back
	exitMisuse      = 2   // flags, addresses, settings
	exitUnreachable = 3   // the server
	exitRefused     = 4   // the bind
	exitLost        = 5   // the bind, on the way
	exitAir         = 6   // it would take more air than -max-air
	exitStopped     = 130 // by the operator
)

// An app is the program with its surroundings, so that tests have their own.
type app struct {
	in       io.Reader
	out, err io.Writer
	path     string // of the settings
	dial     func(settings.Server) (dialer, error)
	rand     func() *rand.Rand // nil: a good one
}

// A command is one subcommand.
type command struct {
	name, args, short string
	long              string
	run               func(context.Context, *app, *options, []string) int
	flags             func(*options)
}

func commands() []command {
	return []command{discoverCommand(), pingCommand(), testCommand(), chatCommand(), linkCommand(), listenCommand(), probeCommand(), serversCommand()}
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	path, err := settings.Path()
	if err != nil {
		path = "s5066con.json"
	}
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, path: path, dial: dial}
	code := a.main(ctx, os.Args[1:])
	cancel()
	os.Exit(code)
}

// main runs a command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") && !isHelp(args[0]) && args[0] != "-version" && args[0] != "--version" {
		return a.screen(ctx, args)
	}
	if isHelp(args[0]) || args[0] == "help" && len(args) == 1 {
		fmt.Fprint(a.out, a.help())
		return exitGood
	}
	if args[0] == "help" {
		args = []string{args[1], "-help"}
	}
	if strings.TrimLeft(args[0], "-") == "version" {
		fmt.Fprintln(a.out, "s5066con", version)
		return exitGood
	}
	for _, c := range commands() {
		if c.name == args[0] {
			o, rest, err := a.parse(c, args[1:])
			if errors.Is(err, errHelp) {
				return exitGood
			}
			if err != nil {
				return a.misuse(err, "see: s5066con "+c.name+" -help")
			}
			return c.run(ctx, a, o, rest)
		}
	}
	return a.misuse(fmt.Errorf("s5066con: there is no command %q", args[0]), "see: s5066con -help")
}

func isHelp(s string) bool { return s == "-h" || s == "-help" || s == "--help" }

func (a *app) misuse(err error, hint string) int {
	fmt.Fprintln(a.err, err)
	if hint != "" {
		fmt.Fprintln(a.err, hint)
	}
	return exitMisuse
}

// help is what -help alone says.
func (a *app) help() string {
	var b strings.Builder
	b.WriteString(`s5066con is the S5066 console. It works with any STANAG 5066 SIS server.

  s5066con [-server X]                 opens the screen
  s5066con COMMAND [flags] ...         does one thing; "s5066con COMMAND -help" teaches it

`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-26s %s\n", c.name+" "+c.args, c.short)
	}
	b.WriteString(`
A first try, with a server on this machine and another station 1.1.0.2:

  s5066con discover                    who else has a console open? (one broadcast)
  s5066con ping 1.1.0.2                is the station alive? (one U_PDU, and its answer)
  s5066con test -rate 300 1.1.0.2      how fast is the way, and what gets lost?
  s5066con listen                      at the other station: answer such probes

Nothing is sent that was not asked for. Only "listen", and the screen when it is told to, answer others.

` + exitHelp)
	return b.String()
}

const exitHelp = `Exit codes:
  0  good               3  the server cannot be reached     6  would take more air than -max-air
  1  nothing came back  4  the server refused the bind    130  stopped by the operator
  2  wrong use          5  the bind was lost on the way
`
