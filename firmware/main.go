// Longwire is an XMPP node for places whose only way out is a bad link. See 'longwire help'.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/node"
	"longwire/firmware/supervise"
)

func main() {
	// The first signal asks; when it is answered too slowly, the second one kills.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], std{os.Stdin, os.Stdout, os.Stderr}))
}

// serve runs a node until ctx is done. SIGHUP makes it read its config again.
func serve(ctx context.Context, cfg *config.Config, std std) error {
	sink := supervise.NewLog(std.err)
	if err := sink.Set(cfg.Log.Level, cfg.Log.Format); err != nil {
		return err
	}
	log := sink.Logger()
	log.Info("longwire starts", "version", versionText(), "config", orDefaults(cfg.File), "data", cfg.Data)
	for _, w := range cfg.Warnings {
		log.Warn("config", "warning", w.String())
	}
	inherited, err := supervise.Inherited()
	if err != nil {
		return err
	}
	n, err := node.New(cfg, node.Options{Version: versionText(), Log: sink, Notify: &supervise.Notify{Log: log}, Inherited: inherited})
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go reloads(ctx, admin.Running(n), hup, log)
	if err := n.Run(ctx); err != nil {
		return err
	}
	log.Info("longwire stopped")
	return nil
}

// reloads carries out a reload for each signal.
func reloads(ctx context.Context, a *admin.Admin, hup <-chan os.Signal, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		file, changed, warnings, err := a.Reload()
		if err != nil {
			log.Error("reload refused; the old config goes on", "config", orDefaults(file), "err", err)
			continue
		}
		for _, w := range warnings {
			log.Warn("config", "warning", w.String())
		}
		log.Info("reloaded", "config", orDefaults(file), "changed", changed)
	}
}

func orDefaults(file string) string {
	if file == "" {
		return "none; embedded defaults"
	}
	return file
}
