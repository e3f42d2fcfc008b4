package store

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// OnUndo runs f when the operation that calls it comes to nothing: it fails or panics, is run again, or its commit fails.
// f never runs after a good commit, nor for an operation that succeeds without writing anything. Of several, the last
// runs first. It is for memory that follows what the operations do: f puts back what was there before, so that the next
// operation, or the same one run again, finds the memory as the file is. f runs on the committer, must be brief, and must not
// use the Tx.
func (tx *Tx) OnUndo(f func()) {
	if !tx.writable {
		panic("store: OnUndo in a View")
	}
	tx.hooks = append(tx.hooks, f)
}

// undone runs the hooks from the n-th on, and forgets them.
func (tx *Tx) undone(n int) {
	for i := len(tx.hooks) - 1; i >= n; i-- {
		f := tx.hooks[i]
		tx.hooks = tx.hooks[:i]
		runHook(f)
	}
}

// runHook keeps a hook that panics from keeping the others from running.
func runHook(f func()) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("store: taking back what an operation did in memory panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
}
