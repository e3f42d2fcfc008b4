//go:build !linux

package main

import (
	"context"
	"time"
)

const stall = 10 * time.Second

// playEpoll has no epoll here and plays the dearer way.
func playEpoll(ctx context.Context, l load) error { return playConns(ctx, l) }
