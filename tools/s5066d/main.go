// S5066d is a STANAG 5066 server: clients bind to it by TCP, serial line or vsock, and it carries their data over an HF modem, a real one
// or one on a simulated channel, which it can serve too. See 's5066d help'.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks; when it is answered too slowly, the second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
