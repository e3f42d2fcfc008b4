//go:build !linux

package main

import (
	"context"
	"time"
)

const stall = 10 * time.Second

// playEpoll has no epoll here and plays the dearer way.
func (g *game) playEpoll(ctx context.Context, balls int, c clock) error {
	return g.playConns(ctx, balls, c)
}
